package stats

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/event"
)

// outer joins the parts, and makes the metrics of what they have.
func (b *builder) outer() string {
	keys, from := b.keyNames(), b.together()
	var columns []string
	for i, k := range keys {
		columns = append(columns, b.keyText(i, k))
	}
	for _, m := range b.plan.metrics {
		if n := b.number(m); n != string(m) {
			columns = append(columns, n+" as "+string(m))
		} else {
			columns = append(columns, n)
		}
	}
	if slices.Contains(b.plan.metrics, Revenue) {
		columns = append(columns, "coalesce(revenue_elsewhere, 0) > 0 as elsewhere")
	}
	if b.plan.runs != nil || len(keys) == 0 {
		return sel(columns, from, nil, nil)
	}
	columns = append(columns, "count(*) over () as rows_in_all")
	if b.plan.only != nil {
		return sel(columns, from, b.onlyRows(), nil)
	}
	text := sel(columns, from, b.wanted(), nil) + "\norder by " + strings.Join(b.ordered(), ", ")
	return text + fmt.Sprintf("\nlimit %s offset %s", b.arg(int64(b.plan.limit)), b.arg(int64(b.plan.offset)))
}

// together are the parts joined. Totals are one row a part; the others meet by
// key. Values of whole visits by entry page only add to rows: a page that was
// entered but has no matching event of its own is no row. Rows that are named
// are looked up in every part.
func (b *builder) together() string {
	if b.merges() {
		return b.merged()
	}
	keys := b.keyNames()
	from := names[b.plan.parts[0].part]
	for _, s := range b.plan.parts[1:] {
		switch {
		case len(keys) == 0:
			from += " cross join " + names[s.part]
		case b.adds(s):
			from += " left join " + names[s.part] + " using (" + strings.Join(keys, ", ") + ")"
		default:
			from += " full join " + names[s.part] + " using (" + strings.Join(keys, ", ") + ")"
		}
	}
	return from
}

// adds says that a part adds to rows and makes none.
func (b *builder) adds(s scan) bool { return s.part == byEntry && b.plan.only == nil }

// merges says that the parts meet in a table of their own (merged).
func (b *builder) merges() bool {
	return !b.say().fullJoin && len(b.plan.parts) > 1 && len(b.keyNames()) > 0
}

// merged puts the rows of all parts together by their keys, each column null
// where its part has no row: what a full join does. ClickHouse's own was wrong
// with three tables, or about the keys of rows of one side, in one version or
// another (decision 131).
func (b *builder) merged() string {
	var all, selects []string
	last := b.plan.parts[len(b.plan.parts)-1]
	for _, s := range b.plan.parts {
		all = append(all, b.columnsOf(s)...)
	}
	for _, s := range b.plan.parts {
		row, own := b.keyNames(), b.columnsOf(s)
		for _, c := range all {
			switch {
			case !slices.Contains(own, c):
				row = append(row, "null as "+c)
			case strings.HasPrefix(c, names[s.part]+"_"):
				row = append(row, strings.TrimPrefix(c, names[s.part]+"_")+" as "+c)
			default:
				row = append(row, c)
			}
		}
		if b.adds(last) {
			row = append(row, fmt.Sprintf("%v as makes", !b.adds(s)))
		}
		selects = append(selects, sel(row, names[s.part], nil, nil))
	}
	columns := b.keyNames()
	for _, c := range all {
		columns = append(columns, "any_value("+c+") as "+c)
	}
	text := sel(columns, "(\n"+strings.Join(selects, "\nunion all\n")+"\n)", nil, b.groups())
	if b.adds(last) {
		text += "\nhaving max(makes)"
	}
	return "(\n" + text + "\n)"
}

// columnsOf are a part's columns beside its keys, as they are called where the
// parts are together: those of sums may be in several parts.
func (b *builder) columnsOf(s scan) (columns []string) {
	if s.part == byBase {
		return []string{"base"}
	}
	for _, n := range s.sumNames() {
		columns = append(columns, b.columnOf(s, n))
	}
	if s.imports {
		for _, n := range s.ratedNames() {
			columns = append(columns, b.columnOf(s, "of_"+n))
		}
	}
	for _, m := range s.metrics {
		d, _ := m.Info()
		switch {
		case d.sums != nil:
		case m == ConversionRate:
			columns = append(columns, "converting")
			if !b.hasBase() {
				columns = append(columns, "base")
			}
		case m == Revenue:
			columns = append(columns, string(m), "revenue_elsewhere")
		default:
			columns = append(columns, string(m))
		}
	}
	return columns
}

// columnOf is a sum of a part, where the parts are together.
func (b *builder) columnOf(s scan, sum string) string {
	if b.merges() {
		return names[s.part] + "_" + sum
	}
	return names[s.part] + "." + sum
}

// keyText is a key as text, "" for not known.
func (b *builder) keyText(i int, k string) string {
	if b.plan.runs != nil {
		return k
	}
	if c, ok := b.plan.dims[i].column(); ok && c.number {
		return fmt.Sprintf("case when %s = 0 then '' else cast(%s as varchar) end as t%d", k, k, i)
	}
	return fmt.Sprintf("%s as t%d", k, i)
}

// number is a metric where a part may have no row: counts are then 0.
func (b *builder) number(m Metric) string {
	d, _ := m.Info()
	switch {
	case d.sums != nil:
		return b.make(d, b.scanOf(m))
	case m == ConversionRate:
		return "100 * cast(coalesce(converting, 0) as double) / nullif(base, 0)"
	case m.isCount():
		return "coalesce(" + string(m) + ", 0)"
	}
	return string(m)
}

// scanOf is the scan that has what m is made of.
func (b *builder) scanOf(m Metric) scan {
	i := slices.IndexFunc(b.plan.parts, func(s scan) bool { return slices.Contains(s.metrics, m) })
	return b.plan.parts[i]
}

// isCount says that nothing is 0, not null.
func (m Metric) isCount() bool {
	u := m.Unit()
	return u == Count || u == Money
}

// wanted is true of the rows that a breakdown has.
func (b *builder) wanted() []string {
	some := strings.Join(b.something(), " or ")
	if b.plan.least.Metric == "" {
		return []string{some}
	}
	return []string{"(" + some + ")", b.number(b.plan.least.Metric) + " >= " + b.arg(b.plan.least.N)}
}

// something is true of rows worth showing: any count but zero, or any other
// number at all, of those that make rows.
func (b *builder) something() []string {
	var some []string
	added := b.plan.parts[len(b.plan.parts)-1]
	for _, m := range b.plan.metrics {
		switch {
		case len(b.plan.parts) > 1 && added.part == byEntry && slices.Contains(added.metrics, m):
		case m.isCount():
			some = append(some, b.number(m)+" <> 0")
			if m == Revenue { // a row of foreign money only
				some = append(some, "revenue_elsewhere > 0")
			}
		case m == ConversionRate: // a rate of 0 makes no row
			some = append(some, "converting > 0")
		default:
			some = append(some, b.number(m)+" is not null")
		}
	}
	return some
}

func (b *builder) ordered() []string {
	var by []string
	for _, o := range b.plan.order {
		name := ""
		if i := slices.Index(b.plan.dims, Dimension(o.By)); i >= 0 {
			name = "k" + strconv.Itoa(i)
		} else {
			name = b.number(Metric(o.By))
		}
		if o.Desc {
			name += " desc"
		}
		by = append(by, name+" nulls last")
	}
	return by
}

// maxOnly is how many rows are named one by one: a page of the API. A file of
// thousands reads all there are, and leaves out those it has no use for.
const maxOnly = 250

// onlyRows names the rows wanted by their keys.
func (b *builder) onlyRows() []string {
	if len(b.plan.only) > maxOnly {
		return nil
	}
	var rows []string
	for _, keys := range b.plan.only {
		var all []string
		for i, k := range keys {
			all = append(all, fmt.Sprintf("k%d = %s", i, b.keyArg(b.plan.dims[i], k)))
		}
		rows = append(rows, "("+strings.Join(all, " and ")+")")
	}
	return []string{"(" + strings.Join(rows, " or ") + ")"}
}

// keyArg binds a key as it was given by keyText.
func (b *builder) keyArg(d Dimension, key string) string {
	if c, ok := d.column(); ok && c.number {
		n, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			n = 0 // "" is not known
		}
		return b.arg(n)
	}
	return b.arg(key)
}

// othersSQL asks for revenue in other currencies than the site's, by the
// plan's keys: keys, currency, amount in its units.
func (p plan) othersSQL(d event.Dialect) statement {
	i := slices.IndexFunc(p.parts, func(s scan) bool { return s.part == byEvent }) // revenue is of events
	s := p.parts[i]
	b := &builder{dialect: d, plan: p}
	where := append(b.within("ts", p.from, p.to), paid, "currency <> "+b.arg(p.currency), counted)
	group := append(b.groups(), strconv.Itoa(len(b.keyNames())+1))
	from, where := b.source(s, "events", b.filtered(where, s.every))
	inner := sel(append(b.keys(s, "ts"), "currency", "cast(sum("+b.amount("revenue")+") as double) / 1000 as amount"), from, where, group)
	with := b.withLookUps(s)
	columns := []string{}
	for i, k := range b.keyNames() {
		columns = append(columns, b.keyText(i, k))
	}
	var only []string
	if p.only != nil {
		only = b.onlyRows()
	}
	return b.statement(with + sel(append(columns, "currency", "amount"), "(\n"+inner+"\n)", only, nil) + "\norder by currency")
}
