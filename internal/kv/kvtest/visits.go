// Package kvtest is what every engine behind package kv must do, as tests.
package kvtest

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"moonbear/internal/kv"
)

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	start  = int64(1_774_000_000_000)
)

// hit is one call of Join, and what must come of it.
type hit struct {
	at       int64 // milliseconds after start
	key      int64 // visitor
	previous int64 // 0: none
	origin   uint64
	external bool

	visit  int64 // the ID expected
	opens  bool
	time   int64 // expected Last, milliseconds after start; 0: at
	starts int64 // expected Start, milliseconds after start
}

// Visits holds an engine to the conduct of kv.Visits. make returns an empty
// one with room for at least 10,000 visits.
func Visits(t *testing.T, make func(t *testing.T) kv.Visits) {
	for name, hits := range map[string][]hit{
		"a gap under thirty minutes goes on": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: 30*minute - 1, key: 1, visit: 1},
			{at: 60*minute - 2, key: 1, visit: 1},
		},
		"a gap of thirty minutes ends it": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: 30 * minute, key: 1, visit: 2, opens: true, starts: 30 * minute},
		},
		"another visitor has another visit": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: 1, key: 2, visit: 2, opens: true, starts: 1},
			{at: 2, key: 1, visit: 1},
		},
		"another campaign ends it": {
			{at: 0, key: 1, origin: 7, external: true, visit: 1, opens: true},
			{at: minute, key: 1, origin: 8, external: true, visit: 2, opens: true, starts: minute},
			{at: 2 * minute, key: 1, visit: 2, starts: minute},
		},
		"the same campaign again does not": {
			{at: 0, key: 1, origin: 7, external: true, visit: 1, opens: true},
			{at: minute, key: 1, origin: 7, external: true, visit: 1},
		},
		"an arrival from nowhere does not": {
			{at: 0, key: 1, origin: 7, external: true, visit: 1, opens: true},
			{at: minute, key: 1, origin: 8, external: false, visit: 1},
		},
		"events of one millisecond do not tie": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: 0, key: 1, visit: 1, time: 1},
			{at: 0, key: 1, visit: 1, time: 2},
			{at: 2, key: 1, visit: 1, time: 3},
			{at: 9, key: 1, visit: 1},
		},
		"a clock set back a little": {
			{at: 5 * second, key: 1, visit: 1, opens: true, starts: 5 * second},
			{at: 2 * second, key: 1, visit: 1, time: 5*second + 1, starts: 5 * second},
		},
		"a clock set back by hours": {
			{at: 5 * hour, key: 1, visit: 1, opens: true, starts: 5 * hour},
			{at: hour, key: 1, visit: 2, opens: true, starts: hour},
			{at: hour + second, key: 1, visit: 2, starts: hour},
		},
		"over midnight, under a new salt": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: minute, key: 2, previous: 1, visit: 1},
			{at: 2 * minute, key: 2, previous: 1, visit: 1},
			{at: 3 * minute, key: 2, visit: 1},
		},
		"it has moved: the old key is free": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: minute, key: 2, previous: 1, visit: 1},
			{at: 2 * minute, key: 1, visit: 3, opens: true, starts: 2 * minute},
		},
		"over midnight, too late": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: 30 * minute, key: 2, previous: 1, visit: 2, opens: true, starts: 30 * minute},
			{at: 31 * minute, key: 2, previous: 1, visit: 2, starts: 30 * minute},
		},
		"over midnight, from another campaign": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: minute, key: 2, previous: 1, origin: 9, external: true, visit: 2, opens: true, starts: minute},
			{at: 2 * minute, key: 2, previous: 1, visit: 2, starts: minute},
		},
		"over midnight, a hit of before comes late": {
			{at: 0, key: 1, visit: 1, opens: true},
			{at: minute, key: 2, previous: 1, visit: 1},
			{at: minute - 1, key: 1, visit: 3, opens: true, starts: minute - 1},
			{at: minute + 5, key: 2, previous: 1, visit: 1},
		},
	} {
		t.Run(name, func(t *testing.T) { run(t, make(t), hits) })
	}
	t.Run("entry facts are the first event's", func(t *testing.T) { entryFacts(t, make(t)) })
	t.Run("latest", func(t *testing.T) { latest(t, make(t)) })
	t.Run("many at once", func(t *testing.T) { manyAtOnce(t, make(t)) })
	t.Run("many over midnight", func(t *testing.T) { manyOverMidnight(t, make(t)) })
}

func run(t *testing.T, v kv.Visits, hits []hit) {
	for i, h := range hits {
		var previous kv.VisitKey
		if h.previous != 0 {
			previous = kv.VisitKey{Site: 1, Visitor: h.previous}
		}
		fresh := kv.Visit{ID: int64(i + 1), Origin: h.origin, Entry: []byte{byte(i + 1)}}
		got, opened, err := v.Join(t.Context(), kv.VisitKey{Site: 1, Visitor: h.key}, previous, fresh, start+h.at, h.external)
		if err != nil {
			t.Fatal(err)
		}
		if h.time == 0 {
			h.time = h.at
		}
		if got.ID != h.visit || opened != h.opens || got.Last != start+h.time || got.Start != start+h.starts {
			t.Fatalf("hit %d: visit %d, opened %v, started %d, at %d; want visit %d, %v, %d, %d", i+1,
				got.ID, opened, got.Start-start, got.Last-start, h.visit, h.opens, h.starts, h.time)
		}
		if len(got.Entry) != 1 || int64(got.Entry[0]) != h.visit {
			t.Fatalf("hit %d of visit %d has the entry facts %v", i+1, got.ID, got.Entry)
		}
	}
}

func entryFacts(t *testing.T, v kv.Visits) {
	k := kv.VisitKey{Site: 1, Visitor: 1}
	facts := []byte("landing page")
	first, _, err := v.Join(t.Context(), k, kv.VisitKey{}, kv.Visit{ID: 1, Entry: facts}, start, false)
	if err != nil {
		t.Fatal(err)
	}
	copy(facts, "another one!") // the caller's buffer goes back to its pool
	second, _, err := v.Join(t.Context(), k, kv.VisitKey{}, kv.Visit{ID: 2, Entry: []byte("second page")}, start+1, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []kv.Visit{first, second} {
		if !bytes.Equal(got.Entry, []byte("landing page")) {
			t.Errorf("entry facts are %q", got.Entry)
		}
	}
}

func latest(t *testing.T, v kv.Visits) {
	ctx := t.Context()
	a, b, other := kv.VisitKey{Site: 1, Visitor: 1}, kv.VisitKey{Site: 1, Visitor: 2}, kv.VisitKey{Site: 2, Visitor: 1}
	none := kv.VisitKey{}
	find := func(what string, key, previous kv.VisitKey, since, want int64) {
		t.Helper()
		got, ok, err := v.Latest(ctx, key, previous, since)
		if err != nil {
			t.Fatal(err)
		}
		if ok != (want != 0) || got.ID != want {
			t.Errorf("%s: visit %d, %v; want %d", what, got.ID, ok, want)
		}
	}
	join := func(key, previous kv.VisitKey, id, at int64) kv.Visit {
		t.Helper()
		got, _, err := v.Join(ctx, key, previous, kv.Visit{ID: id, Entry: []byte("e")}, at, false)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	find("nobody yet", a, none, start, 0)
	join(a, none, 1, start)
	find("its last event is at since", a, none, start, 1)
	find("its last event is before since", a, none, start+1, 0)
	find("another site", other, none, start, 0)
	find("under yesterday's salt", b, a, start, 1)
	find("under yesterday's salt, too old", b, a, start+1, 0)

	// Asking must not extend a visit, nor move it.
	find("still there", a, none, start, 1)
	if got := join(a, none, 2, start+30*minute); got.ID != 2 {
		t.Errorf("being asked for kept visit %d open", got.ID)
	}
	find("the latest of two", a, none, start, 2)
	find("the visit that joined moved", b, a, start, 2)
	join(b, a, 3, start+31*minute)
	find("moved by joining", b, none, start+31*minute, 2)
}

// manyAtOnce sends one visitor's events from many goroutines: there is one
// visit, and no two of its events have one time.
func manyAtOnce(t *testing.T, v kv.Visits) {
	const each, senders = 100, 8
	var mu sync.Mutex
	ids, times := map[int64]bool{}, map[int64]bool{}
	opens := 0
	together(senders, func(s int) {
		for i := range each {
			got, opened, err := v.Join(context.Background(), kv.VisitKey{Site: 1, Visitor: 5}, kv.VisitKey{},
				kv.Visit{ID: int64(1 + s*each + i), Entry: []byte("e")}, start+int64(i/10), false)
			mu.Lock()
			if err != nil {
				t.Error(err)
			}
			if opened {
				opens++
			}
			ids[got.ID], times[got.Last] = true, true
			mu.Unlock()
		}
	})
	if len(ids) != 1 || opens != 1 || len(times) != each*senders {
		t.Errorf("%d visits, opened %d times, %d times of %d events", len(ids), opens, len(times), each*senders)
	}
}

// manyOverMidnight has a thousand visitors cross midnight, each in several
// requests at once, some still hashed with the old salt: a visit is joined, or
// a new one opened, but never are there two that both go on.
func manyOverMidnight(t *testing.T, v kv.Visits) {
	const visitors = 1000
	ctx := context.Background()
	before := func(i int64) kv.VisitKey { return kv.VisitKey{Site: 1, Visitor: 10_000 + i} }
	after := func(i int64) kv.VisitKey { return kv.VisitKey{Site: 1, Visitor: 20_000 + i} }
	for i := range int64(visitors) {
		if _, _, err := v.Join(ctx, before(i), kv.VisitKey{}, kv.Visit{ID: 1 + i, Entry: []byte("e")}, start, false); err != nil {
			t.Fatal(err)
		}
	}
	together(4, func(s int) {
		for i := range int64(visitors) {
			got, opened, err := v.Join(ctx, after(i), before(i), kv.Visit{ID: 1_000_000 + i, Entry: []byte("e")}, start+second, false)
			if err != nil || opened || got.ID != 1+i {
				t.Errorf("visitor %d: visit %d, opened %v, %v", i, got.ID, opened, err)
			}
		}
	})
	for i := range int64(visitors) {
		if _, ok, _ := v.Latest(ctx, before(i), kv.VisitKey{}, 0); ok {
			t.Fatalf("visitor %d is still there under the old salt", i)
		}
	}
}

// together runs f in n goroutines and waits; a deadlock fails with all stacks
// at go test's own timeout.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// millis is a duration in the unit of kv's times.
func millis(d time.Duration) int64 { return d.Milliseconds() }
