package web

import (
	"math"
	"strings"
	"testing"
	"time"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		highest float64
		unit    html.Unit
		step    float64
		lines   int
	}{
		{0, html.Count, 1, 1}, {1, html.Count, 1, 1}, {3, html.Count, 1, 3}, {5, html.Count, 2, 3}, {10, html.Count, 5, 2},
		{99, html.Count, 25, 4}, {1950, html.Count, 500, 4}, {16_500, html.Count, 5000, 4}, {1_000_000, html.Count, 250_000, 4},
		{100, html.Percent, 25, 4}, {41, html.Percent, 25, 4}, {12, html.Percent, 5, 3},
		{95, html.Seconds, 30, 4}, {400, html.Seconds, 120, 4}, {2.6, html.Ratio, 1, 3}, {1800, html.Milliseconds, 500, 4},
	} {
		step, lines := grid(c.highest, c.unit)
		if step != c.step || lines != c.lines {
			t.Errorf("grid(%v, %v) = %v × %d, want %v × %d", c.highest, c.unit, step, lines, c.step, c.lines)
		}
		if step*float64(lines) < c.highest || lines > 5 {
			t.Errorf("grid(%v): %d lines of %v don't hold it", c.highest, lines, step)
		}
	}
	for h := 0.0; h < 5000; h += 0.7 {
		for _, u := range []html.Unit{html.Count, html.Ratio, html.Percent, html.Seconds, html.Milliseconds} {
			if u == html.Percent && h > 100 {
				continue
			}
			if step, lines := grid(h, u); step*float64(lines) < h-1e-9 || lines < 1 || lines > 5 {
				t.Fatalf("grid(%v, %v) = %v × %d", h, u, step, lines)
			}
		}
	}
}

func TestLine(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		values []float64
		path   string
		dots   int
	}{
		{"whole", []float64{0, 5, 10}, "M0 100L500 50L1000 0", 0},
		{"gap", []float64{0, nan, 10, 10}, "M0 100M666.67 0L1000 0", 1},
		{"alone", []float64{nan, 5, nan}, "M500 50", 1},
		{"nothing", []float64{nan, nan}, "", 0},
		{"one bucket", []float64{5}, "M500 50", 1},
	} {
		p := plot{n: len(c.values), top: 10}
		path, dots := p.line(c.values, 0, len(c.values))
		if path != c.path || len(dots) != c.dots {
			t.Errorf("%s: got %s with %d dots, want %s with %d", c.name, path, len(dots), c.path, c.dots)
		}
		if area := p.area(c.values); strings.Contains(area, "NaN") || (area == "") != (c.path == "") {
			t.Errorf("%s: area %s", c.name, area)
		}
	}
}

// TestChartTellsTheTruth checks the open bucket, the gap before the site was
// made, and that the table says what the line shows.
func TestChartTellsTheTruth(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	made := *askSite
	made.CreatedAt = day(18).Add(5 * time.Hour)
	q := stats.Query{Site: &made, Period: stats.Period{Name: "7d"}, Compare: stats.PreviousPeriod}.Series(ask{}.headline()...)
	res := &stats.Result{Query: q, Span: stats.Span{From: day(16), To: day(23), Until: askNow}}
	for i, n := range []float64{0, 0, 0, 4, 8, 6, 2} {
		res.Points = append(res.Points, stats.Point{From: day(16 + i), To: day(17 + i), Partial: i == 6,
			Values: []stats.Value{{Metric: stats.Visitors, Number: stats.Number{N: n, OK: true}, Previous: stats.Number{N: 1, OK: true}}}})
	}
	a := ask{site: &made, q: q, metric: stats.Visitors}
	c := chartView(html.Language("en"), a, res, askNow)
	if n := strings.Count(c.Line, "M") + strings.Count(c.Line, "L"); n != 4 {
		t.Errorf("the line has %d points, want the 4 whole days since the site was made: %s", n, c.Line)
	}
	if strings.Count(c.Dashed, "L") != 1 || !c.Unfinished {
		t.Errorf("today isn't dashed: %q", c.Dashed)
	}
	if c.Previous == "" || len(c.Rows) != 7 || c.Rows[0].Y != "" || c.Rows[6].Y == "" || !c.Rows[6].Unfinished {
		t.Errorf("rows: %+v", c.Rows)
	}
	if r := c.Rows[4]; r.Cells[0] != "8" || r.Label != "Fri 20 Nov" || r.From != "2026-11-20" || r.To != "2026-11-20" {
		t.Errorf("row of the 20th: %+v", r)
	}
	if first := c.Grid[0]; first.At != "100" || first.Label != "" {
		t.Errorf("the baseline isn't zero: %+v", first)
	}
}
