package stats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"moonbear/internal/event"
)

// maxDetails bounds how many details of one reason are listed; a scanner can
// invent hostnames without end.
const maxDetails = 50

// Drops answers what was not counted in q's period, and why. Filters don't
// apply: a refused hit has no facts to filter by.
func (s *Stats) Drops(ctx context.Context, q Query) (_ *Drops, err error) {
	now := s.now()
	if err := q.Validate(now, urlNames); err != nil {
		return nil, err
	}
	span, _, err := q.Spans(now)
	if err != nil {
		return nil, err
	}
	d := &Drops{Span: span}
	st := dropsSQL(s.store.Dialect(), q.Site.ID, span)
	rows, err := s.store.Select(ctx, st.text, st.args...)
	if err != nil {
		return nil, fmt.Errorf("select drops: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var reason string
		var detail DropDetail
		var total int64
		if err := rows.Scan(&reason, &detail.Detail, &detail.Count, &detail.Last, &total); err != nil {
			return nil, fmt.Errorf("read drops: %w", err)
		}
		detail.Last = detail.Last.In(span.From.Location())
		i := slices.IndexFunc(d.Reasons, func(r DropReason) bool { return r.Reason == reason })
		if i < 0 {
			i = len(d.Reasons)
			d.Reasons = append(d.Reasons, DropReason{Reason: reason, Count: total})
			d.Count += total
		}
		d.Reasons[i].Details = append(d.Reasons[i].Details, detail)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read drops: %w", err)
	}
	return d, nil
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
	return statement{text + "\norder by total desc, reason, place", b.args}
}

// online is how recent an event is for its visitor to be there now.
const online = 5 * time.Minute

// Online is how many visitors had an event in the last five minutes.
func (s *Stats) Online(ctx context.Context, siteID int64) (n int64, err error) {
	now := s.now()
	b := &builder{dialect: s.store.Dialect(), plan: plan{site: siteID}}
	text := sel([]string{"count(distinct visitor_id)"}, "events",
		append(b.within("ts", now.Add(-online), now.Add(time.Minute)), "visitor_id <> 0", counted), nil)
	rows, err := s.store.Select(ctx, text, b.args...)
	if err != nil {
		return 0, fmt.Errorf("select visitors online: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, fmt.Errorf("read visitors online: %w", err)
		}
	}
	return n, rows.Err()
}
