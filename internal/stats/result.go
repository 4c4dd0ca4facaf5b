package stats

import (
	"math"
	"time"
)

// Number is a metric's number, or none: a rate of nothing, a percentile of
// nothing. The zero value is none.
type Number struct {
	N  float64
	OK bool
}

// Value is one metric's number in one place: the totals, a point or a row.
type Value struct {
	Metric Metric
	Number
	// Previous is the number of the period compared with; none without a comparison.
	Previous Number
	// Others is revenue in currencies that are not the site's, by currency.
	// Only for Revenue.
	Others []Amount
}

// Amount is money in one currency, in its units.
type Amount struct {
	Currency string // ISO 4217
	Amount   float64
}

// Change is the change against Previous in percent, one decimal: 50 is half
// as much again. None when there is nothing to compare with or it was 0.
func (v Value) Change() Number {
	if !v.OK || !v.Previous.OK || v.Previous.N == 0 {
		return Number{}
	}
	return Number{N: round(100*(v.N-v.Previous.N)/v.Previous.N, 1), OK: true}
}

// Share is part of whole in percent, one decimal; none when whole is none or 0.
func Share(part, whole Number) Number {
	if !part.OK || !whole.OK || whole.N == 0 {
		return Number{}
	}
	return Number{N: round(100*part.N/whole.N, 1), OK: true}
}

// Point is one bucket of a series.
type Point struct {
	From, To time.Time // in the query's time zone; From <= t < To
	// Partial says that the bucket is cut: by the period's edge, or because it
	// isn't over.
	Partial bool
	// Future says that the bucket hasn't begun; its values are none, but
	// Previous may be known.
	Future bool
	Values []Value // in the order of Query.Metrics
}

// Row is one group of a breakdown.
type Row struct {
	Keys   []string // in the order of Query.Dimensions; "" is not known
	Values []Value  // in the order of Query.Metrics
}

// Result answers a Query. Which of Totals, Points and Rows is filled follows
// from Query.Shape.
type Result struct {
	Query    Query
	Span     Span // what was asked about
	Previous Span // what it was compared with; zero without a comparison

	Totals []Value // in the order of Query.Metrics
	Points []Point // by time, gaps filled
	Rows   []Row   // one page
	Count  int     // rows on all pages

	Imported *Imported // nil when no import has only counts of the spans
}

// Total finds the total of m.
func (r *Result) Total(m Metric) Value { return find(r.Totals, m) }

// Value finds the number of m in a row.
func (r Row) Value(m Metric) Value { return find(r.Values, m) }

// Value finds the number of m in a point.
func (p Point) Value(m Metric) Value { return find(p.Values, m) }

func find(vs []Value, m Metric) Value {
	for _, v := range vs {
		if v.Metric == m {
			return v
		}
	}
	return Value{Metric: m}
}

// Pages is how many pages of Query.PageSize rows there are, at least 1.
func (r *Result) Pages() int {
	if r.Query.PageSize < 1 || r.Count < 1 {
		return 1
	}
	return (r.Count + r.Query.PageSize - 1) / r.Query.PageSize
}

// Drops are the hits of a period that were not counted.
type Drops struct {
	Span    Span
	Count   int64
	Reasons []DropReason // most first
}

// DropReason is one reason and what it struck.
type DropReason struct {
	Reason  string
	Count   int64
	Details []DropDetail // most first; those without a detail have ""
}

// DropDetail is a bot's name or a refused hostname.
type DropDetail struct {
	Detail string
	Count  int64
	Last   time.Time // the minute of the last one
}

// DropSeries are a period's drops over time.
type DropSeries struct {
	Span    Span
	Reasons []string    // most first
	Points  []DropPoint // by time, gaps filled
}

// DropPoint is one bucket of a DropSeries, as Point is of a series.
type DropPoint struct {
	From, To        time.Time
	Partial, Future bool
	Count           int64
	Counts          []int64 // in the order of DropSeries.Reasons
}

// DropDetails is one page of what one reason struck.
type DropDetails struct {
	Span           Span
	Reason         string
	Page, PageSize int
	Details        []DropDetail // most first; those without a detail have ""
	InAll          int          // details on all pages
	Count          int64        // hits on all pages
}

// Pages is how many pages there are, at least 1.
func (d *DropDetails) Pages() int { return max((d.InAll+d.PageSize-1)/d.PageSize, 1) }

func round(v float64, decimals int) float64 {
	p := math.Pow10(decimals)
	// 23/40 is 0.575, and 0.575 × 100 is 57.49…9 to a computer: what is a half
	// on paper is one here.
	if tenths := math.Round(v * p * 10); math.Mod(tenths, 10) == math.Copysign(5, v) && tenths/(p*10) == v {
		return (tenths + math.Copysign(5, v)) / 10 / p
	}
	return math.Round(v*p) / p
}
