package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"moonbear/internal/spool"
	"moonbear/internal/spool/powercut"
)

// world is what is known outside the machine whose power is cut: what clients
// were told, and what an event store (whose commits are durable) was given.
type world struct {
	mu       sync.Mutex
	appended map[string]bool
	acked    map[string]bool
	loaded   []string
	loadedTo int64
	lives    int
	id       string       // the spool's, as the store knows it
	scrub    bool         // what is loaded is scrubbed, beside the appends
	resend   bool         // clients send a refused record again, as those with an Idempotency-Key do
	alarms   bytes.Buffer // what the spool logged as an error
}

func newWorld() *world { return &world{appended: map[string]bool{}, acked: map[string]bool{}} }

const (
	clients = 8
	phases  = 4
)

func (w *world) open(d *powercut.Disk) (*spool.Spool, error) {
	w.alarms.Reset()
	log := slog.New(slog.NewTextHandler(&w.alarms, &slog.HandlerOptions{Level: slog.LevelError}))
	return spool.Open(spool.Options{Dir: "spool", FS: d, Log: log, SegmentBytes: 4 << 10, MaxBytes: 1 << 20})
}

// append adds n records of one client, and goes on after an error as clients do.
func (w *world) append(ctx context.Context, s *spool.Spool, life, client, phase, n int, r *rand.Rand) {
	for i := range n {
		id := fmt.Sprintf("%d/%d/%d/%d/", life, client, phase, i)
		record := id + strings.Repeat("x"+id, 40)[:r.IntN(300)]
		w.mu.Lock()
		w.appended[record] = true
		w.mu.Unlock()
		err := s.Append(ctx, []byte(record))
		for try := 0; err != nil && w.resend && try < 50; try++ {
			time.Sleep(time.Second)
			err = s.Append(ctx, []byte(record))
		}
		if err == nil {
			w.mu.Lock()
			w.acked[record] = true
			w.mu.Unlock()
		}
	}
}

// load reads what is durable, as load does, and releases some of it.
func (w *world) load(ctx context.Context, s *spool.Spool, release bool) error {
	w.id = s.ID()
	for {
		var got []string
		next, err := s.Read(ctx, w.loadedTo, 3000, func(_ int64, record []byte) error {
			got = append(got, string(record))
			return nil
		})
		if err != nil {
			return err
		}
		w.loaded = append(w.loaded, got...)
		if next == w.loadedTo {
			break
		}
		w.loadedTo = next
	}
	if release {
		return s.Release(w.loadedTo)
	}
	return nil
}

// live opens the spool on d, works with it and closes it.
func (w *world) live(d *powercut.Disk, seed uint64) error {
	w.lives++
	life := w.lives
	s, err := w.open(d)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- s.Run(ctx) }()
	var errs []error
	for phase := range phases {
		var wg sync.WaitGroup
		for c := range clients {
			r := rand.New(rand.NewPCG(seed, uint64(phase*clients+c)))
			wg.Go(func() { w.append(ctx, s, life, c, phase, 3, r) })
		}
		if w.scrub && phase%2 == 1 {
			errs = append(errs, w.scrubbed(ctx, s, d))
		}
		wg.Wait()
		errs = append(errs, w.load(ctx, s, phase%2 == 1))
		time.Sleep(3 * time.Second) // the bubble's clock: longer than any backoff
	}
	stop()
	return errors.Join(append(errs, <-ran, s.Close())...)
}

// check reopens what a power cut left and compares it with the world.
func (w *world) check(d *powercut.Disk) error {
	s, err := w.open(d)
	if err != nil {
		return fmt.Errorf("reopen: %w", err)
	}
	defer s.Close()
	if w.alarms.Len() > 0 {
		return fmt.Errorf("a false alarm: %s", &w.alarms)
	}
	if w.loadedTo > 0 && s.ID() != w.id {
		return fmt.Errorf("the spool was %s and is %s", w.id, s.ID())
	}
	if s.Opened() < w.loadedTo || s.Oldest() > w.loadedTo {
		return fmt.Errorf("the store has read up to %d, the log is %d to %d", w.loadedTo, s.Oldest(), s.Opened())
	}
	if err := w.load(context.Background(), s, false); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if err := sameCopies(s); err != nil {
		return err
	}
	return w.compare()
}

// compare checks acknowledged ⊆ recovered ⊆ appended, once each, in order.
func (w *world) compare() error {
	seen := map[string]bool{}
	last := map[string]string{}
	for _, record := range w.loaded {
		if !w.appended[record] {
			return fmt.Errorf("%.20q was never appended", record)
		}
		if seen[record] {
			return fmt.Errorf("%.20q is there twice", record)
		}
		seen[record] = true
		parts := strings.SplitN(record, "/", 5)
		client := parts[0] + "/" + parts[1]
		place := parts[2] + "/" + parts[3]
		if place <= last[client] {
			return fmt.Errorf("client %s: %s comes after %s", client, place, last[client])
		}
		last[client] = place
	}
	for record := range w.acked {
		if !seen[record] {
			return fmt.Errorf("%.20q was acknowledged and is lost", record)
		}
	}
	return nil
}

// TestPowerCut cuts the power at every call of two lives of a spool, lets
// nothing, everything or some of what was not synced survive, and cuts the
// next life too.
func TestPowerCut(t *testing.T) {
	const chances = 4 // Some is by chance: more than one draw at each call
	for _, survival := range powercut.Survivals() {
		t.Run(survival.String(), func(t *testing.T) {
			atEveryCall(t, func(t *testing.T, at int) (done bool) {
				n := 1
				if survival == powercut.Some {
					n = chances
				}
				for i := range n {
					done = cutOnce(t, at, survival, uint64(i), false)
				}
				return done
			})
		})
	}
}

// atEveryCall runs try with the calls from 1 on, until it says that the work
// ended before that call.
func atEveryCall(t *testing.T, try func(t *testing.T, at int) (done bool)) {
	for at := 1; ; at++ {
		done := false
		synctest.Test(t, func(t *testing.T) { done = try(t, at) })
		if t.Failed() {
			return
		}
		if done && at < 100 {
			t.Fatalf("only %d calls: the work is too small to mean anything", at)
		}
		if done {
			t.Logf("%d calls", at)
			return
		}
	}
}

func cutOnce(t *testing.T, at int, survival powercut.Survival, seed uint64, scrub bool) (done bool) {
	r := rand.New(rand.NewPCG(uint64(at), seed))
	w := newWorld()
	w.scrub = scrub
	d := powercut.New()
	d.CutAt(at)
	err := errors.Join(w.live(d, 1), w.live(d, 2))
	done = d.Calls() < at
	if done && err != nil {
		t.Fatalf("nothing was cut, and yet: %v", err)
	}
	report := func(what string, err error) {
		if err != nil {
			t.Fatalf("%s at call %d: %v\n%s", what, at, err, d.Trace())
		}
	}
	next := d.Restart(survival, r)
	report("cut", w.check(next))
	// Once more, from what was recovered, with the cut anywhere.
	next = next.Restart(powercut.Nothing, r)
	next.CutAt(1 + r.IntN(200))
	_ = w.live(next, 3) // fails at the cut, as it should
	d = next
	report("second cut, after one", w.check(next.Restart(survival, r)))
	return done
}

// TestKillThenPowerCut kills the process at every call, lets the next one read
// what the page cache kept, and cuts the power: what a store was given must
// not be taken back.
func TestKillThenPowerCut(t *testing.T) {
	atEveryCall(t, func(t *testing.T, at int) (done bool) {
		r := rand.New(rand.NewPCG(uint64(at), 1))
		w := newWorld()
		d := powercut.New()
		d.CutAt(at)
		_ = errors.Join(w.live(d, 1), w.live(d, 2))
		done = d.Calls() < at
		next := d.Kill()
		if err := w.check(next); err != nil {
			t.Fatalf("kill at call %d: %v\n%s", at, err, d.Trace())
		}
		if err := w.check(next.Restart(powercut.Nothing, r)); err != nil {
			t.Fatalf("power cut after a kill at call %d: %v\n%s\n%s", at, err, d.Trace(), next.Trace())
		}
		return done
	})
}

// TestDiskErrors lets every call fail, once or for a while, and cuts the power
// at the end. The spool has to recover without being restarted.
func TestDiskErrors(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		count int
	}{
		{"no space, once", syscall.ENOSPC, 1},
		{"no space, for a while", syscall.ENOSPC, 40},
		{"I/O error, once", syscall.EIO, 1},
		{"I/O error, for a while", syscall.EIO, 25},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			atEveryCall(t, func(t *testing.T, at int) bool { return failOnce(t, at, tt.count, tt.err, false, false) })
		})
		// What was refused although its bytes reached the disk must not be
		// there twice when it is sent again.
		t.Run(tt.name+", and sent again", func(t *testing.T) {
			atEveryCall(t, func(t *testing.T, at int) bool { return failOnce(t, at, tt.count, tt.err, true, false) })
		})
	}
}

func failOnce(t *testing.T, at, count int, cause error, resend, scrub bool) (done bool) {
	r := rand.New(rand.NewPCG(uint64(at), uint64(count)))
	w := newWorld()
	w.resend, w.scrub = resend, scrub
	d := powercut.New()
	d.FailAt(at, count, cause)
	_ = w.live(d, 1) // may say what failed; what counts is below
	// The second life ends without a word: no Close, straight into the cut.
	for range 100 { // opening fails while the disk does
		if s, err := w.open(d); err == nil {
			recoverAlone(t, w, s, d, at)
			break
		}
	}
	for _, survival := range powercut.Survivals() {
		copy := &world{appended: w.appended, acked: w.acked, loaded: append([]string(nil), w.loaded...),
			loadedTo: w.loadedTo, id: w.id}
		if err := copy.check(d.Restart(survival, r)); err != nil {
			t.Fatalf("%v at call %d, then a cut where %s survives: %v\n%s", cause, at, survival, err, d.Trace())
		}
	}
	return d.Calls() < at
}

// recoverAlone appends until the disk is well again, and then once more.
func recoverAlone(t *testing.T, w *world, s *spool.Spool, d *powercut.Disk, at int) {
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- s.Run(ctx) }()
	stored := 0
	for i := 0; i < 100 && stored < 3; i++ {
		record := fmt.Sprintf("9/0/%02d/0/", i)
		w.appended[record] = true
		err := s.Append(ctx, []byte(record))
		if err == nil {
			w.acked[record] = true
			stored++
			continue
		}
		if !errors.Is(err, spool.ErrFull) && !errors.Is(err, spool.ErrFailed) {
			t.Errorf("call %d: Append answers %v", at, err)
		}
		time.Sleep(3 * time.Second)
	}
	if stored < 3 {
		t.Errorf("call %d: the spool does not recover by itself\n%s", at, d.Trace())
	}
	stop()
	if err := <-ran; err != nil {
		t.Errorf("call %d: Run: %v", at, err)
	}
}
