package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// dropped is all of what was not counted, or all of one reason:
// GET /sites/{site}/dropped?period=7d&reason=bot&q=google&page=2
func (s *Server) dropped(w http.ResponseWriter, r *http.Request, v *viewer) error {
	in := r.URL.Query()
	a, err := s.asked(r.Context(), v, in)
	if err != nil {
		return err
	}
	d, err := s.droppedOf(r.Context(), a)
	if err != nil {
		return err
	}
	t, now := v.Text, s.now().In(d.drops.Span.From.Location())
	here, back := a.url("/dropped"), ""
	if v.edits() {
		back = here
	}
	p := html.DroppedPage{
		Page: s.page(r, v, t.DroppedTitle), Domain: site.DisplayHost(v.Site.Domain), BackURL: a.url(""), Span: spanWords(t, a, d.drops.Span, now),
		Period: html.Menu{Label: t.Period, Shown: t.PeriodName(a.q.Period.Name)}, CSVURL: a.url("/panels/dropped/csv"),
		Dropped: droppedView(t, a, d, pageDetails, back, now),
	}
	for _, name := range []string{"today", "24h", "7d", "4w", "3m", "12m"} {
		p.Period.Items = append(p.Period.Items, html.Link{Label: t.PeriodName(name), URL: a.period(name).url("/dropped"), Current: name == a.q.Period.Name})
	}
	if d.drops.Count == 0 {
		return s.render(w, r, http.StatusOK, html.DroppedAll(p))
	}
	p.Total = t.Exact(float64(d.drops.Count))
	p.Share = fmt.Sprintf(t.Count.TotalShare, t.Percent(number(d.share())))
	for i := range p.Dropped.Rows {
		row := &p.Dropped.Rows[i]
		row.MoreURL = here + "&reason=" + url.QueryEscape(row.Key)
		if err := s.moreDetails(r.Context(), t, a, row); err != nil {
			return err
		}
	}
	if reason := in.Get("reason"); reason != "" {
		if p.One, err = s.droppedReason(r, v, a, reason, d.drops); err != nil {
			return err
		}
	}
	return s.render(w, r, http.StatusOK, html.DroppedAll(p))
}

// moreDetails says how many details a reason has, where the page shows some.
func (s *Server) moreDetails(ctx context.Context, t *html.Text, a ask, row *html.DroppedRow) error {
	got, err := s.o.Stats.DropDetails(ctx, a.q, row.Key, 1, 1)
	if err != nil {
		return err
	}
	if got.InAll <= len(row.Details) || got.InAll == 1 && len(got.Details) == 1 && got.Details[0].Detail == "" {
		row.MoreURL = ""
		return nil
	}
	row.More = fmt.Sprintf(t.Count.AllDetails, t.Exact(float64(got.InAll)))
	return nil
}

// maxDetailPages bounds what is read to search in: 20,000 details.
const maxDetailPages = 20

// everyDetail is all of what one reason struck, most first.
func (s *Server) everyDetail(ctx context.Context, a ask, reason string) (all []stats.DropDetail, err error) {
	for page := 1; page <= maxDetailPages; page++ {
		got, err := s.o.Stats.DropDetails(ctx, a.q, reason, page, stats.MaxPageSize)
		if err != nil {
			return nil, err
		}
		all = append(all, got.Details...)
		if page >= got.Pages() {
			break
		}
	}
	return all, nil
}

// droppedReason is one reason's details, searched and in pages.
func (s *Server) droppedReason(r *http.Request, v *viewer, a ask, reason string, drops *stats.Drops) (*html.DroppedReason, error) {
	t, count := v.Text, int64(0)
	for _, d := range drops.Reasons {
		if d.Reason == reason {
			count = d.Count
		}
	}
	if count == 0 && t.Remedy(reason) == "" {
		return nil, errNothing
	}
	all, err := s.everyDetail(r.Context(), a, reason)
	if err != nil {
		return nil, err
	}
	in := r.URL.Query()
	search := strings.TrimSpace(in.Get("q"))
	var found []stats.DropDetail
	for _, e := range all {
		if strings.Contains(strings.ToLower(e.Detail), strings.ToLower(search)) {
			found = append(found, e)
		}
	}
	first, last := pageOf(in.Get("page"), len(found), listingRows)
	page := first/listingRows + 1
	link := func(page int) string {
		v := a.values()
		v.Set("reason", reason)
		if search != "" {
			v.Set("q", search)
		}
		if page > 1 {
			v.Set("page", strconv.Itoa(page))
		}
		return sitePath(a.site) + "/dropped?" + v.Encode()
	}
	o := &html.DroppedReason{Row: droppedRow(t, reason, count, drops.Count), AllURL: a.url("/dropped"), Action: sitePath(a.site) + "/dropped", Search: search}
	o.Keep = append(o.Keep, html.Param{Name: "reason", Value: reason})
	for name, values := range a.values() {
		for _, value := range values {
			o.Keep = append(o.Keep, html.Param{Name: name, Value: value})
		}
	}
	now := s.now().In(drops.Span.From.Location())
	for _, e := range found[first:last] {
		back := ""
		if v.edits() {
			back = link(page)
		}
		o.Row.Details = append(o.Row.Details, droppedDetail(t, a, reason, e, back, now))
	}
	o.Range = fmt.Sprintf(t.RowsOf, t.Exact(float64(first+1)), t.Exact(float64(last)), t.Exact(float64(len(found))))
	if page > 1 {
		o.Previous = link(page - 1)
	}
	if last < len(found) {
		o.Next = link(page + 1)
	}
	return o, nil
}
