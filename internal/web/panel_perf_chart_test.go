package web

import (
	"math"
	"strings"
	"testing"
	"time"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// TestPerfChartGaps draws a week with a day nothing came on, a day one phase
// is missing on, and few measurements on another.
func TestPerfChartGaps(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	p := perfOf(parse(t, "period=7d&compare=none"), pageLoad)
	res := &stats.Result{Query: p.series(), Span: stats.Span{From: day(16), To: day(23), Until: askNow}}
	counts := []float64{50, 50, 0, 50, 5, 50, 50}
	for i, n := range counts {
		pt := stats.Point{From: day(16 + i), To: day(17 + i), Partial: i == 6}
		for _, m := range p.series().Metrics {
			v := stats.Value{Metric: m, Number: stats.Number{N: 100, OK: n > 0}}
			switch {
			case m == p.count():
				v.Number = stats.Number{N: n, OK: true}
			case m == p.main():
				v.N = 450
			case m == stats.Percentile("download", 75) && i == 3, m == stats.Percentile("dns", 75):
				v.Number = stats.Number{} // one is missing on a day, the other always
			}
			pt.Values = append(pt.Values, v)
		}
		res.Points = append(res.Points, pt)
	}
	c := perfChart{t: html.Language("en"), p: p, res: res, totals: &stats.Result{}, now: askNow}
	view := c.view()
	var keys []string
	for _, b := range view.Bands {
		keys = append(keys, b.Key)
		if n := strings.Count(b.Area, "M"); n != 2 || strings.Contains(b.Area, "NaN") {
			t.Errorf("%s has %d stretches, want 2 around the days that aren't known: %s", b.Key, n, b.Area)
		}
		if b.Open == "" {
			t.Errorf("%s: today isn't drawn apart", b.Key)
		}
	}
	if got := strings.Join(keys, " "); got != "connect ttfb download render" {
		t.Errorf("stacked are %s: the phase nobody sent has no place", got)
	}
	line := view.Lines[0]
	for name, c := range map[string]struct {
		path  string
		moves int
		steps int
	}{"sure": {line.Sure, 1, 1}, "few": {line.Few, 1, 2}, "open": {line.Open, 1, 1}} {
		if strings.Count(c.path, "M") != c.moves || strings.Count(c.path, "L") != c.steps {
			t.Errorf("%s: %q, want %d stretches with %d steps", name, c.path, c.moves, c.steps)
		}
	}
	if r := view.Rows[2]; r.Y != "" || r.Cells[0] != html.Dash || r.Cells[len(r.Cells)-1] != "0" {
		t.Errorf("the day of nothing: %+v", r)
	}
	if len(view.Notes) != 2 || view.Grid[0].At != "100" {
		t.Errorf("notes %q, baseline %v", view.Notes, view.Grid[0])
	}
}

// TestBetween: areas break where nothing is known, and one bucket alone can be
// seen.
func TestBetween(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name         string
		lower, upper []float64
		want         string
	}{
		{"whole", []float64{0, 0}, []float64{5, 10}, "M0 50L1000 0L1000 100L0 100Z"},
		{"gap", []float64{0, nan, 0, 0}, []float64{5, 5, 5, 5}, "M0 50L6 50L6 100L0 100ZM666.67 50L1000 50L1000 100L666.67 100Z"},
		{"nothing", []float64{nan}, []float64{nan}, ""},
		{"one bucket", []float64{0}, []float64{5}, "M494 50L506 50L506 100L494 100Z"},
	} {
		p := plot{n: len(c.lower), top: 10}
		if got := p.between(c.lower, c.upper, 0, len(c.lower)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
