package stats

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"moonbear/internal/event"
)

// inOneGo is how many values percentiles are found of in one go: events times
// measures. quantile_disc holds all values until its end, in memory that DuckDB
// doesn't count: 200 MB for the vitals of 5 million events. Counting how often
// each value was measured takes about as long for those, in memory that is
// counted, but several times as long for few measures or few events.
const inOneGo = 5_400_000

// weighed is p with its percentiles found in the way that is best for as many
// events as they are found among: those of kept days are counted already.
func (s *Stats) weighed(ctx context.Context, p plan) (plan, error) {
	if !dialects[s.store.Dialect()].holds {
		return p, nil
	}
	measures := map[string]bool{}
	for _, part := range p.parts {
		for _, m := range part.metrics {
			if d, _ := m.Info(); part.part == byEvent && d.percent != 0 {
				measures[d.measure] = true
			}
		}
	}
	if len(measures) == 0 {
		return p, nil
	}
	n, err := s.atMost(ctx, p, s.inOneGo/int64(len(measures)))
	if err != nil || n*int64(len(measures)) <= s.inOneGo {
		return p, err
	}
	return p.byValues(), nil
}

// sizesKnown is how long it is remembered how many events a site has in all:
// it need not be exact, and to ask takes as long as half a small site's panel.
const sizesKnown = 10 * time.Minute

type sizeKnown struct {
	events int64
	at     time.Time
}

// atMost is how many events a plan reads, or, where its whole site has no more
// than enough, how many that were a while ago.
func (s *Stats) atMost(ctx context.Context, p plan, enough int64) (int64, error) {
	s.mu.Lock()
	known := s.sizes[p.site]
	s.mu.Unlock()
	b := &builder{dialect: s.store.Dialect(), plan: p}
	count := func(where []string) (n int64, err error) {
		text := sel([]string{"count(*)"}, "events", where, nil)
		err = s.each(ctx, p.site, b.statement(text), func(rows *sql.Rows) error { return rows.Scan(&n) })
		return n, err
	}
	if now := s.now(); now.Sub(known.at).Abs() > sizesKnown {
		n, err := count(b.ofSite())
		if err != nil {
			return 0, err
		}
		known = sizeKnown{n, now}
		s.mu.Lock()
		s.sizes[p.site] = known
		s.mu.Unlock()
	}
	if known.events <= enough {
		return known.events, nil
	}
	return count(b.within("ts", p.from, p.to))
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
	for _, m := range measures {
		columns := append(b.keys(s, "ts"), "'"+m+"' as measure", m+" as value", "count(*) as count")
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
		which += " when " + m + " is not null then '" + m + "'"
	}
	// In each set the other measures are null.
	counted := sel(append(keys[:len(keys):len(keys)], which+" end as measure", value+" as value", "count(*) as count"),
		"(\n"+rows+"\n)", nil, []string{"grouping sets (" + strings.Join(sets, ", ") + ")"})
	return sel([]string{"*"}, "(\n"+counted+"\n)", []string{"value is not null"}, nil)
}
