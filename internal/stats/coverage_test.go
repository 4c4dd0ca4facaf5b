package stats_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// fact is one thing a question may ask about, or an answer may show.
type fact struct{ kind, what, detail string }

// coverage counts what the questions of a run asked about. It steers, too: a
// question in turn takes what none has asked yet.
type coverage map[fact]int

// shapes are what a question is answered with.
var shapes = []string{"totals", "series", "breakdown"}

// everyMetric is every metric that product.md names, and those with counts and
// shares; written out here, so that one that is lost from the table is missed.
func everyMetric() (ms []string) {
	ms = []string{"visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration",
		"engagement_time", "scroll_depth", "conversions", "conversion_rate", "revenue"}
	for _, measure := range []string{"dns", "connect", "tls", "ttfb", "download", "dom_content_loaded", "render", "page_load",
		"transfer_size", "lcp", "inp", "cls", "fcp", "vital_ttfb"} {
		for _, of := range []string{"_p50", "_p75", "_p95", "_count"} {
			ms = append(ms, measure+of)
		}
	}
	for _, vital := range []string{"lcp", "inp", "cls", "fcp", "vital_ttfb"} {
		ms = append(ms, vital+"_good", vital+"_poor")
	}
	return ms
}

var everyDimension = []stats.Dimension{"path", "hostname", "entry_page", "exit_page", "referrer", "source", "channel",
	"utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "country", "region", "city",
	"browser", "browser_version", "os", "os_version", "device", "screen_width", "language", "connection_speed",
	"event_name", "goal", "prop:plan", "prop:한 글,'"}

// everyInterval is each period's, as product.md has them.
var everyInterval = map[string][]stats.Interval{
	"30m": {"minute"}, "1h": {"minute"}, "24h": {"hour"}, "today": {"hour"},
	"7d": {"hour", "day"}, "4w": {"day", "week"}, "3m": {"day", "week", "month"}, "mtd": {"day", "week", "month"},
	"12m": {"day", "week", "month"}, "24m": {"day", "week", "month"}, "ytd": {"day", "week", "month"},
	"dates": {"hour", "day", "week", "month"},
}

var everyComparison = []string{"", "previous", "year"}

// wanted are the facts that a run must come to. A long run must also have asked
// for the combinations, and have seen every metric answered with a number.
func wantedFacts(long bool) (fs []fact) {
	for _, m := range everyMetric() {
		fs = append(fs, fact{"metric", m, ""})
		if long {
			for _, shape := range shapes {
				fs = append(fs, fact{"metric answered", m, shape})
			}
		}
	}
	for _, d := range everyDimension {
		fs = append(fs, fact{"by", string(d), ""}, fact{"filter", string(d), ""})
		for _, op := range operators(d) {
			fs = append(fs, fact{"operator", string(op), ""})
			if long {
				fs = append(fs, fact{"filter", string(d), string(op)})
			}
		}
	}
	for period, intervals := range everyInterval {
		for _, i := range intervals {
			fs = append(fs, fact{"period", period, string(i)})
		}
		for _, c := range everyComparison {
			fs = append(fs, fact{"comparison", period, c})
		}
	}
	for _, join := range []string{"and", "or", "not"} {
		fs = append(fs, fact{"operator", join, ""})
	}
	for _, shape := range shapes {
		fs = append(fs, fact{"goal asked", shape, ""}, fact{"compared", shape, ""})
	}
	for _, seen := range []string{"another zone", "future point", "partial point", "other currencies", "page 2", "two dimensions", "ascending", "too few"} {
		fs = append(fs, fact{seen, "", ""})
	}
	if long {
		fs = append(fs, fact{"a goal's value", "", ""})
	}
	return fs
}

// missed are the facts wanted that weren't met.
func (c coverage) missed(long bool) (missed []fact) {
	for _, f := range wantedFacts(long) {
		if c[f] == 0 && !slices.Contains(missed, f) {
			missed = append(missed, f)
		}
	}
	return missed
}

// next is a random question that asks for something rare: in turn a metric, a
// dimension, a condition, a period with its interval or a comparison.
func (c coverage) next(r *rand.Rand, st *site.Site, now time.Time) stats.Query {
	for {
		q := randomQuery(r, st, now)
		switch r.IntN(4) {
		case 0:
			m := stats.Metric(rarest(r, c, everyMetric(), func(m string) fact { return fact{"metric answered", m, shapeOf(q)} }))
			others := slices.DeleteFunc(q.Metrics, func(o stats.Metric) bool { return o == m })
			q.Metrics, q.Order = append([]stats.Metric{m}, others...), nil
		case 1:
			if len(q.Dimensions) > 0 {
				d := rarest(r, c, everyDimension, func(d stats.Dimension) fact { return fact{"by", string(d), ""} })
				q.Dimensions, q.Order = []stats.Dimension{d}, nil
			}
		case 2:
			d := rarest(r, c, everyDimension, func(d stats.Dimension) fact { return fact{"filter", string(d), ""} })
			op := rarest(r, c, operators(d), func(op stats.Op) fact { return fact{"filter", string(d), string(op)} })
			q.Filter = leafOf(r, q.Goals, d, op)
		case 3:
			q = c.period(r, q, now)
		}
		if len(q.Dimensions) == 0 && r.IntN(3) == 0 { // after the rest, which changes metrics
			q.Compared = q.Metrics[:1+r.IntN(len(q.Metrics))]
		}
		if q.Validate(now, stats.Names{}) == nil {
			return q
		}
	}
}

// period gives q the period, interval and comparison that are rarest.
func (c coverage) period(r *rand.Rand, q stats.Query, now time.Time) stats.Query {
	var names []string
	for name := range everyInterval {
		names = append(names, name)
	}
	slices.Sort(names)
	least := func(name string) fact { return fact{"comparison", name, string(q.Compare)} }
	if q.Interval != "" {
		least = func(name string) fact {
			i := rarest(r, c, everyInterval[name], func(i stats.Interval) fact { return fact{"period", name, string(i)} })
			return fact{"period", name, string(i)}
		}
	}
	name := rarest(r, c, names, least)
	i := rarest(r, c, everyInterval[name], func(i stats.Interval) fact { return fact{"period", name, string(i)} })
	if q.Period = (stats.Period{Name: name}); name == "dates" {
		days := map[stats.Interval]int{"hour": 3, "day": 40, "week": 200, "month": 900}[i]
		from := now.AddDate(0, 0, -r.IntN(days))
		to := from.AddDate(0, 0, r.IntN(days))
		q.Period = stats.Period{From: stats.Date{Year: from.Year(), Month: from.Month(), Day: from.Day()}, To: stats.Date{Year: to.Year(), Month: to.Month(), Day: to.Day()}}
	}
	if q.Interval != "" {
		q.Interval = i
	}
	return q
}

// rarest picks among the items met least often.
func rarest[T any](r *rand.Rand, c coverage, items []T, of func(T) fact) T {
	least := slices.MinFunc(items, func(a, b T) int { return c[of(a)] - c[of(b)] })
	return pick(r, slices.DeleteFunc(slices.Clone(items), func(i T) bool { return c[of(i)] > c[of(least)] }))
}

func shapeOf(q stats.Query) string {
	switch {
	case len(q.Dimensions) > 0:
		return "breakdown"
	case q.Interval != "":
		return "series"
	}
	return "totals"
}

// add counts what q asked and what was the answer.
func (c coverage) add(q stats.Query, answer *stats.Result) {
	shape := shapeOf(q)
	c.met(q.AsksGoals(), "goal asked", shape)
	for _, m := range q.Metrics {
		c.met(true, "metric", string(m))
	}
	for _, d := range q.Dimensions {
		c.met(true, "by", string(d))
	}
	c.addFilter(q.Filter)
	period := q.Period.Name
	if period == "" {
		period = "dates"
	}
	c[fact{"period", period, string(q.Interval)}]++
	c[fact{"comparison", period, string(q.Compare)}]++
	c.met(q.TimeZone != "" && q.TimeZone != q.Site.TimeZone, "another zone", "")
	c.met(q.Page > 1 && len(answer.Rows) > 0, "page 2", "")
	c.met(len(q.Dimensions) > 1 && len(answer.Rows) > 0, "two dimensions", "")
	c.met(len(q.Order) > 0 && !q.Order[0].Desc && len(answer.Rows) > 1, "ascending", "")
	c.met(q.Least.Metric != "" && len(answer.Rows) > 0, "too few", "")
	c.addValues(q, shape, answer.Totals)
	for _, p := range answer.Points {
		c.met(p.Future, "future point", "")
		c.met(p.Partial, "partial point", "")
		c.addValues(q, shape, p.Values)
	}
	for _, row := range answer.Rows {
		c.addValues(q, shape, row.Values)
	}
}

func (c coverage) met(yes bool, kind, what string) {
	if yes {
		c[fact{kind, what, ""}]++
	}
}

func (c coverage) addFilter(f stats.Filter) {
	if f.Op == "" {
		return
	}
	c.met(true, "operator", string(f.Op))
	if f.Dimension != "" {
		c.met(true, "filter", string(f.Dimension))
		c[fact{"filter", string(f.Dimension), string(f.Op)}]++
	}
	for _, part := range f.Filters {
		c.addFilter(part)
	}
}

// addValues counts numbers that are something: a test that only ever sees
// zeros proves little.
func (c coverage) addValues(q stats.Query, shape string, vs []stats.Value) {
	for _, v := range vs {
		if v.OK && v.N != 0 {
			c[fact{"metric answered", string(v.Metric), shape}]++
		}
		c.met(v.Previous.OK && v.Previous.N != 0, "compared", shape)
		c.met(len(v.Others) > 0, "other currencies", "")
		c.met(v.Metric == "revenue" && v.N > 0 && q.AsksGoals() && slices.Contains(q.Dimensions, "goal"), "a goal's value", "")
	}
}

func (f fact) String() string { return fmt.Sprintf("%s %s %s", f.kind, f.what, f.detail) }

// TestEverythingNamedIsThere: the package has what the lists above have, and
// no more: what is added to it is added to what the oracle must be asked.
func TestEverythingNamedIsThere(t *testing.T) {
	same := func(what string, have, want []string) {
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s\nhave %q\nwant %q", what, have, want)
		}
	}
	var metrics, dimensions, known, periods []string
	for _, m := range stats.Metrics() {
		metrics = append(metrics, string(m.Name))
	}
	same("metrics", metrics, everyMetric())
	for _, d := range stats.Dimensions() {
		dimensions = append(dimensions, string(d))
	}
	for _, d := range everyDimension {
		if _, isProp := d.PropKey(); !isProp {
			known = append(known, string(d))
		}
	}
	same("dimensions", dimensions, known)
	for period, intervals := range everyInterval {
		if period == "dates" {
			continue
		}
		periods = append(periods, period)
		var have, want []string
		for _, i := range (stats.Period{Name: period}).Intervals() {
			have = append(have, string(i))
		}
		for _, i := range intervals {
			want = append(want, string(i))
		}
		same("intervals of "+period, have, want)
	}
	same("periods", stats.PeriodNames(), periods)
}
