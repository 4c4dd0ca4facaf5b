package stats

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"moonbear/internal/event"
)

// Percentiles of a span with kept days are found in two steps, as a site's month
// has a hundred thousand different values and twenty are asked for. Values lie in
// cells (cellOf), about forty of which hold most of a measure. Cells are added up
// over days, which tells in which one a percentile is; then the values in those
// are. A day by itself has its percentiles already.

// tally is what is told by the values of one measure in one bucket.
type tally struct {
	n, good, poor int64
	cells         map[int64]int64 // how often a value was in each
	values        map[int64]int64 // how often each was, of those that matter
	at            map[int]int64   // by percentile
}

// tallies are those of an answer's buckets, by the measure's name.
type tallies map[int]map[string]*tally

func (t tallies) of(bucket int, measure string) *tally {
	if t[bucket] == nil {
		t[bucket] = map[string]*tally{}
	}
	if t[bucket][measure] == nil {
		t[bucket][measure] = &tally{cells: map[int64]int64{}, values: map[int64]int64{}, at: map[int]int64{}}
	}
	return t[bucket][measure]
}

// inCell counts n values in a cell.
func (t *tally) inCell(cell, n int64) {
	t.cells[cell] += n
	t.n += n
	switch cell % 4 {
	case cellGood:
		t.good += n
	case cellPoor:
		t.poor += n
	}
}

// add counts what another tally of the measure has.
func (t *tally) add(o *tally) {
	for cell, n := range o.cells {
		t.inCell(cell, n)
	}
	for value, n := range o.values {
		t.values[value] += n
	}
}

// reach is the first of some keys, in order, up to which so many are counted
// that they are a percentage of the total, and how many are before it.
func reach(counts map[int64]int64, keys []int64, before, total int64, percent int) (key, upto int64) {
	for _, k := range keys {
		if 100*(before+counts[k]) >= int64(percent)*total {
			return k, before
		}
		before += counts[k]
	}
	return 0, before
}

// wanted is the cell that a percentile is in, and how many values are below it.
func (t *tally) wanted(percent int) (cell, before int64) {
	return reach(t.cells, slices.Sorted(maps.Keys(t.cells)), 0, t.n, percent)
}

// find finds a percentile among the values of its cell.
func (t *tally) find(measure string, percent int) {
	cell, before := t.wanted(percent)
	var in []int64
	for v := range t.values {
		if cellOf(measure, v) == cell {
			in = append(in, v)
		}
	}
	slices.Sort(in)
	t.at[percent], _ = reach(t.values, in, before, t.n, percent)
}

// number is a metric of a tally's measure.
func (t *tally) number(d MetricInfo) Number {
	n := 0.0
	switch d.Name {
	case Measurements(d.measure):
		n = float64(t.n)
	case GoodShare(d.measure):
		n = 100 * float64(t.good) / float64(t.n)
	case PoorShare(d.measure):
		n = 100 * float64(t.poor) / float64(t.n)
	default:
		if n = float64(t.at[d.percent]); d.measure == event.MeasureColumns[event.CLS] {
			n /= 10_000
		}
	}
	return Number{N: round(n, d.Unit.decimals()), OK: true}
}

// answers are the tallies as answers about metrics.
func (t tallies) answers(p plan, metrics []Metric) (as []answer) {
	for bucket, measures := range t {
		a := answer{values: make([]Number, len(metrics))}
		if p.runs != nil {
			a.keys = []string{strconv.Itoa(bucket)}
		}
		for i, m := range metrics {
			d, _ := m.Info()
			if of := measures[d.measure]; of != nil && of.n > 0 {
				a.values[i] = of.number(d)
			} else {
				a.values[i].OK = m.isCount()
			}
		}
		as = append(as, a)
	}
	return as
}

// tallied is the part that is told by values of kept days, and its place; -1
// where there is none.
func (p plan) tallied() (scan, int) {
	i := slices.IndexFunc(p.parts, func(s scan) bool { return s.part == byValue && s.days })
	if i < 0 {
		return scan{}, i
	}
	return p.parts[i], i
}

// about is p with only some of its parts and their metrics.
func (p plan) about(parts []scan, metrics []Metric) plan {
	p.parts, p.metrics = parts, metrics
	return p
}

// answersOf answers a plan: what is told by values of kept days by statements of
// its own, as one with forty metrics takes longer to plan than to read.
func (s *Stats) answersOf(ctx context.Context, q Query, p plan) ([]answer, error) {
	values, at := p.tallied()
	if at < 0 {
		return s.weighedAnswers(ctx, q, p)
	}
	g, ctx := errgroup.WithContext(ctx)
	kept := partial{metrics: values.metrics}
	all := []*partial{&kept}
	ask := func(parts []scan, metrics []Metric) {
		of := &partial{metrics: metrics}
		all = append(all, of)
		g.Go(func() (err error) {
			q := q
			q.Metrics = metrics
			of.answers, err = s.weighedAnswers(ctx, q, p.about(parts, metrics))
			return err
		})
	}
	g.Go(func() (err error) {
		find := s.tally
		if p.daily {
			find = s.tallyDays
		}
		ts, err := find(ctx, p, values)
		kept.answers = ts.answers(p, values.metrics)
		return err
	})
	if p.daily && len(p.kept.raw) > 0 { // days by themselves
		raw := values
		raw.part = byEvent
		ask([]scan{raw}, values.metrics)
	}
	if rest := slices.Delete(slices.Clone(p.parts), at, at+1); len(rest) > 0 {
		ask(rest, slices.DeleteFunc(slices.Clone(p.metrics), func(m Metric) bool { return slices.Contains(values.metrics, m) }))
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return together(q, all...), nil
}

// partial is answers about some metrics of a question.
type partial struct {
	metrics []Metric
	answers []answer
}

// together puts answers about a question's metrics together by their keys.
// Totals are one answer, even of nothing.
func together(q Query, parts ...*partial) (all []answer) {
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

// tallyDays takes the percentiles of kept days, one bucket each, as they are.
func (s *Stats) tallyDays(ctx context.Context, p plan, sc scan) (tallies, error) {
	percents := sc.percents()
	rows, err := s.keptRows(ctx, p, p.keptByDay(s.store.Dialect(), sc), 3+len(percents))
	ts := tallies{}
	for _, r := range rows {
		of := ts.of(r.bucket, r.measure)
		of.n, of.good, of.poor = r.tells[0], r.tells[1], r.tells[2]
		for i, percent := range percents {
			of.at[percent] = r.tells[3+i]
		}
	}
	return ts, err
}

// tally adds up kept days and the rest.
func (s *Stats) tally(ctx context.Context, p plan, sc scan) (tallies, error) {
	var cells []keptRow
	ts, raw := tallies{}, tallies{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		cells, err = s.keptRows(gctx, p, p.keptCells(s.store.Dialect(), sc), 2)
		return err
	})
	if len(p.kept.raw) > 0 {
		g.Go(func() error { return s.rawTallies(gctx, p, sc, raw) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	kept := map[measuredCell]bool{}
	for _, r := range cells {
		cell, n := r.tells[0], r.tells[1]
		ts.of(r.bucket, r.measure).inCell(cell, n)
		kept[measuredCell{r.measure, cell}] = true
	}
	for bucket, measures := range raw {
		for m, of := range measures {
			ts.of(bucket, m).add(of)
		}
	}
	wanted := ts.wanted(sc.percents())
	maps.DeleteFunc(wanted, func(c measuredCell, _ bool) bool { return !kept[c] })
	if len(wanted) > 0 {
		values, err := s.keptRows(ctx, p, p.keptInCells(s.store.Dialect(), sc, wanted), 2)
		if err != nil {
			return nil, err
		}
		for _, r := range values {
			value, n := r.tells[0], r.tells[1]
			ts.of(r.bucket, r.measure).values[value] += n
		}
	}
	for _, measures := range ts {
		for m, t := range measures {
			for _, percent := range sc.percents() {
				t.find(m, percent)
			}
		}
	}
	return ts, nil
}

// rawTallies counts the values of the days that aren't kept.
func (s *Stats) rawTallies(ctx context.Context, p plan, sc scan, into tallies) error {
	return s.each(ctx, p.site, p.rawValues(s.store.Dialect(), sc), func(rows *sql.Rows) error {
		var bucket int
		var measure string
		var value, n int64
		columns := []any{&bucket, &measure, &value, &n}
		if p.runs == nil {
			columns = columns[1:]
		}
		err := rows.Scan(columns...)
		of := into.of(bucket, measure)
		of.inCell(cellOf(measure, value), n)
		of.values[value] += n
		return err
	})
}

// measuredCell is a cell of a measure.
type measuredCell struct {
	measure string
	cell    int64
}

// wanted are the cells that percentiles are in.
func (t tallies) wanted(percents []int) map[measuredCell]bool {
	all := map[measuredCell]bool{}
	for _, measures := range t {
		for m, of := range measures {
			for _, percent := range percents {
				cell, _ := of.wanted(percent)
				all[measuredCell{m, cell}] = true
			}
		}
	}
	return all
}
