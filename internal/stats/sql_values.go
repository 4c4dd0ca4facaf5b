package stats

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/event"
)

// What is told by values of kept days: see tally.go.

// cellOf is the cell of a value: narrow ones where values are small, and none
// that lies on both sides of a vital's limits. The last of its digits to the base
// of four says on which. A greater value never has a smaller cell. It is a square
// root, as that is the same in every engine and on every machine.
func cellOf(measure string, value int64) int64 {
	rating := cellGood
	if v, ok := VitalNamed(measure); ok && value > v.stored(v.Good) {
		if rating = cellBetween; value > v.stored(v.Poor) {
			rating = cellPoor
		}
	}
	return 4*int64(math.Sqrt(float64(max(value, 0)))) + rating
}

// The last digits of cells.
const (
	cellGood int64 = iota // of a measure that is no vital, too
	cellBetween
	cellPoor
)

// cellSQL is cellOf the columns measure and value.
func cellSQL() string {
	var ratings strings.Builder
	for _, v := range vitals {
		fmt.Fprintf(&ratings, " when '%s' then case when value <= %d then %d when value <= %d then %d else %d end",
			v.Measure, v.stored(v.Good), cellGood, v.stored(v.Poor), cellBetween, cellPoor)
	}
	return fmt.Sprintf("4 * cast(floor(sqrt(greatest(value, 0))) as bigint) + case measure%s else %d end", ratings.String(), cellGood)
}

// percents are the percentiles there are.
var percents = []int{50, 75, 95}

// percents are the percentiles that a scan asks for.
func (s scan) percents() []int {
	return slices.DeleteFunc(slices.Clone(percents), func(percent int) bool {
		return !slices.ContainsFunc(s.metrics, func(m Metric) bool {
			d, _ := m.Info()
			return d.percent == percent
		})
	})
}

// keptByDay tells the scan's measures of each kept day by the day's marked rows:
// keys, measure, how often it was measured, how often good and poor, and then
// the percentiles asked for.
func (p plan) keptByDay(d event.Dialect, s scan) statement {
	b := &builder{dialect: d, plan: p}
	columns := []string{"sum(cell_count)"}
	for _, rating := range []int64{cellGood, cellPoor} {
		columns = append(columns, fmt.Sprintf("coalesce(sum(cell_count) filter (where cell %% 4 = %d), 0)", rating))
	}
	for _, percent := range s.percents() {
		columns = append(columns, fmt.Sprintf("min(value) filter (where 100 * upto >= %d * total)", percent))
	}
	for i, c := range columns {
		columns[i] = "cast(" + c + " as bigint)"
	}
	return b.statement(b.keptValues(s, "day_values", s.itsMeasures()+" and marked", columns...))
}

// keptCells counts how often the scan's measures were in each cell on kept days:
// keys, measure, cell, count.
func (p plan) keptCells(d event.Dialect, s scan) statement {
	b := &builder{dialect: d, plan: p}
	return b.statement(b.keptValues(s, "day_values", s.itsMeasures()+" and marked and cell_count > 0", "cell", "cast(sum(cell_count) as bigint)") + ", cell")
}

// keptInCells counts how often the scan's measures had each of the values that
// are in some cells on kept days: keys, measure, value, count.
func (p plan) keptInCells(d event.Dialect, s scan, cells map[measuredCell]bool) statement {
	b := &builder{dialect: d, plan: p}
	var rows []string
	for c := range cells {
		rows = append(rows, fmt.Sprintf("('%s', %d)", c.measure, c.cell))
	}
	slices.Sort(rows)
	from, which := b.say().ofCells(rows)
	return b.statement(b.keptValues(s, from, which, "value", "cast(sum(count) as bigint)") + ", value")
}

// keptValues are columns of some kept rows of a scan's measures, by their keys
// and measure.
func (b *builder) keptValues(s scan, from, which string, columns ...string) string {
	keys := b.keptKeys(s)
	by := append(b.groups(), strconv.Itoa(len(keys)+1))
	where := b.keptDays()
	if which != "" {
		where = append(where, which)
	}
	return sel(slices.Concat(keys, []string{"measure"}, columns), from, where, by)
}

// itsMeasures is true of the rows of a scan's measures.
func (s scan) itsMeasures() string {
	return "measure in (" + strings.Join(quoted(s.measures()), ", ") + ")"
}

// quoted are names as SQL has them.
func quoted(names []string) []string {
	of := make([]string, len(names))
	for i, n := range names {
		of[i] = "'" + n + "'"
	}
	return of
}

// rawValues counts in one scan how often each value of every measure of the scan
// was measured on the days that aren't kept: keys, measure, value, count.
func (p plan) rawValues(d event.Dialect, s scan) statement {
	b := &builder{dialect: d, plan: p}
	measures := s.measures()
	from, where := b.reading(s, func(st stretch) []string { return b.within("ts", st.from, st.to) })
	columns := append(b.keys(s, "ts"), b.say().listed(quoted(measures), measures))
	where = append(where, measuredAny(measures))
	by := append(b.keyNames(), "measure", "value")
	return b.statement(sel(append(slices.Clone(by), "count(*)"), "(\n"+sel(columns, from, where, nil)+"\n)", []string{"value is not null"}, by))
}

// dayValues gives the columns of day_values, for every measure whose values are
// kept, in one scan.
func (b *builder) dayValues(zone string, day event.Day) string {
	var measured []string
	for _, m := range event.MeasureColumns {
		if d, _ := Measurements(m).Info(); d.keeps() {
			measured = append(measured, m)
		}
	}
	where := append(b.within("ts", day.From, day.To), measuredAny(measured))
	each := sel([]string{b.say().listed(quoted(measured), measured)}, "events", where, nil)
	counted := sel([]string{"measure", "value", cellSQL() + " as cell", "count(*) as n"},
		"(\n"+each+"\n)", []string{"value is not null"}, []string{"measure", "value"})
	added := sel([]string{"*", "sum(n) over (partition by measure order by value) as upto", "sum(n) over (partition by measure) as total",
		"sum(n) over (partition by measure, cell) as in_cell", "max(value) over (partition by measure, cell) as last"}, "(\n"+counted+"\n)", nil, nil)
	marked := "value = last"
	for _, percent := range percents {
		marked += fmt.Sprintf(" or 100 * upto >= %d * total and 100 * (upto - n) < %[1]d * total", percent)
	}
	// What only marked rows are asked for is 0 in the others, which takes no room.
	of := func(column string) string { return "case when marked then " + column + " else 0 end" }
	columns := append(b.dayColumns(zone, day), "measure", "marked", "cell", "value", "n", of("upto"), of("total"),
		"case when value = last then in_cell else 0 end")
	return sel(columns, "(\n"+sel([]string{"*", marked + " as marked"}, "(\n"+added+"\n)", nil, nil)+"\n)", nil, nil)
}
