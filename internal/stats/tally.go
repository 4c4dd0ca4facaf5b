package stats

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"moonbear/internal/event"
)

// tally is what is told by the values of one measure.
type tally struct {
	at        map[int]sql.NullFloat64 // by percentile
	n         float64
	good, bad float64
}

// number is a metric of a tally's measure.
func (t tally) number(d MetricInfo) Number {
	n := Number{OK: true}
	switch d.Name {
	case Measurements(d.measure):
		n.N = t.n
	case GoodShare(d.measure):
		n.N = 100 * t.good / t.n
	case PoorShare(d.measure):
		n.N = 100 * t.bad / t.n
	default:
		at := t.at[d.percent]
		if n.N, n.OK = at.Float64, at.Valid; d.measure == event.MeasureColumns[event.CLS] {
			n.N /= 10_000
		}
	}
	n.N = round(n.N, d.Unit.decimals())
	return n
}

// talliedPart is the place of the part that is told by values of kept days; -1
// where there is none.
func (p plan) talliedPart() int {
	return slices.IndexFunc(p.parts, func(s scan) bool { return s.part == byValue && s.days })
}

// apart answers what is told by values of kept days with a statement of its own
// (tallied): with some forty metrics in one, planning took longer than reading.
func (s *Stats) apart(ctx context.Context, q Query, p plan, at int) ([]answer, error) {
	values, rest := p.parts[at], p
	rest.parts = slices.Delete(slices.Clone(p.parts), at, at+1)
	rest.metrics = slices.DeleteFunc(slices.Clone(p.metrics), func(m Metric) bool { return slices.Contains(values.metrics, m) })
	var tallied, others []answer
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		tallied, err = s.tally(ctx, p, values)
		return err
	})
	if len(rest.parts) > 0 {
		g.Go(func() (err error) {
			q := q
			q.Metrics = rest.metrics
			others, err = s.answers(ctx, q, rest)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return together(q, partial{rest.metrics, others}, partial{values.metrics, tallied}), nil
}

// partial is answers about some metrics.
type partial struct {
	metrics []Metric
	answers []answer
}

// together puts answers to one question's metrics together by their keys.
// Totals are one answer, even of nothing.
func together(q Query, parts ...partial) (all []answer) {
	at := map[rowKey]int{}
	if q.Shape() == Totals {
		at[rowKey{}], all = 0, empty(q)
	}
	for _, p := range parts {
		for _, a := range p.answers {
			i, ok := at[keyOf(a.keys)]
			if !ok {
				i = len(all)
				at[keyOf(a.keys)] = i
				all = append(all, *nothing(q))
				all[i].keys = a.keys
			}
			for j, m := range p.metrics {
				all[i].values[slices.Index(q.Metrics, m)] = a.values[j]
			}
			if a.elsewhere {
				all[i].elsewhere, all[i].others = true, a.others
			}
		}
	}
	return all
}

// tally answers the metrics of a scan that is told by values.
func (s *Stats) tally(ctx context.Context, p plan, sc scan) (as []answer, err error) {
	st := p.tallied(s.store.Dialect(), sc)
	rows, err := s.store.Select(ctx, st.text, st.args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	measures, percents := sc.measures(), sc.percents()
	found := map[int][]tally{} // by key, then by the measure's number
	for rows.Next() {
		var key, measure int
		t, at := tally{at: map[int]sql.NullFloat64{}}, make([]sql.NullFloat64, len(percents))
		into := []any{&measure}
		if p.runs != nil {
			into = []any{&key, &measure}
		}
		for i := range at {
			into = append(into, &at[i])
		}
		if err := rows.Scan(append(into, &t.n, &t.good, &t.bad)...); err != nil {
			return nil, err
		}
		for i, percent := range percents {
			t.at[percent] = at[i]
		}
		if found[key] == nil {
			found[key] = make([]tally, len(measures))
		}
		found[key][measure] = t
	}
	for key, tallies := range found {
		a := answer{values: make([]Number, len(sc.metrics))}
		if p.runs != nil {
			a.keys = []string{strconv.Itoa(key)}
		}
		for i, m := range sc.metrics {
			d, _ := m.Info()
			switch t := tallies[slices.Index(measures, d.measure)]; {
			case t.n > 0:
				a.values[i] = t.number(d)
			case m.isCount():
				a.values[i].OK = true
			}
		}
		as = append(as, a)
	}
	return as, rows.Err()
}
