package duckdb

import (
	"context"
	"errors"
	"sync"
	"time"

	"moonbear/internal/event"
)

const (
	// tendEvents in the hot file make the store sort them without waiting for
	// the night: unsorted they take twice the disk, and a question about any
	// site reads them all.
	tendEvents = 2_000_000
	// An import waits while so many times tendEvents are unsorted and being
	// sorted. What is collected never does.
	tendPatience = 3
	// tendPause follows an attempt that failed, for want of disk say.
	tendPause = time.Minute
)

// tender sorts new events when there are many, as an import brings them. It
// belongs to a Store from Open to Close.
type tender struct {
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{} // closed when it has ended

	mu   sync.Mutex
	busy chan struct{} // closed at the end of the sorting that goes on; nil: none does
}

func (s *Store) startTending() {
	ctx, stop := context.WithCancel(context.Background())
	s.tender = &tender{wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.tender.done)
		s.tend(ctx)
	}()
}

// end stops what it does and waits for it.
func (t *tender) end() {
	t.stop()
	<-t.done
}

// needed is called after an append.
func (t *tender) needed() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *tender) begin() {
	t.mu.Lock()
	t.busy = make(chan struct{})
	t.mu.Unlock()
}

func (t *tender) finish() {
	t.mu.Lock()
	close(t.busy)
	t.busy = nil
	t.mu.Unlock()
}

func (t *tender) working() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.busy
}

func (s *Store) tend(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.tender.wake:
		}
		if s.unsorted.Load() < s.o.tendAt {
			continue
		}
		err := s.sortNow(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !errors.Is(err, ErrDiskShort) { // which has been logged
			s.o.Log.ErrorContext(ctx, "new events not sorted, to be tried again", "error", err.Error(), "again_in", tendPause)
		}
		select {
		case <-ctx.Done():
		case <-time.After(tendPause):
		}
	}
}

// sortNow is Compact's first part: the hot file itself stays, as all that is
// still in it would have to be copied, and is written over by what comes.
func (s *Store) sortNow(ctx context.Context) error {
	s.tending.Lock()
	defer s.tending.Unlock()
	p, err := s.plan(ctx)
	if err != nil || len(p.units) == 0 || !p.units[0].hot {
		return err
	}
	s.tender.begin()
	defer s.tender.finish()
	return s.compactUnit(ctx, p.units[0])
}

// makeRoom lets an import wait while the events before it are being sorted, and
// whatever else is in no hurry.
func (s *Store) makeRoom(ctx context.Context, b *event.Batch) error {
	if len(b.Events) == 0 || b.Events[0].Import == 0 && !s.o.Patient {
		return nil
	}
	for s.unsorted.Load() >= tendPatience*s.o.tendAt {
		busy := s.tender.working()
		if busy == nil {
			return nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
