package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"moonbear/internal/spool"
	"moonbear/internal/spool/powercut"
)

// holders are the files below dir that hold a text.
func holders(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			names = append(names, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// readTo is a store: what Scrub wants stored it reads from where it was.
type readTo struct {
	s       *spool.Spool
	records []string
	pos     int64
}

func (r *readTo) stored(ctx context.Context, to int64) error {
	for r.pos < to {
		next, err := r.s.Read(ctx, r.pos, 4<<10, func(_ int64, b []byte) error {
			r.records = append(r.records, string(b))
			return nil
		})
		if err != nil {
			return err
		}
		r.pos = next
	}
	return nil
}

// noSpares is a file system on which no spare can be made while it is told so,
// so that a released segment becomes it.
type noSpares struct {
	spool.OS
	on atomic.Bool
}

func (f *noSpares) Create(name string) (spool.File, error) {
	if f.on.Load() && filepath.Base(name) == "spare" {
		return nil, syscall.ENOSPC
	}
	return f.OS.Create(name)
}

// reused fills the active segment, begins another and releases the first: it
// is the spare then. It is called in a bubble.
func (f *noSpares) reused(t *testing.T, s *spool.Spool, dir, record string) {
	t.Helper()
	until := func(names int) {
		t.Helper()
		for range 100 {
			if len(segments(t, dir)) == names {
				return
			}
			add(t, s, record)
		}
		t.Fatalf("no more than %d segments", len(segments(t, dir)))
	}
	until(1)
	synctest.Wait() // there is a spare
	f.on.Store(true)
	until(2)
	synctest.Wait() // and now none can be made
	if err := s.Release(s.Durable()); err != nil {
		t.Fatal(err)
	}
	f.on.Store(false)
	if !slices.Contains(holders(t, dir, record), "spare") {
		t.Fatal("a released segment is not the spare")
	}
}

// TestScrub looks for a text everywhere the spool may keep one: in records of
// the last segment, in the spare, behind the records of a file that was used
// again, in what was set aside.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { testScrub(t, dir) })
}

func testScrub(t *testing.T, dir string) {
	const canary = "canary-Jm4xTq90sYpB"
	files := &noSpares{}
	o := spool.Options{Dir: dir, SegmentBytes: 16 << 10, FS: files}
	s, stop := open(t, o)
	whole := strings.Repeat(canary+" ", 50)
	files.reused(t, s, dir, whole)
	path, err := s.SetAside(s.Oldest(), s.Durable())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "00000000000000000007.seg.bad"), []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"spare", filepath.Base(path), "00000000000000000007.seg.bad"} {
		if got := holders(t, dir, canary); !slices.Contains(got, want) || len(got) != 4 {
			t.Fatalf("before, %s and a segment should hold the text, and %q do: this test could not fail", want, got)
		}
	}
	store := &readTo{s: s, pos: s.Oldest()}
	scrub := func() {
		t.Helper()
		store.pos = max(store.pos, s.Oldest())
		if err := s.Scrub(t.Context(), store.stored); err != nil {
			t.Fatal(err)
		}
		if got := holders(t, dir, canary); len(got) > 0 {
			t.Errorf("%q still hold the text", got)
		}
		if s.Bytes() != 0 || s.Oldest() != s.Durable() {
			t.Errorf("%d bytes are kept, from %d to %d", s.Bytes(), s.Oldest(), s.Durable())
		}
	}
	scrub()
	scrub() // with nothing there
	add(t, s, "after")
	equal(t, all(t, s, store.pos), []string{"after"})

	// Files are used again as before. One that is has old bytes behind its records.
	files.reused(t, s, dir, whole)
	files.on.Store(true)
	for range 16 {
		add(t, s, strings.Repeat("z", 1000))
	}
	synctest.Wait()
	if err := s.Release(s.Durable()); err != nil {
		t.Fatal(err)
	}
	files.on.Store(false)
	if got := holders(t, dir, canary); len(got) != 2 {
		t.Fatalf("%q hold the text, want the spare and the last segment", got)
	}
	scrub()

	// Closed and opened, without anybody who appends.
	add(t, s, whole)
	at := s.Durable()
	stop()
	if s, err = spool.Open(o); err != nil {
		t.Fatal(err)
	}
	store.s = s
	scrub()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context(), store.stored); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("scrubbing a closed spool: %v", err)
	}
	s, _ = open(t, o)
	if s.Opened() != at || s.Oldest() != at {
		t.Errorf("opened at %d with %d, was at %d", s.Opened(), s.Oldest(), at)
	}
	add(t, s, "on and on")
	equal(t, all(t, s, at), []string{"on and on"})
}

// TestScrubThatFails keeps what is not stored elsewhere.
func TestScrubThatFails(t *testing.T) {
	s, _ := open(t, spool.Options{Dir: t.TempDir(), SegmentBytes: 16 << 10})
	add(t, s, "one", "two")
	away := errors.New("the store is away")
	if err := s.Scrub(t.Context(), func(context.Context, int64) error { return away }); !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
	add(t, s, "three")
	equal(t, all(t, s, 0), []string{"one", "two", "three"})
}

// TestScrubBesideAppends scrubs over and over while hits come and are loaded:
// each is read once, in order.
func TestScrubBesideAppends(t *testing.T) {
	const writers, each = 8, 100
	s, _ := open(t, spool.Options{Dir: t.TempDir(), SegmentBytes: 16 << 10})
	var appending sync.WaitGroup
	for w := range writers {
		appending.Go(func() {
			for i := range each {
				if err := s.Append(t.Context(), fmt.Appendf(nil, "%d %03d %s", w, i, strings.Repeat("x", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { appending.Wait(); close(over) }()
	var mu sync.Mutex // one store, which loads by itself and when Scrub waits for it
	store := &readTo{s: s}
	stored := func(ctx context.Context, to int64) error {
		mu.Lock()
		defer mu.Unlock()
		return store.stored(ctx, to)
	}
	var loading sync.WaitGroup
	loading.Go(func() {
		for done := false; !done; {
			select {
			case <-over:
				done = true
			default:
			}
			to := s.Durable()
			if err := errors.Join(stored(t.Context(), to), s.Release(to)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	scrubs := 0
	for done := false; !done && !t.Failed(); scrubs++ {
		select {
		case <-over:
			done = true
		default:
		}
		if err := s.Scrub(t.Context(), stored); err != nil {
			t.Error(err)
		}
	}
	loading.Wait()
	next := map[string]int{}
	for _, r := range store.records {
		f := strings.Fields(r)
		if want := fmt.Sprintf("%03d", next[f[0]]); f[1] != want {
			t.Fatalf("of writer %s %s comes where %s should", f[0], f[1], want)
		}
		next[f[0]]++
	}
	if len(store.records) != writers*each || scrubs < 3 {
		t.Errorf("%d records were loaded of %d, in %d scrubs", len(store.records), writers*each, scrubs)
	}
}

// scrubbed scrubs what is loaded and looks for it on the disk, in whatever a
// power cut may leave.
func (w *world) scrubbed(ctx context.Context, s *spool.Spool, d *powercut.Disk) error {
	gone := 0
	err := s.Scrub(ctx, func(ctx context.Context, to int64) error {
		err := w.load(ctx, s, false)
		if err == nil && w.loadedTo < to {
			err = fmt.Errorf("Scrub wants %d bytes stored, %d are durable", to, w.loadedTo)
		}
		pos := int64(0)
		for gone < len(w.loaded) && pos < to {
			pos += int64(len(w.loaded[gone])) + spool.RecordOverhead
			gone++
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, record := range w.loaded[:gone] {
		id := "x" + record[:len("0/0/0/0/")] // it is filled with these
		if names := d.Holds(id); len(names) > 0 {
			return fmt.Errorf("%s was scrubbed and is in %q", id, names)
		}
	}
	return nil
}

// TestScrubAndPowerCut does what TestPowerCut does, with scrubs.
func TestScrubAndPowerCut(t *testing.T) {
	for _, survival := range powercut.Survivals() {
		t.Run(survival.String(), func(t *testing.T) {
			atEveryCall(t, func(t *testing.T, at int) bool { return cutOnce(t, at, survival, 0, true) })
		})
	}
}

// TestScrubAndDiskErrors does what TestDiskErrors does, with scrubs.
func TestScrubAndDiskErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		count int
	}{{"no space", syscall.ENOSPC, 1}, {"I/O error", syscall.EIO, 25}} {
		t.Run(tt.name, func(t *testing.T) {
			atEveryCall(t, func(t *testing.T, at int) bool { return failOnce(t, at, tt.count, tt.err, true, true) })
		})
	}
}
