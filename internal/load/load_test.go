package load_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/load"
	"moonbear/internal/spool"
	"moonbear/internal/spool/powercut"
)

// store is an event store in memory that can fail: before it commits, after
// it (so that the caller can't know), or by forgetting what it had.
type store struct {
	event.Store // the rest is not called
	mu          sync.Mutex
	names       []string // of the events, in order
	ends        []int    // len(names) after each batch, beside positions
	positions   []int64
	loaded      map[string]int64
	appends     int
	fail        func(n int) failure
}

type failure int

const (
	fine failure = iota
	before
	after
	forget // and fail: the last batch is not there any more
)

var errStore = errors.New("the store is ill")

func (s *store) Append(ctx context.Context, b *event.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.appends++
	f := fine
	if s.fail != nil {
		f = s.fail(s.appends)
	}
	switch have := s.loaded[b.Spool]; {
	case f == before:
		return errStore
	case f == forget:
		if n := len(s.positions); n > 0 {
			s.positions, s.ends = s.positions[:n-1], s.ends[:n-1]
			s.loaded[b.Spool] = 0
			s.names = s.names[:0]
			if n > 1 {
				s.loaded[b.Spool] = s.positions[n-2]
				s.names = s.names[:s.ends[n-2]]
			}
		}
		return errStore
	case b.To <= have:
		return nil
	case b.From < have:
		return fmt.Errorf("batch %d to %d overlaps %d", b.From, b.To, have)
	}
	for _, e := range b.Events {
		s.names = append(s.names, e.Name)
	}
	s.loaded[b.Spool] = b.To
	s.ends, s.positions = append(s.ends, len(s.names)), append(s.positions, b.To)
	if f == after {
		return errStore
	}
	return ctx.Err()
}

func (s *store) Loaded(_ context.Context, spool string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loaded[spool], nil
}

func (s *store) Select(context.Context, string, ...any) (*sql.Rows, error) { return nil, errStore }

// rig is a spool on a disk in memory, and everything that runs.
type rig struct {
	t      *testing.T
	disk   *powercut.Disk
	store  *store
	spool  *spool.Spool
	loader *load.Loader
	log    bytes.Buffer
	opts   load.Options
	max    int64    // of the spool, bytes
	fs     spool.FS // nil: disk
	stop   func()
}

func newRig(t *testing.T) *rig {
	return &rig{t: t, disk: powercut.New(), store: &store{loaded: map[string]int64{}}}
}

// start opens the spool and runs it, and a loader.
func (r *rig) start() {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	fs := r.fs
	if fs == nil {
		fs = r.disk
	}
	s, err := spool.Open(spool.Options{Dir: "spool", FS: fs, MaxBytes: r.max, SegmentBytes: 4 << 10, Log: log})
	if err != nil {
		r.t.Fatal(err)
	}
	o := r.opts
	o.Spool, o.Store, o.Log = s, r.store, log
	r.spool, r.loader = s, load.New(o)
	spoolCtx, stopSpool := context.WithCancel(context.Background())
	loadCtx, stopLoad := context.WithCancel(context.Background())
	ran, loaded := make(chan error, 1), make(chan error, 1)
	go func() { ran <- s.Run(spoolCtx) }()
	go func() { loaded <- r.loader.Run(loadCtx) }()
	r.stop = func() { // as app does: bottom last
		r.t.Helper()
		stopSpool()
		err := <-ran
		stopLoad()
		if err := errors.Join(err, <-loaded, s.Close()); err != nil {
			r.t.Error(err)
		}
	}
}

func (r *rig) append(from, to int) {
	r.t.Helper()
	for i := from; i < to; i++ {
		record := event.AppendEvent(nil, &event.Event{Site: 1, Time: int64(i), Name: name(i)})
		if err := r.spool.Append(context.Background(), record); err != nil {
			r.t.Fatal(err)
		}
	}
}

func name(i int) string { return fmt.Sprintf("e%04d", i) }

// want checks that the store has events 0 to n-1, once each, in order.
func (r *rig) want(n int) {
	r.t.Helper()
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	if len(r.store.names) != n {
		r.t.Fatalf("%d events are stored, want %d", len(r.store.names), n)
	}
	for i, got := range r.store.names {
		if got != name(i) {
			r.t.Fatalf("event %d is %s, want %s", i, got, name(i))
		}
	}
}

func TestFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		told := 0
		r.opts.OnStored = func(b *event.Batch) { told += len(b.Events) }
		r.start()
		r.append(0, 1)
		synctest.Wait()
		r.want(1) // at once after a pause: no time has passed
		for i := 1; i < 400; i++ {
			r.append(i, i+1)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		r.want(400)
		if bytes, age := r.loader.Lag(); bytes != 0 || age != 0 {
			t.Errorf("lag is %d bytes and %v, want none", bytes, age)
		}
		if r.store.appends > 19 { // 4.24 s
			t.Errorf("%d batches in four seconds, want about four a second", r.store.appends)
		}
		if r.spool.Oldest() == 0 {
			t.Error("nothing was released")
		}
		r.stop()
		if told != 400 {
			t.Errorf("OnStored was told of %d events, want 400", told)
		}
	})
}

// Hits as large as they may be must not make a batch of hundreds of megabytes
// after the store was away.
func TestBatchIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		largest, events := int64(0), 0
		down := true
		r.store.fail = func(int) failure {
			if down {
				return before
			}
			return fine
		}
		r.opts.OnStored = func(b *event.Batch) { largest, events = max(largest, b.To-b.From), events+len(b.Events) }
		r.start()
		path := strings.Repeat("x", 500_000)
		for i := range 100 {
			if err := r.spool.Append(context.Background(), event.AppendEvent(nil, &event.Event{Site: 1, Time: int64(i), Name: name(i), Path: path})); err != nil {
				r.t.Fatal(err)
			}
		}
		r.store.mu.Lock()
		down = false
		r.store.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		r.want(100)
		r.stop()
		if largest > 20<<20 || events != 100 {
			t.Errorf("a batch of %d MiB", largest>>20)
		}
	})
}

func TestDrainsAtStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		r.append(0, 100) // the first is stored at once, the rest not before 250 ms
		r.stop()
		r.want(100)
	})
}

func TestStopsThoughTheStoreIsIll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.store.fail = func(int) failure { return before }
		r.start()
		r.append(0, 10)
		began := time.Now()
		r.stop()
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("stopping took %v", took)
		}
		if !strings.Contains(r.log.String(), "stopped before everything was loaded") {
			t.Errorf("nobody was told:\n%s", &r.log)
		}
		r.store.fail = nil
		r.start()
		r.stop()
		r.want(10)
	})
}

func TestIllStore(t *testing.T) {
	tests := []struct {
		name string
		fail func(n int) failure
	}{
		{"fails before the commit", func(n int) failure { return failure(n%2) * before }},
		{"fails after the commit", func(n int) failure {
			if n%2 == 0 {
				return after
			}
			return fine
		}},
		{"forgets the last batch", func(n int) failure {
			if n%5 == 4 {
				return forget
			}
			return fine
		}},
		{"anything, by chance", func(n int) failure { return failure(rand.New(rand.NewPCG(uint64(n), 7)).IntN(4)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.opts.Rows = 7
				r.opts.Keep = time.Hour // for the batches that are forgotten
				r.store.fail = tt.fail
				r.start()
				for i := range 10 {
					r.append(20*i, 20*i+20)
					time.Sleep(300 * time.Millisecond)
				}
				time.Sleep(time.Hour) // longer than all backoffs together
				synctest.Wait()
				r.want(200)
				r.store.fail = nil
				r.stop()
				r.want(200)
			})
		})
	}
}

func TestLagGrowsWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		down := true
		r.store.fail = func(int) failure {
			if down {
				return before
			}
			return fine
		}
		r.start()
		for i := range 60 {
			r.append(i, i+1)
			time.Sleep(time.Minute)
		}
		bytes, age := r.loader.Lag()
		if bytes != r.spool.Durable() || age < 59*time.Minute || age > 61*time.Minute {
			t.Errorf("lag is %d bytes and %v, want %d and an hour", bytes, age, r.spool.Durable())
		}
		r.store.mu.Lock()
		down = false
		r.store.mu.Unlock()
		time.Sleep(time.Minute)
		r.want(60)
		r.stop()
	})
}

// What is kept although it is stored goes before a hit is refused.
func TestKeepsWhatThereIsRoomFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.opts.Keep, r.max = time.Hour, 64<<10
		r.start()
		r.append(0, 100)
		time.Sleep(30 * time.Minute)
		if r.spool.Oldest() != 0 {
			t.Error("what was to be kept for an hour was released, and there was room")
		}
		for i := 100; i < 5000; i += 100 {
			r.append(i, i+100) // which fails if it is refused
			time.Sleep(300 * time.Millisecond)
		}
		r.want(5000)
		if r.spool.Durable() < 3*r.max {
			t.Errorf("only %d bytes were appended: the spool was never full", r.spool.Durable())
		}
		r.stop()
	})
}

// fullDisk has room for no further file while full is set.
type fullDisk struct {
	spool.FS
	full atomic.Bool
}

func (d *fullDisk) Create(name string) (spool.File, error) {
	if d.full.Load() {
		return nil, syscall.ENOSPC
	}
	return d.FS.Create(name)
}

// On a disk that is full, what is kept makes room for hits.
func TestKeptMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		disk := &fullDisk{FS: r.disk}
		r.opts.Keep, r.fs = time.Hour, disk
		r.start()
		r.append(0, 300) // three segments
		time.Sleep(time.Second)
		disk.full.Store(true)
		if r.insist(300, 600) == 0 {
			t.Error("the disk was never full")
		}
		r.want(600)
		r.stop()
	})
}

// Also when the server was started on it, and nothing is left to store.
func TestKeptMakesRoomAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		disk := &fullDisk{FS: r.disk}
		r.opts.Keep, r.fs = time.Hour, disk
		r.start()
		r.append(0, 300)
		time.Sleep(time.Second)
		r.stop()
		if err := r.disk.Remove("spool/spare"); err != nil {
			t.Fatal(err)
		}
		disk.full.Store(true)
		r.start()
		if r.insist(300, 320) == 0 {
			t.Error("the disk was never full")
		}
		r.want(320)
		r.stop()
	})
}

// insist appends as append does, but that it tries again what is refused.
func (r *rig) insist(from, to int) (refused int) {
	r.t.Helper()
	for i, tries := from, 0; i < to; time.Sleep(300 * time.Millisecond) {
		record := event.AppendEvent(nil, &event.Event{Site: 1, Time: int64(i), Name: name(i)})
		switch err := r.spool.Append(context.Background(), record); {
		case err == nil:
			i, tries = i+1, 0
		case tries == 100:
			r.t.Fatalf("hits are refused for good: %v", err)
		default:
			tries++
			refused++
		}
	}
	return refused
}

// While the store is away, too.
func TestKeptMakesRoomForAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.opts.Keep, r.max = time.Hour, 64<<10
		away := fine
		r.store.fail = func(int) failure { return away }
		r.start()
		r.append(0, 500)
		time.Sleep(time.Second)
		r.want(500)
		r.store.mu.Lock()
		away = before
		r.store.mu.Unlock()
		for i := 500; i < 1500; i += 100 {
			r.append(i, i+100)
			time.Sleep(10 * time.Second)
		}
		if r.spool.Durable() <= r.max {
			t.Errorf("only %d bytes were appended: there was room for all", r.spool.Durable())
		}
		r.store.mu.Lock()
		away = fine
		r.store.mu.Unlock()
		time.Sleep(time.Minute)
		r.want(1500)
		r.stop()
	})
}

// A store that has forgotten what it had gets it again, although the spool has
// little room.
func TestKeptIsNotReleasedWhenTheStoreWentBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.opts.Keep, r.max = time.Hour, 64<<10
		ill := fine
		r.store.fail = func(int) failure { return ill }
		r.start()
		for i := range 3 {
			r.append(200*i, 200*i+200)
			time.Sleep(10 * time.Minute)
		}
		r.want(600)
		r.store.mu.Lock()
		r.store.names, r.store.loaded, ill = nil, map[string]int64{}, before
		r.store.mu.Unlock()
		r.append(600, 1000)
		time.Sleep(10 * time.Second) // it is tried again meanwhile
		if !r.spool.Crowded() {
			t.Errorf("there is room in the spool: %d bytes", r.spool.Bytes())
		}
		r.store.mu.Lock()
		ill = fine
		r.store.mu.Unlock()
		time.Sleep(time.Minute)
		r.want(1000)
		r.stop()
	})
}

func TestMalformedRecordIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var told []string
		r.opts.OnMalformed = func(_ int64, path string, err error) { told = append(told, path) }
		r.start()
		r.append(0, 3)
		if err := r.spool.Append(context.Background(), []byte("not an event")); err != nil {
			t.Fatal(err)
		}
		r.append(3, 6)
		r.stop()
		r.want(6)
		if len(told) != 1 {
			t.Fatalf("%d records were set aside, want 1", len(told))
		}
		f, err := r.disk.Open(told[0])
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, spool.RecordOverhead+len("not an event"))
		if _, err := f.ReadAt(b, 0); err != nil || !bytes.HasSuffix(b, []byte("not an event")) {
			t.Errorf("%s holds %q (%v)", told[0], b, err)
		}
	})
}

// TestSpoolReplacedByAnOlderCopy restores an old copy of the spool's disk
// beside a store that has read further, as a snapshot may.
func TestSpoolReplacedByAnOlderCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chance := rand.New(rand.NewPCG(1, 1))
		r := newRig(t)
		r.start()
		old := r.spool.ID()
		r.append(0, 20)
		r.stop()
		snapshot := r.disk.Restart(powercut.Everything, chance)
		r.disk = snapshot.Restart(powercut.Everything, chance)
		r.start()
		r.append(20, 60)
		r.stop()
		r.want(60)

		r.disk = snapshot
		r.start()
		r.append(60, 70) // at positions the store has read already
		r.stop()
		r.want(70)
		if !strings.Contains(r.log.String(), "further than the spool goes") {
			t.Errorf("nobody was told:\n%s", &r.log)
		}
		r.start()
		if r.spool.ID() == old {
			t.Error("the new name did not last")
		}
		r.append(70, 90)
		r.stop()
		r.want(90)
	})
}

func TestStoreReplacedByAnOlderCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		r.append(0, 300)
		r.stop()
		if r.spool.Oldest() == 0 {
			t.Fatal("nothing was released")
		}
		kept := r.spool.Oldest()
		r.store = &store{loaded: map[string]int64{}}
		r.log.Reset()
		r.start()
		r.stop()
		if got := r.store.loaded[r.spool.ID()]; got != r.spool.Durable() || len(r.store.names) == 0 {
			t.Errorf("%d events up to %d were loaded of a log from %d to %d", len(r.store.names), got, kept, r.spool.Durable())
		}
		if !strings.Contains(r.log.String(), "the events between are in neither") {
			t.Errorf("nobody was told:\n%s", &r.log)
		}
	})
}

// TestLeaves: a loader that is to leave stores nothing more and says so at once,
// however much waits, and goes on where it was when it runs again.
func TestLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s, err := spool.Open(spool.Options{Dir: "spool", FS: r.disk, SegmentBytes: 4 << 10})
		if err != nil {
			t.Fatal(err)
		}
		r.spool = s
		ctx, stop := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- s.Run(ctx) }()
		l := load.New(load.Options{Spool: s, Store: r.store})
		until := func(n int) {
			t.Helper()
			leave, left := context.WithCancel(ctx)
			done := make(chan error, 1)
			go func() { done <- l.RunUntil(ctx, leave) }()
			time.Sleep(time.Second)
			synctest.Wait()
			left()
			if err := <-done; err != nil {
				t.Error(err)
			}
			r.want(n)
		}
		r.append(0, 10)
		until(10)
		r.append(10, 30)
		synctest.Wait()
		r.want(10)
		gone, left := context.WithCancel(ctx)
		left()
		if err := l.RunUntil(ctx, gone); err != nil {
			t.Error(err)
		}
		r.want(10)
		until(30)
		// Another store that was told the position joins in, though the spool has
		// grown since it was opened.
		other := &store{loaded: map[string]int64{s.ID(): s.Durable()}}
		r.append(30, 40)
		name := s.ID()
		l = load.New(load.Options{Spool: s, Store: other, Joins: true})
		leave, leaves := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- l.RunUntil(ctx, leave) }()
		time.Sleep(time.Second)
		synctest.Wait()
		leaves()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(other.names) != 10 || s.ID() != name {
			t.Errorf("%d events came to the other store of spool %s, named %s", len(other.names), s.ID(), name)
		}
		stop()
		if err := errors.Join(<-ran, s.Close()); err != nil {
			t.Error(err)
		}
	})
}
