package demo

import (
	"reflect"
	"testing"
	"time"

	"moonbear/internal/event"
)

var epoch = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func traffic() *Traffic { return New(Options{Site: 7, PerDay: 600, Epoch: epoch}) }

func TestWindowsJoinWithoutSeam(t *testing.T) {
	from := epoch.AddDate(0, 0, 10)
	whole, wholeDrops := traffic().Window(from, from.Add(6*time.Hour))
	var pieces []event.Event
	var drops []event.Drop
	for i := range 36 {
		at := from.Add(time.Duration(i) * 10 * time.Minute)
		e, d := traffic().Window(at, at.Add(10*time.Minute))
		pieces, drops = append(pieces, e...), append(drops, d...)
	}
	if len(whole) == 0 || !reflect.DeepEqual(whole, pieces) {
		t.Errorf("made at once: %d events, made in pieces: %d; they must be the same", len(whole), len(pieces))
	}
	if !reflect.DeepEqual(wholeDrops, drops) {
		t.Errorf("drops differ: %d and %d", len(wholeDrops), len(drops))
	}
}

func TestVisitsAreWhole(t *testing.T) {
	events, drops := traffic().Window(epoch.AddDate(0, 0, 20), epoch.AddDate(0, 0, 22))
	type visit struct {
		entry event.Entry
		last  int64
	}
	seen := map[int64]visit{}
	views, engaged := 0, 0
	for _, e := range events {
		v, ok := seen[e.Visit]
		if !ok {
			v.entry = e.Entry
		}
		if e.Entry != v.entry {
			t.Fatalf("visit %d changes its entry facts: %+v and %+v", e.Visit, v.entry, e.Entry)
		}
		if ok && e.Time <= v.last {
			t.Fatalf("visit %d: two events at %d", e.Visit, e.Time)
		}
		if d := e.Time - e.VisitStart; d < 0 || d > longestVisit.Milliseconds() {
			t.Fatalf("visit %d: an event %d ms after its start", e.Visit, d)
		}
		v.last = e.Time
		seen[e.Visit] = v
		switch e.Name {
		case event.Pageview:
			views++
			if _, ok := e.Measures[event.PageLoad].Value(); !ok {
				t.Fatal("a pageview without a page load time")
			}
		case event.Engagement:
			engaged++
			if e.Interactive {
				t.Fatal("engagement must not count against a bounce")
			}
		}
	}
	if perDay := len(seen) / 2; perDay < 200 || perDay > 2500 {
		t.Errorf("%d visits a day, want something like 600", perDay)
	}
	if views < len(seen) || engaged == 0 || len(drops) == 0 {
		t.Errorf("%d visits, %d pageviews, %d engagements, %d drops", len(seen), views, engaged, len(drops))
	}
}

func TestDaysDiffer(t *testing.T) {
	count := func(day time.Time) int {
		events, _ := traffic().Window(day, day.AddDate(0, 0, 1))
		n := 0
		for _, e := range events {
			if e.Name == event.Pageview && e.Time == e.VisitStart {
				n++
			}
		}
		return n
	}
	sunday, tuesday := count(time.Date(2026, 7, 12, 0, 0, 0, 0, time.UTC)), count(time.Date(2026, 7, 14, 0, 0, 0, 0, time.UTC))
	launched := count(time.Date(2026, 7, 21, 0, 0, 0, 0, time.UTC))
	if !(sunday < tuesday && launched > tuesday*3/2) {
		t.Errorf("Sunday %d, Tuesday %d, launch day %d: want them to rise", sunday, tuesday, launched)
	}
}

// TestDeeds says that the demo has all the kinds of events that panels show.
func TestDeeds(t *testing.T) {
	events, _ := traffic().Window(epoch.AddDate(0, 0, 20), epoch.AddDate(0, 0, 24))
	counts, money, keys := map[string]int{}, map[string]int64{}, map[string]string{}
	for _, e := range events {
		counts[e.Name]++
		for i, p := range e.Props {
			if i > 0 && e.Props[i-1].Key >= p.Key {
				t.Fatalf("%s: properties out of order: %v", e.Name, e.Props)
			}
			keys[e.Name] = p.Key
		}
		if (e.Revenue != 0) != (e.Currency != "") {
			t.Fatalf("%s: %d in %q", e.Name, e.Revenue, e.Currency)
		}
		money[e.Currency] += e.Revenue
	}
	for name, key := range map[string]string{Purchase: "roast", Signup: "plan", Newsletter: "place", event.Outbound: "url", event.Download: "url", event.NotFound: "path"} {
		if counts[name] < 5 || keys[name] != key {
			t.Errorf("%s: %d in four days, its last property is %q; want some, with %q", name, counts[name], keys[name], key)
		}
	}
	if money["USD"] == 0 || money["EUR"] == 0 || money["KRW"] == 0 {
		t.Errorf("money is %v, want some in three currencies", money)
	}
}

// A visitor is an address and a browser: on one day in one country, with one
// browser, so the rows by country add up to the visitors.
func TestVisitorsAreInOnePlace(t *testing.T) {
	from := time.Date(2026, 11, 16, 15, 0, 0, 0, time.UTC)
	events, _ := New(Options{Site: 3, PerDay: 900, Epoch: from}).Window(from, from.Add(24*time.Hour))
	type facts struct{ country, city, browser, os string }
	seen, visits := map[int64]facts{}, map[int64]int64{}
	returned := map[int64]bool{}
	for _, e := range events {
		now := facts{e.Entry.Country, e.Entry.City, e.Entry.Browser, e.Entry.OS}
		if before, ok := seen[e.Visitor]; ok && before != now {
			t.Fatalf("the visitor %d is at %v and %v on one day", e.Visitor, before, now)
		}
		if v, ok := visits[e.Visitor]; ok && v != e.Visit {
			returned[e.Visitor] = true
		}
		seen[e.Visitor], visits[e.Visitor] = now, e.Visit
	}
	if len(returned) < len(seen)/50 || len(returned) > len(seen)/3 {
		t.Errorf("%d of %d visitors came back on the same day", len(returned), len(seen))
	}
}
