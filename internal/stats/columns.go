package stats

import (
	"fmt"
	"slices"

	"moonbear/internal/event"
)

// part is one scan of the events that answers some metrics. Metrics of one
// part cost no more than one of them.
type part int

const (
	byEvent  part = iota // events by their own time
	byScroll             // (visit, page) pairs, each with its deepest point
	byVisit              // whole visits, by the time they started
	byEntry              // the same, where path means the entry page
	byBase               // the visitors a conversion rate is of, where its conditions on goals are left out
	byCount              // what of byEvent is a sum, where days are kept
	byValue              // what of byEvent is a percentile or share of measurements, where days are kept
)

// metrics is the table of metrics. Some are made of sums. The others are a
// part's name for the rows it aggregates, and the aggregate, in which {money}
// is what a row earned and {met} narrows it to conversions. Of a conversion
// rate it is the visitors who converted; outer divides them by the others. A
// sum is cast to double and divided once, so that the result is the double
// nearest to the true one and rounds as on paper.
var metrics = slices.Concat([]MetricInfo{
	{Name: Visitors, Unit: Count, part: byEvent, sums: []string{visitors}, made: "coalesce({visitors}, 0)"},
	{Name: Visits, Unit: Count, Additive: true, part: byVisit, sums: []string{visits}, made: "coalesce({visits}, 0)"},
	{Name: Pageviews, Unit: Count, Additive: true, part: byEvent, sums: []string{pageviews}, made: "coalesce({pageviews}, 0)"},
	{Name: Events, Unit: Count, Additive: true, part: byEvent, sums: []string{events}, made: "coalesce({events}, 0)"},
	{Name: ViewsPerVisit, Unit: Ratio, part: byVisit, sums: []string{views, visits}, made: "cast({views} as double) / nullif({visits}, 0)"},
	{Name: BounceRate, Unit: Percent, LessIsBetter: true, part: byVisit, sums: []string{bounces, visits}, made: "100 * cast({bounces} as double) / nullif({visits}, 0)"},
	{Name: VisitDuration, Unit: Seconds, part: byVisit, sums: []string{duration, visits}, made: "cast({duration} as double) / (1000 * nullif({visits}, 0))"},
	{Name: EngagementTime, Unit: Seconds, part: byEvent, reads: "engagement_time", sql: "cast(sum(engagement_time) filter (where visit_id <> 0) as double) / nullif(1000 * count(distinct visit_id) filter (where visit_id <> 0 and engagement_time is not null), 0)"},
	{Name: ScrollDepth, Unit: Percent, part: byScroll, sql: "cast(sum(depth) as double) / count(*)"},
	{Name: Conversions, Unit: Count, Additive: true, part: byEvent, sql: "count(*) filter (where " + counted + "{met})"},
	{Name: ConversionRate, Unit: Percent, part: byEvent, sql: "count(distinct visitor_id) filter (where visitor_id <> 0 and " + counted + "{met})"},
	{Name: Revenue, Unit: Money, Additive: true, part: byEvent, sql: "coalesce(cast(sum({money}) filter (where " + counted + ") as double), 0) / 1000"},
}, percentiles())

// counted is true of every event but the message a page sends when it is
// hidden, which is the second half of its pageview.
const counted = "name <> 'engagement'"

// paid is true of events with money. A currency is letters; asked so and not
// for "not empty", the store skips what has none.
const paid = "currency >= ' '"

// percentiles are p50, p75 and p95 of everything measured, and how much of it
// there is. They are nearest-rank: the number that at least that share of the measurements doesn't exceed, which is
// always one that was measured. The share is written as a decimal, which
// DuckDB multiplies exactly; as a double 0.95 of 20 would be rank 20, not 19.
func percentiles() []MetricInfo {
	var ms []MetricInfo
	for _, name := range event.MeasureColumns {
		unit, scale := Milliseconds, ""
		switch name {
		case event.MeasureColumns[event.EngagementTime], event.MeasureColumns[event.ScrollDepth]:
			continue // have means of their own
		case event.MeasureColumns[event.TransferSize]:
			unit = Bytes
		case event.MeasureColumns[event.CLS]:
			unit, scale = Score, " / 10000"
		}
		for _, p := range []int{50, 75, 95} {
			ms = append(ms, MetricInfo{
				Name: Percentile(name, p), Unit: unit, LessIsBetter: true, part: byEvent,
				sql: "cast({percentile} as double)" + scale, percent: p,
				reads: name, measure: name, values: fmt.Sprintf("cast(min(value) filter (where 100 * upto >= %d * total) as double)%s", p, scale),
			})
		}
		ms = append(ms, samples(name)...)
	}
	return ms
}

// measures says that a metric needs engagement messages too.
func (m Metric) measures() bool {
	switch m {
	case Visitors, Pageviews, Events, Conversions, ConversionRate, Revenue:
		return false
	}
	return true
}

// column is how a dimension is read from a row of events.
type column struct {
	name   Dimension
	sql    string
	visit  bool // a fact of the visit, the same on all its rows
	number bool // whole numbers, 0 is not known; otherwise text, "" is not known
}

// dimensions is the table of dimensions. The exit page is of no single row:
// it is looked up in a table of visits (exits) joined to the events. So is the
// entry page of a visit that began with something else than a pageview, such
// as a click in a tab that lay open for an hour (entries).
var dimensions = []column{
	{name: Path, sql: "path"},
	{name: Hostname, sql: "hostname"},
	{name: EntryPage, sql: "case when entry_path <> '' then entry_path else coalesce(first_path, '') end", visit: true},
	{name: ExitPage, sql: "coalesce(exit_path, '')", visit: true},
	{name: Referrer, sql: "referrer", visit: true},
	{name: Source, sql: "source", visit: true},
	{name: Channel, sql: "channel", visit: true},
	{name: UTMSource, sql: "utm_source", visit: true},
	{name: UTMMedium, sql: "utm_medium", visit: true},
	{name: UTMCampaign, sql: "utm_campaign", visit: true},
	{name: UTMContent, sql: "utm_content", visit: true},
	{name: UTMTerm, sql: "utm_term", visit: true},
	{name: Country, sql: "country", visit: true},
	{name: Region, sql: "region", visit: true},
	{name: City, sql: "city", visit: true},
	{name: Browser, sql: "browser", visit: true},
	{name: BrowserVersion, sql: "browser_version", visit: true},
	{name: OS, sql: "os", visit: true},
	{name: OSVersion, sql: "os_version", visit: true},
	{name: Device, sql: "device", visit: true},
	{name: ScreenWidth, sql: "screen_width", visit: true, number: true},
	{name: Language, sql: "language", visit: true},
	{name: ConnectionSpeed, sql: "connection_speed"},
	{name: EventName, sql: "case when name = 'engagement' then 'pageview' else name end"},
	{name: GoalName, sql: "goal"}, // of no row by itself: see source
}

// column finds d in the table; properties aren't in it.
func (d Dimension) column() (column, bool) {
	i := slices.IndexFunc(dimensions, func(c column) bool { return c.name == d })
	if i < 0 {
		return column{}, false
	}
	return dimensions[i], true
}

// ofVisit says that d is the same on all of a visit's rows.
func (d Dimension) ofVisit() bool {
	c, ok := d.column()
	return ok && c.visit
}
