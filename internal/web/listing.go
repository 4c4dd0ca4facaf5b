package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// listingRows is how many rows a page of all rows has.
const listingRows = 50

// listing is every row of a dimension, with search, sorting and pages:
// GET /sites/{site}/all/{dimension}?q=docs&sort=visits&page=2
func (s *Server) listing(w http.ResponseWriter, r *http.Request, v *viewer) error {
	in := r.URL.Query()
	a, err := s.asked(r.Context(), v, in)
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
			lr.Cells = append(lr.Cells, a.exact(t, m, number(res.Rows[i].Value(m).Number)))
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
