package web

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/sync/errgroup"

	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// dashboard shows one site: GET /sites/{site}?period=7d&f=eq,path,/docs
func (s *Server) dashboard(w http.ResponseWriter, r *http.Request, v *viewer) error {
	in := r.URL.Query()
	a, err := s.asked(r.Context(), v, in)
	wrong, typed := datesFault(err), html.DateForm{}
	if wrong != nil { // said beside the dates, under the numbers of the usual period
		typed.From, typed.To = in.Get("from"), in.Get("to")
		in.Del("from")
		in.Del("to")
		a, err = s.asked(r.Context(), v, in)
	}
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
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusBadRequest
		d.Period.Dates.From, d.Period.Dates.To, d.Period.Dates.Error = typed.From, typed.To, v.Text.Fault(wrong.Message)
	}
	if edit := in.Get(paramEdit); edit != "" {
		d.Filter = filterForm(v.Text, a, got.properties, edit)
	}
	segments, err := s.o.Sites.Segments(r.Context(), v.Site.ID)
	if err != nil {
		return err
	}
	d.Segments = segmentMenu(v.Text, a, segments, v.edits())
	if d.Empty == html.NoHits {
		d.Snippet = s.snippet(v.Site)
		if d.Wait, err = s.waiting(r.Context(), v); err != nil {
			return err
		}
		d.Page.Refresh = refresh
	}
	return s.render(w, r, status, html.DashboardPage(d))
}

// datesFault is what is wrong with a period's dates, nil for any other error.
func datesFault(err error) *fault.Fault {
	if f, ok := fault.From(err); ok && (f.Field == "from" || f.Field == "to") {
		return f
	}
	return nil
}

// answers is all a dashboard asks. Totals and series are the page: without
// them it is an error. A panel that fails is an error in its own place.
type answers struct {
	totals, series *stats.Result
	panels         []templ.Component // beside panels()
	online         int64
	imported       []ImportedDays
	properties     []stats.PropertyKey // for the filter form; none if they can't be had
	ever           bool                // the site has had an event in two years
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
		if err == nil {
			got.imported = s.imported(gctx, a, got.totals)
		}
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
	g.Go(func() error {
		keys, err := s.o.Stats.PropertyKeys(gctx, a.filtered(nil).q)
		if err != nil && gctx.Err() == nil {
			s.log.WarnContext(gctx, "the filter form has no properties", "error", err)
		}
		got.properties = keys
		return nil
	})
	g.Go(func() (err error) {
		if got.online, err = s.o.Stats.Online(gctx, a.site.ID); err != nil {
			got.online = unknownOnline
			if gctx.Err() == nil {
				s.log.WarnContext(gctx, "the dashboard doesn't say who is there now", "error", err)
			}
		}
		return nil
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
	d.Period, d.Comparison = periodView(t, a, s.now()), comparisonMenu(t, a)
	d.Filter = filterForm(t, a, got.properties, "")
	d.Filters = chips(t, a)
	d.ClearURL = a.filtered(nil).url("")
	if a.q.Period.Name != "12m" {
		d.WiderURL = a.period("12m").url("")
	}
	d.Headline = headline(t, a, got.totals, d.Against)
	d.Imported = importedNote(t, got.imported, got.totals, now)
	d.ImportedInChart = importedInChart(t, got.imported, got.totals, got.series, now)
	d.Chart = chartView(t, a, got.series, now)
	d.Chart.Intervals = intervals(t, a)
	if a.q.Period.Name == "" {
		d.Chart.OutURL = a.period(defaultPeriod(a.site, now)).url("")
	}
	behind := s.behind()
	d.AsOf = t.ClockSeconds(now.Add(-behind))
	if behind >= noticeable {
		d.Behind = fmt.Sprintf(t.Shell.Behind, t.Duration(behind))
	}
	if now.Before(got.totals.Span.To) {
		d.RefreshURL = a.url("")
	}
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
		if m == stats.ConversionRate {
			n.Value = n.Exact // a tenth of a percent is much of two
		}
		if m == stats.Revenue {
			if !hasMoney(v) && v.Previous.N == 0 && m != a.metric {
				continue // this goal is not about money
			}
			n.Value, n.Exact = moneyWords(t, a, v)
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
	if name := a.q.Period.Name; name == "30m" || name == "1h" || name == "24h" {
		return t.Weekday(s.From, now) + " " + t.Clock(s.From) + " – " + t.Clock(s.To)
	}
	return t.Span(s.From, s.To, now)
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
		if a.q.Compare == stats.NoComparison && c.value == stats.PreviousPeriod || a.q.Compare != stats.NoComparison && c.value == stats.NoComparison {
			l.Key = "c"
		}
		m.Items = append(m.Items, l)
	}
	return m
}

// noticeable is how far the store may be behind without a word: batches are
// loaded four times a second, so more than this isn't its usual breath.
const noticeable = 10 * time.Second

// behind is how old the newest hit is that the numbers don't have yet.
func (s *Server) behind() time.Duration {
	if s.o.Behind == nil {
		return 0
	}
	return s.o.Behind()
}

// unknownOnline is how many are there when nobody can say: the page is worth
// showing without it.
const unknownOnline = -1

func (s *Server) nowView(t *html.Text, st *site.Site, n int64) html.Now {
	count := html.Dash
	if n != unknownOnline {
		count = t.Exact(float64(n))
	}
	return html.Now{Text: t, Count: count, PollURL: sitePath(st) + "/panels/now", URL: sitePath(st) + "/live"}
}
