package stats

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"moonbear/internal/event"
)

// maxDetails bounds how many details Drops lists of one reason; a scanner can
// invent hostnames without end. DropDetails has them all, in pages.
const maxDetails = 50

// Drops answers what was not counted in q's period, and why. Filters don't
// apply: a refused hit has no facts to filter by.
func (s *Stats) Drops(ctx context.Context, q Query) (*Drops, error) {
	span, err := s.dropSpan(q)
	if err != nil {
		return nil, err
	}
	d := &Drops{Span: span}
	err = s.each(ctx, q.Site.ID, dropsSQL(s.store.Dialect(), q.Site.ID, span), func(rows *sql.Rows) error {
		var reason string
		var detail DropDetail
		var total int64
		if err := rows.Scan(&reason, &detail.Detail, &detail.Count, &detail.Last, &total); err != nil {
			return err
		}
		detail.Last = detail.Last.In(span.From.Location())
		i := slices.IndexFunc(d.Reasons, func(r DropReason) bool { return r.Reason == reason })
		if i < 0 {
			i = len(d.Reasons)
			d.Reasons = append(d.Reasons, DropReason{Reason: reason, Count: total})
			d.Count += total
		}
		d.Reasons[i].Details = append(d.Reasons[i].Details, detail)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select drops: %w", err)
	}
	return d, nil
}

// dropSpan is the span of a question about drops, if it is a valid one.
func (s *Stats) dropSpan(q Query) (Span, error) {
	now := s.now()
	q.Metrics, q.Filter = nil, Filter{} // no part in this
	if err := q.Validate(now, urlNames); err != nil {
		return Span{}, err
	}
	span, _, err := q.Spans(now)
	return span, err
}

// dropsSQL asks for each reason's details, most first, and the reason's total.
func dropsSQL(dialect event.Dialect, siteID int64, span Span) statement {
	b := &builder{dialect: dialect, plan: plan{site: siteID}}
	inner := sel([]string{"reason", "detail", "sum(count) as n", "max(ts) as latest"}, "drops", b.within("ts", span.From, span.To), []string{"reason", "detail"})
	ranked := sel([]string{"reason", "detail", "n", "latest",
		"sum(n) over (partition by reason) as total", "row_number() over (partition by reason order by n desc, detail) as place"},
		"(\n"+inner+"\n)", nil, nil)
	text := sel([]string{"reason", "detail", "cast(n as bigint)", "latest", "cast(total as bigint)"},
		"(\n"+ranked+"\n)", []string{"place <= " + b.arg(int64(maxDetails))}, nil)
	return b.statement(text + "\norder by total desc, reason, place")
}

// DropSeries answers how many hits were refused over time, by reason, at q's
// interval or its period's default.
func (s *Stats) DropSeries(ctx context.Context, q Query) (*DropSeries, error) {
	q = q.Series()
	span, err := s.dropSpan(q)
	if err != nil {
		return nil, err
	}
	bs := span.buckets(q.Interval)
	d := &DropSeries{Span: span}
	if len(bs) == 0 {
		return d, nil
	}
	type place struct{ reason, bucket int }
	at := map[place]int64{}
	err = s.each(ctx, q.Site.ID, dropSeriesSQL(s.store.Dialect(), q.Site.ID, span, bs), func(rows *sql.Rows) error {
		var reason string
		var bucket int
		var n int64
		if err := rows.Scan(&reason, &bucket, &n); err != nil {
			return err
		}
		i := slices.Index(d.Reasons, reason)
		if i < 0 {
			i = len(d.Reasons)
			d.Reasons = append(d.Reasons, reason)
		}
		at[place{i, bucket}] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select drops over time: %w", err)
	}
	for i, b := range bs {
		p := span.point(b)
		point := DropPoint{From: p.From, To: p.To, Partial: p.Partial, Future: p.Future, Counts: make([]int64, len(d.Reasons))}
		for r := range d.Reasons {
			point.Counts[r] = at[place{r, i}]
			point.Count += point.Counts[r]
		}
		d.Points = append(d.Points, point)
	}
	return d, nil
}

// dropSeriesSQL asks for each reason's count by bucket, the reason with most
// in all of them first.
func dropSeriesSQL(dialect event.Dialect, siteID int64, span Span, bs []bucket) statement {
	b := &builder{dialect: dialect, plan: plan{site: siteID, runs: runs(bs)}}
	inner := sel([]string{"reason", b.bucket("ts") + " as k0", "sum(count) as n"}, "drops", b.within("ts", span.From, span.To), []string{"1", "2"})
	totals := sel([]string{"reason", "k0", "n", "sum(n) over (partition by reason) as total"}, "(\n"+inner+"\n)", nil, nil)
	return b.statement(sel([]string{"reason", "k0", "cast(n as bigint)"}, "(\n"+totals+"\n)", nil, nil) + "\norder by total desc, reason, k0")
}

// DropDetails answers what one reason struck: all of it, most first, in pages
// from 1, of DefaultPageSize when size is 0.
func (s *Stats) DropDetails(ctx context.Context, q Query, reason string, page, size int) (*DropDetails, error) {
	q.Page, q.PageSize = page, size
	span, err := s.dropSpan(q)
	if err != nil {
		return nil, err
	}
	d := &DropDetails{Span: span, Reason: reason, Page: max(q.Page, 1), PageSize: q.pageSize()}
	err = s.each(ctx, q.Site.ID, dropDetailsSQL(s.store.Dialect(), q.Site.ID, span, d), func(rows *sql.Rows) error {
		var x DropDetail
		var place int64
		if err := rows.Scan(&x.Detail, &x.Count, &x.Last, &place, &d.InAll, &d.Count); err != nil {
			return err
		}
		if first := int64(d.Page-1) * int64(d.PageSize); place > first && place <= first+int64(d.PageSize) {
			x.Last = x.Last.In(span.From.Location())
			d.Details = append(d.Details, x)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select drops of one reason: %w", err)
	}
	return d, nil
}

// dropDetailsSQL asks for a page of a reason's details, and for the first of
// all, which says how many there are also where the page is past the last.
func dropDetailsSQL(dialect event.Dialect, siteID int64, span Span, d *DropDetails) statement {
	b := &builder{dialect: dialect, plan: plan{site: siteID}}
	inner := sel([]string{"detail", "sum(count) as n", "max(ts) as latest"}, "drops",
		append(b.within("ts", span.From, span.To), "reason = "+b.arg(d.Reason)), []string{"detail"})
	ranked := sel([]string{"detail", "n", "latest", "row_number() over (order by n desc, detail) as place", "count(*) over () as in_all", "sum(n) over () as total"},
		"(\n"+inner+"\n)", nil, nil)
	first := int64(d.Page-1) * int64(d.PageSize)
	text := sel([]string{"detail", "cast(n as bigint)", "latest", "place", "in_all", "cast(total as bigint)"}, "(\n"+ranked+"\n)",
		[]string{"(place = 1 or place > " + b.arg(first) + " and place <= " + b.arg(first+int64(d.PageSize)) + ")"}, nil)
	return b.statement(text + "\norder by place")
}
