package stats

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"moonbear/internal/site"
)

// SiteVisitors is one site in a list of them.
type SiteVisitors struct {
	Visitors Value     // of the period, and of the one before up to the same moment
	Days     []float64 // visitors day by day
	Online   int64     // in the last five minutes
}

// VisitorsBySite answers for many sites at once what each site's own questions
// would: their visitors in p, each in its own time zone. It reads once for each
// zone and not once for each site.
func (s *Stats) VisitorsBySite(ctx context.Context, sites []*site.Site, p Period) (map[int64]SiteVisitors, error) {
	now := s.now()
	zones := map[string][]*site.Site{}
	for _, st := range sites {
		zones[st.Location.String()] = append(zones[st.Location.String()], st)
	}
	all := map[int64]SiteVisitors{}
	for _, group := range zones {
		q := Query{Site: group[0], Period: p, Compare: PreviousPeriod}
		if err := q.Validate(now, urlNames); err != nil {
			return nil, err
		}
		span, previous, err := q.Spans(now)
		if err != nil {
			return nil, err
		}
		days := span.buckets(Day)
		for _, st := range group {
			all[st.ID] = SiteVisitors{Visitors: Value{Metric: Visitors, Number: Number{OK: true}, Previous: Number{OK: true}}, Days: make([]float64, len(days))}
		}
		if err := s.visitorsOf(ctx, all, group, span, previous, now); err != nil {
			return nil, err
		}
		if err := s.daysOf(ctx, all, group, span, days); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// among is the rows of some sites with from <= ts < to that have a visitor.
func (b *builder) among(sites []*site.Site, from, to time.Time) []string {
	ids := make([]string, len(sites))
	for i, st := range sites {
		ids[i] = b.arg(st.ID)
	}
	where := append([]string{"site_id in (" + strings.Join(ids, ", ") + ")"}, b.between("ts", from, to)...)
	return append(where, "visitor_id <> 0", counted)
}

func (s *Stats) visitorsOf(ctx context.Context, all map[int64]SiteVisitors, sites []*site.Site, span, previous Span, now time.Time) error {
	b := &builder{dialect: s.store.Dialect()}
	when := func(from, to time.Time) string {
		return "count(distinct visitor_id) filter (where ts >= " + b.time(from) + " and ts < " + b.time(to) + ")"
	}
	columns := []string{"site_id", when(span.From, span.To), when(previous.From, previous.Until), when(now.Add(-online), now.Add(time.Minute))}
	text := sel(columns, "events", b.among(sites, previous.From, span.To.Add(time.Minute)), []string{"site_id"})
	err := s.each(ctx, sites[0].ID, b.statement(text), func(rows *sql.Rows) error {
		var id, is, was, here int64
		if err := rows.Scan(&id, &is, &was, &here); err != nil {
			return err
		}
		v := all[id]
		v.Visitors.N, v.Visitors.Previous.N, v.Online = float64(is), float64(was), here
		all[id] = v
		return nil
	})
	if err != nil {
		return fmt.Errorf("select visitors by site: %w", err)
	}
	return nil
}

func (s *Stats) daysOf(ctx context.Context, all map[int64]SiteVisitors, sites []*site.Site, span Span, days []bucket) error {
	b := &builder{dialect: s.store.Dialect(), plan: plan{runs: runs(days)}}
	text := sel([]string{"site_id", b.bucket("ts") + " as k0", "count(distinct visitor_id)"}, "events", b.among(sites, span.From, span.To), []string{"1", "2"})
	err := s.each(ctx, sites[0].ID, b.statement(text), func(rows *sql.Rows) error {
		var id, n int64
		var day int
		if err := rows.Scan(&id, &day, &n); err != nil {
			return err
		}
		if v := all[id]; day >= 0 && day < len(v.Days) {
			v.Days[day] = float64(n)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("select days by site: %w", err)
	}
	return nil
}
