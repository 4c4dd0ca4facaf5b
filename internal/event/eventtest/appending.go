package eventtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"moonbear/internal/event"
)

// count is how many events a store holds.
func count(t *testing.T, s event.Store) int64 {
	t.Helper()
	return Number(t, s, "select count(*) from events")
}

func loaded(t *testing.T, s event.Store, spool string, want int64) {
	t.Helper()
	got, err := s.Loaded(context.Background(), spool)
	if err != nil {
		t.Fatalf("loaded %s: %v", spool, err)
	}
	if got != want {
		t.Errorf("loaded %s = %d, want %d", spool, got, want)
	}
}

func closing(t *testing.T, s event.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// views makes n pageviews, each its own visit, a second apart.
func views(n int) []event.Event {
	var visits [][]event.Event
	for i := range n {
		visits = append(visits, Visit(At(Start.Add(time.Duration(i)*time.Second)), View(fmt.Sprintf("/%d", i))))
	}
	return Events(visits...)
}

func appendAgain(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	loaded(t, s, "a", 0)
	b := Batch("a", 0, views(5))
	for range 3 {
		Append(t, s, b)
	}
	if n := count(t, s); n != 5 {
		t.Errorf("%d events after three times the same 5, want 5", n)
	}
	loaded(t, s, "a", 5)
	Same(t, All(t, s, Site), b.Events)
}

// appendOverlapping replays a log that is cut into other batches than at
// first, as it is after a restart.
func appendOverlapping(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	all := views(10)
	Append(t, s, Batch("a", 0, all[:4]))
	Append(t, s, Batch("a", 4, all[4:6]))
	// Wholly stored, differently cut: nothing to add.
	Append(t, s, Batch("a", 0, all[:6]))
	Append(t, s, Batch("a", 1, all[1:3]))
	if n := count(t, s); n != 6 {
		t.Fatalf("%d events, want 6", n)
	}
	// Partly stored: a batch does not say which of its events are new, so
	// nothing may be added, and silence would lose the rest.
	if err := s.Append(context.Background(), Batch("a", 3, all[3:10])); err == nil {
		t.Error("a batch that was stored in part was accepted, although its new events cannot be told from the old")
	}
	if n := count(t, s); n != 6 {
		t.Fatalf("%d events after a refused batch, want 6", n)
	}
	loaded(t, s, "a", 6)
	Append(t, s, Batch("a", 6, all[6:10]))
	loaded(t, s, "a", 10)
	Same(t, All(t, s, Site), all)
}

func appendReopened(t *testing.T, open Opener) {
	s := open(t)
	all := views(9)
	Append(t, s, Batch("a", 0, all[:3]))
	closing(t, s)
	for i := 3; i <= 6; i += 3 {
		s = open(t)
		loaded(t, s, "a", int64(i))
		Append(t, s, Batch("a", int64(i-3), all[i-3:i])) // what was stored before closing
		Append(t, s, Batch("a", int64(i), all[i:i+3]))
		Same(t, All(t, s, Site), all[:i+3])
		closing(t, s)
	}
	s = open(t)
	defer closing(t, s)
	loaded(t, s, "a", 9)
	Same(t, All(t, s, Site), all)
}

func appendTwoSpools(t *testing.T, open Opener) {
	s := open(t)
	all := views(8)
	Append(t, s, Batch("a", 0, all[0:2]))
	Append(t, s, Batch("b's", 0, all[2:5]))
	Append(t, s, Batch("a", 2, all[5:6]))
	Append(t, s, Batch("b's", 0, all[2:5])) // again
	Append(t, s, Batch("b's", 3, all[6:8]))
	Append(t, s, Batch("a", 0, all[0:2])) // again
	closing(t, s)
	s = open(t)
	defer closing(t, s)
	loaded(t, s, "a", 3)
	loaded(t, s, "b's", 5)
	loaded(t, s, "c", 0)
	Same(t, All(t, s, Site), all)
}

func appendEmpty(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	// A spool whose beginning is gone starts where it starts.
	Append(t, s, &event.Batch{Spool: "a", From: 1 << 40, To: 1<<40 + 7})
	loaded(t, s, "a", 1<<40+7)
	if n := count(t, s); n != 0 {
		t.Errorf("%d events, want none", n)
	}
}

func appendCancelled(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := Batch("a", 0, views(3))
	if err := s.Append(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("append with a cancelled context = %v, want context.Canceled", err)
	}
	loaded(t, s, "a", 0)
	if n := count(t, s); n != 0 {
		t.Errorf("%d events, want none", n)
	}
	Append(t, s, b)
	if n := count(t, s); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

// appendMany is more than any engine's block, in batches of odd sizes.
func appendMany(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	g := &Bulk{Seed: 7, Weights: map[int64]int{1: 5, 2: 1}}
	want := map[int64][]event.Event{}
	var pos int64
	for _, n := range []int{1, 2047, 2048, 2049, 7001, 1, 12_345} {
		es := g.Next(n)
		Append(t, s, Batch("a", pos, es))
		pos += int64(n)
		for _, e := range es {
			want[e.Site] = append(want[e.Site], e)
		}
	}
	for site, es := range want {
		Same(t, All(t, s, site), es)
	}
}
