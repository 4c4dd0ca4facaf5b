package stats

import (
	"fmt"
	"slices"
	"strings"
)

// ofVisit is true of what a visit has in its first day, which is all that is
// counted of it (tail): so a visit is the same in every period that has its start.
const ofVisit = "ts >= visit_start and ts < visit_start + interval 24 hour"

// visitTables aggregates whole visits by the time they started. Rows are read
// for a day longer than the period, for visits that go on after its end.
func (b *builder) visitTables(s scan) []table {
	name := names[s.part]
	if !s.spread {
		return []table{{name, b.added(s, func() string {
			from, where := b.visitRows(s)
			some := s.some
			if (slices.Contains(s.dims, ExitPage) || slices.Contains(s.dims, EntryPage)) && some.narrow() {
				where, some = append(where, "visit_id in (\n"+sel([]string{"visit_id"}, from, b.filtered(where, some), nil)+"\n)"), Filter{}
			}
			visits := b.visits(s, b.visitKeys(s), b.joined(s, from), where, some)
			return sel(append(b.keyNames(), b.aggregates(s)...), "(\n"+visits+"\n)", nil, b.groups())
		})}}
	}
	if slices.Equal(s.metrics, []Metric{Visits}) {
		return []table{{name, b.added(s, func() string {
			from, where := b.visitRows(s)
			columns := append(b.keys(s, "visit_start"), "count(distinct visit_id) as visits")
			from, where = b.source(s, from, b.filtered(where, s.some))
			return sel(columns, from, where, b.groups())
		})}}
	}
	return b.spreadTables(s)
}

// narrow says that few visits may have a row that f keeps: those with a certain
// page. To find each visit's first and last page takes the most memory there is,
// more than a store may have for ten million visits, and so is done for those
// only.
func (f Filter) narrow() bool {
	return slices.ContainsFunc(f.conditions(), func(c Filter) bool { return c.Dimension == Path && (c.Op == Eq || c.Op == In) })
}

// visitRows are the rows of visits that a scan reads.
func (b *builder) visitRows(s scan) (from string, where []string) {
	from, where = b.reading(s, func(st stretch) []string {
		return append(b.within("ts", st.from, st.to.Add(tail)), b.within("visit_start", st.from, st.to)[1:]...)
	})
	return from, b.filtered(append(where, ofVisit, "visit_id <> 0", counted), s.every)
}

// spreadTables aggregate visits that may be in several groups each.
func (b *builder) spreadTables(s scan) (tables []table) {
	name := names[s.part]
	hit := "true"
	if !s.some.IsZero() {
		hit = b.condition(s.some)
	}
	counts := b.added(s, func() string {
		from, where := b.visitRows(s)
		rows := sel(append([]string{"visit_id", "visit_start", "ts", "name", "interactive", hit + " as hit"}, b.rowKeys(s)...), b.joined(s, from), where, nil)
		tables = append(tables, table{name + "_rows", rows})
		groups := sel(append([]string{"distinct visit_id"}, b.unnested(s)...), name+"_rows", []string{"hit"}, nil)
		visits := b.visits(s, nil, name+"_rows", nil, Filter{})
		both := "(\n" + groups + "\n) as groups join (\n" + visits + "\n) as visits using (visit_id)"
		return sel(append(b.keyNames(), b.aggregates(s)...), both, nil, b.groups())
	})
	return append(tables, table{name, counts})
}

// visits folds rows into visits: a bounce has one pageview and no interactive
// event.
func (b *builder) visits(s scan, keys []string, from string, where []string, some Filter) string {
	columns := append(slices.Clone(keys), "visit_id")
	if s.has(views) {
		columns = append(columns, "count(*) filter (where name = 'pageview') as views")
	}
	if s.has(bounces) {
		columns = append(columns, "case when count(*) filter (where name = 'pageview') = 1 and not "+fmt.Sprintf(b.say().anyTrue, "interactive and name <> 'pageview'")+" then 1 else 0 end as bounce")
	}
	if s.has(duration) {
		columns = append(columns, "date_diff('millisecond', min(ts), max(ts)) as ms")
	}
	text := sel(columns, from, where, []string{"visit_id"})
	if !some.IsZero() {
		text += "\nhaving " + fmt.Sprintf(b.say().anyTrue, b.condition(some))
	}
	return text
}

// visitKeys are the keys of a visit, folded from its rows.
func (b *builder) visitKeys(s scan) []string {
	if b.plan.runs != nil {
		return []string{b.bucket("min(visit_start)") + " as k0"}
	}
	var keys []string
	for i, d := range s.dims {
		of := "any_value(" + b.column(d) + ")"
		switch {
		case d == ExitPage && !s.exits:
			of = b.exitPath()
		case d == EntryPage && !s.entries:
			of = "coalesce(nullif(any_value(entry_path), ''), " + fmt.Sprintf(b.say().first, " filter (where entry_path = '' and name = 'pageview')") + ", '')"
		}
		keys = append(keys, fmt.Sprintf("%s as k%d", of, i))
	}
	return keys
}

// exitPath is the last page viewed. Of two in the same millisecond it is the
// later in the alphabet, so that the answer never changes.
func (b *builder) exitPath() string {
	return "coalesce(" + fmt.Sprintf(b.say().last, " filter (where name = 'pageview')") + ", '')"
}

// lookUps are the tables of visits' exit and entry pages that the scans need,
// a day around the period.
func (b *builder) lookUps(scans ...scan) (with []string) {
	add := func(name, columns string, more ...string) {
		where := append(b.within("ts", b.plan.from.Add(-tail), b.plan.to.Add(tail)), "visit_id <> 0", "name = 'pageview'", ofVisit)
		with = append(with, name+" as (\n"+sel([]string{"visit_id", columns}, "events", append(where, more...), []string{"visit_id"})+"\n)")
	}
	if slices.ContainsFunc(scans, func(s scan) bool { return s.exits }) {
		add("exits", fmt.Sprintf(b.say().last, "")+" as exit_path")
	}
	if slices.ContainsFunc(scans, func(s scan) bool { return s.entries }) {
		add("entries", fmt.Sprintf(b.say().first, "")+" as first_path", "entry_path = ''")
	}
	return with
}

// withLookUps begins a statement of one scan.
func (b *builder) withLookUps(s scan) string {
	tables := b.lookUps(s)
	if tables == nil {
		return ""
	}
	return "with " + strings.Join(tables, ", ") + "\n"
}

// joined is the events, with the looked up pages where they are needed.
func (b *builder) joined(s scan, from string) string {
	if s.exits {
		from += " left join exits using (visit_id)"
	}
	if s.entries {
		from += " left join entries using (visit_id)"
	}
	return from
}
