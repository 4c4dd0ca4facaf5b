package web

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// panelSpec is one box of rows: its tabs are the dimensions it can show, each
// counted in what it is about.
type panelSpec struct {
	name string
	tabs []tabSpec
}

type tabSpec struct {
	dimension stats.Dimension
	metric    stats.Metric
	known     bool // rows without a value are left out: they would only say "none"
}

// panels are the dashboard's, in its order. Pages count pageviews; where a
// visit begins or ends counts visits; who came and from where counts visitors.
func panels() []panelSpec {
	return []panelSpec{
		{"sources", []tabSpec{{stats.Source, stats.Visitors, false}, {stats.Channel, stats.Visitors, false},
			{stats.Referrer, stats.Visitors, true}, {stats.UTMCampaign, stats.Visitors, true}}},
		{"pages", []tabSpec{{stats.Path, stats.Pageviews, false}, {stats.EntryPage, stats.Visits, false}, {stats.ExitPage, stats.Visits, false}}},
		{"places", []tabSpec{{stats.Country, stats.Visitors, false}, {stats.City, stats.Visitors, true}, {stats.Language, stats.Visitors, false}}},
		{"devices", []tabSpec{{stats.Browser, stats.Visitors, false}, {stats.OS, stats.Visitors, false},
			{stats.Device, stats.Visitors, false}, {stats.ScreenWidth, stats.Visitors, false}}},
	}
}

func (p panelSpec) tab(d stats.Dimension) (tabSpec, bool) {
	for _, t := range p.tabs {
		if t.dimension == d {
			return t, true
		}
	}
	return p.tabs[0], false
}

// panelRows is how many rows a panel has room for.
const panelRows = 10

type panelAnswer struct {
	tab tabSpec
	res *stats.Result
	err error
}

func (s *Server) askPanel(ctx context.Context, a ask, p panelSpec) panelAnswer {
	tab, _ := p.tab(a.tabs[p.name])
	res, err := s.o.Stats.Run(ctx, tabQuery(a, tab, panelRows))
	return panelAnswer{tab, res, err}
}

func tabQuery(a ask, tab tabSpec, rows int) stats.Query {
	q := a.q
	if tab.known {
		leaves := append(append([]stats.Filter{}, a.leaves()...), stats.Is(tab.dimension, stats.IsSet))
		q = a.filtered(leaves).q
	}
	q.Compare = stats.NoComparison
	return q.By(tab.dimension, rows, tab.metric)
}

// panel answers one box by itself: GET /sites/{site}/panels/{panel}?period=7d
func (s *Server) panel(w http.ResponseWriter, r *http.Request, v *viewer) error {
	a, err := parseAsk(r.URL.Query(), v.Site, s.now())
	if err != nil {
		return err
	}
	ctx, name := r.Context(), r.PathValue("panel")
	switch name {
	case "now":
		n, err := s.o.Stats.Online(ctx, v.Site.ID)
		if err != nil {
			return err
		}
		return s.render(w, r, http.StatusOK, html.NowView(s.nowView(v.Text, v.Site, n)))
	case "dropped":
		drops, err := s.o.Stats.Drops(ctx, a.q)
		return s.render(w, r, http.StatusOK, html.DroppedView(s.droppedView(v.Text, a, drops, err)))
	}
	for _, p := range panels() {
		if p.name != name {
			continue
		}
		got := s.askPanel(ctx, a, p)
		q := a.q
		q.Compare = stats.NoComparison
		totals, err := s.o.Stats.Run(ctx, q.Totals(got.tab.metric))
		if err != nil {
			return err
		}
		return s.render(w, r, http.StatusOK, html.PanelView(s.panelView(v.Text, a, p, got, totals)))
	}
	return errNothing
}

func (s *Server) panelView(t *html.Text, a ask, p panelSpec, got panelAnswer, totals *stats.Result) html.Panel {
	view := html.Panel{Text: t, Name: p.name, Title: t.Panel(p.name), Column: t.Metric(string(got.tab.metric)).Name}
	for i, tab := range p.tabs {
		b := a.with(func(b *ask) {
			delete(b.tabs, p.name)
			if i > 0 {
				b.tabs[p.name] = tab.dimension
			}
		})
		view.Tabs = append(view.Tabs, html.Tab{
			Link:     html.Link{Label: t.Panel(string(tab.dimension)), URL: b.url("") + "#panel-" + p.name, Current: tab == got.tab},
			Fragment: b.url("/panels/" + p.name),
		})
	}
	if got.err != nil {
		view.Failed = s.panelProblem(t, a, p.name, got.err)
		return view
	}
	view.Rows = rowViews(t, a, got.tab, got.res.Rows, totals.Total(got.tab.metric).Number)
	if got.res.Count > len(got.res.Rows) {
		view.MoreURL = a.url("/all/" + url.PathEscape(string(got.tab.dimension)))
		view.MoreNum = t.Exact(float64(got.res.Count))
	}
	return view
}

// rowViews writes rows; bars are against the longest, percentages against the
// whole.
func rowViews(t *html.Text, a ask, tab tabSpec, rows []stats.Row, whole stats.Number) []html.Row {
	longest := 0.0
	for _, r := range rows {
		longest = max(longest, r.Value(tab.metric).N)
	}
	var out []html.Row
	for _, r := range rows {
		value, n := r.Keys[0], r.Value(tab.metric).Number
		f := rowFilter(tab.dimension, value)
		row := html.Row{
			Label: valueWords(t, tab.dimension, value), Title: value, Empty: value == "",
			Value: t.RowValue(number(n)), Exact: t.Exact(number(n)),
			Share: t.Percent(number(stats.Share(n, whole))), Width: "0",
			FilterURL: a.toggled(f).url(""), OpenURL: openURL(a.site, tab.dimension, value), Active: a.has(f),
		}
		if tab.dimension == stats.Country || row.Empty {
			row.Title = row.Label
		}
		if !row.Active {
			row.ExcludeURL = a.toggled(rowExclusion(tab.dimension, value)).url("")
		}
		if longest > 0 && n.OK {
			row.Width = percentText(100 * n.N / longest)
		}
		out = append(out, row)
	}
	return out
}

// percentText is a place or width for SVG, to a hundredth.
func percentText(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// shownDetails is how many examples of a reason are listed.
const shownDetails = 4

func (s *Server) droppedView(t *html.Text, a ask, d *stats.Drops, err error) html.Dropped {
	view := html.Dropped{Text: t}
	if err != nil {
		view.Failed = s.panelProblem(t, a, "dropped", err)
		return view
	}
	if d.Count > 0 {
		view.Total = t.Exact(float64(d.Count))
	}
	for _, r := range d.Reasons {
		words := t.Reason(r.Reason)
		row := html.DroppedRow{
			Reason: words.Name, About: words.About, Count: t.RowValue(float64(r.Count)), Exact: t.Exact(float64(r.Count)),
			Width: percentText(100 * float64(r.Count) / float64(max(d.Reasons[0].Count, 1))),
		}
		for _, e := range r.Details {
			if e.Detail == "" || len(row.Details) >= shownDetails {
				continue
			}
			detail := html.DroppedDetail{Label: e.Detail, Count: t.RowValue(float64(e.Count))}
			if r.Reason == dropHostname {
				detail.Label = site.DisplayHost(e.Detail)
				if !a.site.Allows(e.Detail) {
					detail.Hostname, detail.AllowURL, detail.Return = e.Detail, sitePath(a.site)+"/hostnames", a.url("")
				}
			}
			row.Details = append(row.Details, detail)
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}

// listingRows is how many rows a page of all rows has.
const listingRows = 50

// listing is every row of a dimension, with search, sorting and pages:
// GET /sites/{site}/all/{dimension}?q=docs&sort=visits&page=2
func (s *Server) listing(w http.ResponseWriter, r *http.Request, v *viewer) error {
	in := r.URL.Query()
	a, err := parseAsk(in, v.Site, s.now())
	if err != nil {
		return err
	}
	d := stats.Dimension(r.PathValue("dimension"))
	tab, ok := tabOf(d)
	if !ok {
		return errNothing
	}
	metrics := []stats.Metric{tab.metric}
	for _, m := range []stats.Metric{stats.Visitors, stats.Visits, stats.Pageviews, stats.BounceRate, stats.VisitDuration} {
		if m != tab.metric {
			metrics = append(metrics, m)
		}
	}
	sort := tab.metric
	for _, m := range metrics {
		if in.Get("sort") == string(m) {
			sort = m
		}
	}
	number, err := strconv.Atoi(in.Get("page"))
	if err != nil || number < 1 {
		number = 1
	}
	search := strings.TrimSpace(in.Get("q"))
	q := tabQuery(a, tab, listingRows)
	q.Metrics, q.Order, q.Page = metrics, []stats.Order{{By: string(sort), Desc: true}}, number
	if search != "" && d != stats.ScreenWidth {
		q.Filter = tabQuery(a.filtered(append(append([]stats.Filter{}, a.leaves()...), stats.Is(d, stats.Contains, search))), tab, 0).Filter
	}
	res, err := s.o.Stats.Run(r.Context(), q)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, html.ListingPage(s.listingView(r, v, a, tab, res, search, sort)))
}

// tabOf finds a dimension among the panels' tabs.
func tabOf(d stats.Dimension) (tabSpec, bool) {
	for _, p := range panels() {
		if t, ok := p.tab(d); ok {
			return t, true
		}
	}
	return tabSpec{}, false
}

func (s *Server) listingView(r *http.Request, v *viewer, a ask, tab tabSpec, res *stats.Result, search string, sort stats.Metric) html.Listing {
	t := v.Text
	heading := t.Panel(string(tab.dimension))
	path := "/all/" + url.PathEscape(string(tab.dimension))
	link := func(sort stats.Metric, page int) string {
		vals := a.values()
		if search != "" {
			vals.Set("q", search)
		}
		if sort != tab.metric {
			vals.Set("sort", string(sort))
		}
		if page > 1 {
			vals.Set("page", strconv.Itoa(page))
		}
		return sitePath(a.site) + path + "?" + vals.Encode()
	}
	now := s.now().In(res.Span.From.Location())
	l := html.Listing{Page: s.page(r, v, heading), Domain: site.DisplayHost(a.site.Domain), BackURL: a.url(""), Heading: heading,
		Search: search, Action: sitePath(a.site) + path, Span: spanWords(t, a, res.Span, now)}
	vals := a.values()
	for name := range maps.Keys(vals) {
		for _, value := range vals[name] {
			l.Keep = append(l.Keep, html.Param{Name: name, Value: value})
		}
	}
	for _, f := range a.leaves() {
		l.Filters = append(l.Filters, html.Chip{Label: filterWords(t, f)})
	}
	for _, m := range res.Query.Metrics {
		l.Columns = append(l.Columns, html.Link{Label: t.Metric(string(m)).Name, URL: link(m, 1), Current: m == sort})
	}
	rows := rowViews(t, a, tab, res.Rows, stats.Number{})
	for i, row := range rows {
		lr := html.ListingRow{Row: row}
		for _, m := range res.Query.Metrics {
			lr.Cells = append(lr.Cells, t.ExactValue(number(res.Rows[i].Value(m).Number), unit(m)))
		}
		l.Rows = append(l.Rows, lr)
	}
	page := res.Query.Page
	first := (page-1)*listingRows + 1
	l.Range = fmt.Sprintf(t.RowsOf, t.Exact(float64(first)), t.Exact(float64(first+len(rows)-1)), t.Exact(float64(res.Count)))
	if page > 1 {
		l.Previous = link(sort, page-1)
	}
	if page < res.Pages() {
		l.Next = link(sort, page+1)
	}
	return l
}
