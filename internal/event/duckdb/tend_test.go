package duckdb

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// TestSortsByItself: many new events are sorted without being asked to, an
// import waits for that and collecting doesn't, and nothing is lost or doubled.
func TestSortsByItself(t *testing.T) {
	ctx := context.Background()
	sorting, goOn := make(chan struct{}, 100), make(chan struct{})
	dir := t.TempDir()
	change := func(o *Options) {
		tiny(o)
		o.tendAt = 2000
		o.step = func(name string) {
			if name == "staged" {
				sorting <- struct{}{}
				<-goOn
			}
		}
	}
	s := openAt(t, dir, change)
	g := &eventtest.Bulk{Seed: 3}
	var want []event.Event
	imported, collected := int64(0), int64(0)
	add := func(ctx context.Context, spool string, pos *int64, id int64) error {
		es := g.Next(1000)
		for i := range es {
			es[i].Import = id
		}
		err := s.Append(ctx, eventtest.Batch(spool, *pos, es))
		if err == nil {
			want, *pos = append(want, es...), *pos+1000
		}
		return err
	}
	for range 6 {
		if err := add(ctx, "import-1", &imported, 1); err != nil {
			t.Fatal(err)
		}
	}
	<-sorting
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := add(short, "import-1", &imported, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an import's batch beside 6,000 events being sorted: %v, want it to wait", err)
	}
	if err := add(ctx, "a", &collected, 0); err != nil {
		t.Errorf("collecting: %v", err)
	}
	s.o.Patient = true
	short, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := add(short, "a", &collected, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a patient store's batch: %v, want it to wait", err)
	}
	close(goOn)
	for range 6 {
		if err := add(ctx, "import-1", &imported, 1); err != nil {
			t.Fatal(err)
		}
	}
	for s.unsorted.Load() >= s.o.tendAt {
		if err := ctx.Err(); err != nil {
			t.Fatal(err)
		}
		<-sorting
		for busy := s.tender.working(); busy != nil; busy = s.tender.working() {
			<-busy
		}
	}
	eventtest.Same(t, eventtest.All(t, s, 1), want)
	l, err := readLayout(ctx, s.engine.db)
	if err != nil || len(l.segments) == 0 || !slices.ContainsFunc(l.segments, func(sg segment) bool { return sg.events >= 2000 }) {
		t.Errorf("segments %+v, %v: want most of the events in them", l.segments, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, change)
	defer s.Close()
	eventtest.Same(t, eventtest.All(t, s, 1), want)
	if n := eventtest.Number(t, s, "select count(*) from events") - s.unsorted.Load(); n < 2000 {
		t.Errorf("%d events are sorted after opening again", n)
	}
}
