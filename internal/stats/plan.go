package stats

import (
	"slices"
	"time"

	"moonbear/internal/site"
)

// tail is how long after its start a visit is followed, and how far around an
// event its visit's exit page is looked for. What goes on longer than a day is
// the work of a tab left open that polls.
const tail = 24 * time.Hour

// plan is what a query asks of the event store: pure data, made without
// touching it.
type plan struct {
	site     int64
	currency string
	from, to time.Time // UTC, milliseconds

	runs    []run // of buckets; nil but for a series
	daily   bool  // each bucket is a day
	dims    []Dimension
	metrics []Metric // in the query's order
	parts   []scan
	keeps   bool        // the question is one that kept days answer
	base    bool        // the visitors of its conversion rate are
	kept    daysKept    // for the scans that take days
	imports *importPlan // nil: none are added
	goals   []site.Goal // nil when nothing is asked about them
	met     bool        // the filter keeps conversions only
	worth   []site.Goal // those whose value counts: the one the question is about, or its rows

	order         []Order
	limit, offset int        // no limit when 0
	only          [][]string // keys of the rows wanted; nil for all
	least         Least
}

// scan is one part of a plan.
type scan struct {
	part    part
	metrics []Metric
	dims    []Dimension // as this part reads them
	every   Filter      // of each row
	some    Filter      // of at least one row of the visit: only visits have it
	spread  bool        // a visit may fall into several groups
	exits   bool        // needs the table of exit pages
	entries bool        // needs the table of entry pages
	days    bool        // what days are kept of is added, and only the rest is read
	imports bool        // what imports have counted is added
}

// planFor plans a query over from <= t < to; bs are the buckets of a series.
func planFor(q Query, from, to time.Time, bs []bucket) plan {
	p := plan{
		site: q.Site.ID, currency: q.Site.Currency,
		from: from.UTC(), to: to.UTC(),
		runs: runs(bs), daily: bs != nil && q.Interval == Day, dims: q.Dimensions, metrics: q.Metrics,
	}
	p.keeps = q.keepable()
	if q.Shape() == Breakdown {
		p.order, p.least = q.order(), q.Least
		p.limit = q.pageSize()
		p.offset = (max(q.Page, 1) - 1) * p.limit
	}
	filter := q.Filter
	if q.AsksGoals() {
		p.planGoals(q)
		p.base = q.keepsBase()
		filter = q.Filter.spelled(q.Goals)
	}
	byPath := slices.Contains(q.Dimensions, Path)
	for _, kind := range []part{byEvent, byScroll, byVisit, byBase, byEntry} {
		s := scan{part: kind, dims: q.Dimensions}
		for _, m := range q.Metrics {
			if partOf(m, byPath) == kind {
				s.metrics = append(s.metrics, m)
			}
		}
		switch {
		case kind == byBase && q.asksBase():
			rest, _ := splitGoals(q.Filter)
			s.plan(rest)
		case len(s.metrics) == 0:
			continue
		default:
			s.plan(filter)
		}
		p.parts = append(p.parts, s)
	}
	return p
}

// planGoals puts what the question needs to know of goals into p.
func (p *plan) planGoals(q Query) {
	p.goals = q.Goals
	p.met = slices.ContainsFunc(q.Filter.conditions(), func(c Filter) bool {
		return c.Dimension == GoalName && (c.Op == Eq || c.Op == In || c.Op == IsSet)
	})
	about := q.Goals
	if !slices.Contains(q.Dimensions, GoalName) {
		about = nil
		if g := q.oneGoal(); g != nil {
			about = []site.Goal{*g}
		}
	}
	for _, g := range about {
		if g.Value != 0 {
			p.worth = append(p.worth, g)
		}
	}
}

// asksBase says that the visitors of a conversion rate are others than those
// of the rows that have its conversions.
func (q Query) asksBase() bool {
	return slices.Contains(q.Metrics, ConversionRate) && (slices.Contains(q.Dimensions, GoalName) || uses(q.Filter, GoalName))
}

// partOf is the part that answers m. By path, what is asked of whole visits is
// asked of those that entered there: every page of a visit would get its
// duration otherwise. How many visits saw the page stays as it is.
func partOf(m Metric, byPath bool) part {
	d, _ := m.Info()
	if d.part == byVisit && byPath && m != Visits {
		return byEntry
	}
	return d.part
}

// plan splits the filter: what is the same on all rows of a visit can be asked
// of each, which reads less; the rest must hold for one row, all of it for the
// same row.
func (s *scan) plan(f Filter) {
	s.exits, s.entries = uses(f, ExitPage), uses(f, EntryPage)
	switch s.part {
	case byEvent, byScroll, byBase:
		s.every = f
		s.lookUp()
		return
	case byEntry:
		s.dims = slices.Clone(s.dims)
		s.dims[slices.Index(s.dims, Path)] = EntryPage
	}
	s.every, s.some = split(f)
	s.spread = slices.ContainsFunc(s.dims, func(d Dimension) bool { return !d.ofVisit() })
	if s.spread {
		s.lookUp()
	}
}

// lookUp asks for the tables that the dimensions need on each row. Visits that
// are folded before they are grouped have their pages from the fold.
func (s *scan) lookUp() {
	s.exits = s.exits || slices.Contains(s.dims, ExitPage)
	s.entries = s.entries || slices.Contains(s.dims, EntryPage)
}

// split parts the conditions of f into those on visits and the others.
func split(f Filter) (visit, other Filter) {
	var vs, os []Filter
	for _, c := range f.conditions() {
		if c.ofVisit() {
			vs = append(vs, c)
		} else {
			os = append(os, c)
		}
	}
	return joined(vs), joined(os)
}

func joined(fs []Filter) Filter {
	switch len(fs) {
	case 0:
		return Filter{}
	case 1:
		return fs[0]
	}
	return Filter{Op: And, Filters: fs}
}

// ofVisit says that f asks only about visits.
func (f Filter) ofVisit() bool {
	if f.isJoin() {
		return !slices.ContainsFunc(f.Filters, func(c Filter) bool { return !c.ofVisit() })
	}
	return f.Dimension.ofVisit()
}

// uses says that f asks about d.
func uses(f Filter, d Dimension) bool {
	return f.Dimension == d || slices.ContainsFunc(f.Filters, func(c Filter) bool { return uses(c, d) })
}

// order is q's, or its default, made total by the dimensions.
func (q Query) order() []Order {
	order := slices.Clone(q.Order)
	if len(order) == 0 {
		order = append(order, Order{By: string(q.Metrics[0]), Desc: true})
	}
	for _, d := range q.Dimensions {
		if !slices.ContainsFunc(order, func(o Order) bool { return o.By == string(d) }) {
			order = append(order, Order{By: string(d)})
		}
	}
	return order
}

func (q Query) pageSize() int {
	if q.PageSize == 0 {
		return DefaultPageSize
	}
	return q.PageSize
}
