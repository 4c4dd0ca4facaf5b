package stats

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/event"
)

// Percentiles of a span with kept days are found in two steps, as a site's month
// has a hundred thousand different values, and some twenty are asked for. Values
// lie in cells, about 40 of which hold most of a measure; how many a day has in
// each stands beside the last value of each. So first the cells are added up,
// which tells in which one a percentile is, and then the values in those.

// cell numbers the cell of a value: narrow ones where values are small, and none
// that lies on both sides of a vital's limits. The last digit of four says on
// which. A greater value never has a smaller cell. called is what a measure is
// called in the column measure.
func cell(called func(measure string) string) string {
	rating := ""
	for _, v := range vitals {
		if name := called(v.Measure); name != "" {
			rating += fmt.Sprintf(" when %s then case when value <= %d then %d when value <= %d then %d else %d end",
				name, v.stored(v.Good), cellGood, v.stored(v.Poor), cellBetween, cellPoor)
		}
	}
	if rating == "" {
		rating = "0"
	} else {
		rating = "case measure" + rating + " else 0 end"
	}
	return "4 * cast(floor(sqrt(greatest(value, 0))) as bigint) + " + rating
}

// The last digits of cells, of measures that are vitals.
const (
	cellGood = iota
	cellBetween
	cellPoor
)

// percents are the percentiles there are.
var percents = []int{50, 75, 95}

// reaches is true of the row, of those in order, at which a percentile is reached.
func reaches(percent int, n string) string {
	return fmt.Sprintf("100 * upto >= %d * total and 100 * (upto - %s) < %[1]d * total", percent, n)
}

// tallied finds what is told of the scan's measures by their values, where whole
// days of them are kept. It gives a row for each of the plan's keys and measures:
// the key, the measure's number, the percentiles asked for, how often it was
// measured, and how often good and poor.
func (p plan) tallied(d event.Dialect, s scan) statement {
	b := &builder{dialect: d, plan: p}
	by := append(b.keyNames(), "measure")
	keys := strings.Join(by, ", ")
	var with []string
	if len(p.kept.raw) > 0 {
		with = append(with, "counted as materialized (\n"+b.countedValues(s)+"\n)")
	}
	find := b.foundValues
	if p.daily {
		find = b.dailyValues
	}
	tables, rows := find(s, keys)
	with = append(with, tables...)
	columns := by
	for _, percent := range s.percents() {
		columns = append(columns, fmt.Sprintf("cast(min(value) filter (where 100 * upto >= %d * total) as double)", percent))
	}
	columns = append(columns, "cast(sum(n) as double)")
	for _, rating := range []int{cellGood, cellPoor} {
		columns = append(columns, fmt.Sprintf("cast(coalesce(sum(n) filter (where cell %% 4 = %d), 0) as double)", rating))
	}
	text := sel(columns, "(\n"+strings.Join(rows, "\nunion all\n")+"\n)", nil, by)
	if len(with) > 0 {
		text = "with " + strings.Join(with, ", ") + "\n" + text
	}
	return b.statement(text)
}

// percents are the percentiles that a scan asks for.
func (s scan) percents() []int {
	return slices.DeleteFunc(slices.Clone(percents), func(percent int) bool {
		return !slices.ContainsFunc(s.metrics, func(m Metric) bool {
			d, _ := m.Info()
			return d.percent == percent
		})
	})
}

// dailyValues takes a kept day's percentiles from the day's marked rows, of which
// it has about one in ten.
func (b *builder) dailyValues(s scan, keys string) (with, rows []string) {
	rows = []string{b.keptValues(s, "marked", "value", "upto", "total", "cell", "cell_count as n")}
	if len(b.plan.kept.raw) > 0 {
		rows = append(rows, fmt.Sprintf(`select %s, value, sum(count) over (partition by %[1]s order by value) as upto,
	sum(count) over (partition by %[1]s) as total, cell, count as n
from counted`, keys))
	}
	return nil, rows
}

// foundValues adds up days: first cells, then the values in those that a
// percentile is in.
func (b *builder) foundValues(s scan, keys string) (with, rows []string) {
	cells := b.keptValues(s, "marked and cell_count > 0", "cell", "cell_count as n")
	values := b.keptValues(s, "", "cell", "value", "count as n")
	if len(b.plan.kept.raw) > 0 {
		cells += "\nunion all\nselect " + keys + ", cell, count as n\nfrom counted"
		values += "\nunion all\nselect " + keys + ", cell, value, count as n\nfrom counted"
	}
	with = append(with, "cells as materialized (\nselect "+keys+", cell, sum(n) as n\nfrom (\n"+cells+"\n)\ngroup by all\n)")
	rows = []string{"select " + keys + ", null as value, null as upto, null as total, cell, n\nfrom cells"}
	var reached []string
	for _, percent := range s.percents() {
		reached = append(reached, reaches(percent, "n"))
	}
	if reached == nil {
		return with, rows
	}
	with = append(with, fmt.Sprintf(`found as materialized (
select %s, cell, upto - n as before, total
from (
select *, sum(n) over (partition by %[1]s order by cell) as upto, sum(n) over (partition by %[1]s) as total
from cells
)
where %[2]s
)`, keys, strings.Join(reached, " or ")))
	rows = append(rows, fmt.Sprintf(`select %s, value, before + sum(n) over (partition by %[1]s, cell order by value) as upto, total, cell, 0 as n
from (
select %[1]s, cell, value, any_value(before) as before, any_value(total) as total, sum(n) as n
from (
%[2]s
) join found using (%[1]s, cell)
group by %[1]s, cell, value
)`, keys, values))
	return with, rows
}

// keptValues are columns of the kept rows of a scan's measures, after their keys
// and number.
func (b *builder) keptValues(s scan, which string, columns ...string) string {
	where := append(b.keptDays(), "measure in ('"+strings.Join(s.measures(), "', '")+"')")
	if which != "" {
		where = append(where, which)
	}
	return sel(slices.Concat(b.keptKeys(s), []string{s.numbered()}, columns), "day_values", where, nil)
}

// countedValues counts in one scan how often each value of every measure of the
// scan was measured on the days that aren't kept.
func (b *builder) countedValues(s scan) string {
	measures := s.measures()
	from, where := b.reading(s, func(st stretch) []string { return b.within("ts", st.from, st.to) })
	numbers := make([]string, len(measures))
	for i := range numbers {
		numbers[i] = strconv.Itoa(i)
	}
	columns := append(b.keys(s, "ts"), "unnest(["+strings.Join(numbers, ", ")+"]) as measure", "unnest(["+strings.Join(measures, ", ")+"]) as value")
	where = append(where, measuredAny(measures))
	by := append(b.keyNames(), "measure", "value")
	called := func(measure string) string {
		if i := s.number(measure); i >= 0 {
			return strconv.Itoa(i)
		}
		return ""
	}
	return sel(append(slices.Clone(by), cell(called)+" as cell", "count(*) as count"), "(\n"+sel(columns, from, where, nil)+"\n)", []string{"value is not null"}, by)
}

// numbered is the number of the measure that a row of day_values is of.
func (s scan) numbered() string {
	text := "case measure"
	for i, m := range s.measures() {
		text += fmt.Sprintf(" when '%s' then %d", m, i)
	}
	return text + " end as measure"
}

// dayValues gives the columns of day_values, for every measure whose values are
// kept, in one scan.
func (b *builder) dayValues(zone string, day event.Day) string {
	var quoted, measured []string
	for _, m := range event.MeasureColumns {
		if d, _ := Measurements(m).Info(); d.keeps() {
			quoted, measured = append(quoted, b.arg(m)), append(measured, m)
		}
	}
	list := func(items []string) string { return "unnest([" + strings.Join(items, ", ") + "])" }
	where := append(b.within("ts", day.From, day.To), measuredAny(measured))
	each := sel([]string{list(quoted) + " as measure", list(measured) + " as value"}, "events", where, nil)
	counted := sel([]string{"measure", "value", cell(func(m string) string { return b.arg(m) }) + " as cell", "count(*) as n"},
		"(\n"+each+"\n)", []string{"value is not null"}, []string{"measure", "value"})
	added := sel([]string{"*", "sum(n) over (partition by measure order by value) as upto", "sum(n) over (partition by measure) as total",
		"sum(n) over (partition by measure, cell) as in_cell", "max(value) over (partition by measure, cell) as last"}, "(\n"+counted+"\n)", nil, nil)
	marked := []string{"value = last"}
	for _, percent := range percents {
		marked = append(marked, reaches(percent, "n"))
	}
	columns := append(b.dayColumns(zone, day), "measure", strings.Join(marked, " or "), "cell", "value", "n", "upto", "total",
		"case when value = last then in_cell else 0 end")
	return sel(columns, "(\n"+added+"\n)", nil, nil)
}
