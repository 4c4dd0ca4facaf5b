package stats

import (
	"moonbear/internal/site"
)

// Query is a question about one site. It is the same for a page, the API, a
// report and an alert. It names periods ("7d") and not instants, so that a
// bookmarked question stays fresh; Span says which instants it means now.
type Query struct {
	Site *site.Site

	Period   Period
	TimeZone string // IANA name; "" is the site's own
	Compare  Comparison

	Metrics    []Metric
	Compared   []Metric    // of a series or totals: the metrics that are compared; nil: all of them
	Interval   Interval    // a series has one; "" otherwise
	Dimensions []Dimension // a breakdown has some

	Filter Filter // the zero Filter keeps everything

	// Goals are the site's, all of them. Only a query that AsksGoals needs them.
	Goals []site.Goal

	// For a breakdown. Order is by the first metric, descending, when empty;
	// ties are always by the dimensions, ascending.
	Order    []Order
	Page     int   // from 1
	PageSize int   // DefaultPageSize when 0
	Least    Least // isn't in URLs: pages and reports set it themselves
}

// DefaultPageSize and MaxPageSize are how many rows a breakdown's page has.
const (
	DefaultPageSize = 10
	MaxPageSize     = 10_000 // a file of all rows; the API has its own
)

// Shape is what a query is answered with.
type Shape int

// The shapes.
const (
	Totals    Shape = iota // one number a metric
	Series                 // one point a bucket
	Breakdown              // one row a group
)

// Shape follows from Dimensions and Interval.
func (q Query) Shape() Shape {
	switch {
	case len(q.Dimensions) > 0:
		return Breakdown
	case q.Interval != "":
		return Series
	}
	return Totals
}

// Order sorts rows by a metric or a dimension.
type Order struct {
	By   string
	Desc bool
}

// Comparison is the span a period is compared with.
type Comparison string

// The comparisons.
const (
	NoComparison   Comparison = ""
	PreviousPeriod Comparison = "previous" // the same length, just before
	PreviousYear   Comparison = "year"     // the same dates a year before
)

// Totals is q asking for totals of ms.
func (q Query) Totals(ms ...Metric) Query {
	q.Metrics, q.Compared, q.Interval, q.Dimensions, q.Order, q.Page, q.PageSize, q.Least = ms, nil, "", nil, nil, 0, 0, Least{}
	return q
}

// Series is q asking for ms over time, at q's interval, or at the period's
// default when q has none.
func (q Query) Series(ms ...Metric) Query {
	if q.Interval == "" || !q.Period.Allows(q.Interval) {
		q.Interval = q.Period.Interval()
	}
	q.Metrics, q.Compared, q.Dimensions, q.Order, q.Page, q.PageSize, q.Least = ms, nil, nil, nil, 0, 0, Least{}
	return q
}

// By is q asking for the first size rows of ms grouped by d.
func (q Query) By(d Dimension, size int, ms ...Metric) Query {
	q.Metrics, q.Compared, q.Interval, q.Dimensions, q.Order, q.Page, q.PageSize, q.Least = ms, nil, "", []Dimension{d}, nil, 1, size, Least{}
	return q
}
