package stats

import (
	"slices"
	"strings"
)

// The sums: what adds up over days, as event.SumColumns names it. A rate is
// made of two of them, once, after everything is added.
const (
	visitors  = "visitors"
	pageviews = "pageviews"
	events    = "events"
	visits    = "visits"
	views     = "views"
	bounces   = "bounces"
	duration  = "duration"
)

// sums is the table of sums: the part whose rows have it, and the aggregate of
// events, or of visits that are folded already (see builder.visits).
var sums = []struct {
	name string
	part part
	sql  string
}{
	{visitors, byEvent, "count(distinct visitor_id) filter (where visitor_id <> 0 and " + counted + ")"},
	{pageviews, byEvent, "count(*) filter (where name = 'pageview')"},
	{events, byEvent, "count(*) filter (where " + counted + ")"},
	{visits, byVisit, "count(*)"},
	{views, byVisit, "sum(views)"},
	{bounces, byVisit, "sum(bounce)"},
	{duration, byVisit, "sum(ms)"},
}

// has says that a metric of the scan is made of a sum.
func (s scan) has(sum string) bool {
	return slices.ContainsFunc(s.metrics, func(m Metric) bool {
		d, _ := m.Info()
		return slices.Contains(d.sums, sum)
	})
}

// sumNames are the sums of a scan, in the table's order.
func (s scan) sumNames() (names []string) {
	for _, sum := range sums {
		if s.has(sum.name) {
			names = append(names, sum.name)
		}
	}
	return names
}

// rated are the sums that a rate divides by visits.
var rated = []string{views, bounces, duration}

// ratedNames are those that a scan has.
func (s scan) ratedNames() []string {
	return slices.DeleteFunc(s.sumNames(), func(n string) bool { return !slices.Contains(rated, n) })
}

// sumColumns aggregates the rows of a part.
func (s scan) sumColumns() (columns []string) {
	for _, sum := range sums {
		if s.has(sum.name) {
			columns = append(columns, sum.sql+" as "+sum.name)
		}
	}
	return columns
}

// make writes a metric that is made of sums of a scan.
func (b *builder) make(d MetricInfo, s scan) string {
	text := d.made
	for _, sum := range d.sums {
		column := sum
		if s.imports && sum == visits && len(d.sums) > 1 {
			column = "of_" + d.sums[0]
		}
		text = strings.ReplaceAll(text, "{"+sum+"}", b.columnOf(s, column))
	}
	if d.Unit == Count {
		text = "cast(" + text + " as double)"
	}
	return text
}
