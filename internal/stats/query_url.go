package stats

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// The names of a query's parameters in a URL.
const (
	paramPeriod   = "period"
	paramFrom     = "from"
	paramTo       = "to"
	paramTimeZone = "timezone"
	paramCompare  = "compare"
	paramMetrics  = "metrics"
	paramInterval = "interval"
	paramBy       = "by"
	paramLeaf     = "f"      // eq,path,/docs; any number of them, joined by and
	paramFilter   = "filter" // JSON, for filters that are not an and of leaves
	paramOrder    = "order"  // -visitors,path
	paramPage     = "page"
	paramPageSize = "page_size"
)

// ParseQuery reads a query from a URL's parameters; Values is its inverse.
// Parameters it doesn't know are left alone, for they are the page's. The
// error is a fault that names the parameter. Goals aren't known yet: who fills
// them in has Run or Validate check their names.
func ParseQuery(v url.Values, st *site.Site, now time.Time) (Query, error) {
	q := Query{
		Site:     st,
		Period:   Period{Name: v.Get(paramPeriod)},
		TimeZone: v.Get(paramTimeZone),
		Compare:  Comparison(v.Get(paramCompare)),
		Interval: Interval(v.Get(paramInterval)),
	}
	var err error
	if q.Period.From, q.Period.To, err = ParseDates(v.Get(paramFrom), v.Get(paramTo)); err != nil {
		return Query{}, err
	}
	for _, name := range list(v.Get(paramMetrics)) {
		m, _ := MetricNamed(name)
		q.Metrics = append(q.Metrics, m)
	}
	for _, name := range list(v.Get(paramBy)) {
		q.Dimensions = append(q.Dimensions, Dimension(name))
	}
	if q.Filter, err = parseFilters(v); err != nil {
		return Query{}, err
	}
	for _, name := range list(v.Get(paramOrder)) {
		q.Order = append(q.Order, ParseOrder(name))
	}
	if q.Page, err = positive(v, paramPage); err != nil {
		return Query{}, err
	}
	if q.PageSize, err = positive(v, paramPageSize); err != nil {
		return Query{}, err
	}
	return q, q.check(now, urlNames)
}

// Values writes q as a URL's parameters, the same for equal queries.
func (q Query) Values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set(paramPeriod, q.Period.Name)
	if q.Period.From != (Date{}) {
		v.Set(paramFrom, q.Period.From.String())
		v.Set(paramTo, q.Period.To.String())
	}
	set(paramTimeZone, q.TimeZone)
	set(paramCompare, string(q.Compare))
	set(paramInterval, string(q.Interval))
	set(paramMetrics, joinList(q.Metrics))
	set(paramBy, joinList(q.Dimensions))
	putFilter(v, q.Filter)
	var order []string
	for _, o := range q.Order {
		order = append(order, o.String())
	}
	set(paramOrder, joinList(order))
	if q.Page != 0 {
		v.Set(paramPage, strconv.Itoa(q.Page))
	}
	if q.PageSize != 0 {
		v.Set(paramPageSize, strconv.Itoa(q.PageSize))
	}
	return v
}

// ParseDates reads the two dates of a period; both empty is none. The error
// names "from" or "to".
func ParseDates(from, to string) (f, t Date, err error) {
	if from == "" && to == "" {
		return f, t, nil
	}
	for _, d := range []struct {
		name, text string
		into       *Date
	}{{paramFrom, from, &f}, {paramTo, to, &t}} {
		var ok bool
		if d.text == "" {
			return Date{}, Date{}, fault.Field(d.name, d.name+" is missing: give both from and to, as dates like 2026-11-22.")
		}
		if *d.into, ok = ParseDate(d.text); !ok {
			return Date{}, Date{}, fault.Field(d.name, d.name+" must be a date like 2026-11-22.")
		}
	}
	return f, t, nil
}

// ParseOrder reads "-visitors": a metric or dimension, descending with a "-".
func ParseOrder(s string) Order {
	by, desc := strings.CutPrefix(s, "-")
	if m, ok := MetricNamed(by); ok {
		by = string(m)
	}
	return Order{By: by, Desc: desc}
}

func (o Order) String() string {
	if o.Desc {
		return "-" + o.By
	}
	return o.By
}

func positive(v url.Values, name string) (int, error) {
	s := v.Get(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fault.Field(name, name+" must be a whole number from 1.")
	}
	return n, nil
}

// list splits at commas; a backslash keeps the character after it, so that a
// property's key may hold a comma.
func list(s string) []string {
	if s == "" {
		return nil
	}
	var out []string
	var item strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			item.WriteByte(s[i])
		case s[i] == ',':
			out = append(out, item.String())
			item.Reset()
		default:
			item.WriteByte(s[i])
		}
	}
	return append(out, item.String())
}

var escapeItem = strings.NewReplacer(`\`, `\\`, `,`, `\,`)

func joinList[S ~string](items []S) string {
	escaped := make([]string, len(items))
	for i, it := range items {
		escaped[i] = escapeItem.Replace(string(it))
	}
	return strings.Join(escaped, ",")
}

// parseFilters joins the leaves and the JSON filter of a URL.
func parseFilters(v url.Values) (Filter, error) {
	var all []Filter
	for _, text := range v[paramLeaf] {
		items := list(text)
		if len(items) < 2 {
			return Filter{}, fault.Field(paramLeaf, "f must be an operator, a dimension and values with commas between, like eq,path,/docs.")
		}
		f := Filter{Op: Op(items[0]), Dimension: Dimension(items[1]), Values: slices.Clip(items[2:])}
		if f.isJoin() {
			return Filter{}, unknownOp(paramLeaf, Op(items[0]))
		}
		if len(f.Values) == 0 {
			f.Values = nil
		}
		all = append(all, f)
	}
	if text := v.Get(paramFilter); text != "" {
		f, err := ParseFilter([]byte(text))
		if err != nil {
			return Filter{}, err
		}
		all = append(all, f)
	}
	switch len(all) {
	case 0:
		return Filter{}, nil
	case 1:
		return all[0], nil
	}
	return Filter{Op: And, Filters: all}, nil
}

// putFilter writes f so that parseFilters gives f again: an and of at least
// two leaves as leaves, a leaf as one, everything else as JSON.
func putFilter(v url.Values, f Filter) {
	leaves, ok := f.Leaves()
	if ok && (f.Op != And || len(leaves) > 1) {
		for _, l := range leaves {
			v.Add(paramLeaf, joinList(append([]string{string(l.Op), string(l.Dimension)}, l.Values...)))
		}
		return
	}
	v.Set(paramFilter, string(f.json()))
}
