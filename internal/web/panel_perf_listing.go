package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

const (
	slowestUnder = "/slowest/"
	paramFew     = "few" // 1: with rows that were measured only a few times
)

// perfListing is a listing of the slowest: what of it the URL says.
type perfListing struct {
	perf
	search string
	order  stats.Order
	few    bool
	page   int
}

// metrics are its columns.
func (l perfListing) metrics() []stats.Metric {
	return []stats.Metric{stats.Percentile(l.measure, 50), stats.Percentile(l.measure, 75), stats.Percentile(l.measure, 95), l.count(), stats.Pageviews}
}

// normal is the order of a listing that says none.
func (l perfListing) normal() stats.Order { return stats.Order{By: string(l.main()), Desc: true} }

// slowest is every row by how slow it is, with search, sorting and pages:
// GET /sites/{site}/slowest/{dimension}?performance=lcp&percentile=95&few=1
func (s *Server) slowest(w http.ResponseWriter, r *http.Request, v *viewer) error {
	l, err := s.parseSlowest(r, v)
	if err != nil {
		return err
	}
	res, err := pageOrFirst(&l.page, func(page int) (*stats.Result, error) {
		return s.slowestRows(r.Context(), v.Text, l, page, listingRows)
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, html.ListingPage(s.slowestView(r, v, l, res)))
}

// slowestCSV is the same rows as a file:
// GET /sites/{site}/slowest/{dimension}/csv?performance=lcp
func (s *Server) slowestCSV(w http.ResponseWriter, r *http.Request, v *viewer) error {
	l, err := s.parseSlowest(r, v)
	if err != nil {
		return err
	}
	res, err := s.slowestRows(r.Context(), v.Text, l, 1, stats.MaxPageSize)
	if err != nil {
		return err
	}
	return s.sendTable(w, r, l.a, "slowest-"+string(l.by)+"-"+l.measure, tableOf(res))
}

func (s *Server) parseSlowest(r *http.Request, v *viewer) (perfListing, error) {
	in := r.URL.Query()
	a, err := s.asked(r.Context(), v, in)
	if err != nil {
		return perfListing{}, err
	}
	d := r.PathValue("dimension")
	if !slices.Contains(perfBy.values, d) {
		return perfListing{}, errNothing
	}
	l := perfListing{perf: perfOf(a.choose(perfBy, d), a.chosen(choice{name: perfName, values: perfMeasures})),
		search: strings.TrimSpace(in.Get("q")), few: in.Get(paramFew) == "1"}
	l.order = l.normal()
	if o := stats.ParseOrder(in.Get("sort")); slices.Contains(l.metrics(), stats.Metric(o.By)) || o.By == d {
		l.order = o
	}
	l.page = pageNumber(in)
	return l, nil
}

// query asks for rows that were measured at least so often.
func (l perfListing) query(least float64) stats.Query {
	q := l.slowest(listingRows, least)
	q.Metrics, q.Order = l.metrics(), []stats.Order{l.order}
	return q
}

func (s *Server) slowestRows(ctx context.Context, t *html.Text, l perfListing, page, size int) (*stats.Result, error) {
	least := 1.0
	if !l.few {
		q := l.a.q
		q.Compare = stats.NoComparison
		all, err := s.o.Stats.Run(ctx, q.Totals(l.count()))
		if err != nil {
			return nil, err
		}
		least = leastMeasurements(all.Total(l.count()).N)
	}
	q := l.query(least)
	searching := q
	if l.search != "" {
		searching.Filter = q.Filter.Add(stats.Is(l.by, stats.Contains, l.search))
	}
	return s.found(ctx, t, l.search, q, searching, page, size)
}

// listURL is the listing of p's measure and dimension.
func (p perf) listURL(under string, more url.Values) string {
	vals := p.a.values()
	maps.Copy(vals, more)
	return sitePath(p.a.site) + slowestUnder + url.PathEscape(string(p.by)) + under + "?" + vals.Encode()
}

// link is the same listing in another order, on another page, or with other
// rows.
func (l perfListing) link(under string, change func(*perfListing)) string {
	change(&l)
	more := url.Values{}
	set := func(name, value string, wanted bool) {
		if wanted {
			more.Set(name, value)
		}
	}
	set("q", l.search, l.search != "")
	set("sort", l.order.String(), l.order != l.normal())
	set(paramFew, "1", l.few)
	set("page", strconv.Itoa(l.page), l.page > 1)
	return l.listURL(under, more)
}

// columns are the headings: the name's begins with A, a number's with the most.
func (l perfListing) columns(t *html.Text, heading string) []html.Column {
	column := func(by, label string, desc bool) html.Column {
		c, o := html.Column{Label: label}, stats.Order{By: by, Desc: desc}
		if l.order.By == by {
			o.Desc = !l.order.Desc
			c.Sorted = "ascending"
			if l.order.Desc {
				c.Sorted = "descending"
			}
		}
		c.URL = l.link("", func(l *perfListing) { l.order, l.page = o, 1 })
		return c
	}
	cs := []html.Column{column(string(l.by), heading, false)}
	for _, m := range l.metrics() {
		label := t.Metric(string(m)).Name
		if _, percent, ok := strings.Cut(string(m), l.measure+"_p"); ok {
			label = fmt.Sprintf(t.Perf.Percentile, percent)
		}
		cs = append(cs, column(string(m), label, true))
	}
	return cs
}

func (s *Server) slowestView(r *http.Request, v *viewer, l perfListing, res *stats.Result) html.Listing {
	t := v.Text
	heading := t.Panel(string(l.by))
	now := s.now().In(res.Span.From.Location())
	same := func(*perfListing) {}
	view := html.Listing{Page: s.page(r, v, heading), Domain: site.DisplayHost(l.a.site.Domain), BackURL: l.a.url("") + "#panel-" + perfName, Heading: heading,
		Search: l.search, Action: sitePath(l.a.site) + slowestUnder + url.PathEscape(string(l.by)), Columns: l.columns(t, heading),
		Span:    t.Perf.Measures[l.measure].Name + " · " + spanWords(t, l.a, res.Span, now),
		Exports: []html.Export{{CSVURL: l.link("/csv", func(l *perfListing) { l.page = 1 }), Curl: curl(s.o.BaseURL, res.Query)}}}
	keep := l.a.values()
	if l.few {
		keep.Set(paramFew, "1")
	}
	for _, name := range slices.Sorted(maps.Keys(keep)) {
		for _, value := range keep[name] {
			view.Keep = append(view.Keep, html.Param{Name: name, Value: value})
		}
	}
	for _, f := range l.a.leaves() {
		view.Filters = append(view.Filters, html.Chip{Label: filterWords(t, f)})
	}
	for _, d := range perfBy.values {
		to := perfListing{perf: perfOf(l.a.choose(perfBy, d), l.measure), few: l.few}
		to.order = to.normal()
		view.Tabs = append(view.Tabs, html.Link{Label: t.Panel(d), URL: to.link("", same), Current: d == string(l.by)})
	}
	for i, row := range perfRows(t, l.perf, res) {
		lr := html.ListingRow{Row: row.Row}
		for _, m := range res.Query.Metrics {
			lr.Cells = append(lr.Cells, t.Fine(number(res.Rows[i].Value(m).Number), unit(m)))
		}
		view.Rows = append(view.Rows, lr)
	}
	first := (l.page-1)*listingRows + 1
	view.Range = fmt.Sprintf(t.RowsOf, t.Exact(float64(first)), t.Exact(float64(first+len(view.Rows)-1)), t.Exact(float64(res.Count)))
	if l.page > 1 {
		view.Previous = l.link("", func(l *perfListing) { l.page-- })
	}
	if l.page < res.Pages() {
		view.Next = l.link("", func(l *perfListing) { l.page++ })
	}
	view.Note, view.Other = l.note(t, res.Query.Least.N)
	return view
}

// note says which rows are there, and links to the others.
func (l perfListing) note(t *html.Text, least float64) (string, html.Link) {
	other := html.Link{URL: l.link("", func(l *perfListing) { l.few, l.page = !l.few, 1 }), Label: t.Perf.ShowAll}
	if l.few {
		other.Label = t.Perf.ShowEnough
		return t.Perf.LeastAll, other
	}
	return fmt.Sprintf(t.Perf.Least, t.Exact(least)), other
}
