package stats

import (
	"fmt"
	"slices"
	"strings"

	"moonbear/internal/event"
)

// reading is what a scan reads of the events: at says which rows of a stretch.
// One stretch stands in the where clause, several are put together before it,
// since only so does the store skip what lies between them.
func (b *builder) reading(s scan, at func(stretch) []string) (from string, where []string) {
	all := b.plan.stretches(s)
	if len(all) == 1 {
		return "events", at(all[0])
	}
	selects := make([]string, len(all))
	for i, st := range all {
		selects[i] = sel([]string{"*"}, "events", at(st), nil)
	}
	return "(\n" + strings.Join(selects, "\nunion all\n") + "\n) as events", nil
}

// added is the table of a part: its rows counted raw, with those of kept days
// and of imports. Where imports are added, a rate has visits of its own, as some
// tell the visits and not, say, the bounces.
func (b *builder) added(s scan, raw func() string) string {
	if !s.days && !s.imports {
		return raw()
	}
	names := s.sumNames()
	of := names
	signed := s.imports || b.say().signed // what isn't told by an import has null for -1
	if signed {
		of = make([]string, len(names))
		for i, n := range names {
			of[i] = "cast(" + n + " as bigint) as " + n
		}
	}
	if s.imports {
		for _, n := range s.ratedNames() {
			of = append(of, "cast(visits as bigint) as of_"+n)
			names = append(names, "of_"+n)
		}
	}
	var selects []string
	if len(b.plan.stretches(s)) > 0 {
		text := raw()
		if signed {
			text = sel(append(b.keyNames(), of...), "(\n"+text+"\n)", nil, nil)
		}
		selects = append(selects, text)
	}
	if s.days && len(b.plan.kept.runs) > 0 {
		selects = append(selects, sel(append(b.keptKeys(s), of...), "day_counts", b.keptRows(s), nil))
	}
	if s.imports {
		selects = append(selects, b.importedRows(s))
	}
	columns := b.keyNames()
	for _, n := range names {
		columns = append(columns, "sum("+n+") as "+n)
	}
	return sel(columns, "(\n"+strings.Join(selects, "\nunion all\n")+"\n)", nil, b.groups())
}

// keptDimension is the dimension whose kept rows a scan adds, "" for the whole
// day.
func (b *builder) keptDimension(s scan) Dimension {
	if len(s.dims) == 0 {
		return ""
	}
	return s.dims[0]
}

// keptKeys are a kept row's keys.
func (b *builder) keptKeys(s scan) []string {
	switch {
	case b.plan.runs != nil:
		return []string{b.bucket("day") + " as k0"}
	case len(s.dims) == 0:
		return nil
	}
	return []string{b.keyOfText(s.dims[0], "value") + " as k0"}
}

// keyOfText is a key as a row of events has it, from its text.
func (b *builder) keyOfText(d Dimension, text string) string {
	if c, ok := d.column(); ok && c.number {
		return "coalesce(" + fmt.Sprintf(b.say().integer, text) + ", 0)"
	}
	return text
}

// keptRows are the kept rows of a scan: those of its days, its dimension, and
// of its condition, which is on the dimension itself.
func (b *builder) keptRows(s scan) []string {
	return append(b.keptDays(), b.ofDimension(s)...)
}

// ofDimension is true of counted rows of a scan's dimension and condition.
func (b *builder) ofDimension(s scan) []string {
	where := []string{"dimension = " + b.arg(string(b.keptDimension(s)))}
	b.counting = true
	defer func() { b.counting = false }()
	return b.filtered(b.filtered(where, s.every), s.some)
}

// keptDays is true of the rows of kept days.
func (b *builder) keptDays() []string {
	k := b.plan.kept
	runs := make([]string, len(k.runs))
	for i, r := range k.runs {
		runs[i] = "day >= " + b.time(r.from) + " and day < " + b.time(r.to)
	}
	days := strings.Join(runs, " or ")
	if len(runs) > 1 {
		days = "(" + days + ")"
	}
	where := []string{"site_id = " + b.arg(b.plan.site), "zone = " + b.arg(k.zone), days}
	if last := b.say().lastKept; last != "" {
		where = append(where, fmt.Sprintf(last, b.arg(b.plan.site), b.arg(k.zone)))
	}
	return where
}

// valueRows finds percentiles and shares from how often each value was
// measured: the value at which so many are counted that they are the percentage
// asked for.
func (b *builder) valueRows(s scan) string {
	return b.picked(s, b.ranked(strings.Join(b.measured(s), "\nunion all\n")))
}

// picked finds the scan's metrics among values that are counted up to each:
// first all of them of every measure, as few aggregates as there are kinds, then
// each from its measure's row.
func (b *builder) picked(s scan, ranked string) string {
	var kinds []string
	metrics := b.keyNames()
	for _, m := range s.metrics {
		d, _ := m.Info()
		i := slices.Index(kinds, d.values)
		if i < 0 {
			i = len(kinds)
			kinds = append(kinds, d.values)
		}
		metrics = append(metrics, fmt.Sprintf("any_value(v%d) filter (where measure = %d) as %s", i, s.number(d.measure), m))
	}
	by := append(b.keyNames(), "measure")
	columns := slices.Clone(by)
	for i, kind := range kinds {
		columns = append(columns, fmt.Sprintf("%s as v%d", kind, i))
	}
	of := sel(columns, "(\n"+ranked+"\n)", nil, by)
	return sel(metrics, "(\n"+of+"\n)", nil, b.groups())
}

// ranked counts values together, and up to each of them.
func (b *builder) ranked(rows string) string {
	by := append(b.keyNames(), "measure")
	merged := sel(append(slices.Clone(by), "value", "sum(count) as n"), "(\n"+rows+"\n)", nil, append(slices.Clone(by), "value"))
	over := "over (partition by " + strings.Join(by, ", ")
	return sel(append(by, "value", "n", "sum(n) "+over+" order by value) as upto", "sum(n) "+over+") as total"), "(\n"+merged+"\n)", nil, nil)
}

// number is a measure's place among those of the scan: values are put together
// by it, as grouping by a text takes a third longer.
func (s scan) number(measure string) int { return slices.Index(s.measures(), measure) }

// measures are what the scan's metrics are percentiles or shares of.
func (s scan) measures() (names []string) {
	for _, name := range event.MeasureColumns {
		for _, m := range s.metrics {
			if d, _ := m.Info(); d.measure == name {
				names = append(names, name)
				break
			}
		}
	}
	return names
}
