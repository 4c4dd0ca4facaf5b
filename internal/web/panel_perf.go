package web

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/sync/errgroup"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// The panel of performance asks three things: the totals of all measures, the
// chosen one over time, and the slowest rows by it.
var (
	perfMeasures    = []string{pageLoad, "lcp", "inp", "cls", "fcp", "vital_ttfb"}
	perfPercentiles = choice{name: "percentile", values: []string{"75", "50", "95"}}
	perfBy          = choice{name: "slowest", values: []string{string(stats.Path), string(stats.Country), string(stats.Browser), string(stats.Device)}}
)

const (
	perfName = "performance"
	pageLoad = "page_load"
)

// perfPhases are the phases of a load in their order. They follow each other;
// TLS is the last part of connecting and so isn't one of them.
var perfPhases = []string{"dns", "connect", "ttfb", "download", "render"}

const tlsPhase = "tls"

// fewMeasurements is how many a percentile needs before it is rated, ranked or
// drawn at full strength: of nine, the p95 and the slowest are the same.
const fewMeasurements = 10

func perfPanel() panel {
	p := panel{name: perfName, tabs: perfMeasures, params: []choice{perfPercentiles, perfBy}, wide: true}
	p.question = func(a ask, tab string) stats.Query { return perfOf(a, tab).slowest(panelRows, 0, stats.Pageviews) }
	p.show = showPerf
	return p
}

// perf is what the panel shows: a measure, a percentile, and what by.
type perf struct {
	a       ask
	measure string
	percent int
	by      stats.Dimension
}

func perfOf(a ask, measure string) perf {
	percent, err := strconv.Atoi(a.chosen(perfPercentiles))
	if err != nil { // parseAsk lets no other through
		percent = 75
	}
	return perf{a: a, measure: measure, percent: percent, by: stats.Dimension(a.chosen(perfBy))}
}

// main is the metric that chart and list are about.
func (p perf) main() stats.Metric { return stats.Percentile(p.measure, p.percent) }

func (p perf) count() stats.Metric { return stats.Measurements(p.measure) }

// totals asks for all tiles at once: three percentiles of each measure, how
// often it was measured and how it falls on both sides of its limits; and for
// the phases at the chosen percentile, which stand in the chart's key.
func (p perf) totals() stats.Query {
	var ms []stats.Metric
	for _, m := range perfMeasures {
		ms = append(ms, stats.Percentile(m, 50), stats.Percentile(m, 75), stats.Percentile(m, 95), stats.Measurements(m))
		if _, ok := stats.VitalNamed(m); ok {
			ms = append(ms, stats.GoodShare(m), stats.PoorShare(m))
		}
	}
	if p.measure == pageLoad {
		for _, m := range perfPhases {
			ms = append(ms, stats.Percentile(m, p.percent))
		}
	}
	q := p.a.q.Totals(ms...)
	for _, m := range perfMeasures { // what a tile says of the time before
		q.Compared = append(q.Compared, stats.Percentile(m, 75), stats.Measurements(m))
	}
	return q
}

// series asks for the chart: the phases and the whole, or three percentiles.
func (p perf) series() stats.Query {
	ms := []stats.Metric{stats.Percentile(p.measure, 50), stats.Percentile(p.measure, 75), stats.Percentile(p.measure, 95), p.count()}
	if p.measure == pageLoad {
		ms = []stats.Metric{p.main(), p.count()}
		for _, m := range append(slices.Clone(perfPhases), tlsPhase) {
			ms = append(ms, stats.Percentile(m, p.percent))
		}
	}
	q := p.a.q.Series(ms...)
	q.Compared = []stats.Metric{p.main()}
	return q
}

// slowest asks for the rows that were slowest, of those measured often enough,
// and for more metrics of them.
func (p perf) slowest(rows int, least float64, more ...stats.Metric) stats.Query {
	q := p.a.q
	q.Compare = stats.NoComparison
	q = q.By(p.by, rows, append([]stats.Metric{p.main(), p.count()}, more...)...)
	if least > 0 {
		q.Least = stats.Least{Metric: p.count(), N: least}
	}
	return q
}

// leastMeasurements is how often a row must have been measured to be ranked: a
// thousandth of all, so that on a busy site chance doesn't lead the list, but
// never under ten, and never over a hundred, which is enough for anybody.
func leastMeasurements(all float64) float64 {
	return min(100, max(fewMeasurements, math.Ceil(all/1000)))
}

func showPerf(ctx context.Context, b *board, f html.Frame, tab string) (templ.Component, error) {
	p := perfOf(b.a, tab)
	f.Tabs = nil // the tiles are the tabs
	f.Column = fmt.Sprintf(b.t.Perf.Percentile, "75") + ": " + b.t.Perf.Percentiles["75"]
	var totals, series, rows *stats.Result
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		series, err = b.s.o.Stats.Run(gctx, p.series())
		return err
	})
	g.Go(func() (err error) { // which rows are ranked depends on how much there is
		if totals, err = b.s.o.Stats.Run(gctx, p.totals()); err != nil {
			return err
		}
		rows, err = b.s.o.Stats.Run(gctx, p.slowest(panelRows, leastMeasurements(totals.Total(p.count()).N)))
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(perfMeasures, func(m string) bool { return totals.Total(stats.Measurements(m)).N > 0 }) {
		f.Column = ""
		return html.PerfEmptyPanel(f, perfEmpty(b.t, b.a)), nil
	}
	now := b.s.now().In(totals.Span.From.Location())
	return html.PerfPanel(f, b.perfView(p, totals, series, rows, now)), nil
}

func perfEmpty(t *html.Text, a ask) html.PerfEmpty {
	words := t.Perf
	if len(a.leaves()) > 0 {
		return html.PerfEmpty{Title: words.EmptyFiltered, Lines: []string{words.EmptyServer, words.EmptyBrowser}}
	}
	return html.PerfEmpty{Title: words.EmptyTitle, Lines: []string{words.EmptyScript, words.EmptyVitals, words.EmptyServer}}
}

// perfView puts the answers into words and places.
func (b *board) perfView(p perf, totals, series, rows *stats.Result, now time.Time) html.Perf {
	words := b.t.Perf.Measures[p.measure]
	view := html.Perf{
		Tiles: b.perfTiles(totals, now), Name: words.Name, About: words.About,
		Chart: perfChart{t: b.t, p: p, res: series, totals: totals, now: now}.view(),
		List:  b.perfList(p, totals, rows),
	}
	u := unit(p.main())
	if v, ok := stats.VitalNamed(p.measure); ok {
		view.Limits = fmt.Sprintf(b.t.Perf.Limits, b.t.Limit(v.Good, u), b.t.Limit(v.Poor, u))
	}
	for _, percent := range []string{"50", "75", "95"} {
		n, _ := strconv.Atoi(percent)
		v := number(totals.Total(stats.Percentile(p.measure, n)).Number)
		view.Percentiles = append(view.Percentiles, html.PerfTab{
			Tab:   b.choiceTab(perfName, perfPercentiles, percent, fmt.Sprintf(b.t.Perf.Percentile, percent)),
			Value: b.t.Fine(v, u), Exact: b.t.FineExact(v, u), About: b.t.Perf.Percentiles[percent],
		})
	}
	for _, d := range perfBy.values {
		view.By = append(view.By, b.choiceTab(perfName, perfBy, d, b.t.Panel(d)))
	}
	return view
}

// perfTiles are the measures at p75, which is what Google rates.
func (b *board) perfTiles(totals *stats.Result, now time.Time) []html.PerfTile {
	t := b.t
	against := ""
	if b.a.q.Compare != stats.NoComparison {
		against = spanWords(t, b.a, totals.Previous, now)
	}
	var tiles []html.PerfTile
	for _, m := range perfMeasures {
		words, metric := t.Perf.Measures[m], stats.Percentile(m, 75)
		v, u := totals.Total(metric), unit(metric)
		at := func(percent int) float64 { return number(totals.Total(stats.Percentile(m, percent)).Number) }
		count := totals.Total(stats.Measurements(m)).N
		tile := html.PerfTile{
			Tab:   b.choiceTab(perfName, choice{name: perfName, values: perfMeasures}, m, words.Short),
			Plain: words.Plain, About: words.Name + ": " + words.About, Value: t.Fine(number(v.Number), u),
			Exact:    fmt.Sprintf("p75 %s · %s", t.FineExact(at(75), u), fmt.Sprintf(t.Perf.Spread, t.FineExact(at(50), u), t.FineExact(at(95), u))),
			Spread:   fmt.Sprintf(t.Perf.Spread, t.Fine(at(50), u), t.Fine(at(95), u)),
			Measured: fmt.Sprintf(t.Perf.MeasuredTimes, t.RowValue(count)),
		}
		if against != "" && v.OK {
			if before := totals.Total(stats.Measurements(m)).Previous.N; min(count, before) >= fewMeasurements {
				tile.Change, tile.Trend = perfChange(t, v, u)
			}
			tile.Previous = fmt.Sprintf(t.PrevPeriodIs, t.FineExact(number(v.Previous), u), against)
		}
		if vital, ok := stats.VitalNamed(m); ok && v.OK {
			tile.Rating, tile.Word = rating(t, vital, v.Number, count)
			if count >= fewMeasurements {
				tile.Shares = perfShares(t, totals.Total(stats.GoodShare(m)).N, totals.Total(stats.PoorShare(m)).N)
			}
		}
		tiles = append(tiles, tile)
	}
	return tiles
}

// steady is the part of itself by which a percentile changes from one period
// to the next without anything having changed.
const steady = 0.03

// perfChange is the step from the compared period; a small one is none.
func perfChange(t *html.Text, v stats.Value, u html.Unit) (string, html.Trend) {
	if v.Previous.OK && math.Abs(v.N-v.Previous.N) < steady*v.Previous.N {
		return t.Change(v.N, v.N, u, true)
	}
	return t.Change(number(v.Number), number(v.Previous), u, true)
}

// rating says what Google thinks of a p75, where there are enough measurements.
func rating(t *html.Text, v stats.Vital, n stats.Number, count float64) (rating, word string) {
	if !n.OK {
		return "", ""
	}
	if count < fewMeasurements {
		return "", t.Perf.TooFew
	}
	r := string(v.Rate(n.N))
	return r, t.Perf.Ratings[r]
}

func perfShares(t *html.Text, good, poor float64) *html.PerfShares {
	needs := max(0, math.Round((100-good-poor)*10)/10)
	return &html.PerfShares{
		Good: percentText(good), Needs: percentText(needs), Poor: percentText(poor),
		NeedsAt: percentText(good), PoorAt: percentText(100 - poor),
		Words: fmt.Sprintf(t.Perf.Shares, t.Percent(good), t.Percent(needs), t.Percent(poor)),
		Short: fmt.Sprintf(t.Perf.ShareGood, t.Percent(good)),
	}
}

// perfList is the slowest rows; bars are against the slowest.
func (b *board) perfList(p perf, totals, rows *stats.Result) html.PerfList {
	t := b.t
	least := t.Exact(rows.Query.Least.N)
	l := html.PerfList{
		Column: fmt.Sprintf(t.Perf.Percentile, strconv.Itoa(p.percent)),
		Note:   fmt.Sprintf(t.Perf.Least, least),
		Rows:   perfRows(t, p, rows),
	}
	if len(l.Rows) == 0 {
		l.None = fmt.Sprintf(t.Perf.LeastNone, least)
	}
	if totals.Total(p.count()).N > 0 {
		l.MoreURL, l.More = p.listURL("", nil), t.Perf.ShowAll
		if rows.Count > len(rows.Rows) {
			l.More = fmt.Sprintf(t.Perf.All, t.Exact(float64(rows.Count)))
		}
	}
	return l
}

func perfRows(t *html.Text, p perf, res *stats.Result) []html.PerfRow {
	views := rowViews(t, p.a, tabSpec{dimension: p.by, metric: p.main()}, res.Rows, stats.Number{})
	u := unit(p.main())
	var out []html.PerfRow
	for i, row := range views {
		v, count := res.Rows[i].Value(p.main()), res.Rows[i].Value(p.count()).N
		pr := html.PerfRow{Row: row, Measured: t.RowValue(count), MeasuredFull: fmt.Sprintf(t.Perf.MeasuredTimes, t.Exact(count))}
		pr.Value, pr.Exact = t.Fine(number(v.Number), u), t.FineExact(number(v.Number), u)
		if vital, ok := stats.VitalNamed(p.measure); ok && p.percent == 75 {
			pr.Rating, pr.Word = rating(t, vital, v.Number, count)
		}
		out = append(out, pr)
	}
	return out
}
