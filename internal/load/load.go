// Package load copies what is durable in the spool to the event store, exactly
// once.
//
//	spool → Read → event.Batch.Decode → event.Store.Append → spool.Release
//
// The store keeps the position it has read up to in the same transaction as
// the rows, so the loader remembers nothing: after a start or an error it asks
// the store where to go on. Nothing is skipped. A store that fails is tried
// again for ever; bytes that can't be read are set aside in a file first.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/event"
	"moonbear/internal/spool"
)

const (
	// Each batch is a commit with its fsync, and a query meanwhile waits for
	// neither: four a second keep what is acknowledged queryable in well under
	// a second and cost the disk next to nothing.
	defaultInterval = 250 * time.Millisecond
	// A full batch is about 15 MB in memory and takes DuckDB about 0.2 s.
	defaultRows = 20_000
	// batchBytes is about as much of the spool as a batch may hold, for hits as
	// large as they may be: a store that was away must not cost hundreds of
	// megabytes when it is back.
	batchBytes = 16 << 20
	// readBytes is one read of the spool: a thousand or more events.
	readBytes = 256 << 10

	firstBackoff   = 100 * time.Millisecond
	longestBackoff = 10 * time.Second

	defaultDrain = 10 * time.Second

	// releaseInterval is how often it is seen whether the spool may forget
	// something while nothing comes in, which may be because it is full.
	releaseInterval = time.Second
)

// Options of a Loader. Spool and Store are needed.
type Options struct {
	Spool   *spool.Spool
	Store   event.Store
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil: none
	// OnStored is told each batch once it is stored. It runs on the loader's
	// goroutine and must not keep the batch, which is used again.
	OnStored func(*event.Batch)
	// OnMalformed is told of each record that could not be decoded, and where
	// its bytes were put.
	OnMalformed func(pos int64, path string, err error)
	// Interval is the least time between the starts of two batches while the
	// loader is level; 0 is 250 ms.
	Interval time.Duration
	// Rows is about how many events, drops and keys a batch holds at most; 0 is 20,000.
	Rows int
	// Keep is how long the spool keeps what was stored, for a store whose
	// commits are not on disk when it says so. It is less while the spool has
	// little room: a hit that is refused is lost for sure.
	Keep time.Duration
	// Drain is how long Run goes on copying after it was told to end; 0 is ten
	// seconds.
	Drain time.Duration
	// Joins says that the store was told its position in this very spool a moment
	// ago, so that it can't be further than an older copy of it goes.
	Joins bool
}

// Loader copies one spool to one store.
type Loader struct {
	*copier
	o Options

	wake  time.Time // when the last batch was begun
	asked bool      // the store has said where it is since we started

	lag  lag
	kept []mark // stored, and not yet released
}

// New makes a Loader. Run does the work.
func New(o Options) *Loader {
	o.Interval, o.Drain = cmp.Or(o.Interval, defaultInterval), cmp.Or(o.Drain, defaultDrain)
	l := &Loader{copier: newCopier(o.Spool, o), o: o, asked: o.Joins}
	l.pos.Store(o.Spool.Oldest())
	l.metrics = newMetrics(o.Metrics, l)
	return l
}

// Position is where the next batch begins: everything before is stored.
func (l *Loader) Position() int64 { return l.pos.Load() }

// Run copies until ctx ends, then copies what is left, for Options.Drain at
// most. Stop the spool's Run before: what it makes durable later waits for the
// next start.
func (l *Loader) Run(ctx context.Context) error { return l.RunUntil(ctx, ctx) }

// RunUntil is Run, but that it ends after the batch under way when leave does,
// and what isn't loaded then stays in the spool. It may be called again.
func (l *Loader) RunUntil(ctx, leave context.Context) error {
	err := l.follow(ctx, leave)
	if ctx.Err() == nil && leave.Err() != nil {
		return nil
	}
	if ctx.Err() == nil {
		return fmt.Errorf("load: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.Drain)
	defer cancel()
	if err := l.drain(ctx); err != nil {
		bytes, _ := l.Lag()
		l.log.Warn("stopped before everything was loaded: the rest is loaded at the next start", "bytes", bytes, "error", err)
	}
	return nil
}

// follow copies until ctx ends, or leave between two batches.
func (l *Loader) follow(ctx, leave context.Context) error {
	if err := l.retry(leave, l.resume); err != nil {
		return err
	}
	l.keep(time.Now())
	for leave.Err() == nil {
		if err := l.await(leave); err != nil {
			return err
		}
		if err := l.pace(leave); err != nil {
			return err
		}
		if err := l.step(ctx); err != nil {
			return err
		}
	}
	return leave.Err()
}

// await waits until there is something to copy. Meanwhile what was kept long
// enough goes.
func (l *Loader) await(ctx context.Context) error {
	for len(l.kept) > 0 {
		waiting, cancel := context.WithTimeout(ctx, releaseInterval)
		err := l.o.Spool.WaitDurable(waiting, l.pos.Load())
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		l.release(time.Now())
	}
	return l.o.Spool.WaitDurable(ctx, l.pos.Load())
}

// pace waits until the next batch is due. A loader that is behind does not wait.
func (l *Loader) pace(ctx context.Context) error {
	behind := l.full()
	if d := l.o.Interval - time.Since(l.wake); d > 0 && !behind {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.wake = time.Now()
	return nil
}

// drain copies until nothing is left.
func (l *Loader) drain(ctx context.Context) error {
	if err := l.retry(ctx, l.resume); err != nil {
		return err
	}
	for l.pos.Load() < l.o.Spool.Durable() {
		if err := l.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step copies one batch.
func (l *Loader) step(ctx context.Context) error {
	l.lag.note(l.o.Spool.Durable(), l.pos.Load())
	if err := l.retry(ctx, l.fill); err != nil {
		return err
	}
	if l.batch.To == l.batch.From {
		return nil
	}
	began := time.Now()
	err := l.retry(ctx, func(ctx context.Context) error {
		err := l.o.Store.Append(ctx, &l.batch)
		if err == nil {
			return nil
		}
		// It may be stored nevertheless, or the store may have lost what it
		// had: it says where to go on.
		from := l.batch.From
		if resumed := l.resume(ctx); resumed != nil || l.pos.Load() == from {
			return err
		}
		l.log.Warn("the event store moved while it failed", "error", err, "from", from, "to", l.pos.Load())
		l.batch.To = l.batch.From // nothing is stored of this one now; it is built anew
		return nil
	})
	if err != nil || l.batch.To == l.batch.From {
		return err
	}
	l.stored(time.Since(began))
	return nil
}

// stored is called after a batch is in the store.
func (l *Loader) stored(took time.Duration) {
	l.pos.Store(l.batch.To)
	l.metrics.rows.Observe(float64(l.size()))
	l.metrics.took.Observe(took.Seconds())
	l.log.Debug("events stored", "rows", len(l.batch.Events), "to", l.batch.To, "took", took)
	if l.o.OnStored != nil {
		l.o.OnStored(&l.batch)
	}
	l.keep(time.Now())
}

// keep notes that everything before pos is stored now, and releases what was
// stored long enough ago.
func (l *Loader) keep(now time.Time) {
	if n := len(l.kept); n == 0 || now.Sub(l.kept[n-1].at) >= l.o.Keep/16 {
		l.kept = append(l.kept, mark{pos: l.pos.Load(), at: now})
	}
	l.release(now)
}

// release lets the spool forget what was stored Keep ago, or all that was
// stored while it has little room.
func (l *Loader) release(now time.Time) {
	n, to := 0, int64(0)
	for n < len(l.kept) && now.Sub(l.kept[n].at) >= l.o.Keep {
		to = l.kept[n].pos
		n++
	}
	pos := l.pos.Load()
	if n < len(l.kept) && l.o.Spool.Crowded() {
		n, to = len(l.kept), pos
	}
	if n == 0 {
		return
	}
	l.kept = append(l.kept[:0], l.kept[n:]...)
	if err := l.o.Spool.Release(min(to, pos)); err != nil { // the store may have gone back
		l.log.Warn("a loaded spool segment could not be removed: it is at the next start", "error", err)
	}
}

// resume sets pos to where the store says everything before is stored.
func (l *Loader) resume(ctx context.Context) error {
	s := l.o.Spool
	loaded, err := l.o.Store.Loaded(ctx, s.ID())
	if err != nil {
		return fmt.Errorf("ask the store for its position: %w", err)
	}
	if opened := s.Opened(); !l.asked && loaded > opened {
		// Positions up to loaded mean something else to the store than to
		// this spool: it would take new records for stored ones.
		l.log.Error("the event store has read further than the spool goes: the spool was replaced by an older copy; "+
			"what was written to it since is loaded under a new name",
			"store", loaded, "spool", opened)
		if err := s.Renew(); err != nil {
			return fmt.Errorf("rename the spool: %w", err)
		}
		l.metrics.renewed.Inc()
		loaded = 0 // of the new name, which nobody knows yet
	}
	l.asked = true
	oldest := s.Oldest()
	if loaded < oldest && oldest > s.Begin() {
		l.log.Error("the event store does not have all that the spool has released: the events between are in neither",
			"store", loaded, "spool", oldest, "bytes", oldest-loaded)
	}
	l.pos.Store(max(loaded, oldest))
	return nil
}

// retry calls f until it succeeds or ctx ends.
func (l *Loader) retry(ctx context.Context, f func(context.Context) error) error {
	for wait := firstBackoff; ; wait = min(2*wait, longestBackoff) {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.metrics.failures.Inc()
		l.log.Error("loading failed and is tried again: hits wait in the spool", "error", err, "retry", wait)
		t := time.NewTimer(wait)
		select {
		case <-t.C:
			l.lag.note(l.o.Spool.Durable(), l.pos.Load())
			l.release(time.Now())
		case <-ctx.Done():
			t.Stop()
			return errors.Join(ctx.Err(), err)
		}
	}
}

// Lag is how far the store is behind: bytes of records that are durable and
// not stored, and how long the oldest of them has been so, to within a batch.
// Both are 0 when it is level.
func (l *Loader) Lag() (bytes int64, age time.Duration) {
	pos := l.pos.Load()
	bytes = max(l.o.Spool.Durable()-pos, 0)
	if bytes == 0 {
		return 0, 0
	}
	return bytes, l.lag.age(pos, time.Now())
}

// mark is a position and when it was seen.
type mark struct {
	pos int64
	at  time.Time
}

// lag remembers when which part of the spool was durable.
type lag struct {
	mu    sync.Mutex
	marks []mark // positions rising: everything before was durable at that time
}

// maxMarks bounds the memory of a store that is down for days.
const maxMarks = 1024

// note says that everything before durable is durable now, and everything
// before pos stored.
func (g *lag) note(durable, pos int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for len(g.marks) > 0 && g.marks[0].pos <= pos {
		g.marks = g.marks[1:]
	}
	if n := len(g.marks); n == 0 || g.marks[n-1].pos < durable {
		g.marks = append(g.marks, mark{durable, now})
	}
	if len(g.marks) > maxMarks { // keep every other: half as exact
		half := make([]mark, 0, maxMarks)
		for i := 0; i < len(g.marks); i += 2 {
			half = append(half, g.marks[i])
		}
		g.marks = half
	}
}

// age is how long the record at pos has been durable, at least.
func (g *lag) age(pos int64, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.marks {
		if m.pos > pos {
			return now.Sub(m.at)
		}
	}
	return 0
}
