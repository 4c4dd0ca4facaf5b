package stats

import (
	"fmt"
	"slices"

	"moonbear/internal/event"
)

// Vital is one of Google's measures of how a page feels, and its limits: up
// to Good it is good, over Poor it is poor, between them it needs work. Google
// holds the 75th percentile against them: https://web.dev/articles/vitals
type Vital struct {
	Measure    string
	Good, Poor float64 // in the metric's unit: milliseconds, and a score for cls
}

// Vitals are Google's five: the three core ones first.
func Vitals() []Vital { return slices.Clone(vitals) }

var vitals = []Vital{
	{event.MeasureColumns[event.LCP], 2500, 4000},
	{event.MeasureColumns[event.INP], 200, 500},
	{event.MeasureColumns[event.CLS], 0.1, 0.25},
	{event.MeasureColumns[event.FCP], 1800, 3000},
	{event.MeasureColumns[event.TTFB], 800, 1800},
}

// VitalNamed finds a vital by its measure's name.
func VitalNamed(measure string) (Vital, bool) {
	i := slices.IndexFunc(vitals, func(v Vital) bool { return v.Measure == measure })
	if i < 0 {
		return Vital{}, false
	}
	return vitals[i], true
}

// stored is a limit as measurements are stored, of which it is a whole number.
func (v Vital) stored(limit float64) int64 {
	if v.Measure == event.MeasureColumns[event.CLS] {
		limit *= 10_000
	}
	return int64(limit)
}

// Rating is what a number of a vital means.
type Rating string

// The ratings.
const (
	Good      Rating = "good"
	NeedsWork Rating = "needs_work" // Google says "needs improvement"
	Poor      Rating = "poor"
)

// Rate holds a number against the limits.
func (v Vital) Rate(n float64) Rating {
	switch {
	case n <= v.Good:
		return Good
	case n <= v.Poor:
		return NeedsWork
	}
	return Poor
}

// Measurements names the metric that counts how often something was measured:
// "lcp_count".
func Measurements(measure string) Metric { return Metric(measure + "_count") }

// GoodShare and PoorShare name the metrics that are the percentage of a
// vital's measurements that are good, and that are poor: "lcp_good", "lcp_poor".
func GoodShare(measure string) Metric { return Metric(measure + "_good") }

// PoorShare is GoodShare's other end.
func PoorShare(measure string) Metric { return Metric(measure + "_poor") }

// samples are the metrics of one measure beside its percentiles.
func samples(measure string) []MetricInfo {
	ms := []MetricInfo{{Name: Measurements(measure), Unit: Count, Additive: true, part: byEvent, sql: "count(" + measure + ")",
		reads: measure, measure: measure, values: "cast(max(total) as double)"}}
	v, ok := VitalNamed(measure)
	if !ok {
		return ms
	}
	share := func(name Metric, less bool, condition string, limit float64) MetricInfo {
		return MetricInfo{Name: name, Unit: Percent, LessIsBetter: less, part: byEvent,
			sql:     fmt.Sprintf("100 * cast(count(*) filter (where %s %s %d) as double) / nullif(count(%s), 0)", measure, condition, v.stored(limit), measure),
			reads:   measure,
			measure: measure,
			values:  fmt.Sprintf("100 * cast(coalesce(sum(n) filter (where value %s %d), 0) as double) / sum(n)", condition, v.stored(limit))}
	}
	return append(ms, share(GoodShare(measure), false, "<=", v.Good), share(PoorShare(measure), true, ">", v.Poor))
}

// Least keeps the rows of a breakdown that have at least so many of a count,
// so that a page that was measured twice doesn't lead the slow ones. The zero
// Least keeps all.
type Least struct {
	Metric Metric
	N      float64
}

// check says whether q can be asked for its Least.
func (l Least) check(q Query) error {
	if l.Metric == "" {
		return nil
	}
	if len(q.Dimensions) == 0 || !slices.Contains(q.Metrics, l.Metric) || !l.Metric.isCount() {
		return fmt.Errorf("least of %s: it must be a count among the metrics of a breakdown", l.Metric)
	}
	return nil
}
