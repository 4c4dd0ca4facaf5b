package web

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// perfChart draws a measure over time.
type perfChart struct {
	t      *html.Text
	p      perf
	res    *stats.Result // by time
	totals *stats.Result
	now    time.Time
}

// values of one metric by bucket; what wasn't measured is NaN.
func (c perfChart) values(m stats.Metric) []float64 {
	var vs []float64
	for _, pt := range c.res.Points {
		vs = append(vs, number(pt.Value(m).Number))
	}
	return vs
}

func (c perfChart) before() []float64 {
	var vs []float64
	for _, pt := range c.res.Points {
		vs = append(vs, number(pt.Value(c.p.main()).Previous))
	}
	return vs
}

func highest(lists ...[]float64) float64 {
	top := 0.0
	for _, vs := range lists {
		for _, v := range vs {
			if v > top { // false for NaN
				top = v
			}
		}
	}
	return top
}

func (c perfChart) view() html.PerfChart {
	t, u := c.t, unit(c.p.main())
	compared := c.res.Query.Compare != stats.NoComparison
	edges := c.edges()
	lists := append(slices.Clone(edges), c.values(c.p.main()))
	if c.p.measure != pageLoad {
		lists = [][]float64{c.values(stats.Percentile(c.p.measure, 95))}
	}
	top := highest(append(lists, c.before())...)
	vital, isVital := stats.VitalNamed(c.p.measure)
	if isVital {
		top = max(top, vital.Good)
	}
	step, lines := grid(top, u)
	pl := plot{n: len(c.res.Points), top: max(top, step) * headroom}
	name := t.Perf.Measures[c.p.measure].Name
	view := html.PerfChart{
		Title:    fmt.Sprintf(t.Perf.ChartTitle, name, fmt.Sprintf(t.Perf.Percentile, strconv.Itoa(c.p.percent)), spanWords(t, c.p.a, c.res.Span, c.now)),
		Zone:     c.res.Span.From.Location().String(),
		Compared: compared, Ticks: ticks(t, c.res, pl),
	}
	for i := range lines + 1 {
		if step*float64(i) > pl.top {
			break
		}
		tick := html.Tick{At: percentText(pl.y(step * float64(i)))}
		if i > 0 && pl.y(step*float64(i)) > labelRoom/2 { // else it would stand above the plot
			tick.Label = t.Tick(step*float64(i), u)
		}
		view.Grid = append(view.Grid, tick)
	}
	if isVital {
		view.Limits = append(view.Limits, html.Tick{At: percentText(pl.y(vital.Good)), Label: fmt.Sprintf(t.Perf.LimitGood, t.Limit(vital.Good, u)), End: "good"})
		if vital.Poor < pl.top {
			view.Limits = append(view.Limits, html.Tick{At: percentText(pl.y(vital.Poor)), Label: fmt.Sprintf(t.Perf.LimitBad, t.Limit(vital.Poor, u)), End: "poor"})
		}
	}
	if c.p.a.q.Period.Name == "" { // its own dates, as zooming in makes them
		view.OutURL = c.p.a.period(defaultPeriod(c.p.a.site, c.now)).url("")
	}
	open := openBucket(c.res, c.now)
	view.Unfinished = open >= 0
	if c.p.measure == pageLoad {
		c.stack(&view, pl, edges, open)
	} else {
		c.lines(&view, pl, open)
	}
	if was := c.before(); compared && highest(was) > 0 {
		view.Previous, _ = pl.line(was, 0, len(was))
		view.Key = append(view.Key, html.PerfKey{Key: "before", Name: t.ChartPrevious})
	}
	if slices.ContainsFunc(c.res.Points, func(pt stats.Point) bool { return pt.Value(c.p.main()).OK && c.few(pt) }) {
		view.Notes = append(view.Notes, fmt.Sprintf(t.Perf.FewNote, strconv.Itoa(fewMeasurements)))
	}
	c.rows(&view, pl, open)
	return view
}

func (c perfChart) few(pt stats.Point) bool { return pt.Value(c.p.count()).N < fewMeasurements }

// phases are those that were measured at all in the period: one that nobody
// sent is no phase of no length.
func (c perfChart) phases() []string {
	return slices.DeleteFunc(slices.Clone(perfPhases), func(m string) bool {
		return !slices.ContainsFunc(c.values(stats.Percentile(m, c.p.percent)), func(v float64) bool { return !math.IsNaN(v) })
	})
}

// edges are the upper edges of the stacked phases. A bucket in which one of
// them is not known is a gap in all.
func (c perfChart) edges() [][]float64 {
	if c.p.measure != pageLoad {
		return nil
	}
	var out [][]float64
	sum := make([]float64, len(c.res.Points))
	for _, m := range c.phases() {
		sum = slices.Clone(sum)
		for i, v := range c.values(stats.Percentile(m, c.p.percent)) {
			sum[i] += v
		}
		out = append(out, sum)
	}
	for _, edge := range out {
		for i := range edge {
			if math.IsNaN(sum[i]) {
				edge[i] = math.NaN()
			}
		}
	}
	return out
}

// stack draws the phases as areas on one another, and the whole as a line.
func (c perfChart) stack(view *html.PerfChart, pl plot, edges [][]float64, open int) {
	t, end := c.t, closedEnd(open, pl.n)
	lower := make([]float64, pl.n)
	last := lastKnown(c.values(c.p.main()), end)
	for i, m := range c.phases() {
		upper := edges[i]
		band := html.PerfBand{Key: m, Area: pl.between(lower, upper, 0, end)}
		if open >= 0 {
			band.Open = pl.between(lower, upper, max(0, open-1), open+1)
		}
		band.Edge, _ = pl.line(upper, 0, end)
		view.Bands = append(view.Bands, band)
		if last >= 0 && pl.y(lower[last])-pl.y(upper[last]) > labelRoom {
			view.Labels = append(view.Labels, pl.label(m, t.Perf.Phases[m].Name, last, (pl.y(lower[last])+pl.y(upper[last]))/2, "4"))
		}
		metric := stats.Percentile(m, c.p.percent)
		key := html.PerfKey{Key: m, Name: t.Perf.Phases[m].Name, About: t.Perf.Phases[m].About, Value: t.Fine(number(c.totals.Total(metric).Number), html.Milliseconds)}
		view.Key = slices.Insert(view.Key, 0, key) // the key reads from the top down
		lower = upper
	}
	view.Lines = append(view.Lines, c.line(pl, c.p.main(), "main", open))
	whole := html.PerfKey{Key: "main", Name: t.Perf.Whole, Value: t.Fine(number(c.totals.Total(c.p.main()).Number), html.Milliseconds)}
	view.Key = slices.Insert(view.Key, 0, whole)
	view.Notes = append(view.Notes, fmt.Sprintf(t.Perf.NotAdded, strconv.Itoa(c.p.percent)))
}

// label is the name of a line or band at one of its points, inside the plot.
func (p plot) label(key, text string, i int, y float64, down string) html.PerfLabel {
	l := html.PerfLabel{Key: key, Text: text, X: percentText(p.x(i)), Y: percentText(y), Across: "-4", Down: down, End: "end"}
	if p.x(i) < 20 {
		l.Across, l.End = "6", "start"
	}
	return l
}

// labelRoom is how much of the plot's height a line of text needs, in percent.
const labelRoom = 9

// lines draws the three percentiles, which never cross, and what lies between
// them.
func (c perfChart) lines(view *html.PerfChart, pl plot, open int) {
	low, high := c.values(stats.Percentile(c.p.measure, 50)), c.values(stats.Percentile(c.p.measure, 95))
	view.Bands = []html.PerfBand{{Key: "spread", Area: pl.between(low, high, 0, pl.n)}}
	next := math.Inf(-1)
	for _, percent := range []int{95, 75, 50} {
		m, key := stats.Percentile(c.p.measure, percent), "side"
		if percent == c.p.percent {
			key = "main"
		}
		view.Lines = append(view.Lines, c.line(pl, m, key, open))
		vs := c.values(m)
		if last := lastKnown(vs, closedEnd(open, pl.n)); last >= 0 {
			y := max(pl.y(vs[last]), next)
			next = y + labelRoom
			view.Labels = append(view.Labels, pl.label(key, fmt.Sprintf(c.t.Perf.Percentile, strconv.Itoa(percent)), last, y, "-5"))
		}
	}
	slices.SortStableFunc(view.Lines, func(a, b html.PerfLine) int { return strings.Compare(b.Key, a.Key) }) // the main one on top
}

// line is a metric's: strong where both its ends rest on enough measurements,
// thin elsewhere, dotted into a bucket that isn't over.
func (c perfChart) line(pl plot, m stats.Metric, key string, open int) html.PerfLine {
	vs := c.values(m)
	l := html.PerfLine{Key: key}
	few := func(i int) bool { return c.few(c.res.Points[i]) }
	l.Sure = pl.steps(vs, func(i int) bool { return i != open && !few(i-1) && !few(i) })
	l.Few = pl.steps(vs, func(i int) bool { return i != open && (few(i-1) || few(i)) })
	l.Open = pl.steps(vs, func(i int) bool { return i == open })
	_, l.Dots = pl.line(vs, 0, pl.n)
	return l
}

// steps is the path through those steps, from a bucket to the next, that are
// wanted; i is the later bucket's.
func (p plot) steps(values []float64, wanted func(i int) bool) string {
	var b strings.Builder
	drawn := -1
	for i := 1; i < len(values); i++ {
		if math.IsNaN(values[i-1]) || math.IsNaN(values[i]) || !wanted(i) {
			continue
		}
		if drawn != i-1 {
			fmt.Fprintf(&b, "M%s %s", percentText(p.x(i-1)*10), percentText(p.y(values[i-1])))
		}
		fmt.Fprintf(&b, "L%s %s", percentText(p.x(i)*10), percentText(p.y(values[i])))
		drawn = i
	}
	return b.String()
}

// aloneWidth is how wide an area over a single bucket is drawn, in thousandths
// of the plot.
const aloneWidth = 6

// between is the area between two lines over the buckets from up to, and
// without, to; stretch by stretch, each at least as wide as can be seen.
func (p plot) between(lower, upper []float64, from, to int) string {
	var b strings.Builder
	known := func(i int) bool { return !math.IsNaN(lower[i]) && !math.IsNaN(upper[i]) }
	point := func(cmd string, x, v float64) {
		fmt.Fprintf(&b, "%s%s %s", cmd, percentText(min(1000, max(0, x))), percentText(p.y(v)))
	}
	for i := from; i < to; {
		if !known(i) {
			i++
			continue
		}
		begin := i
		for i < to && known(i) {
			i++
		}
		if i-begin == 1 {
			x := p.x(begin) * 10
			point("M", x-aloneWidth, upper[begin])
			point("L", x+aloneWidth, upper[begin])
			point("L", x+aloneWidth, lower[begin])
			point("L", x-aloneWidth, lower[begin])
			b.WriteString("Z")
			continue
		}
		cmd := "M"
		for k := begin; k < i; k++ {
			point(cmd, p.x(k)*10, upper[k])
			cmd = "L"
		}
		for k := i - 1; k >= begin; k-- {
			point("L", p.x(k)*10, lower[k])
		}
		b.WriteString("Z")
	}
	return b.String()
}

// lastKnown is the last bucket before end that has a value, -1 for none.
func lastKnown(values []float64, end int) int {
	for i := min(end, len(values)) - 1; i >= 0; i-- {
		if !math.IsNaN(values[i]) {
			return i
		}
	}
	return -1
}

// rows are the numbers behind the picture, in the order of the key.
func (c perfChart) rows(view *html.PerfChart, pl plot, open int) {
	type column struct {
		key, label string
		metric     stats.Metric
	}
	cols := []column{}
	if c.p.measure == pageLoad {
		cols = append(cols, column{"main", c.t.Perf.Whole, c.p.main()})
		for _, m := range slices.Backward(c.phases()) {
			cols = append(cols, column{m, c.t.Perf.Phases[m].Name, stats.Percentile(m, c.p.percent)})
			if m == "connect" {
				cols = append(cols, column{"part", c.t.Perf.Phases[tlsPhase].Name, stats.Percentile(tlsPhase, c.p.percent)})
			}
		}
	} else {
		for _, percent := range []int{95, 75, 50} {
			key := "side"
			if percent == c.p.percent {
				key, view.Main = "main", len(cols)
			}
			cols = append(cols, column{key, fmt.Sprintf(c.t.Perf.Percentile, strconv.Itoa(percent)), stats.Percentile(c.p.measure, percent)})
		}
	}
	cols = append(cols, column{"", c.t.Perf.Measured, c.p.count()})
	for _, col := range cols {
		view.Columns = append(view.Columns, html.PerfColumn{Key: col.key, Label: col.label})
	}
	for i, pt := range c.res.Points {
		main := pt.Value(c.p.main())
		r := html.ChartRow{Label: bucketWords(c.t, c.res.Query.Interval, pt.From, pt.To, c.now), X: percentText(pl.x(i)), Unfinished: i == open,
			Before: c.t.Fine(number(main.Previous), unit(c.p.main()))}
		if main.OK {
			r.Y = percentText(pl.y(main.N))
		}
		if main.Previous.OK {
			r.BeforeY = percentText(pl.y(main.Previous.N))
		}
		for _, col := range cols {
			r.Cells = append(r.Cells, c.t.Fine(number(pt.Value(col.metric).Number), unit(col.metric)))
		}
		if iv := c.res.Query.Interval; iv == stats.Day || iv == stats.Week || iv == stats.Month {
			r.From, r.To = pt.From.Format(time.DateOnly), pt.To.Add(-time.Nanosecond).Format(time.DateOnly)
		}
		view.Rows = append(view.Rows, r)
	}
}
