package stats

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"moonbear/internal/event"
	"moonbear/internal/fault"
)

// patience is how long a question may take. The store answers few at once, so
// one that takes minutes would keep everybody's pages waiting.
const patience = 30 * time.Second

var (
	errSlow  = fault.New(fault.Unavailable, "This question took too long to answer. Ask about a shorter period.")
	errLarge = fault.New(fault.Unavailable, "This question needs more memory than the server may use. Ask about a shorter period.")
)

// Run answers q. It is valid (Query.Validate) and asks for at least one
// metric; a fault names what isn't.
func (s *Stats) Run(ctx context.Context, q Query) (*Result, error) {
	now := s.now()
	if err := q.Validate(now, urlNames); err != nil {
		return nil, err
	}
	if len(q.Metrics) == 0 {
		return nil, errors.New("query without metrics")
	}
	r := &Result{Query: q}
	var err error
	if r.Span, r.Previous, err = q.Spans(now); err != nil {
		return nil, err
	}
	if r.Imported, err = s.imported(ctx, q, r.Span, r.Previous); err != nil {
		return nil, fmt.Errorf("find imports: %w", err)
	}
	err = patiently(ctx, q.Site.ID, func(ctx context.Context) error {
		switch q.Shape() {
		case Breakdown:
			return s.breakdown(ctx, r)
		case Series:
			return s.series(ctx, r)
		}
		return s.totals(ctx, r)
	})
	if err != nil {
		return nil, fmt.Errorf("run stats query: %w", err)
	}
	return r, nil
}

// patiently gives a site's question the time it may take.
func patiently(asked context.Context, site int64, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(event.Asking(asked, site), patience)
	defer cancel()
	err := do(ctx)
	if err != nil && ctx.Err() != nil && asked.Err() == nil {
		return errSlow
	}
	if errors.Is(err, event.ErrMemory) {
		return errLarge
	}
	return err
}

// each reads the rows of a statement that is a question of a site by itself.
func (s *Stats) each(ctx context.Context, site int64, st statement, read func(*sql.Rows) error) error {
	return patiently(ctx, site, func(ctx context.Context) error {
		return event.Each(ctx, s.store, st.text, read, st.args...)
	})
}

// Spans are the instants q means at now, and those it compares with (zero
// without a comparison).
func (q Query) Spans(now time.Time) (span, previous Span, err error) {
	loc, err := q.Location()
	if err != nil {
		return Span{}, Span{}, err
	}
	span, back := q.Period.span(now, loc)
	if q.Compare != NoComparison {
		previous = span.previous(q.Compare, back)
	}
	return span, previous, nil
}

// answer is one row of the store's: keys, numbers in the order of the
// metrics, how many rows there are in all, and revenue apart.
type answer struct {
	elsewhere bool // there is revenue in other currencies than the site's
	keys      []string
	values    []Number
	others    []Amount
	inAll     int
}

// rowKey is a row's keys as one comparable value.
type rowKey [maxDimensions]string

func keyOf(keys []string) (k rowKey) {
	copy(k[:], keys)
	return k
}

// both runs the question about the period and the one it is compared with
// side by side; the second is nil without a comparison.
func (s *Stats) both(ctx context.Context, r *Result, then, now Span, wasIn, isIn []bucket) (is, was []answer, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		is, err = s.ask(ctx, r, r.Query, now, isIn, nil)
		return err
	})
	if r.Query.Compare != NoComparison {
		g.Go(func() (err error) {
			q := r.Query
			q.Metrics = slices.DeleteFunc(slices.Clone(q.Metrics), func(m Metric) bool { return !q.compares(m) })
			was, err = s.ask(ctx, r, q, then, wasIn, nil)
			was = together(r.Query, &partial{q.Metrics, was})
			return err
		})
	}
	return is, was, g.Wait()
}

func (s *Stats) totals(ctx context.Context, r *Result) error {
	q := r.Query
	is, was, err := s.both(ctx, r, r.Previous.known(), r.Span, nil, nil)
	if err != nil {
		return err
	}
	r.Totals = values(q, first(is), first(was))
	return nil
}

func first(as []answer) *answer {
	if len(as) == 0 {
		return nil
	}
	return &as[0]
}

// series fills the gaps: a bucket nobody came in has counts of 0 and no rates.
// The earlier period's buckets are put beside these in order, all of them, so
// that a chart can show how the day went on.
func (s *Stats) series(ctx context.Context, r *Result) error {
	q := r.Query
	now, then := r.Span.buckets(q.Interval), r.Previous.buckets(q.Interval)
	is, was, err := s.both(ctx, r, r.Previous, r.Span, then, now)
	if err != nil {
		return err
	}
	isAt, wasAt := byBucket(q, is, len(now)), byBucket(q, was, len(then))
	for i, b := range now {
		p := r.Span.point(b)
		here := isAt[i]
		if p.Future {
			here = &answer{values: make([]Number, len(q.Metrics))}
		}
		var before *answer
		if i < len(wasAt) {
			before = wasAt[i]
		}
		p.Values = values(q, here, before)
		r.Points = append(r.Points, p)
	}
	return nil
}

// byBucket puts answers in their buckets' places.
func byBucket(q Query, as []answer, n int) []*answer {
	at := make([]*answer, n)
	for i := range as {
		if b, err := strconv.Atoi(as[i].keys[0]); err == nil && b >= 0 && b < n {
			at[b] = &as[i]
		}
	}
	for i := range at {
		if at[i] == nil {
			at[i] = nothing(q)
		}
	}
	return at
}

// nothing is the answer where there are no events.
func nothing(q Query) *answer {
	a := &answer{values: make([]Number, len(q.Metrics))}
	for i, m := range q.Metrics {
		a.values[i].OK = m.isCount()
	}
	return a
}

// breakdown asks for the page's rows, and then for the same rows of the
// earlier period.
func (s *Stats) breakdown(ctx context.Context, r *Result) error {
	q := r.Query
	is, err := s.ask(ctx, r, q, r.Span, nil, nil)
	if err != nil || len(is) == 0 {
		return s.countRows(ctx, r, err)
	}
	r.Count = is[0].inAll
	was := map[rowKey]*answer{}
	if q.Compare != NoComparison {
		only := make([][]string, len(is))
		for i, a := range is {
			only[i] = a.keys
		}
		then, err := s.ask(ctx, r, q, r.Previous.known(), nil, only)
		if err != nil {
			return err
		}
		for i := range then {
			was[keyOf(then[i].keys)] = &then[i]
		}
	}
	for i := range is {
		var before *answer
		if q.Compare != NoComparison {
			if before = was[keyOf(is[i].keys)]; before == nil {
				before = nothing(q)
			}
		}
		r.Rows = append(r.Rows, Row{Keys: is[i].keys, Values: values(q, &is[i], before)})
	}
	return nil
}

// countRows finds how many rows there are when a page after the last was asked
// for, which has none that say so.
func (s *Stats) countRows(ctx context.Context, r *Result, err error) error {
	if err != nil || r.Query.Page <= 1 {
		return err
	}
	q := r.Query
	q.Page, q.PageSize = 1, 1
	is, err := s.ask(ctx, r, q, r.Span, nil, nil)
	if len(is) > 0 {
		r.Count = is[0].inAll
	}
	return err
}

// values puts the numbers of now and then together; then is nil without a
// comparison.
func values(q Query, now, then *answer) []Value {
	vs := make([]Value, len(q.Metrics))
	for i, m := range q.Metrics {
		vs[i].Metric = m
		if now != nil {
			vs[i].Number = now.values[i]
			if m == Revenue {
				vs[i].Others = now.others
			}
		}
		if then != nil && q.compares(m) {
			vs[i].Previous = then.values[i]
		}
	}
	return vs
}

// answers runs a plan, and the one for other currencies when there is revenue
// in any.
func (s *Stats) answers(ctx context.Context, q Query, p plan) ([]answer, error) {
	st := p.sql(s.store.Dialect())
	keys := len(p.dims)
	if p.runs != nil {
		keys = 1
	}
	rows, err := s.store.Select(ctx, st.text, st.args...)
	if err != nil {
		return nil, err
	}
	as, err := readAnswers(rows, q, keys)
	before := p.only != nil // rows of an earlier period: only their own money is shown
	if err != nil || before || !slices.ContainsFunc(as, func(a answer) bool { return a.elsewhere }) {
		return as, err
	}
	return as, s.addOthers(ctx, p, as)
}

// empty is the answer about no time at all.
func empty(q Query) []answer {
	if q.Shape() != Totals {
		return nil
	}
	return []answer{*nothing(q)}
}

func readAnswers(rows *sql.Rows, q Query, keys int) (as []answer, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	counted := q.Shape() == Breakdown
	for rows.Next() {
		a := answer{keys: make([]string, keys), values: make([]Number, len(q.Metrics))}
		numbers := make([]sql.NullFloat64, len(q.Metrics))
		var into []any
		for i := range a.keys {
			into = append(into, &a.keys[i])
		}
		for i := range numbers {
			into = append(into, &numbers[i])
		}
		if slices.Contains(q.Metrics, Revenue) {
			into = append(into, &a.elsewhere)
		}
		if counted {
			into = append(into, &a.inAll)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, n := range numbers {
			if n.Valid {
				a.values[i] = Number{N: round(n.Float64, q.Metrics[i].Unit().decimals()), OK: true}
			}
		}
		as = append(as, a)
	}
	return as, rows.Err()
}

// addOthers puts revenue in currencies other than the site's beside the rows
// it belongs to.
func (s *Stats) addOthers(ctx context.Context, p plan, as []answer) (err error) {
	if len(p.dims) > 0 {
		for _, a := range as {
			if a.elsewhere {
				p.only = append(p.only, a.keys)
			}
		}
	}
	st := p.othersSQL(s.store.Dialect())
	rows, err := s.store.Select(ctx, st.text, st.args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	at := map[rowKey]*answer{}
	for i := range as {
		at[keyOf(as[i].keys)] = &as[i]
	}
	for rows.Next() {
		keys := make([]string, len(as[0].keys))
		var a Amount
		var into []any
		for i := range keys {
			into = append(into, &keys[i])
		}
		if err := rows.Scan(append(into, &a.Currency, &a.Amount)...); err != nil {
			return err
		}
		if row := at[keyOf(keys)]; row != nil {
			row.others = append(row.others, a)
		}
	}
	return rows.Err()
}
