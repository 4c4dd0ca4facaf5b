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
)

// feeder loads what came since the source stood still into the target, as any
// loader does, but that the spool keeps everything: the source may need it yet.
type feeder struct {
	loader *load.Loader
	m      *mover
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
	err    error // of the loader; after done

	mu  sync.Mutex
	fed map[int64]*fed // by site
}

// fed is what came of a site.
type fed struct {
	sums
	first int64 // the earliest moment, ms
}

func (m *mover) feed(ctx context.Context) *feeder {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &feeder{m: m, cancel: cancel, done: make(chan struct{}), fed: map[int64]*fed{}}
	f.loader = load.New(load.Options{
		Spool: m.o.Spool, Store: m.o.To.Events, Log: m.o.Log,
		Keep: math.MaxInt64, Joins: true, OnStored: f.stored,
	})
	go func() {
		defer close(f.done)
		f.err = f.loader.Run(ctx)
	}()
	return f
}

// stop ends it once what is durable by then is loaded.
func (f *feeder) stop() {
	f.once.Do(func() { f.cancel(); <-f.done })
}

// stored counts what was loaded.
func (f *feeder) stored(b *event.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var add summer
	for i := range b.Events {
		e := &b.Events[i]
		add.event(&f.of(e.Site, e.Time).Events, e)
	}
	for i := range b.Drops {
		d := &b.Drops[i]
		add.drop(&f.of(d.Site, d.Time).Drops, d)
	}
}

func (f *feeder) of(site, ms int64) *fed {
	s := f.fed[site]
	if s == nil {
		s = &fed{first: ms}
		f.fed[site] = s
	}
	s.first = min(s.first, ms)
	return s
}

// level waits until the target has all that is durable.
func (f *feeder) level(ctx context.Context) error {
	to := f.m.o.Spool.Durable()
	begun, err := f.m.o.To.Events.Loaded(ctx, f.m.o.Spool.ID())
	if err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for told := time.Now(); ; {
		at := f.m.o.Spool.Durable()
		left, _ := f.loader.Lag()
		at -= left
		if at >= to {
			return nil
		}
		if time.Since(told) >= tellEvery && to > begun {
			told = time.Now()
			f.m.o.Tell(Progress{Phase: Feeding, Done: at - begun, Total: to - begun, Unit: "bytes"})
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

// proveFed compares what the target has, since the first moment anything was
// fed about, with what the source has and what was fed, added up.
func (m *mover) proveFed(ctx context.Context, f *feeder) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	far := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	for site, s := range f.fed {
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
