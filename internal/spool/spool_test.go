package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/fault"
	"moonbear/internal/spool"
	"moonbear/internal/spool/powercut"
)

// open opens a spool on the real disk and returns what stops and closes it.
func open(t *testing.T, o spool.Options) (s *spool.Spool, stop func()) {
	t.Helper()
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ran, s.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

func add(t *testing.T, s *spool.Spool, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := s.Append(t.Context(), []byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

// all reads everything from a position on.
func all(t *testing.T, s *spool.Spool, from int64) (records []string) {
	t.Helper()
	for {
		next, err := s.Read(t.Context(), from, 4<<10, func(_ int64, r []byte) error {
			records = append(records, string(r))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if next == from {
			return records
		}
		from = next
	}
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %.200q\nwant %.200q", got, want)
	}
}

func TestAppendAndRead(t *testing.T) {
	dir := t.TempDir()
	big := strings.Repeat("b", 5<<20) // larger than a segment, and than what Read is asked for
	s, stop := open(t, spool.Options{Dir: dir, SegmentBytes: 64 << 10, Metrics: prometheus.NewPedanticRegistry()})
	id := s.ID()
	want := []string{"one", "", "three", big, "five"}
	add(t, s, want...)
	equal(t, all(t, s, 0), want)
	stop()
	s, _ = open(t, spool.Options{Dir: dir, SegmentBytes: 64 << 10})
	if s.ID() != id || s.Opened() != s.Durable() {
		t.Errorf("reopened as %s at %d of %d, was %s", s.ID(), s.Opened(), s.Durable(), id)
	}
	add(t, s, "six")
	equal(t, all(t, s, 0), append(want, "six"))
}

func TestReadStopsWhereItIsTold(t *testing.T) {
	s, _ := open(t, spool.Options{Dir: t.TempDir()})
	add(t, s, "a", "b", "c")
	enough := errors.New("enough")
	var at int64
	next, err := s.Read(t.Context(), 0, 1<<20, func(pos int64, r []byte) error {
		if string(r) == "b" {
			at = pos
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || next != at || at != 1+spool.RecordOverhead {
		t.Errorf("Read stopped at %d with %v, b is at %d", next, err, at)
	}
	equal(t, all(t, s, next), []string{"b", "c"})
	if _, err := s.Read(t.Context(), s.Durable()+1, 1, nil); err == nil {
		t.Error("reading behind the end is no error")
	}
}

// A spool says that it is well again although nobody tries to append.
func TestWellAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := powercut.New()
		s, stop := open(t, spool.Options{Dir: "spool", FS: d, SegmentBytes: 4 << 10})
		defer stop()
		add(t, s, "a")
		for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
			synctest.Wait() // there is a spare
			d.FailAt(1, 1<<30, cause)
			want := spool.ErrFailed
			if cause == syscall.ENOSPC {
				want = spool.ErrFull
			}
			if err := s.Append(t.Context(), []byte("b")); !errors.Is(err, want) {
				t.Fatalf("%v: Append answers %v", cause, err)
			}
			time.Sleep(time.Minute)
			if err := s.Healthy(); !errors.Is(err, want) {
				t.Errorf("%v for a minute, and the spool says: %v", cause, err)
			}
			d.FailAt(0, 0, nil)
			time.Sleep(3 * time.Second)
			if err := s.Healthy(); err != nil {
				t.Errorf("three seconds after %v the spool says: %v", cause, err)
			}
			add(t, s, "c")
		}
		equal(t, all(t, s, 0), []string{"a", "c", "c"})
	})
}

func TestRefusals(t *testing.T) {
	t.Run("too large", func(t *testing.T) {
		s, _ := open(t, spool.Options{Dir: t.TempDir()})
		if err := s.Append(t.Context(), make([]byte, spool.MaxRecord+1)); !errors.Is(err, spool.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("full, until something is released", func(t *testing.T) {
		s, _ := open(t, spool.Options{Dir: t.TempDir(), MaxBytes: 64 << 10, SegmentBytes: 16 << 10})
		record := make([]byte, 1000)
		n := 0
		var err error
		for ; err == nil; n++ {
			err = s.Append(t.Context(), record)
		}
		if !errors.Is(err, spool.ErrFull) || n < 60 || n > 66 {
			t.Fatalf("after %d records of 1000 bytes: %v", n, err)
		}
		if f, ok := fault.From(err); !ok || f.Kind != fault.Unavailable || f.RetryAfter == 0 {
			t.Errorf("%v is answered as %+v, want 503 with Retry-After", err, f)
		}
		if err := s.Healthy(); !errors.Is(err, spool.ErrFull) {
			t.Errorf("a full spool says it is well: %v", err)
		}
		if err := s.Release(s.Durable()); err != nil {
			t.Fatal(err)
		}
		add(t, s, "there is room")
		if _, err := s.Read(t.Context(), 0, 1, nil); !errors.Is(err, spool.ErrReleased) {
			t.Errorf("reading what was released: %v", err)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		s, stop := open(t, spool.Options{Dir: t.TempDir()})
		stop()
		if err := s.Append(t.Context(), nil); !errors.Is(err, spool.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the client gave up", func(t *testing.T) {
		s, err := spool.Open(spool.Options{Dir: t.TempDir()}) // nobody runs it
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Append(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("two processes", func(t *testing.T) {
		dir := t.TempDir()
		open(t, spool.Options{Dir: dir})
		if _, err := spool.Open(spool.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("got %v", err)
		}
	})
}

// TestStopWritesWhatIsQueued: Append that was accepted before the end is
// answered with the truth.
func TestStopWritesWhatIsQueued(t *testing.T) {
	s, stop := open(t, spool.Options{Dir: t.TempDir()})
	var wg sync.WaitGroup
	var mu sync.Mutex
	acked := 0
	for range 50 {
		wg.Go(func() {
			for s.Append(context.Background(), []byte("x")) == nil {
				mu.Lock()
				acked++
				mu.Unlock()
			}
		})
	}
	if err := s.WaitDurable(t.Context(), 10_000); err != nil {
		t.Fatal(err)
	}
	stop()
	wg.Wait()
	if got := s.Durable() / (1 + spool.RecordOverhead); got != int64(acked) {
		t.Errorf("%d records are durable, %d were acknowledged", got, acked)
	}
}

func TestPendingMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(spool.Options{Dir: "spool", FS: powercut.New()}) // nobody runs it yet
		if err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 8)
		for range 8 {
			go func() { errs <- s.Append(context.Background(), make([]byte, 4<<20)) }()
		}
		synctest.Wait() // three fit into the 16 MiB that may wait, five wait for room
		ctx, stop := context.WithCancel(context.Background())
		ran := make(chan error)
		go func() { ran <- s.Run(ctx) }()
		for range 8 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		stop()
		if err := errors.Join(<-ran, s.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(spool.Options{Dir: "spool", FS: powercut.New()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ran := make(chan error)
		go func() { ran <- s.Run(ctx) }()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := s.WaitDurable(short, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing was written, and waiting says %v", err)
		}
		waited := make(chan error, 1)
		go func() { waited <- s.WaitDurable(ctx, 0) }()
		synctest.Wait()
		if err := s.Append(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if err := <-waited; err != nil || s.Durable() != spool.RecordOverhead {
			t.Errorf("%v at %d", err, s.Durable())
		}
		stop()
		if err := errors.Join(<-ran, s.Close()); err != nil {
			t.Error(err)
		}
	})
}

// segments are the files of a log, oldest first.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// damaged makes a log of several segments, closes it, and lets change do
// something to the files.
func damaged(t *testing.T, change func(dir string, segments []string)) (dir string, want []string) {
	dir = t.TempDir()
	s, stop := open(t, spool.Options{Dir: dir, SegmentBytes: 4 << 10})
	for i := range 40 {
		want = append(want, fmt.Sprintf("%02d %s", i, strings.Repeat("x", 500)))
	}
	add(t, s, want...)
	stop()
	if n := len(segments(t, dir)); n < 4 {
		t.Fatalf("%d segments, want several", n)
	}
	change(dir, segments(t, dir))
	return dir, want
}

func edit(t *testing.T, name string, f func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamageIsRaised: what was durable and is not what was written is raised,
// kept, and only it is missing.
func TestDamageIsRaised(t *testing.T) {
	const second = 64 + 503 + spool.RecordOverhead // the second record of a segment
	tests := []struct {
		name    string
		segment int
		change  func(b []byte) []byte
		missing []int // of the records
	}{
		{"a payload", 1, func(b []byte) []byte { b[second+100] ^= 1; return b }, []int{8}},
		{"a header", 1, func(b []byte) []byte { b[second+1] ^= 1; return b }, []int{8}},
		{"across two records", 1, func(b []byte) []byte { clear(b[second+400 : second+600]); return b }, []int{8, 9}},
		{"the end of a segment is gone", 1, func(b []byte) []byte { return b[:second+100] }, []int{8, 9, 10, 11, 12, 13}},
		{"in the last segment, batches before its end", 5, func(b []byte) []byte { b[second+100] ^= 1; return b }, []int{36}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, want := damaged(t, func(dir string, segments []string) { edit(t, segments[tt.segment], tt.change) })
			s, _ := open(t, spool.Options{Dir: dir, SegmentBytes: 4 << 10})
			add(t, s, "after")
			var got []string
			raised := 0
			for pos := int64(0); pos < s.Durable(); {
				next, err := s.Read(t.Context(), pos, 4<<10, func(_ int64, r []byte) error {
					got = append(got, string(r))
					return nil
				})
				var d *spool.Damage
				if errors.As(err, &d) {
					raised++
					path, err := s.SetAside(d.From, d.To)
					if err != nil {
						t.Fatal(err)
					}
					if st, err := os.Stat(path); err != nil || st.Size() != d.To-d.From {
						t.Errorf("%s: %v, want %d bytes", path, err, d.To-d.From)
					}
					next = d.To
				} else if err != nil {
					t.Fatal(err)
				}
				pos = next
			}
			if raised == 0 {
				t.Error("nothing was raised")
			}
			var left []string
			for i, r := range want {
				lost := false
				for _, m := range tt.missing {
					lost = lost || i == m
				}
				if !lost {
					left = append(left, r)
				}
			}
			equal(t, got, append(left, "after"))
		})
	}
}

func TestOpenLooksAtItsFiles(t *testing.T) {
	tests := []struct {
		name    string
		change  func(dir string, segments []string)
		wantErr string // "" opens
		wantLog string
	}{
		{"the id file is lost", func(dir string, _ []string) { os.Remove(filepath.Join(dir, "id")) }, "", ""},
		{"the id file is damaged", func(dir string, _ []string) {
			edit(t, filepath.Join(dir, "id"), func([]byte) []byte { return []byte("{}") })
		},
			"id file is damaged", ""},
		{"a newer version's id file", func(dir string, _ []string) {
			edit(t, filepath.Join(dir, "id"), func([]byte) []byte { return []byte(`{"version":9}`) })
		},
			"newer version", ""},
		{"a segment's header is damaged", func(_ string, s []string) { edit(t, s[2], func(b []byte) []byte { b[20]++; return b }) },
			"", "segment is damaged"},
		{"a segment has another's name", func(dir string, s []string) { os.Rename(s[2], filepath.Join(dir, "00000000000000000077.seg")) },
			"", "segment is damaged"},
		{"another spool's id", func(dir string, _ []string) {
			edit(t, filepath.Join(dir, "id"), func(b []byte) []byte { return bytes.Replace(b, b[22:26], []byte("beef"), 1) })
		}, "another spool", ""},
		{"an unfinished spare", func(dir string, _ []string) { os.WriteFile(filepath.Join(dir, "spare"), []byte("x"), 0o600) }, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := damaged(t, tt.change)
			var log bytes.Buffer
			s, err := spool.Open(spool.Options{Dir: dir, SegmentBytes: 4 << 10, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Fatalf("Open says %v, want %q", err, tt.wantErr)
			}
			if !strings.Contains(log.String(), tt.wantLog) || tt.wantLog == "" && log.Len() > 0 {
				t.Errorf("the log says %q, want %q", &log, tt.wantLog)
			}
			if err == nil {
				if s.Durable() == 0 {
					t.Error("the records are gone")
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
