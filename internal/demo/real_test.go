package demo

import (
	"math"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
)

// big is what the tests below count, each in its own way: a month of the first
// shop at the size of a benchmark's.
func big(t *testing.T) ([]event.Event, []event.Drop) {
	t.Helper()
	return all(filling(t, 1, Shops(1)[0], 150_000, thirtyDays), 20_000)
}

// TestTrafficLooksReal counts a month by plain loops.
func TestTrafficLooksReal(t *testing.T) {
	events, drops := big(t)
	t.Run("paths are Zipf's", func(t *testing.T) { zipfPaths(t, events) })
	t.Run("days differ", func(t *testing.T) { days(t, events) })
	t.Run("a release is slow", func(t *testing.T) { slowRelease(t, events) })
	t.Run("bots", func(t *testing.T) { bots(t, events, drops) })
	t.Run("origins have a tail", func(t *testing.T) { tails(t, events) })
	t.Run("versions roll", func(t *testing.T) { versions(t, events) })
	t.Run("visits", func(t *testing.T) { visits(t, events) })
}

// zipfPaths fits a line through ranks and counts, both as logarithms.
func zipfPaths(t *testing.T, events []event.Event) {
	counts := map[string]float64{}
	for i := range events {
		if events[i].Name == event.Pageview {
			counts[events[i].Path]++
		}
	}
	var list []float64
	for _, n := range counts {
		list = append(list, n)
	}
	slices.Sort(list)
	slices.Reverse(list)
	if len(list) < 100 {
		t.Fatalf("%d paths: want a long tail", len(list))
	}
	list = list[:100]
	var sx, sy, sxx, sxy float64
	for i, n := range list {
		x, y := math.Log(float64(i+1)), math.Log(n)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(list))
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	if slope > -0.85 || slope < -1.3 {
		t.Errorf("a path's count falls with its rank to the power of %.2f; want about -1", slope)
	}
}

// days compares days of the week and the launch's, the third Tuesday of
// November from 15:00 UTC on.
func days(t *testing.T, events []event.Event) {
	began := map[string]float64{}
	hackers := map[string]float64{}
	for i := range events {
		e := &events[i]
		if e.Time == e.VisitStart {
			day := time.UnixMilli(e.Time).UTC().Format(time.DateOnly)
			began[day]++
			if e.Source == "Hacker News" {
				hackers[day]++
			}
		}
	}
	// Weeks without the launch: 26 October to 15 November.
	var weekend, weekday float64
	for d := time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC); d.Day() != 16; d = d.AddDate(0, 0, 1) {
		n := began[d.Format(time.DateOnly)]
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			weekend += n / 6
		} else {
			weekday += n / 15
		}
	}
	if r := weekend / weekday; r < 0.7 || r > 0.9 {
		t.Errorf("a day at the weekend has %.0f visits, a working day %.0f; want about three quarters", weekend, weekday)
	}
	if launch, usual := began["2026-11-17"], began["2026-11-10"]; launch < 2*usual {
		t.Errorf("%.0f visits on the day of the launch, %.0f a week before", launch, usual)
	}
	if h := hackers["2026-11-17"]; h < began["2026-11-17"]/2 {
		t.Errorf("%.0f of the launch day's %.0f visits come from Hacker News", h, began["2026-11-17"])
	}
	if last := began["2026-11-21"]; last > 1.3*began["2026-11-14"] {
		t.Errorf("four days later there are still %.0f visits", last)
	}
}

// slowRelease compares the Friday after the release with the one before it.
func slowRelease(t *testing.T, events []event.Event) {
	p75 := func(day string) int32 {
		var ms []int32
		for i := range events {
			e := &events[i]
			if v, ok := e.Measures[event.PageLoad].Value(); ok && time.UnixMilli(e.Time).UTC().Format(time.DateOnly) == day {
				ms = append(ms, v)
			}
		}
		slices.Sort(ms)
		return ms[len(ms)*3/4]
	}
	if slow, usual := p75("2026-11-13"), p75("2026-11-06"); slow < usual*3/2 {
		t.Errorf("page_load_p75 is %d ms after the release, %d ms a week before", slow, usual)
	}
}

func bots(t *testing.T, events []event.Event, drops []event.Drop) {
	var begun, robots, all int64
	names := map[string]bool{}
	for i := range events {
		if events[i].Time == events[i].VisitStart {
			begun++
		}
	}
	for i, d := range drops {
		if d.Time%60_000 != 0 || d.Count < 1 {
			t.Fatalf("a drop that is none: %+v", d)
		}
		if i > 0 && d.Detail == drops[i-1].Detail && d.Time == drops[i-1].Time {
			t.Fatalf("two drops of one minute: %+v", d)
		}
		all += d.Count
		if d.Reason == "bot" {
			robots += d.Count
			names[d.Detail] = true
		}
	}
	if share := float64(robots) / float64(begun); share < 0.15 || share > 0.35 {
		t.Errorf("%d bots beside %d visits; want about a quarter", robots, begun)
	}
	if len(names) < 8 || all == robots {
		t.Errorf("only the bots %v, and %d drops of other reasons", names, all-robots)
	}
}

func tails(t *testing.T, events []event.Event) {
	sources, campaigns, cities, terms := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for i := range events {
		e := &events[i]
		if e.Time == e.VisitStart {
			sources[e.Source]++
			campaigns[e.UTMCampaign]++
			cities[e.City]++
			terms[e.UTMTerm]++
		}
	}
	if len(sources) < 30 || len(campaigns) < 4 || len(cities) < 40 || len(terms) < 6 {
		t.Errorf("%d sources, %d campaigns, %d cities, %d terms", len(sources), len(campaigns), len(cities), len(terms))
	}
}

func versions(t *testing.T, events []event.Event) {
	seen := map[string]map[string]int{"2026-10-25": {}, "2026-11-20": {}}
	for i := range events {
		e := &events[i]
		if day := seen[time.UnixMilli(e.VisitStart).UTC().Format(time.DateOnly)]; day != nil && e.Browser == "Chrome" && e.Time == e.VisitStart {
			day[e.BrowserVersion]++
		}
	}
	most := func(of map[string]int) (version string) {
		for v, n := range of {
			if n > of[version] {
				version = v
			}
		}
		return version
	}
	before, after := most(seen["2026-10-25"]), most(seen["2026-11-20"])
	if before == after || len(seen["2026-11-20"]) != 3 {
		t.Errorf("Chrome is at %s in October, at %s in November, in the versions %v", before, after, seen["2026-11-20"])
	}
}

func visits(t *testing.T, events []event.Event) {
	type visit struct {
		entry event.Entry
		last  int64
		views int
	}
	seen := map[int64]visit{}
	for i := range events {
		e := &events[i]
		v, ok := seen[e.Visit]
		if !ok {
			v.entry = e.Entry
			if e.Name != event.Pageview || e.Time != e.VisitStart {
				t.Fatalf("a visit begins with %+v", e)
			}
		}
		if e.Entry != v.entry || ok && e.Time <= v.last {
			t.Fatalf("a visit changes its facts or its order: %+v", e)
		}
		if e.Name == event.Pageview {
			v.views++
		}
		v.last = e.Time
		seen[e.Visit] = v
	}
	bounces := 0
	for _, v := range seen {
		if v.views == 1 {
			bounces++
		}
	}
	if b := float64(bounces) / float64(len(seen)); b < 0.35 || b > 0.65 {
		t.Errorf("%.0f %% of the visits have one page", 100*b)
	}
	if per := float64(len(events)) / float64(len(seen)); math.Abs(per-EventsPerVisit) > 0.5 {
		t.Errorf("a visit has %.2f events, EventsPerVisit says %d", per, EventsPerVisit)
	}
}

// TestVisitorsLastALocalDay: a visitor belongs to one date of the site's zone,
// as a salt does; a visit across midnight stays one and its visitor becomes
// another. Both the filled and the windowed traffic, in zones of all kinds.
func TestVisitorsLastALocalDay(t *testing.T) {
	for _, name := range []string{"Asia/Seoul", "America/New_York", "Asia/Kolkata"} {
		z := zone(t, name)
		tr := New(Options{Site: 1, Zone: z, PerDay: 900, Epoch: month})
		events, _ := all(tr.Fill(25_000, month, month.AddDate(0, 0, 14)), 10_000)
		more, _ := tr.Window(month.AddDate(0, 0, 3), month.AddDate(0, 0, 9))
		for kind, list := range map[string][]event.Event{"filled": events, "windowed": more} {
			date := map[int64]string{}
			ofVisit := map[int64]map[int64]string{}
			for i := range list {
				e := &list[i]
				d := time.UnixMilli(e.Time).In(z).Format(time.DateOnly)
				if was, ok := date[e.Visitor]; ok && was != d {
					t.Fatalf("%s, %s: the visitor %d is there on %s and on %s", name, kind, e.Visitor, was, d)
				}
				date[e.Visitor] = d
				if ofVisit[e.Visit] == nil {
					ofVisit[e.Visit] = map[int64]string{}
				}
				ofVisit[e.Visit][e.Visitor] = d
			}
			across := 0
			for visit, visitors := range ofVisit {
				dates := map[string]bool{}
				for _, d := range visitors {
					dates[d] = true
				}
				if len(dates) != len(visitors) {
					t.Fatalf("%s, %s: the visit %d has %d visitors on %d dates", name, kind, visit, len(visitors), len(dates))
				}
				if len(dates) > 1 {
					across++
				}
			}
			if across == 0 {
				t.Errorf("%s, %s: no visit goes across midnight", name, kind)
			}
		}
	}
}
