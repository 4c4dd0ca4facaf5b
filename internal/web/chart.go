package web

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// plot turns values into places: x in percent of the width, y in percent from
// the top. The baseline is always 0, so that a small change looks small.
type plot struct {
	n   int     // buckets
	top float64 // value at the upper edge
}

func (p plot) x(i int) float64 {
	if p.n < 2 {
		return 50
	}
	return 100 * float64(i) / float64(p.n-1)
}

func (p plot) y(v float64) float64 { return 100 - 100*v/p.top }

// headroom keeps the highest point and the label of the highest line of the
// grid inside the plot.
const headroom = 1.12

// chartView draws one metric by time.
func chartView(t *html.Text, a ask, res *stats.Result, now time.Time) html.Chart {
	u := unit(a.metric)
	var is, was []float64
	highest := 0.0
	for _, p := range res.Points {
		v := p.Value(a.metric)
		is, was = append(is, number(v.Number)), append(was, number(v.Previous))
		for _, n := range []stats.Number{v.Number, v.Previous} {
			if n.OK {
				highest = max(highest, n.N)
			}
		}
	}
	before := beginning(a.site, res.Points)
	for i := range before {
		is[i] = math.NaN()
	}
	step, lines := grid(highest, u)
	p := plot{n: len(res.Points), top: max(step*float64(lines), highest) * headroom}
	name := t.Metric(string(a.metric)).Name
	c := html.Chart{
		Title: fmt.Sprintf(t.ChartLabel, name, spanWords(t, a, res.Span, now)),
		Zone:  res.Span.From.Location().String(), Compared: a.q.Compare != stats.NoComparison,
		Columns: []string{t.Time},
	}
	for i := range lines + 1 {
		v := step * float64(i)
		label := a.tick(t, a.metric, v)
		if i == 0 {
			label = "" // the baseline is 0 by promise; a label would sit on the axis
		}
		c.Grid = append(c.Grid, html.Tick{At: percentText(p.y(v)), Label: label})
	}
	open := openBucket(res, now)
	c.Unfinished = open >= 0
	c.Line, c.Dots = p.line(is, 0, closedEnd(open, len(is)))
	c.Area = p.area(is)
	if open > 0 && !math.IsNaN(is[open]) && !math.IsNaN(is[open-1]) {
		c.Dashed, _ = p.line(is, open-1, open+1)
	} else if open >= 0 && !math.IsNaN(is[open]) {
		c.Dots = append(c.Dots, html.Dot{X: percentText(p.x(open)), Y: percentText(p.y(is[open]))})
	}
	if c.Compared && slices.ContainsFunc(was, func(v float64) bool { return v > 0 }) {
		c.Previous, _ = p.line(was, 0, len(was))
	}
	c.Ticks = ticks(t, res, p)
	c.Rows = chartRows(t, a, res, p, now, open, before)
	for i, m := range a.headline() {
		c.Columns = append(c.Columns, t.Metric(string(m)).Name)
		if m == a.metric {
			c.Main = i
		}
	}
	return c
}

// openBucket is the bucket that isn't over yet, -1 for none.
func openBucket(res *stats.Result, now time.Time) int {
	for i, p := range res.Points {
		if !p.From.After(now) && now.Before(p.To) && p.Partial {
			return i
		}
	}
	return -1
}

// beginning is how many buckets lie before a site was measured: over when it
// was made here, and without a visitor. They are a gap, for a zero would be a claim.
// (An import may reach further back; then its first event is the beginning.)
func beginning(st *site.Site, points []stats.Point) int {
	n := 0
	for n < len(points) && !points[n].To.After(st.CreatedAt) && points[n].Value(stats.Visitors).N == 0 {
		n++
	}
	return n
}

func closedEnd(open, n int) int {
	if open >= 0 {
		return open
	}
	return n
}

// line is the path through values[from:to]; where one is missing the line
// breaks, and a value alone between two gaps becomes a dot.
func (p plot) line(values []float64, from, to int) (path string, dots []html.Dot) {
	var b strings.Builder
	run := 0
	for i := from; i < to; i++ {
		if math.IsNaN(values[i]) {
			run = 0
			continue
		}
		cmd := "L"
		if run == 0 {
			cmd = "M"
		}
		run++
		fmt.Fprintf(&b, "%s%s %s", cmd, percentText(p.x(i)*10), percentText(p.y(values[i])))
		if alone := run == 1 && (i+1 >= len(values) || math.IsNaN(values[i+1])); alone {
			dots = append(dots, html.Dot{X: percentText(p.x(i)), Y: percentText(p.y(values[i]))})
		}
	}
	return b.String(), dots
}

// area is the line closed down to the baseline, stretch by stretch.
func (p plot) area(values []float64) string {
	var b strings.Builder
	for i := 0; i < len(values); {
		if math.IsNaN(values[i]) {
			i++
			continue
		}
		from := i
		fmt.Fprintf(&b, "M%s 100", percentText(p.x(i)*10))
		for ; i < len(values) && !math.IsNaN(values[i]); i++ {
			fmt.Fprintf(&b, "L%s %s", percentText(p.x(i)*10), percentText(p.y(values[i])))
		}
		if i-from > 1 {
			fmt.Fprintf(&b, "L%s 100Z", percentText(p.x(i-1)*10))
		}
	}
	return b.String()
}

// grid is the distance of the lines and how many there are above the
// baseline: a distance a person can count in, three or four of them.
func grid(highest float64, u html.Unit) (step float64, lines int) {
	switch u {
	case html.Percent:
		if highest > 40 {
			return 25, 4
		}
	case html.Seconds:
		for _, s := range []float64{5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600} {
			if highest <= s*4 {
				return s, max(1, int(math.Ceil(highest/s)))
			}
		}
	}
	if highest <= 0 {
		highest = 1
	}
	smallest := 0.0
	if u == html.Count {
		smallest = 1 // nobody is half a visitor
	}
	exp := math.Pow(10, math.Floor(math.Log10(highest/4)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		step = m * exp
		if u == html.Count && step != math.Trunc(step) {
			continue
		}
		if step >= smallest && highest <= step*4 {
			break
		}
	}
	step = max(step, smallest)
	return step, max(1, int(math.Ceil(highest/step-1e-9)))
}

// ticks label the time axis at most nine times, at even distances.
func ticks(t *html.Text, res *stats.Result, p plot) []html.Tick {
	n := len(res.Points)
	every := 1
	for _, e := range []int{1, 2, 3, 4, 6, 7, 10, 12, 14, 15, 20, 28, 30, 60, 91, 182, 366} {
		every = e
		if (n+e-1)/e <= 9 {
			break
		}
	}
	var out []html.Tick
	for i := 0; i < n; i += every {
		k := html.Tick{At: percentText(p.x(i)), Label: tickWords(t, res, i), End: "middle"}
		switch {
		case n < 2:
		case i == 0:
			k.End = "start"
		case p.x(i) > 97:
			k.End = "end"
		}
		out = append(out, k)
	}
	return out
}

func tickWords(t *html.Text, res *stats.Result, i int) string {
	from := res.Points[i].From
	switch res.Query.Interval {
	case stats.Minute, stats.Hour:
		if res.Query.Interval == stats.Hour && len(res.Points) > 48 {
			return t.Day(from, from)
		}
		return t.Clock(from)
	case stats.Month:
		return t.MonthShort(from)
	}
	return t.DayShort(from)
}

// bucketWords names a bucket in full.
func bucketWords(t *html.Text, i stats.Interval, from, to, now time.Time) string {
	switch i {
	case stats.Minute:
		return t.Clock(from)
	case stats.Hour:
		return t.Weekday(from, now) + " " + t.Clock(from)
	case stats.Week:
		return t.Span(from, to, now)
	case stats.Month:
		return t.Month(from)
	}
	return t.Weekday(from, now)
}

// chartRows are the numbers behind the picture, for the table, the pointer
// and screen readers.
func chartRows(t *html.Text, a ask, res *stats.Result, p plot, now time.Time, open, before int) []html.ChartRow {
	// Dates are the smallest period that can be asked for: hours lead to their
	// days, and within one day there is nothing to zoom to.
	zooms := res.Span.To.Sub(res.Span.From) > 25*time.Hour || !sameDay(res.Span)
	var rows []html.ChartRow
	for i, pt := range res.Points {
		main := pt.Value(a.metric)
		r := html.ChartRow{Label: bucketWords(t, res.Query.Interval, pt.From, pt.To, now), X: percentText(p.x(i)), Unfinished: i == open}
		if main.OK && i >= before {
			r.Y = percentText(p.y(main.N))
		}
		if main.Previous.OK {
			r.BeforeY = percentText(p.y(main.Previous.N))
		}
		r.Before = a.exact(t, a.metric, number(main.Previous))
		for _, m := range a.headline() {
			r.Cells = append(r.Cells, a.exact(t, m, number(pt.Value(m).Number)))
		}
		if iv := res.Query.Interval; zooms && iv != stats.Minute {
			r.From, r.To = pt.From.Format(time.DateOnly), pt.To.Add(-time.Nanosecond).Format(time.DateOnly)
		}
		rows = append(rows, r)
	}
	return rows
}

func sameDay(s stats.Span) bool { return dateOf(s.From) == dateOf(s.To.Add(-time.Nanosecond)) }

// sparkLine is a line in a 100 × 24 box with a margin of 2 for its stroke.
func sparkLine(values []float64) string {
	highest := 0.0
	for _, v := range values {
		highest = max(highest, v)
	}
	var b strings.Builder
	for i, v := range values {
		cmd := "L"
		if i == 0 {
			cmd = "M"
		}
		x := 100 * float64(i) / float64(max(len(values)-1, 1))
		fmt.Fprintf(&b, "%s%s %s", cmd, percentText(x), percentText(22-20*v/max(highest, 1)))
	}
	return b.String()
}
