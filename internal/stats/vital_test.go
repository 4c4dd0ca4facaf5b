package stats_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	. "moonbear/internal/event/eventtest"
	"moonbear/internal/stats"
)

// What measureOf says of the metrics of a measure that are no percentiles.
const (
	countOf = 101 + iota
	goodOf
	poorOf
)

func sampleOf(m stats.Metric) (index, kind int, ok bool) {
	for i, name := range event.MeasureColumns {
		rest, ok := strings.CutPrefix(string(m), name+"_")
		if !ok {
			continue
		}
		if kind := map[string]int{"count": countOf, "good": goodOf, "poor": poorOf}[rest]; kind != 0 {
			return i, kind, true
		}
	}
	return 0, 0, false
}

// googleSays are the limits as web.dev states them, in stored units.
var googleSays = map[int][2]int32{
	event.LCP: {2500, 4000}, event.INP: {200, 500}, event.CLS: {1000, 2500}, event.FCP: {1800, 3000}, event.TTFB: {800, 1800},
}

// shareOf counts what was gathered of a measure, or the share of it that is
// good or poor.
func shareOf(index, kind int, list []int32) (float64, bool) {
	n := 0
	for _, v := range list {
		switch {
		case kind == countOf, kind == goodOf && v <= googleSays[index][0], kind == poorOf && v > googleSays[index][1]:
			n++
		}
	}
	if kind == countOf {
		return float64(n), true
	}
	return 100 * float64(n) / float64(len(list)), len(list) > 0
}

// least drops the keys that have too few of what q wants at least.
func (o *oracle) least(q stats.Query, cells map[string]cell, keys []string) (kept []string) {
	for _, k := range keys {
		enough := q.Least.Metric == ""
		for i, m := range q.Metrics {
			if m == q.Least.Metric && cells[k].numbers[i].N >= q.Least.N {
				enough = true
			}
		}
		if enough {
			kept = append(kept, k)
		}
	}
	return kept
}

func randomLeast(r *rand.Rand, q stats.Query) stats.Least {
	m := pick(r, q.Metrics)
	if u := m.Unit(); len(q.Dimensions) == 0 || r.IntN(3) > 0 || u != stats.Count && u != stats.Money {
		return stats.Least{}
	}
	return stats.Least{Metric: m, N: float64(r.IntN(6))}
}

// TestRate tries each limit on it and beside it.
func TestRate(t *testing.T) {
	for _, c := range []struct {
		measure string
		n       float64
		want    stats.Rating
	}{
		{"lcp", 0, stats.Good}, {"lcp", 2500, stats.Good}, {"lcp", 2501, stats.NeedsWork}, {"lcp", 4000, stats.NeedsWork}, {"lcp", 4001, stats.Poor},
		{"inp", 200, stats.Good}, {"inp", 201, stats.NeedsWork}, {"inp", 500, stats.NeedsWork}, {"inp", 501, stats.Poor},
		{"cls", 0.1, stats.Good}, {"cls", 0.1001, stats.NeedsWork}, {"cls", 0.25, stats.NeedsWork}, {"cls", 0.2501, stats.Poor},
		{"fcp", 1800, stats.Good}, {"fcp", 1801, stats.NeedsWork}, {"fcp", 3000, stats.NeedsWork}, {"fcp", 3001, stats.Poor},
		{"vital_ttfb", 800, stats.Good}, {"vital_ttfb", 801, stats.NeedsWork}, {"vital_ttfb", 1800, stats.NeedsWork}, {"vital_ttfb", 1801, stats.Poor},
	} {
		v, ok := stats.VitalNamed(c.measure)
		if !ok || v.Rate(c.n) != c.want {
			t.Errorf("%s %v is %q, want %q", c.measure, c.n, v.Rate(c.n), c.want)
		}
	}
	if _, ok := stats.VitalNamed("page_load"); ok {
		t.Error("the page load is no vital of Google's")
	}
}

// TestVitalShares puts one measurement on each side of each limit into the
// store, and holds counts and shares against what a reader counts here: two
// of six are good, three need work, one is poor.
func TestVitalShares(t *testing.T) {
	var es []event.Event
	for index, limits := range googleSays {
		for _, v := range []int32{0, limits[0], limits[0] + 1, limits[1] - 1, limits[1], limits[1] + 1} {
			e := Visit(View("/"))[0]
			e.Name = event.Engagement
			e.Measures[index] = event.Measured(int64(v))
			es = append(es, e)
		}
	}
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}
	var ms []stats.Metric
	for _, v := range stats.Vitals() {
		ms = append(ms, stats.Measurements(v.Measure), stats.GoodShare(v.Measure), stats.PoorShare(v.Measure))
	}
	r := ask(t, es, Start.Add(time.Hour), q.Totals(ms...))
	for i, v := range r.Totals {
		if want := []float64{6, 33.3, 16.7}[i%3]; v.N != want {
			t.Errorf("%s is %v, want %v", v.Metric, v.N, want)
		}
	}
	none := ask(t, es, Start.Add(time.Hour), q.Totals(stats.Measurements("page_load")))
	if v := none.Totals[0]; !v.OK || v.N != 0 {
		t.Errorf("nothing measured is counted as %v", v)
	}
}

// TestLeast: rows with too few measurements are neither shown nor counted.
func TestLeast(t *testing.T) {
	var es []event.Event
	for path, loads := range map[string][]int64{"/often": {100, 200, 300}, "/twice": {9000, 9000}, "/never": nil} {
		es = append(es, Visit(View(path))...)
		for _, load := range loads {
			e := Visit(View(path))[0]
			e.Name = event.Engagement
			e.Measures[event.PageLoad] = event.Measured(load)
			es = append(es, e)
		}
	}
	n, load := stats.Measurements("page_load"), stats.Percentile("page_load", 75)
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}.By(stats.Path, 10, load, n, stats.Pageviews)
	each(t, func(t *testing.T, store event.Store) {
		atLeast(t, stats.New(store, func() time.Time { return Start.Add(time.Hour) }), q, n)
	}, es)
	for name, wrong := range map[string]stats.Query{
		"not asked for":     q.By(stats.Path, 10, load),
		"not of a row":      q.Totals(n),
		"no count of rates": q.By(stats.Path, 10, load, n),
	} {
		wrong.Least = stats.Least{Metric: n, N: 1}
		if name == "no count of rates" {
			wrong.Least.Metric = load
		}
		if wrong.Validate(Start, stats.Names{}) == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func atLeast(t *testing.T, store *stats.Stats, q stats.Query, n stats.Metric) {
	t.Helper()
	for least, want := range map[float64]string{0: "/twice /often /never", 1: "/twice /often", 2: "/twice /often", 3: "/often", 4: ""} {
		q.Least = stats.Least{Metric: n, N: least}
		r, err := store.Run(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, row := range r.Rows {
			paths = append(paths, row.Keys[0])
		}
		if got := strings.Join(paths, " "); got != want || r.Count != len(paths) {
			t.Errorf("at least %v: got %q of %d, want %q", least, got, r.Count, want)
		}
	}
}
