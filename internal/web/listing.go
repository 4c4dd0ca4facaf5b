package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// listingRows is how many rows a page of all rows has.
const listingRows = 50

// listingAsk is what a listing's URL asks for besides the dashboard's.
type listingAsk struct {
	a      ask
	tab    tabSpec
	search string
	order  stats.Order
	page   int
}

// listing is every row of a dimension, with search, sorting and pages:
// GET /sites/{site}/all/{dimension}?q=docs&sort=-visits&page=2
func (s *Server) listing(w http.ResponseWriter, r *http.Request, v *viewer) error {
	l, err := s.parseListing(r, v)
	if err != nil {
		return err
	}
	res, err := pageOrFirst(&l.page, func(page int) (*stats.Result, error) {
		return s.listed(r.Context(), v.Text, l, page, listingRows)
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, html.ListingPage(s.listingView(r, v, l, res)))
}

// pageOrFirst asks for a page of a list, and for the first when there is no
// such page: the list has become shorter than the link knew.
func pageOrFirst(page *int, ask func(int) (*stats.Result, error)) (*stats.Result, error) {
	res, err := ask(*page)
	if err == nil && len(res.Rows) == 0 && *page > 1 {
		*page = 1
		return ask(1)
	}
	return res, err
}

// listingCSV is the same rows as a file:
// GET /sites/{site}/all/{dimension}/csv?q=docs&sort=-visits
func (s *Server) listingCSV(w http.ResponseWriter, r *http.Request, v *viewer) error {
	l, err := s.parseListing(r, v)
	if err != nil {
		return err
	}
	res, err := s.listed(r.Context(), v.Text, l, 1, stats.MaxPageSize)
	if err != nil {
		return err
	}
	return s.sendTable(w, r, l.a, string(l.tab.dimension), tableOf(res))
}

func (s *Server) parseListing(r *http.Request, v *viewer) (listingAsk, error) {
	in := r.URL.Query()
	a, err := s.asked(r.Context(), v, in)
	if err != nil {
		return listingAsk{}, err
	}
	tab, ok := tabOf(stats.Dimension(r.PathValue("dimension")))
	if !ok {
		return listingAsk{}, errNothing
	}
	l := listingAsk{a: a, tab: tab, search: strings.TrimSpace(in.Get("q"))}
	l.order = l.normal()
	o := stats.ParseOrder(in.Get("sort"))
	if slices.Contains(l.metrics(), stats.Metric(o.By)) || o.By == string(tab.dimension) {
		l.order = o
	}
	l.page = pageNumber(in)
	return l, nil
}

// lastPage bounds the number of a page, so that no place in a list overflows.
const lastPage = 1_000_000

// pageNumber is the page a URL asks for: the first, where it says nothing that
// could be one.
func pageNumber(in url.Values) int {
	n, err := strconv.Atoi(in.Get("page"))
	if err != nil || n < 1 || n > lastPage {
		return 1
	}
	return n
}

// normal is the order of a listing that says none.
func (l listingAsk) normal() stats.Order {
	return stats.Order{By: string(l.tab.counted(l.a)), Desc: true}
}

// metrics are a listing's columns; what its panel counts is the first.
func (l listingAsk) metrics() []stats.Metric {
	ms := []stats.Metric{l.tab.counted(l.a)}
	more := []stats.Metric{stats.Visitors, stats.Visits, stats.Pageviews, stats.BounceRate, stats.VisitDuration}
	switch _, ofEvent := l.tab.dimension.PropKey(); {
	case l.a.converts():
		more = []stats.Metric{stats.ConversionRate, stats.Revenue, stats.Visitors, stats.Visits}
	case ofEvent || l.tab.dimension == stats.EventName:
		more = []stats.Metric{stats.Visitors, stats.Visits, stats.Revenue}
	}
	for _, m := range more {
		if m != ms[0] {
			ms = append(ms, m)
		}
	}
	return ms
}

// query asks for all rows, whatever is searched for.
func (l listingAsk) query() stats.Query {
	q := tabQuery(l.a, l.tab, listingRows)
	q.Metrics, q.Order, q.Compare = l.metrics(), []stats.Order{l.order}, l.a.q.Compare
	return q
}

// searching asks the store to search, which it does in what is stored and
// with a difference between A and a.
func (l listingAsk) searching() stats.Query {
	q := l.query()
	if l.search != "" && l.tab.dimension != stats.ScreenWidth {
		q.Filter = q.Filter.Add(stats.Is(l.tab.dimension, stats.Contains, l.search))
	}
	return q
}

func (s *Server) listed(ctx context.Context, t *html.Text, l listingAsk, page, size int) (*stats.Result, error) {
	return s.found(ctx, t, l.search, l.query(), l.searching(), page, size)
}

// found is one page of q's rows. A search finds what is shown, "korea" for
// "KR", unless there are more rows than one answer holds: then the store
// searches, as searching asks it to.
func (s *Server) found(ctx context.Context, t *html.Text, search string, q, searching stats.Query, page, size int) (*stats.Result, error) {
	d := q.Dimensions[0]
	if search == "" {
		q.Page, q.PageSize = page, size
		return s.o.Stats.Run(ctx, q)
	}
	q.Page, q.PageSize = 1, stats.MaxPageSize
	res, err := s.o.Stats.Run(ctx, q)
	if err != nil {
		return nil, err
	}
	if res.Count > len(res.Rows) {
		q = searching
		q.Page, q.PageSize = page, size
		return s.o.Stats.Run(ctx, q)
	}
	wanted := strings.ToLower(search)
	rows := slices.DeleteFunc(res.Rows, func(r stats.Row) bool {
		value := r.Keys[0]
		return !strings.Contains(strings.ToLower(value), wanted) && !strings.Contains(strings.ToLower(valueWords(t, d, value)), wanted)
	})
	res.Count = len(rows)
	first := min((page-1)*size, len(rows))
	res.Rows = rows[first:min(first+size, len(rows))]
	res.Query.Page, res.Query.PageSize = page, size
	return res, nil
}

// url is the listing with another order or page, or its file.
func (l listingAsk) url(under string, order stats.Order, page int) string {
	vals := l.a.values()
	if l.search != "" {
		vals.Set("q", l.search)
	}
	if order != l.normal() {
		vals.Set("sort", order.String())
	}
	if page > 1 {
		vals.Set("page", strconv.Itoa(page))
	}
	return l.path() + under + "?" + vals.Encode()
}

func (l listingAsk) path() string {
	return sitePath(l.a.site) + "/all/" + url.PathEscape(string(l.tab.dimension))
}

// columns are the headings: the name's begins with A, a number's with the most.
func (l listingAsk) columns(t *html.Text, heading string) []html.Column {
	column := func(by, label string, desc bool) html.Column {
		c := html.Column{Label: label}
		o := stats.Order{By: by, Desc: desc}
		if l.order.By == by {
			o.Desc = !l.order.Desc
			c.Sorted = "ascending"
			if l.order.Desc {
				c.Sorted = "descending"
			}
		}
		c.URL = l.url("", o, 1)
		return c
	}
	cs := []html.Column{column(string(l.tab.dimension), heading, false)}
	for _, m := range l.metrics() {
		cs = append(cs, column(string(m), t.Metric(string(m)).Name, true))
	}
	return cs
}

func (s *Server) listingView(r *http.Request, v *viewer, l listingAsk, res *stats.Result) html.Listing {
	t, a := v.Text, l.a
	heading := dimensionWords(t, l.tab.dimension)
	now := s.now().In(res.Span.From.Location())
	view := html.Listing{Page: s.page(r, v, heading), Domain: site.DisplayHost(a.site.Domain), BackURL: a.url(""), Heading: heading,
		Search: l.search, Action: l.path(), Span: spanWords(t, a, res.Span, now), Columns: l.columns(t, heading)}
	if a.q.Compare != stats.NoComparison {
		view.Against = spanWords(t, a, res.Previous, now)
	}
	view.Keep = keep(a.values())
	for _, f := range a.leaves() {
		view.Filters = append(view.Filters, html.Chip{Label: filterWords(t, f)})
	}
	for _, other := range siblings(l.tab.dimension) {
		to := listingAsk{a: a, tab: other}
		view.Tabs = append(view.Tabs, html.Link{Label: dimensionWords(t, other.dimension), URL: to.url("", to.normal(), 1), Current: other.dimension == l.tab.dimension})
	}
	rows := rowViews(t, a, l.tab, res.Rows, stats.Number{})
	counted := l.tab.counted(a)
	meta, _ := counted.Info()
	for i, row := range rows {
		lr := html.ListingRow{Row: row}
		for _, m := range res.Query.Metrics {
			lr.Cells = append(lr.Cells, a.exact(t, m, number(res.Rows[i].Value(m).Number)))
		}
		if view.Against != "" {
			main := res.Rows[i].Value(counted)
			if lr.Change, lr.Trend = t.Change(number(main.Number), number(main.Previous), unit(counted), meta.LessIsBetter); lr.Change == "" {
				lr.Change = html.Dash
			}
		}
		view.Rows = append(view.Rows, lr)
	}
	first := (res.Query.Page-1)*listingRows + 1
	view.Range = fmt.Sprintf(t.RowsOf, t.Exact(float64(first)), t.Exact(float64(first+len(rows)-1)), t.Exact(float64(res.Count)))
	if l.page > 1 {
		view.Previous = l.url("", l.order, l.page-1)
	}
	if l.page < res.Pages() {
		view.Next = l.url("", l.order, l.page+1)
	}
	view.Exports = []html.Export{{CSVURL: l.url("/csv", l.order, 1), Curl: curl(s.o.BaseURL, l.searching())}}
	if res.Count > stats.MaxPageSize {
		view.Cut = fmt.Sprintf(t.Shell.Cut, t.Exact(stats.MaxPageSize))
	}
	return view
}
