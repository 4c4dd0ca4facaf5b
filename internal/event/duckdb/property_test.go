package duckdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// oracle is the store as a slice.
type oracle struct {
	events []event.Event
	pos    map[string]int64
}

func (o *oracle) delete(site int64, from, to time.Time) {
	o.events = slices.DeleteFunc(o.events, func(e event.Event) bool {
		return e.Site == site && (from.IsZero() || e.Time >= from.UnixMilli()) && (to.IsZero() || e.Time < to.UnixMilli())
	})
}

func (o *oracle) of(site int64) []event.Event {
	var es []event.Event
	for _, e := range o.events {
		if e.Site == site {
			es = append(es, e)
		}
	}
	return es
}

// TestProperty does what a store is asked to do, in any order, to a store and
// to a slice, which must hold the same.
func TestProperty(t *testing.T) {
	long(t)
	seeds, steps := 4, 40
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 99))
			dir := t.TempDir()
			small := func(o *Options) { o.minSegment = 300; o.partRows = 500; o.Memory = 256 << 20 }
			s := openAt(t, dir, small)
			defer func() { _ = s.Close() }()
			o := oracle{pos: map[string]int64{}}
			g := &eventtest.Bulk{Seed: uint64(seed), Weights: map[int64]int{1: 4, 2: 2, 3: 1}, Gap: 10 * time.Minute}
			last := map[string]*event.Batch{}
			kept := 0
			at := func() time.Time {
				if r.IntN(3) == 0 || len(o.events) == 0 {
					return time.Time{}
				}
				return time.UnixMilli(o.events[r.IntN(len(o.events))].Time)
			}
			for step := range steps {
				var did string
				switch k := r.IntN(24); {
				case k < 9:
					spool := []string{"a", "b"}[r.IntN(2)]
					b := eventtest.Batch(spool, o.pos[spool], g.Next(r.IntN(600)))
					did = fmt.Sprintf("append %d", len(b.Events))
					eventtest.Append(t, s, b)
					o.events, o.pos[spool], last[spool] = append(o.events, b.Events...), b.To, b
				case k < 12:
					did = "replay"
					for _, b := range last {
						eventtest.Append(t, s, b)
					}
				case k < 15:
					site, from, to := 1+r.Int64N(3), at(), at()
					did = fmt.Sprintf("delete site %d from %v to %v", site, from, to)
					if err := s.Delete(context.Background(), event.Selection{Site: site, From: from, To: to}); err != nil {
						t.Fatal(err)
					}
					o.delete(site, from, to)
				case k < 18:
					did = "compact"
					if err := s.Compact(context.Background()); err != nil {
						t.Fatalf("step %d: %v", step, err)
					}
				case k < 22:
					did = "keep days"
					keepAll(t, s, 1, 2, 3)
				default:
					did = "open again"
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = openAt(t, dir, small)
				}
				for site := int64(1); site <= 3; site++ {
					eventtest.Same(t, eventtest.All(t, s, site), o.of(site))
					kept += len(checkKept(t, s, site, o.of(site)))
				}
				for spool, want := range o.pos {
					if got, err := s.Loaded(context.Background(), spool); err != nil || got != want {
						t.Errorf("loaded %s = %d, %v; want %d", spool, got, err, want)
					}
				}
				if t.Failed() {
					t.Fatalf("after step %d: %s", step, did)
				}
			}
			if kept == 0 {
				t.Error("no day was ever kept: this test could not fail")
			}
		})
	}
}
