package clickhouse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"moonbear/internal/event"
)

// A column of a table whose rows are made from T. field points into a row: it
// says what is written, and where what is read goes.
type columnOf[T any] struct {
	name  string
	typ   string
	codec string // "": ClickHouse's own, LZ4
	field func(*T) any
}

// The types. Texts with few values in one part are LowCardinality; a path, a
// referrer and the like are not: a dictionary of their own is larger than what
// ZSTD makes of them (TestBytesAnEvent). Measures are Nullable, because null
// means not measured and 0 is a number.
const (
	id       = "Int64"
	instant  = "DateTime64(3, 'UTC')"
	text     = "String"
	fewTexts = "LowCardinality(String)"
	optional = "Nullable(Int32)"
	sum      = "Nullable(Int64)"
	textMap  = "Map(LowCardinality(String), String)"
)

// The codecs: ZSTD(3) takes a quarter off what LZ4 leaves, and reading is still
// bound by the query, not by unpacking. Delta is for what rises from row to row.
const (
	packed = "ZSTD(3)"
	rising = "Delta, ZSTD(3)"
)

// batchID tells which batch a row came with: the spool, and the batch's number
// among that spool's (doubt.go).
type batchID struct {
	spool  string
	number int64
}

var eventColumns = eventTable()

func eventTable() []columnOf[event.Event] {
	type col = columnOf[event.Event]
	cs := []col{
		{"site_id", id, packed, func(e *event.Event) any { return &e.Site }},
		{"ts", instant, rising, func(e *event.Event) any { return &e.Time }},
		{"name", fewTexts, packed, func(e *event.Event) any { return &e.Name }},
		{"visitor_id", id, packed, func(e *event.Event) any { return &e.Visitor }},
		{"visit_id", id, packed, func(e *event.Event) any { return &e.Visit }},
		{"visit_start", instant, rising, func(e *event.Event) any { return &e.VisitStart }},
		{"path", text, packed, func(e *event.Event) any { return &e.Path }},
		{"hostname", fewTexts, packed, func(e *event.Event) any { return &e.Hostname }},
		{"interactive", "Bool", packed, func(e *event.Event) any { return &e.Interactive }},
		{"entry_path", text, packed, func(e *event.Event) any { return &e.EntryPath }},
		{"referrer", text, packed, func(e *event.Event) any { return &e.Referrer }},
		{"source", fewTexts, packed, func(e *event.Event) any { return &e.Source }},
		{"channel", fewTexts, packed, func(e *event.Event) any { return &e.Channel }},
		{"utm_source", fewTexts, packed, func(e *event.Event) any { return &e.UTMSource }},
		{"utm_medium", fewTexts, packed, func(e *event.Event) any { return &e.UTMMedium }},
		{"utm_campaign", fewTexts, packed, func(e *event.Event) any { return &e.UTMCampaign }},
		{"utm_content", fewTexts, packed, func(e *event.Event) any { return &e.UTMContent }},
		{"utm_term", fewTexts, packed, func(e *event.Event) any { return &e.UTMTerm }},
		{"country", fewTexts, packed, func(e *event.Event) any { return &e.Country }},
		{"region", fewTexts, packed, func(e *event.Event) any { return &e.Region }},
		{"city", fewTexts, packed, func(e *event.Event) any { return &e.City }},
		{"browser", fewTexts, packed, func(e *event.Event) any { return &e.Browser }},
		{"browser_version", fewTexts, packed, func(e *event.Event) any { return &e.BrowserVersion }},
		{"os", fewTexts, packed, func(e *event.Event) any { return &e.OS }},
		{"os_version", fewTexts, packed, func(e *event.Event) any { return &e.OSVersion }},
		{"device", fewTexts, packed, func(e *event.Event) any { return &e.Device }},
		{"screen_width", "Int32", packed, func(e *event.Event) any { return &e.ScreenWidth }},
		{"language", fewTexts, packed, func(e *event.Event) any { return &e.Language }},
		{"time_zone", fewTexts, packed, func(e *event.Event) any { return &e.TimeZone }},
		{"connection_speed", fewTexts, packed, func(e *event.Event) any { return &e.ConnectionSpeed }},
	}
	for i, m := range event.MeasureColumns {
		cs = append(cs, col{m, optional, packed, func(e *event.Event) any { return &e.Measures[i] }})
	}
	return append(cs,
		col{"revenue", id, packed, func(e *event.Event) any { return &e.Revenue }},
		col{"currency", fewTexts, packed, func(e *event.Event) any { return &e.Currency }},
		col{"props", textMap, packed, func(e *event.Event) any { return &e.Props }},
		col{"import_id", id, packed, func(e *event.Event) any { return &e.Import }})
}

var dropColumns = []columnOf[event.Drop]{
	{"site_id", id, packed, func(d *event.Drop) any { return &d.Site }},
	{"ts", instant, rising, func(d *event.Drop) any { return &d.Time }},
	{"reason", fewTexts, packed, func(d *event.Drop) any { return &d.Reason }},
	{"detail", text, packed, func(d *event.Drop) any { return &d.Detail }},
	{"count", id, packed, func(d *event.Drop) any { return &d.Count }},
}

var keyColumns = []columnOf[event.Key]{
	{"site_id", id, packed, func(k *event.Key) any { return &k.Site }},
	{"ts", instant, rising, func(k *event.Key) any { return &k.Time }},
	{"key", "FixedString(16)", "", func(k *event.Key) any { return &k.Key }},
	{"body", "FixedString(16)", "", func(k *event.Key) any { return &k.Body }},
}

var dayColumns = dayTable()

// untold is a sum that may be event.Untold, which is null in the table.
type untold int64

func dayTable() []columnOf[event.DayCount] {
	type col = columnOf[event.DayCount]
	cs := []col{
		{"site_id", id, packed, func(d *event.DayCount) any { return &d.Site }},
		{"import_id", id, packed, func(d *event.DayCount) any { return &d.Import }},
		{"day", instant, rising, func(d *event.DayCount) any { return &d.Day }},
		{"dimension", fewTexts, packed, func(d *event.DayCount) any { return &d.Dimension }},
		{"value", text, packed, func(d *event.DayCount) any { return &d.Value }},
	}
	for i, name := range event.SumColumns {
		cs = append(cs, col{name, sum, packed, func(d *event.DayCount) any {
			s := &d.Sums
			return (*untold)([...]*int64{&s.Visitors, &s.Pageviews, &s.Events, &s.Visits, &s.Views, &s.Bounces, &s.Duration}[i])
		}})
	}
	return cs
}

// batchColumns are the last of each table; their rows have one value in common.
const batchColumns = "batch_spool " + fewTexts + " CODEC(" + packed + "), batch Int64 CODEC(" + rising + ")"

func definitions[T any](cs []columnOf[T]) string {
	return columnList(cs) + ", " + batchColumns
}

func columnList[T any](cs []columnOf[T]) string {
	list := make([]string, len(cs))
	for i, c := range cs {
		list[i] = c.name + " " + c.typ
		if c.codec != "" {
			list[i] += " CODEC(" + c.codec + ")"
		}
	}
	return strings.Join(list, ", ")
}

func names[T any](cs []columnOf[T]) string {
	ns := make([]string, len(cs))
	for i, c := range cs {
		ns[i] = c.name
	}
	return strings.Join(ns, ", ")
}

// values lists one column of the rows, in a slice that the client takes whole.
func values[T any](c columnOf[T], rows []*T) (any, error) {
	var zero T
	switch c.field(&zero).(type) {
	case *int64:
		return collect(rows, func(r *T) int64 { return *c.field(r).(*int64) }), nil
	case *int32:
		return collect(rows, func(r *T) int32 { return *c.field(r).(*int32) }), nil
	case *bool:
		return collect(rows, func(r *T) bool { return *c.field(r).(*bool) }), nil
	case *string:
		return collect(rows, func(r *T) string { return valid(*c.field(r).(*string)) }), nil
	case *[16]byte:
		return collect(rows, func(r *T) [16]byte { return *c.field(r).(*[16]byte) }), nil
	case *event.Measure:
		return collect(rows, func(r *T) *int32 {
			if v, ok := c.field(r).(*event.Measure).Value(); ok {
				return &v
			}
			return nil
		}), nil
	case *untold:
		return collect(rows, func(r *T) *int64 {
			if v := c.field(r).(*untold); int64(*v) != event.Untold {
				return (*int64)(v)
			}
			return nil
		}), nil
	case *[]event.Prop:
		return collect(rows, func(r *T) *props { return (*props)(c.field(r).(*[]event.Prop)) }), nil
	}
	return nil, fmt.Errorf("column %s has values of a kind that nobody writes", c.name)
}

func collect[T, V any](rows []*T, value func(*T) V) []V {
	vs := make([]V, len(rows))
	for i, r := range rows {
		vs[i] = value(r)
	}
	return vs
}

// valid is s with U+FFFD for what is not UTF-8, as the embedded store keeps it.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// target is where a column read goes.
func target(field any) any {
	switch f := field.(type) {
	case *event.Measure:
		return (*measure)(f)
	case *[]event.Prop:
		return (*props)(f)
	}
	return field
}

// measure is read from Nullable(Int32).
type measure event.Measure

// Scan takes null for not measured.
func (m *measure) Scan(v any) error {
	switch n := v.(type) {
	case nil:
		*m = 0
	case int32:
		*m = measure(event.Measured(int64(n)))
	default:
		return fmt.Errorf("a measure is read from %T", v)
	}
	return nil
}

// props are written to a map in their order and read from one in that of their keys.
type props []event.Prop

// Put adds a pair; it begins at the end of what is there.
func (p *props) Put(key, value any) {
	*p = append(*p, event.Prop{Key: key.(string), Value: value.(string)})
}

func (p *props) sort() {
	slices.SortFunc(*p, func(a, b event.Prop) int { return cmp.Compare(a.Key, b.Key) })
}

// Iterator goes through the pairs.
func (p *props) Iterator() column.MapIterator { return &propsIterator{props: *p, at: -1} }

type propsIterator struct {
	props props
	at    int
}

// Next goes to the next pair, at first to the first.
func (i *propsIterator) Next() bool { i.at++; return i.at < len(i.props) }

// Key is the pair's.
func (i *propsIterator) Key() any { return valid(i.props[i.at].Key) }

// Value is the pair's.
func (i *propsIterator) Value() any { return valid(i.props[i.at].Value) }
