package stats_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
	. "moonbear/internal/event/eventtest"
	"moonbear/internal/stats"
)

// propertyKeys is Stats.PropertyKeys by a plain loop.
func (o *oracle) propertyKeys(q stats.Query) (keys []stats.PropertyKey) {
	is, _ := o.spans(q)
	n := map[string]int64{}
	for i := range o.events {
		e := &o.events[i]
		if !is.has(ms(e.Time)) || !o.keeps(q.Filter, e, is) {
			continue
		}
		for _, p := range e.Props {
			if p.Value != "" {
				n[p.Key]++
			}
		}
	}
	for k, events := range n {
		keys = append(keys, stats.PropertyKey{Key: k, Events: events})
	}
	slices.SortFunc(keys, func(a, b stats.PropertyKey) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Key, b.Key))
	})
	return keys[:min(len(keys), 100)]
}

func TestPropertyKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	now := Start.Add(time.Hour)
	st := siteIn(t, "Asia/Kathmandu")
	events := world(r, st.ID, now, 300)
	for i := range 120 { // more than are listed
		events = append(events, Visit(At(now.Add(-time.Minute)), Custom("order", fmt.Sprintf("key %d", i), "x", "empty", ""))...)
	}
	o := &oracle{site: st.ID, currency: st.Currency, events: events, now: now, loc: st.Location, goals: oracleGoals}
	var qs []stats.Query
	for range 150 {
		qs = append(qs, randomQuery(r, st, now))
	}
	onEach(t, func(t *testing.T, in engine) {
		s := stats.New(in.with(t, events), func() time.Time { return now })
		for _, q := range share(in, qs) {
			got, err := s.PropertyKeys(t.Context(), q)
			if err != nil {
				t.Fatalf("%s: %v", describe(q), err)
			}
			if want := o.propertyKeys(q); !slices.Equal(got, want) {
				t.Errorf("%s\n got %v\nwant %v", describe(q), got, want)
			}
		}
	})
}

// TestNoPropertyKeys: what has none is answered with none.
func TestNoPropertyKeys(t *testing.T) {
	for name, events := range map[string][]event.Event{"nothing": nil, "pageviews": Events(Visit(View("/")))} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, store event.Store) {
				s := stats.New(store, func() time.Time { return Start.Add(time.Hour) })
				q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}
				if keys, err := s.PropertyKeys(t.Context(), q); err != nil || len(keys) != 0 {
					t.Errorf("%v, %v; want none", keys, err)
				}
			}, events)
		})
	}
}
