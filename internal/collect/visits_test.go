package collect

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"moonbear/internal/event"
)

// call is one hit of a visitor at a time, and the visit it must be in: visits
// are numbered in the order they open; 0 is a drop.
type call struct {
	at      time.Duration
	name    string // "": a pageview
	path    string
	more    string // members of the hit
	visit   int
	headers []string
}

func TestVisits(t *testing.T) {
	google := `,"referrer":"https://www.google.com/"`
	kakaoUA := []string{"User-Agent", kakao}
	for name, calls := range map[string][]call{
		"within half an hour": {
			{at: 0, visit: 1}, {at: 29 * time.Minute, visit: 1}, {at: 58 * time.Minute, visit: 1}, {at: 88 * time.Minute, visit: 2},
		},
		"another user agent": {
			{at: 0, visit: 1}, {at: time.Second, visit: 2, headers: []string{"User-Agent", iphone}}, {at: 2 * time.Second, visit: 1},
		},
		"another campaign": {
			{at: 0, more: `,"utm_campaign":"a"`, visit: 1}, {at: 1, more: `,"utm_campaign":"a"`, visit: 1},
			{at: 2, more: `,"utm_campaign":"b"`, visit: 2}, {at: 3, visit: 2},
		},
		"another source": {
			{at: 0, visit: 1}, {at: 1, more: google, visit: 2}, {at: 2, more: google, visit: 2},
			{at: 3, more: `,"referrer":"https://news.ycombinator.com/"`, visit: 3}, {at: 4, visit: 3},
		},
		"from page to page": {
			{at: 0, more: google, visit: 1}, {at: 1, more: `,"referrer":"https://example.com/"`, visit: 1},
			{at: 2, more: `,"referrer":"https://shop.example.com/"`, visit: 1},
		},
		"an app's browser is not an arrival": {
			{at: 0, more: `,"utm_source":"kakao","utm_campaign":"spring"`, visit: 1, headers: kakaoUA},
			{at: 1, visit: 1, headers: kakaoUA}, {at: 2, more: `,"referrer":"https://example.com/"`, visit: 1, headers: kakaoUA},
		},
		"custom events belong": {
			{at: 0, visit: 1}, {at: time.Minute, name: "signup", visit: 1}, {at: 30 * time.Minute, visit: 1},
		},
		"engagement joins": {
			{at: 0, visit: 1}, {at: time.Minute, name: "engagement", visit: 1},
			{at: 5 * time.Hour, name: "engagement", visit: 1}, {at: 6 * time.Hour, name: "engagement", visit: 1},
			{at: 6*time.Hour + 1*time.Millisecond, name: "engagement", visit: 0},
		},
		"engagement does not extend": {
			{at: 0, visit: 1}, {at: 20 * time.Minute, name: "engagement", visit: 1}, {at: 40 * time.Minute, visit: 2},
			{at: 41 * time.Minute, name: "engagement", visit: 2},
		},
		"engagement does not open": {
			{at: 0, name: "engagement", visit: 0}, {at: 1, visit: 1},
		},
		"engagement names no new source": {
			{at: 0, visit: 1}, {at: 1, name: "engagement", more: google, visit: 1}, {at: 2, visit: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			checkVisits(t, w, siteID, "example.com", calls)
		})
	}
}

// Every zone's midnight, and clocks that change around it: the visit goes on,
// the visitor becomes another one, and engagement finds the visit.
func TestVisitsOverMidnight(t *testing.T) {
	for name, tc := range map[string]struct{ tz, midnight string }{
		"seoul":                         {"Asia/Seoul", "2026-03-01T15:00:00Z"},
		"kathmandu, +05:45":             {"Asia/Kathmandu", "2026-03-01T18:15:00Z"},
		"chatham, +13:45":               {"Pacific/Chatham", "2026-01-10T10:15:00Z"},
		"st john's, -02:30":             {"America/St_Johns", "2026-07-02T02:30:00Z"},
		"berlin, before a 23 hour day":  {"Europe/Berlin", "2026-03-28T23:00:00Z"},
		"berlin, after it":              {"Europe/Berlin", "2026-03-29T22:00:00Z"},
		"berlin, after a 25 hour day":   {"Europe/Berlin", "2026-10-25T23:00:00Z"},
		"beirut, no midnight":           {"Asia/Beirut", "2026-03-28T22:00:00Z"},
		"santiago, no midnight":         {"America/Santiago", "2026-09-06T04:00:00Z"},
		"lord howe, half an hour of it": {"Australia/Lord_Howe", "2026-04-05T13:30:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.sites.list["zone"] = newSite(t, 9, "zone", "zone.example", tc.tz)
			midnight, err := time.Parse(time.RFC3339, tc.midnight)
			if err != nil {
				t.Fatal(err)
			}
			w.clock.set(midnight)
			got := checkVisits(t, w, "zone", "zone.example", []call{
				{at: -10 * time.Minute, visit: 1},
				{at: -time.Millisecond, name: "engagement", visit: 1},
				{at: 0, name: "engagement", visit: 1}, // found under yesterday's salt, and left there
				{at: 10 * time.Minute, visit: 1},
				{at: 15 * time.Minute, visit: 1},
				{at: 5 * time.Hour, name: "engagement", visit: 1},
				{at: 6 * time.Hour, visit: 2},
			})
			before, after := got[0].Visitor, got[3].Visitor
			for i, e := range got {
				want := after
				if i < 2 {
					want = before
				}
				if e.Visitor != want || before == after {
					t.Errorf("event %d has visitor %d; before midnight %d, after it %d", i, e.Visitor, before, after)
				}
			}
			if got[3].VisitStart != got[0].Time || got[3].EntryPath != "/0" {
				t.Errorf("after midnight the visit started at %d on %q", got[3].VisitStart, got[3].EntryPath)
			}
		})
	}
}

// checkVisits sends the calls and holds each to its visit, the visit's facts,
// and strictly growing times.
func checkVisits(t *testing.T, w *world, site, host string, calls []call) []event.Event {
	t.Helper()
	start := w.clock.now()
	want := make([]call, 0, len(calls))
	for i, c := range calls {
		w.clock.set(start.Add(c.at))
		name := c.name
		if name == "" {
			name = event.Pageview
		}
		w.hit("/event", fmt.Sprintf(`{"pid":%q,"event":%q,"url":"https://%s/%d"%s}`, site, name, host, i, c.more), c.headers...)
		if c.visit != 0 {
			c.path = fmt.Sprintf("/%d", i)
			want = append(want, c)
		}
	}
	got := w.stored().Events
	if len(got) != len(want) {
		t.Fatalf("%d events are stored, want %d; drops %v", len(got), len(want), w.read().Drops)
	}
	ids, last := map[int64]int{}, map[int64]int64{}
	first := map[int64]event.Event{}
	for i, e := range got {
		if _, known := ids[e.Visit]; !known {
			ids[e.Visit] = len(ids) + 1
			first[e.Visit] = e
		}
		if n := ids[e.Visit]; n != want[i].visit || e.Path != want[i].path {
			t.Errorf("event %d (%s %s) is in visit %d, want %d", i, e.Name, e.Path, n, want[i].visit)
		}
		if e.Entry != first[e.Visit].Entry {
			t.Errorf("event %d has other facts than its visit:\n%+v\n%+v", i, e.Entry, first[e.Visit].Entry)
		}
		if e.Name == event.Engagement {
			continue
		}
		if e.Time <= last[e.Visit] {
			t.Errorf("event %d is at %d, its visit's last one was at %d", i, e.Time, last[e.Visit])
		}
		last[e.Visit] = e.Time
	}
	return got
}

// Many hits of one visitor at once, in one millisecond: one visit, no ties.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, "")
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if status, answer := w.send(request("/event", pv(fmt.Sprintf("https://example.com/%d", i), ""))); status != 202 {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	wg.Wait()
	visits, times := map[int64]bool{}, map[int64]bool{}
	for _, e := range w.stored().Events {
		visits[e.Visit], times[e.Time] = true, true
	}
	if len(visits) != 1 || len(times) != 200 {
		t.Errorf("%d visits, %d times of 200 events", len(visits), len(times))
	}
}

// A salt that cannot be written is no reason to count a visitor wrong: 503.
func TestNoSaltNoHit(t *testing.T) {
	w := newWorld(t, "")
	w.hit("/event", pv("https://example.com/", ""))
	w.clock.add(24 * time.Hour)
	breakDir(t, w.dir)
	status, answer := w.send(request("/event", pv("https://example.com/", "")))
	if status != 503 || answer != `{"message":"The server cannot take hits right now. Try again later."}`+"\n" {
		t.Errorf("%d %s", status, answer)
	}
}
