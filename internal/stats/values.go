package stats

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
)

// inOneGo is how many values percentiles of several measures are found of in one
// go. quantile_disc holds all values until its end, 4 to 8 bytes each, in memory
// that DuckDB doesn't count. Counting how often each value was measured takes
// about as long for those, in memory that is counted; for one measure by page it
// takes ten times as long, so of one it may be several times as many.
const (
	inOneGo = 5_400_000
	ofOne   = 3
)

// weighedAnswers answers a plan with its percentiles found in the best way.
func (s *Stats) weighedAnswers(ctx context.Context, q Query, p plan) ([]answer, error) {
	p, values, err := s.weighed(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.held(ctx, values, func() ([]answer, error) { return s.answers(ctx, q, p) })
}

// weighed is p with its percentiles found in the way that is best for as many
// values as they are found among, and how many of them that holds. Those of kept
// days are counted already.
func (s *Stats) weighed(ctx context.Context, p plan) (q plan, holds int64, err error) {
	if !dialects[s.store.Dialect()].holds {
		return p, 0, nil
	}
	var measures []string
	var of scan // there is only one such part
	for _, part := range p.parts {
		for _, m := range part.metrics {
			if d, _ := m.Info(); part.part == byEvent && d.percent != 0 && !slices.Contains(measures, d.measure) {
				measures, of = append(measures, d.measure), part
			}
		}
	}
	if len(measures) == 0 {
		return p, 0, nil
	}
	most := s.inOneGo
	if len(measures) == 1 {
		most *= ofOne
	}
	n, err := s.valuesOf(ctx, p, of, measures)
	if err != nil || n <= most {
		return p, n, err
	}
	return p.byValues(), 0, nil
}

// sizesKnown is how long it is remembered how many events a site has in all:
// it need not be exact, and to ask takes as long as half a small site's panel.
const sizesKnown = 10 * time.Minute

type sizeKnown struct {
	events int64
	at     time.Time
}

// valuesOf is how often measures were measured among the events a scan reads,
// or, where the whole site has few events, no more than that.
func (s *Stats) valuesOf(ctx context.Context, p plan, of scan, measures []string) (int64, error) {
	s.mu.Lock()
	known := s.sizes[p.site]
	s.mu.Unlock()
	b := &builder{dialect: s.store.Dialect(), plan: p}
	count := func(what, from string, where []string) (n int64, err error) {
		err = s.each(ctx, p.site, b.statement(sel([]string{what}, from, where, nil)), func(rows *sql.Rows) error { return rows.Scan(&n) })
		return n, err
	}
	if now := s.now(); now.Sub(known.at).Abs() > sizesKnown {
		n, err := count("count(*)", "events", b.ofSite())
		if err != nil {
			return 0, err
		}
		known = sizeKnown{n, now}
		s.mu.Lock()
		s.sizes[p.site] = known
		s.mu.Unlock()
	}
	if most := known.events * int64(len(measures)); most <= s.inOneGo/4 {
		return most, nil
	}
	from, where := b.reading(of, func(st stretch) []string { return b.within("ts", st.from, st.to) })
	return count("count("+strings.Join(measures, ") + count(")+")", from, where)
}

// held calls f while it holds values: all questions together hold no more than
// one may, the others wait.
func (s *Stats) held(ctx context.Context, values int64, f func() ([]answer, error)) ([]answer, error) {
	if values <= 0 {
		return f()
	}
	if err := s.holding.Acquire(ctx, values); err != nil {
		return nil, err
	}
	defer s.holding.Release(values)
	return f()
}

// keeps says that how often each value of the metric's measure was measured is
// kept of whole days. Of bytes it isn't: hardly two pages have the same number,
// so they took as much disk as all other measures together.
func (d MetricInfo) keeps() bool {
	return d.values != "" && d.measure != event.MeasureColumns[event.TransferSize]
}

// byValues parts what is told by how often each value was measured from the
// rest.
func (p plan) byValues() plan {
	var parts []scan
	for _, s := range p.parts {
		if s.part != byEvent {
			parts = append(parts, s)
			continue
		}
		events, values := s, s
		values.part = byValue
		events.metrics, values.metrics = nil, nil
		for _, m := range s.metrics {
			if d, _ := m.Info(); d.values != "" {
				values.metrics = append(values.metrics, m)
			} else {
				events.metrics = append(events.metrics, m)
			}
		}
		if len(events.metrics) > 0 {
			parts = append(parts, events)
		}
		parts = append(parts, values)
	}
	p.parts = parts
	return p
}

// measured counts how often events have each value of the scan's measures.
// Reading the column of each by itself is fastest; where a row must first be
// judged, all are counted as it goes by.
func (b *builder) measured(s scan) (selects []string) {
	measures := s.measures()
	from, where := b.reading(s, func(st stretch) []string { return b.within("ts", st.from, st.to) })
	from, where = b.source(s, from, b.filtered(where, s.every))
	if len(measures) > 1 && (!s.every.IsZero() || s.exits || s.entries || slices.Contains(s.dims, GoalName)) {
		return []string{b.measuredAtOnce(s, from, where)}
	}
	for i, m := range measures {
		columns := append(b.keys(s, "ts"), strconv.Itoa(i)+" as measure", m+" as value", "count(*) as count")
		selects = append(selects, sel(columns, from, append(where[:len(where):len(where)], m+" is not null"), append(b.groups(), "measure", "value")))
	}
	return selects
}

func (b *builder) measuredAtOnce(s scan, from string, where []string) string {
	keys, measures := b.keyNames(), s.measures()
	value := "coalesce(" + strings.Join(measures, ", ") + ")"
	rows := sel(append(b.keys(s, "ts"), measures...), from, append(where, measuredAny(measures)), nil)
	sets := make([]string, len(measures))
	which := "case"
	for i, m := range measures {
		sets[i] = "(" + strings.Join(append(keys[:len(keys):len(keys)], m), ", ") + ")"
		which += " when " + m + " is not null then " + strconv.Itoa(i)
	}
	// In each set the other measures are null.
	counted := sel(append(keys[:len(keys):len(keys)], which+" end as measure", value+" as value", "count(*) as count"),
		"(\n"+rows+"\n)", nil, []string{"grouping sets (" + strings.Join(sets, ", ") + ")"})
	return sel([]string{"*"}, "(\n"+counted+"\n)", []string{"value is not null"}, nil)
}
