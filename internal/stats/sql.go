package stats

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
)

// statement is SQL and what is bound to it.
type statement struct {
	text string
	args []any
}

// builder writes one statement. Arguments are numbered, so that a value is
// bound once however often it is used.
type builder struct {
	dialect event.Dialect
	plan    plan
	args    []any
	inline  bool // arguments are written into the text: only for what is our own

	counting bool // conditions are of rows of counts: of their one dimension's value
}

// arg binds v and gives its placeholder.
func (b *builder) arg(v any) string {
	if b.inline {
		return literal(v)
	}
	i := slices.Index(b.args, v)
	if i < 0 {
		i = len(b.args)
		b.args = append(b.args, v)
	}
	return "$" + strconv.Itoa(i+1)
}

// literal is v as SQL has it: a whole number or text.
func literal(v any) string {
	if n, ok := v.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	return "'" + strings.ReplaceAll(fmt.Sprint(v), "'", "''") + "'"
}

// time binds an instant. The cast is of the argument, never of the column: a
// column that is cast is read whole.
func (b *builder) time(t time.Time) string {
	return fmt.Sprintf(b.say().instant, b.arg(t.UTC().Format("2006-01-02 15:04:05.000")))
}

// sql writes the plan as one statement: a table for each part, joined by
// their keys. It gives the keys as text (a series: the bucket's number), then
// the metrics as doubles, then, with revenue, whether there is any in another
// currency, then, for rows, how many there are on all pages.
func (p plan) sql(d event.Dialect) statement {
	b := &builder{dialect: d, plan: p}
	var with []string
	with = append(with, b.lookUps(p.parts...)...)
	for _, s := range p.parts {
		for _, t := range b.tables(s) {
			with = append(with, t.name+" as (\n"+t.text+"\n)")
		}
	}
	text := "with " + strings.Join(with, ", ") + "\n" + b.outer()
	return b.statement(text)
}

// table is a named select within the statement.
type table struct{ name, text string }

// names are what the parts' tables are called.
var names = map[part]string{byEvent: "by_event", byScroll: "by_scroll", byVisit: "by_visit", byEntry: "by_entry", byBase: "by_base", byCount: "by_count", byValue: "by_value"}

// tables writes a part: the last table is the part's own.
func (b *builder) tables(s scan) []table {
	switch s.part {
	case byEvent:
		return []table{{names[s.part], b.eventRows(s)}}
	case byScroll:
		return []table{{names[s.part], b.scrollRows(s)}}
	case byBase:
		return []table{{names[s.part], b.baseRows(s)}}
	case byCount:
		return []table{{names[s.part], b.added(s, func() string { return b.eventRows(s) })}}
	case byValue:
		return []table{{names[s.part], b.valueRows(s)}}
	}
	return b.visitTables(s)
}

// eventRows aggregates events by their own time.
func (b *builder) eventRows(s scan) string {
	from, where := b.reading(s, func(st stretch) []string { return b.within("ts", st.from, st.to) })
	if !slices.ContainsFunc(s.metrics, Metric.measures) {
		where = append(where, counted)
	}
	if slices.Equal(s.metrics, []Metric{Revenue}) && b.plan.worth == nil {
		where = append(where, paid)
	}
	if columns := s.reads(); len(columns) > 0 {
		where = append(where, measuredAny(columns))
	}
	if slices.Equal(s.metrics, []Metric{Conversions}) && b.met(s) != "" {
		where = b.filtered(where, anyGoal(b.plan.goals))
	}
	from, where = b.source(s, from, b.filtered(where, s.every))
	return sel(append(b.keys(s, "ts"), b.aggregates(s)...), from, where, b.groups())
}

// reads are the columns of which an event must have one for any metric of the
// scan; none when all events count.
func (s scan) reads() (columns []string) {
	for _, m := range s.metrics {
		d, _ := m.Info()
		if d.reads == "" {
			return nil
		}
		if !slices.Contains(columns, d.reads) {
			columns = append(columns, d.reads)
		}
	}
	return columns
}

// measuredAny is true of events that have one of these measurements. Of one, the
// store skips what has none.
func measuredAny(columns []string) string {
	if len(columns) == 1 {
		return columns[0] + " is not null"
	}
	return "coalesce(" + strings.Join(columns, ", ") + ") is not null"
}

// scrollRows finds the deepest point of each visit on each page, and their mean.
func (b *builder) scrollRows(s scan) string {
	where := append(b.within("ts", b.plan.from, b.plan.to), "scroll_depth is not null", "visit_id <> 0")
	from, where := b.source(s, "events", b.filtered(where, s.every))
	inner := sel(append(b.keys(s, "ts"), "max(scroll_depth) as depth"), from, where, append(b.keyNames(), "visit_id", "path"))
	return sel(append(b.keyNames(), b.aggregates(s)...), "(\n"+inner+"\n)", nil, b.groups())
}

// within is the site's rows with from <= column < to.
func (b *builder) within(column string, from, to time.Time) []string {
	return append(b.ofSite(), b.between(column, from, to)...)
}

// between is true of rows with from <= column < to, in the words that the store
// skips by.
func (b *builder) between(column string, from, to time.Time) []string {
	where := []string{column + " >= " + b.time(from), column + " < " + b.time(to)}
	if days := b.say().days; days != "" && column == "ts" {
		where = append(where, fmt.Sprintf(days, b.time(from), b.time(to)))
	}
	return where
}

// ofSite is all of the site's rows.
func (b *builder) ofSite() []string { return []string{"site_id = " + b.arg(b.plan.site)} }

func (b *builder) filtered(where []string, f Filter) []string {
	if f.IsZero() {
		return where
	}
	return append(slices.Clone(where), b.condition(f))
}

// keys are the columns a row is grouped by.
func (b *builder) keys(s scan, at string) []string {
	if b.plan.runs != nil {
		return []string{b.bucket(at) + " as k0"}
	}
	var keys []string
	for i, d := range s.dims {
		keys = append(keys, fmt.Sprintf("%s as k%d", b.column(d), i))
	}
	return keys
}

func (b *builder) keyNames() []string {
	n := len(b.plan.dims)
	if b.plan.runs != nil {
		n = 1
	}
	keys := make([]string, n)
	for i := range keys {
		keys[i] = "k" + strconv.Itoa(i)
	}
	return keys
}

// groups is keyNames as places, which a bound expression can't be repeated in.
func (b *builder) groups() []string {
	keys := b.keyNames()
	for i := range keys {
		keys[i] = strconv.Itoa(i + 1)
	}
	return keys
}

func (b *builder) aggregates(s scan) []string {
	columns := s.sumColumns()
	for _, m := range s.metrics {
		d, _ := m.Info()
		if d.sums != nil {
			continue
		}
		text := d.sql
		switch m {
		case Revenue:
			text = strings.Replace(text, "{money}", b.money(), 1)
		case Conversions, ConversionRate:
			text = strings.Replace(text, "{met}", b.met(s), 1)
		}
		if d.percent != 0 {
			text = strings.Replace(text, "{percentile}", b.percentile(s, d), 1)
		}
		if d.Unit == Count { // the others are doubles
			text = "cast(" + text + " as double)"
		}
		if m == ConversionRate {
			columns = append(columns, b.rate(text)...)
			continue
		}
		columns = append(columns, text+" as "+string(m))
		if m == Revenue {
			columns = append(columns, "count(*) filter (where currency <> "+b.arg(b.plan.currency)+" and currency <> '' and "+counted+") as revenue_elsewhere")
		}
	}
	return columns
}

// percentile finds a percentile of a measure, together with the scan's others of
// that measure.
func (b *builder) percentile(s scan, d MetricInfo) string {
	var shares []string
	at := 0
	for _, m := range s.metrics {
		if of, _ := m.Info(); of.percent != 0 && of.measure == d.measure {
			shares = append(shares, fmt.Sprintf("0.%d", of.percent))
			if m == d.Name {
				at = len(shares)
			}
		}
	}
	return b.say().percentile(d.measure, shares, at)
}

// bucket is the number of the bucket that an instant lies in.
func (b *builder) bucket(at string) string { return b.bucketOf(b.plan.runs, at) }

func (b *builder) bucketOf(runs []run, at string) string {
	var cases strings.Builder
	for i, r := range runs {
		first, into := b.arg(int64(r.first)), fmt.Sprintf("date_diff('millisecond', %s, %s)", b.time(r.from), at)
		number := "cast(" + first + " + " + fmt.Sprintf(b.say().quotient, into, b.arg(r.width.Milliseconds())) + " as integer)"
		if i == len(runs)-1 {
			if i == 0 {
				return number
			}
			cases.WriteString(" else " + number)
			break
		}
		fmt.Fprintf(&cases, " when %s < %s then %s", at, b.time(runs[i+1].from), number)
	}
	return "case" + cases.String() + " end"
}

// sel writes a select.
func sel(columns []string, from string, where, group []string) string {
	text := "select " + strings.Join(columns, ", ") + "\nfrom " + from
	if len(where) > 0 {
		text += "\nwhere " + strings.Join(where, " and ")
	}
	if len(group) > 0 {
		text += "\ngroup by " + strings.Join(group, ", ")
	}
	return text
}
