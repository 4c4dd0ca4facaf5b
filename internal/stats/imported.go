package stats

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"moonbear/internal/event"
)

// Imported says what of the days that imports have only counts of is in an
// answer. Nothing is invented: a number that an import doesn't tell is one
// without that import.
type Imported struct {
	Included []Metric // every import with days in the span is in these
	Partly   []Metric // some are, or some of their days
	LeftOut  []Metric // none is
	Why      ImportsWhy
}

// ImportsWhy is why imports are in none of an answer's metrics, whatever they
// tell; "" when it is up to each metric.
type ImportsWhy string

// The reasons.
const (
	WhyFilter     ImportsWhy = "filter"      // counts can't be asked for conditions
	WhyDimensions ImportsWhy = "dimensions"  // nor for two dimensions, properties or goals
	WhyInterval   ImportsWhy = "time_bucket" // nor for hours
	WhyZone       ImportsWhy = "timezone"    // nor for days of another zone
)

// importPlan is which days of imports a plan adds: those of from <= day < to,
// as midnights UTC of local dates.
type importPlan struct {
	from, to time.Time
	runs     []run // of a series: its buckets, by such midnights
}

// importsWhy is why imports can't be in an answer to q.
func (q Query) importsWhy() ImportsWhy {
	plain := func(d Dimension) bool {
		_, ok := d.column()
		return ok && d != GoalName
	}
	known := len(q.Dimensions) == 1 && (q.Filter.Op == IsSet || q.Filter.Op == IsNotSet) && q.Filter.Dimension == q.Dimensions[0] && q.Dimensions[0] != Path
	switch {
	case !q.Filter.IsZero() && !known:
		return WhyFilter
	case len(q.Dimensions) > 1 || len(q.Dimensions) == 1 && !plain(q.Dimensions[0]):
		return WhyDimensions
	case q.Interval == Minute || q.Interval == Hour:
		return WhyInterval
	case !q.inSiteZone():
		return WhyZone
	}
	return ""
}

// midnight is a date as imports have it.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// wholeDays are the local dates that lie in from <= t < to as a whole: a day
// that is counted can't be cut.
func wholeDays(from, to time.Time) (first, end time.Time) {
	first, end = midnight(from), midnight(to)
	if !dateOf(from).in(from.Location()).Equal(from) {
		first = first.AddDate(0, 0, 1)
	}
	return first, end
}

// importsIn plans the imports of a span; bs are the buckets of a series.
func importsIn(from, to time.Time, bs []bucket) *importPlan {
	first, end := wholeDays(from, to)
	if !first.Before(end) {
		return nil
	}
	days := make([]bucket, len(bs))
	for i, b := range bs {
		days[i] = bucket{from: midnight(b.from), to: midnight(b.to)}
	}
	return &importPlan{from: first, to: end, runs: runs(days)}
}

// importedRows are the rows of imports that a scan adds, with the keys and
// sums of the others. A rate is of the rows that tell both its sums.
func (b *builder) importedRows(s scan) string {
	var columns []string
	switch {
	case b.plan.runs != nil:
		columns = []string{b.bucketOf(b.plan.imports.runs, "day") + " as k0"}
	case len(s.dims) > 0:
		columns = []string{b.keyOfText(s.dims[0], "value") + " as k0"}
	}
	for _, n := range s.sumNames() {
		if slices.Contains(rated, n) {
			columns = append(columns, "case when visits is not null then "+n+" end as "+n)
		} else {
			columns = append(columns, n)
		}
	}
	for _, n := range s.ratedNames() {
		columns = append(columns, "case when "+n+" is not null then visits end as of_"+n)
	}
	where := append([]string{"site_id = " + b.arg(b.plan.site), "day >= " + b.time(b.plan.imports.from), "day < " + b.time(b.plan.imports.to)}, b.ofDimension(s)...)
	return sel(columns, "imported_days", where, nil)
}

// imported finds what imports tell of q's spans; nil when there are none.
func (s *Stats) imported(ctx context.Context, q Query, spans ...Span) (*Imported, error) {
	if keeper, ok := s.store.(event.DayKeeper); ok {
		kept, err := keeper.Kept(ctx, q.Site.ID, q.Site.TimeZone)
		if err != nil || !kept.Imports {
			return nil, err
		}
	}
	b := &builder{dialect: s.store.Dialect(), plan: plan{site: q.Site.ID}}
	in := ""
	for _, sp := range spans {
		if !sp.From.Before(sp.To) {
			continue
		}
		if in != "" {
			in += " or "
		}
		loc := q.Site.Location
		in += "day >= " + b.time(midnight(sp.From.In(loc))) + " and day < " + b.time(midnight(sp.To.Add(-time.Millisecond).In(loc)).AddDate(0, 0, 1))
	}
	if in == "" {
		return nil, nil
	}
	columns := []string{"import_id", "dimension", "count(*)"}
	for _, m := range addable {
		d, _ := m.Info()
		told := d.sums[0]
		if len(d.sums) > 1 {
			told = "case when visits is not null then " + told + " end"
		}
		columns = append(columns, "count("+told+")")
	}
	text := sel(columns, "imported_days", []string{"site_id = " + b.arg(q.Site.ID), "(" + in + ")"}, []string{"1", "2"})
	told := map[int64]map[Dimension]telling{}
	err := s.each(ctx, q.Site.ID, b.statement(text), func(rows *sql.Rows) error {
		var id int64
		var d Dimension
		var t telling
		if err := rows.Scan(&id, &d, &t.rows, &t.told[0], &t.told[1], &t.told[2], &t.told[3], &t.told[4], &t.told[5], &t.told[6]); err != nil {
			return err
		}
		if told[id] == nil {
			told[id] = map[Dimension]telling{}
		}
		told[id][d] = t
		return nil
	})
	if err != nil || len(told) == 0 {
		return nil, err
	}
	return q.sorted(told), nil
}

// addable are the metrics that are made of sums.
var addable = [...]Metric{Visitors, Visits, Pageviews, Events, ViewsPerVisit, BounceRate, VisitDuration}

// telling is how many rows an import has by a dimension, and how many of them
// tell each of addable.
type telling struct {
	rows int64
	told [len(addable)]int64
}

// sorted says for each of q's metrics how much of it the imports tell.
func (q Query) sorted(told map[int64]map[Dimension]telling) *Imported {
	in := &Imported{Why: q.importsWhy()}
	for _, m := range q.Metrics {
		i := slices.Index(addable[:], m)
		if in.Why != "" || i < 0 {
			in.LeftOut = append(in.LeftOut, m)
			continue
		}
		var d Dimension
		if len(q.Dimensions) > 0 {
			if d = q.Dimensions[0]; partOf(m, d == Path) == byEntry {
				d = EntryPage
			}
		}
		all, none := true, true
		for _, of := range told {
			t := of[d]
			all = all && t.rows > 0 && t.told[i] == t.rows
			none = none && t.told[i] == 0
		}
		switch {
		case all:
			in.Included = append(in.Included, m)
		case none:
			in.LeftOut = append(in.LeftOut, m)
		default:
			in.Partly = append(in.Partly, m)
		}
	}
	return in
}

// some says that an answer has imports in it.
func (in *Imported) some() bool { return in != nil && len(in.Included)+len(in.Partly) > 0 }
