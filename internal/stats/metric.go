package stats

import (
	"slices"
	"strings"
)

// Metric names a number: "visitors", "bounce_rate", "page_load_p75". What each
// one counts is fixed in docs/metrics.md.
type Metric string

// The metrics that are not percentiles. Percentiles are made by Percentile.
const (
	Visitors       Metric = "visitors"
	Visits         Metric = "visits"
	Pageviews      Metric = "pageviews"
	Events         Metric = "events"
	ViewsPerVisit  Metric = "views_per_visit"
	BounceRate     Metric = "bounce_rate"
	VisitDuration  Metric = "visit_duration"
	EngagementTime Metric = "engagement_time"
	ScrollDepth    Metric = "scroll_depth"
	Conversions    Metric = "conversions"
	ConversionRate Metric = "conversion_rate"
	Revenue        Metric = "revenue"
)

// Unit says how a metric's number reads.
type Unit string

// The units there are.
const (
	Count        Unit = "count"
	Ratio        Unit = "ratio"        // views a visit, two decimals
	Percent      Unit = "percent"      // 0 to 100, one decimal
	Seconds      Unit = "seconds"      // one decimal
	Milliseconds Unit = "milliseconds" // whole
	Bytes        Unit = "bytes"        // whole
	Score        Unit = "score"        // CLS, four decimals
	Money        Unit = "money"        // units of the site's currency, three decimals
)

// decimals is how many decimal places a number of the unit keeps. It is
// rounded once, here, so that page, API, report and alert show the same.
func (u Unit) decimals() int {
	switch u {
	case Percent, Seconds:
		return 1
	case Ratio:
		return 2
	case Money:
		return 3
	case Score:
		return 4
	}
	return 0
}

// MetricInfo describes a metric.
type MetricInfo struct {
	Name Metric
	Unit Unit
	// LessIsBetter says that a falling number is good news.
	LessIsBetter bool
	// Additive says that rows and buckets sum up to the total.
	Additive bool

	part part
	sql  string   // of the part's rows; "" where the metric is made of sums
	sums []string // what it is made of, see sums
	made string   // how: {name} is a sum

	reads   string // the column of measurements that is all it reads of the events it needs; "": it needs others, too
	measure string // what it is a percentile or share of, "" for the others
	percent int    // which percentile, 0 for the others
	values  string // the same, of how often each value of the measure was measured: see builder.picked
}

// Info describes m; ok is false when there is no such metric.
func (m Metric) Info() (MetricInfo, bool) {
	i := slices.IndexFunc(metrics, func(d MetricInfo) bool { return d.Name == m })
	if i < 0 {
		return MetricInfo{}, false
	}
	return metrics[i], true
}

// Unit is the unit of m.
func (m Metric) Unit() Unit {
	d, _ := m.Info()
	return d.Unit
}

// Metrics lists every metric, in the order of docs/metrics.md.
func Metrics() []MetricInfo { return slices.Clone(metrics) }

// Percentile names the metric that is the nearest-rank percentile p (50, 75 or
// 95) of a measure: Percentile("page_load", 75) is "page_load_p75".
func Percentile(measure string, p int) Metric {
	switch p {
	case 50:
		return Metric(measure + "_p50")
	case 75:
		return Metric(measure + "_p75")
	}
	return Metric(measure + "_p95")
}

// aliases are names that other tools gave the same numbers.
var aliases = map[string]Metric{
	"session_count": Visits,
	"event_count":   Events,
}

// MetricNamed finds a metric by its name or alias.
func MetricNamed(name string) (Metric, bool) {
	if m, ok := aliases[name]; ok {
		return m, true
	}
	_, ok := Metric(name).Info()
	return Metric(name), ok
}

// Dimension is what rows are grouped by and filters ask about: "path",
// "country", "prop:plan".
type Dimension string

// The dimensions there are, but properties, which are made by Prop.
const (
	Path            Dimension = "path"
	Hostname        Dimension = "hostname"
	EntryPage       Dimension = "entry_page"
	ExitPage        Dimension = "exit_page"
	Referrer        Dimension = "referrer"
	Source          Dimension = "source"
	Channel         Dimension = "channel"
	UTMSource       Dimension = "utm_source"
	UTMMedium       Dimension = "utm_medium"
	UTMCampaign     Dimension = "utm_campaign"
	UTMContent      Dimension = "utm_content"
	UTMTerm         Dimension = "utm_term"
	Country         Dimension = "country"
	Region          Dimension = "region"
	City            Dimension = "city"
	Browser         Dimension = "browser"
	BrowserVersion  Dimension = "browser_version"
	OS              Dimension = "os"
	OSVersion       Dimension = "os_version"
	Device          Dimension = "device"
	ScreenWidth     Dimension = "screen_width"
	Language        Dimension = "language"
	ConnectionSpeed Dimension = "connection_speed"
	EventName       Dimension = "event_name"
	GoalName        Dimension = "goal"
)

const propPrefix = "prop:"

// Prop is the dimension of an event property's values.
func Prop(key string) Dimension { return Dimension(propPrefix + key) }

// PropKey is the property a dimension reads; ok is false for the others.
func (d Dimension) PropKey() (key string, ok bool) { return strings.CutPrefix(string(d), propPrefix) }

// Dimensions lists every dimension but properties, in the order of docs/metrics.md.
func Dimensions() []Dimension {
	names := make([]Dimension, len(dimensions))
	for i, d := range dimensions {
		names[i] = d.name
	}
	return names
}
