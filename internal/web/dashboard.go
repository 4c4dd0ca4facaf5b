package web

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/sync/errgroup"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// dashboardPeriods are the menu's, in its order.
func dashboardPeriods() []string {
	return []string{"today", "24h", "7d", "4w", "3m", "12m", "mtd", "ytd"}
}

// dashboard shows one site: GET /sites/{site}?period=7d&f=eq,path,/docs
func (s *Server) dashboard(w http.ResponseWriter, r *http.Request, v *viewer) error {
	a, err := s.asked(r.Context(), v, r.URL.Query())
	if err != nil {
		return err
	}
	got, err := s.answers(r.Context(), v, a)
	if err != nil {
		return err
	}
	sites, err := s.sitesOf(r.Context(), v)
	if err != nil {
		return err
	}
	domain := site.DisplayHost(v.Site.Domain)
	d := html.Dashboard{Page: s.page(r, v, domain), Domain: domain, URL: sitePath(v.Site), StartURL: sitePath(v.Site) + "/start"}
	for i := range sites {
		d.SiteLinks = append(d.SiteLinks, html.Link{Label: site.DisplayHost(sites[i].Domain), URL: sitePath(&sites[i]), Current: sites[i].ID == v.Site.ID})
	}
	s.fill(&d, v.Text, a, got)
	if d.Empty == html.NoHits {
		d.Snippet = s.snippet(v.Site)
		if d.Wait, err = s.waiting(r.Context(), v); err != nil {
			return err
		}
		d.Page.Refresh = refresh
	}
	return s.render(w, r, http.StatusOK, html.DashboardPage(d))
}

// answers is all a dashboard asks. Totals and series are the page: without
// them it is an error. A panel that fails is an error in its own place.
type answers struct {
	totals, series *stats.Result
	panels         []templ.Component // beside panels()
	online         int64
	ever           bool // the site has had an event in two years
}

func (s *Server) answers(ctx context.Context, v *viewer, a ask) (*answers, error) {
	got := &answers{ever: true}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4) // the store spreads one query over the cores already
	totals := sync.OnceValues(func() (*stats.Result, error) {
		return s.o.Stats.Run(gctx, a.q.Totals(a.headline()...))
	})
	g.Go(func() (err error) {
		got.totals, err = totals()
		if err != nil || !nothing(got.totals) {
			return err
		}
		ever := stats.Query{Site: a.site, Period: stats.Period{Name: "24m"}}
		res, err := s.o.Stats.Run(gctx, ever.Totals(stats.Events))
		got.ever = err == nil && res.Total(stats.Events).N > 0
		return err
	})
	g.Go(func() (err error) {
		got.series, err = s.o.Stats.Run(gctx, a.q.Series(a.headline()...))
		return err
	})
	b := &board{s: s, t: v.Text, a: a, edits: v.edits(), totals: func(context.Context) (*stats.Result, error) { return totals() }}
	got.panels = make([]templ.Component, len(panels()))
	for i, p := range panels() {
		g.Go(func() error {
			got.panels[i] = b.box(gctx, p)
			return nil
		})
	}
	g.Go(func() (err error) {
		got.online, err = s.o.Stats.Online(gctx, a.site.ID)
		return err
	})
	return got, g.Wait()
}

// nothing says that nobody came.
func nothing(r *stats.Result) bool {
	return r.Total(stats.Visitors).N == 0 && r.Total(stats.Visits).N == 0 && r.Total(stats.Pageviews).N == 0
}

// fill turns answers into words and links.
func (s *Server) fill(d *html.Dashboard, t *html.Text, a ask, got *answers) {
	now := s.now().In(got.totals.Span.From.Location())
	d.Now = s.nowView(t, a.site, got.online)
	d.Zone = got.totals.Span.From.Location().String()
	d.Span = spanWords(t, a, got.totals.Span, now)
	if a.q.Compare != stats.NoComparison {
		d.Against = spanWords(t, a, got.totals.Previous, now)
	}
	d.Period, d.Comparison = periodMenu(t, a), comparisonMenu(t, a)
	d.Filter = filterForm(t, a)
	leaves := a.leaves()
	for i, l := range leaves {
		d.Filters = append(d.Filters, html.Chip{Label: filterWords(t, l), RemoveURL: a.filtered(slices.Delete(slices.Clone(leaves), i, i+1)).url("")})
	}
	d.ClearURL = a.filtered(nil).url("")
	if a.q.Period.Name != "12m" {
		d.WiderURL = a.period("12m").url("")
	}
	d.Headline = headline(t, a, got.totals, d.Against)
	d.Chart = chartView(t, a, got.series, now)
	for _, q := range a.pageParts(t) {
		d.Chart.Exports = append(d.Chart.Exports, s.export(a, "/panels/"+q.name+"/csv", question{label: q.label, query: q.query}))
	}
	switch {
	case !got.ever:
		d.Empty = html.NoHits
	case nothing(got.totals):
		d.Empty = html.NoMatch
	}
	for i, p := range panels() {
		if p.always || d.Empty == html.NotEmpty {
			d.Panels = append(d.Panels, got.panels[i])
		}
	}
}

// headline is the numbers above the chart.
func headline(t *html.Text, a ask, res *stats.Result, against string) []html.Number {
	var ns []html.Number
	for _, m := range a.headline() {
		v, words, info := res.Total(m), t.Metric(string(m)), unit(m)
		meta, _ := m.Info()
		n := html.Number{
			Metric: string(m), Name: words.Name, About: words.About,
			Value: a.short(t, m, number(v.Number)), Exact: a.exact(t, m, number(v.Number)),
			URL: a.with(func(b *ask) { b.metric = m }).url(""), Current: m == a.metric,
		}
		if a.q.Compare != stats.NoComparison {
			n.Change, n.Trend = t.Change(number(v.Number), number(v.Previous), info, meta.LessIsBetter)
			n.Previous = fmt.Sprintf(t.PrevPeriodIs, a.exact(t, m, number(v.Previous)), against)
		}
		ns = append(ns, n)
	}
	return ns
}

// number is NaN where there is none, which is written as a dash.
func number(n stats.Number) float64 {
	if !n.OK {
		return math.NaN()
	}
	return n.N
}

// spanWords names a span: days, or hours where it is shorter than two days
// and not a day by itself.
func spanWords(t *html.Text, a ask, s stats.Span, now time.Time) string {
	if name := a.q.Period.Name; name == "1h" || name == "24h" {
		return t.Weekday(s.From, now) + " " + t.Clock(s.From) + " – " + t.Clock(s.To)
	}
	return t.Span(s.From, s.To, now)
}

func periodMenu(t *html.Text, a ask) html.Menu {
	m := html.Menu{Label: t.Period, Shown: t.PeriodName(a.q.Period.Name)}
	for _, name := range dashboardPeriods() {
		m.Items = append(m.Items, html.Link{Label: t.PeriodName(name), URL: a.period(name).url(""), Current: name == a.q.Period.Name})
	}
	return m
}

func comparisonMenu(t *html.Text, a ask) html.Menu {
	m := html.Menu{Label: t.Compare}
	for _, c := range []struct {
		label string
		value stats.Comparison
	}{{t.ComparePrevious, stats.PreviousPeriod}, {t.CompareYear, stats.PreviousYear}, {t.CompareNone, stats.NoComparison}} {
		l := html.Link{Label: c.label, URL: a.with(func(b *ask) { b.q.Compare = c.value }).url(""), Current: c.value == a.q.Compare}
		if l.Current {
			m.Shown = c.label
		}
		m.Items = append(m.Items, l)
	}
	return m
}

func filterForm(t *html.Text, a ask) html.FilterForm {
	f := html.FilterForm{Action: sitePath(a.site) + "/filter"}
	v := a.values()
	for _, name := range slices.Sorted(maps.Keys(v)) {
		for _, value := range v[name] {
			f.Keep = append(f.Keep, html.Param{Name: name, Value: value})
		}
	}
	for _, d := range stats.Dimensions() {
		f.Dimensions = append(f.Dimensions, html.Option{Value: string(d), Label: t.Dimension(string(d))})
	}
	for _, op := range []stats.Op{stats.Contains, stats.NotContains, stats.Eq, stats.Neq, stats.StartsWith, stats.Matches, stats.IsSet, stats.IsNotSet} {
		f.Operators = append(f.Operators, html.Option{Value: string(op), Label: t.Operator(string(op))})
	}
	return f
}

func (s *Server) nowView(t *html.Text, st *site.Site, n int64) html.Now {
	return html.Now{Text: t, Count: t.Exact(float64(n)), PollURL: sitePath(st) + "/panels/now", URL: sitePath(st) + "/live"}
}
