package move

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/load"
	"moonbear/internal/spool"
)

// feeder loads what came since the source stood still into the target, as any
// loader does, but that the spool keeps everything: the source may need it yet.
type feeder struct {
	loader *load.Loader
	m      *mover
	from   int64 // position in the spool
	ctx    context.Context
	leave  context.CancelFunc
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
	err    error // of the loader; after done
}

func (m *mover) feed(ctx context.Context, from int64) *feeder {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	until, leave := context.WithCancel(running)
	f := &feeder{m: m, from: from, ctx: ctx, leave: leave, cancel: cancel, done: make(chan struct{})}
	f.loader = load.New(load.Options{Spool: m.o.Spool, Store: m.o.To.Events, Log: m.o.Log, Keep: math.MaxInt64, Joins: true})
	go func() {
		defer close(f.done)
		f.err = f.loader.RunUntil(running, until)
	}()
	return f
}

// stop ends it after the batch under way, or at once when the move was ended.
func (f *feeder) stop() {
	f.once.Do(func() {
		f.leave()
		select {
		case <-f.done:
		case <-f.ctx.Done():
			f.cancel()
			<-f.done
		}
		f.cancel()
	})
}

// level waits until the target has all that is durable.
func (f *feeder) level(ctx context.Context) error {
	to := f.m.o.Spool.Durable()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for told := time.Now(); ; {
		at := f.m.o.Spool.Durable()
		left, _ := f.loader.Lag()
		at -= left
		if at >= to {
			return nil
		}
		if time.Since(told) >= tellEvery {
			told = time.Now()
			f.m.o.Tell(Progress{Phase: Feeding, Done: max(at-f.from, 0), Total: to - f.from, Unit: "bytes"})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.done:
			return errors.Join(errors.New("feeding the target ended"), f.err)
		case <-tick.C:
		}
	}
}

// fed is what came of a site.
type fed struct {
	sums
	first int64 // the earliest moment, ms
}

// proveFed compares what the target has, since the first moment anything was
// fed about, with what the source has and what the spool has between the two,
// added up.
func (m *mover) proveFed(ctx context.Context, f *feeder) error {
	to, err := m.o.To.Events.Loaded(ctx, m.o.Spool.ID())
	if err != nil {
		return fmt.Errorf("ask the target for its position: %w", err)
	}
	came, err := m.read(ctx, f.from, to)
	if err != nil {
		return err
	}
	far := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	for site, s := range came {
		first := time.UnixMilli(s.first).UTC()
		want, err := sumOf(ctx, m.o.From.Events, site, first, far)
		if err != nil {
			return err
		}
		have, err := sumOf(ctx, m.o.To.Events, site, first, far)
		if err != nil {
			return err
		}
		m.report.Fed += s.Events.Rows
		want.add(s.sums)
		if want != have {
			return fmt.Errorf("%w: site %d since %s: %s", ErrDifferent, site, first.Format(time.RFC3339), differ(want, have))
		}
	}
	return nil
}

// readBytes are read of the spool at once.
const readBytes = 1 << 20

// read adds up what the spool has between two positions, by site.
func (m *mover) read(ctx context.Context, from, to int64) (map[int64]*fed, error) {
	came := map[int64]*fed{}
	of := func(site, ms int64) *fed {
		s := came[site]
		if s == nil {
			s = &fed{first: ms}
			came[site] = s
		}
		s.first = min(s.first, ms)
		return s
	}
	var b event.Batch
	var add summer
	end := errors.New("as far as was loaded")
	for from < to {
		b.Events, b.Drops, b.Keys = b.Events[:0], b.Drops[:0], b.Keys[:0]
		next, err := m.o.Spool.Read(ctx, from, readBytes, func(pos int64, record []byte) error {
			if pos >= to {
				return end
			}
			_ = b.Decode(record) // one that can't be is set aside by the loader
			return nil
		})
		damage, damaged := errors.AsType[*spool.Damage](err)
		switch {
		case damaged:
			next = damage.To // set aside as well
		case err != nil && !errors.Is(err, end):
			return nil, fmt.Errorf("read the spool again: %w", err)
		}
		from = next
		for i := range b.Events {
			e := &b.Events[i]
			add.event(&of(e.Site, e.Time).Events, e)
		}
		for i := range b.Drops {
			d := &b.Drops[i]
			add.drop(&of(d.Site, d.Time).Drops, d)
		}
	}
	return came, nil
}
