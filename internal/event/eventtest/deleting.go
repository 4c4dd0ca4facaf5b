package eventtest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
)

// deleting fills a store with three sites over four days, in old and new
// months, with a drop an hour.
func deleting(t *testing.T, s event.Store) []event.Event {
	t.Helper()
	g := &Bulk{Seed: 11, Weights: map[int64]int{1: 3, 2: 3, 3: 1}, From: time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC), Gap: time.Minute}
	es := g.Next(4 * 24 * 60)
	b := Batch("a", 0, es)
	for i := 0; i < len(es); i += 60 {
		b.Drops = append(b.Drops, event.Drop{Site: es[i].Site, Time: es[i].Time / 60_000 * 60_000, Reason: "bot", Detail: "Yeti", Count: 1})
	}
	Append(t, s, b)
	return es
}

func tend(t *testing.T, s event.Store) {
	t.Helper()
	if c, ok := s.(Tender); ok {
		if err := c.Compact(context.Background()); err != nil {
			t.Fatalf("compact: %v", err)
		}
	}
}

func deleteSite(t *testing.T, open Opener) {
	for _, tended := range []bool{false, true} {
		t.Run(fmt.Sprintf("tended %v", tended), func(t *testing.T) {
			s := open(t)
			es := deleting(t, s)
			if tended {
				tend(t, s)
			}
			ctx := context.Background()
			if err := s.Delete(ctx, event.Selection{Site: 2}); err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(ctx, event.Selection{Site: 2}); err != nil {
				t.Fatalf("again: %v", err)
			}
			check := func() {
				t.Helper()
				if n := Number(t, s, "select count(*) from events where site_id = 2"); n != 0 {
					t.Errorf("%d events left", n)
				}
				if n := Number(t, s, "select count(*) from drops where site_id = 2"); n != 0 {
					t.Errorf("%d drops left", n)
				}
				for _, site := range []int64{1, 3} {
					Same(t, All(t, s, site), within(es, site, time.Time{}, time.Time{}))
				}
				loaded(t, s, "a", int64(len(es)))
			}
			check()
			closing(t, s)
			s = open(t)
			check()
			tend(t, s)
			check()
			// What comes after stays.
			later := Events(Visit(OnSite(2), View("/again")))
			Append(t, s, Batch("a", int64(len(es)), later))
			tend(t, s)
			Same(t, All(t, s, 2), later)
			closing(t, s)
		})
	}
}

// deleteImport takes one import back: its events and nothing else.
func deleteImport(t *testing.T, open Opener) {
	for _, tended := range []bool{false, true} {
		t.Run(fmt.Sprintf("tended %v", tended), func(t *testing.T) {
			s := open(t)
			es := deleting(t, s)
			imported := slices.Clone(es)
			var kept []event.Event
			for i := range imported {
				imported[i].Import = int64(i % 3)
				if imported[i].Import != 2 || imported[i].Site != 1 {
					kept = append(kept, imported[i])
				}
			}
			Append(t, s, Batch("import", 0, imported))
			if tended {
				tend(t, s)
			}
			if err := s.Delete(context.Background(), event.Selection{Site: 1, Import: 2}); err != nil {
				t.Fatal(err)
			}
			check := func() {
				t.Helper()
				for _, site := range []int64{1, 2, 3} {
					want := append(within(es, site, time.Time{}, time.Time{}), within(kept, site, time.Time{}, time.Time{})...)
					Same(t, All(t, s, site), want)
				}
				if n := Number(t, s, "select count(*) from drops where site_id = 1"); n == 0 {
					t.Error("its drops are gone with it: they are of what was collected")
				}
			}
			check()
			tend(t, s)
			check()
			closing(t, s)
			s = open(t)
			check()
			closing(t, s)
		})
	}
}

func deletePeriod(t *testing.T, open Opener) {
	for _, tended := range []bool{false, true} {
		t.Run(fmt.Sprintf("tended %v", tended), func(t *testing.T) {
			s := open(t)
			es := deleting(t, s)
			if tended {
				tend(t, s)
			}
			from, to := time.UnixMilli(es[1000].Time), time.UnixMilli(es[4000].Time)
			ctx := context.Background()
			if err := s.Delete(ctx, event.Selection{Site: 1, From: from, To: to}); err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(ctx, event.Selection{Site: 3, To: to}); err != nil {
				t.Fatal(err)
			}
			check := func() {
				t.Helper()
				Same(t, All(t, s, 1), append(within(es, 1, time.Time{}, from), within(es, 1, to, time.Time{})...))
				Same(t, All(t, s, 2), within(es, 2, time.Time{}, time.Time{}))
				Same(t, All(t, s, 3), within(es, 3, to, time.Time{}))
				if n := Number(t, s, "select count(*) from drops where site_id = 1 and ts >= ? and ts < ?", from, to); n != 0 {
					t.Errorf("%d drops left", n)
				}
				if n := Number(t, s, "select count(*) from drops where site_id = 1"); n == 0 {
					t.Error("no drops left outside the period")
				}
			}
			check()
			tend(t, s)
			check()
			closing(t, s)
			s = open(t)
			defer closing(t, s)
			check()
		})
	}
}

func tending(t *testing.T, open Opener) {
	s := open(t)
	if _, ok := s.(Tender); !ok {
		defer closing(t, s)
		t.Skip("this store needs no tending")
	}
	es := deleting(t, s)
	pos := int64(len(es))
	for i := range 3 {
		tend(t, s)
		late := (&Bulk{Seed: uint64(i), From: time.Date(2026, 1, 31, 5, 0, 0, 0, time.UTC)}).Next(50)
		Append(t, s, Batch("a", pos, late))
		es, pos = append(es, late...), pos+50
		for site := range int64(4) {
			Same(t, All(t, s, site), within(es, site, time.Time{}, time.Time{}))
		}
		loaded(t, s, "a", pos)
		closing(t, s)
		s = open(t)
	}
	closing(t, s)
}

// deletedForGood looks for a deleted site's text on the disk.
func deletedForGood(t *testing.T, open Opener) {
	s := open(t)
	d, ok := s.(Disk)
	if !ok {
		defer closing(t, s)
		t.Skip("this store has no files to look at")
	}
	const canary, keeper = "canary-Xq7vLw93kdPz", "keeper-Bn2rTy64mcQs"
	es := deleting(t, s)
	pos := int64(len(es))
	add := func(site int64, path string, at time.Time) {
		t.Helper()
		Append(t, s, Batch("a", pos, Events(Visit(OnSite(site), At(at), View(path+"/"+path), Custom("buy", path, path)))))
		pos += 2
		Append(t, s, &event.Batch{Spool: "a", From: pos, To: pos + 1, Days: []event.DayCount{{Site: site, Import: 1, Day: at.UnixMilli(), Dimension: "path", Value: path}}})
		pos++
	}
	old := time.Date(2026, 1, 30, 12, 0, 0, 0, time.UTC)
	add(77, canary, old)
	add(78, keeper, old)
	tend(t, s)
	add(77, canary, old.Add(time.Minute))
	add(77, canary, time.Now())
	add(78, keeper, time.Now())
	closing(t, s)
	if found := filesHolding(t, d.Directory(), canary); len(found) == 0 {
		t.Fatalf("the text is in no file before it is deleted: this test could not fail")
	}
	s = open(t)
	if err := s.Delete(context.Background(), event.Selection{Site: 77}); err != nil {
		t.Fatal(err)
	}
	tend(t, s)
	if found := filesHolding(t, d.Directory(), canary); len(found) != 0 {
		t.Errorf("still in %v", found)
	}
	closing(t, s)
	if found := filesHolding(t, d.Directory(), canary); len(found) != 0 {
		t.Errorf("still in %v after closing", found)
	}
	s = open(t)
	defer closing(t, s)
	if n := len(All(t, s, 78)); n != 4 {
		t.Errorf("%d events of the other site, want 4", n)
	}
}
