package stats_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// The oracle answers queries by plain loops over events in memory. It shares
// no code with the package but the shapes of questions and answers, and it is
// written the slow, obvious way: where both agree, both read docs/metrics.md
// alike.

const oracleTail = 24 * time.Hour

type oracle struct {
	site     int64
	currency string
	events   []event.Event
	now      time.Time
	loc      *time.Location
	goals    []site.Goal
}

// window is a span of instants.
type window struct{ from, to, until time.Time }

func (w window) has(t time.Time) bool { return !t.Before(w.from) && t.Before(w.to) }

func ms(t int64) time.Time { return time.UnixMilli(t).UTC() }

// answer is what one cell (total, bucket or row) shows.
type cell struct {
	numbers []stats.Number
	exact   []float64 // before rounding, for order
	others  []stats.Amount
}

func (o *oracle) zoneOf(q stats.Query) *time.Location {
	if q.TimeZone == "" {
		return o.loc
	}
	loc, err := time.LoadLocation(q.TimeZone)
	if err != nil {
		panic(err)
	}
	return loc
}

// groups are the keys of the cells an event falls into.
type groups func(e *event.Event) []string

// grouping is how a question groups: events by their own time, the events of
// visits, those where path is the entry page, and the visitors that a
// conversion rate is of, who are the same for every goal.
type grouping struct{ event, visit, entry, base groups }

// acc gathers one metric in one cell.
type acc struct {
	set, base map[[2]string]bool
	sum, n    float64
	list      []int32
	deepest   map[[2]string]int32
	foreigner map[string]float64
}

func newAcc() *acc {
	return &acc{set: map[[2]string]bool{}, base: map[[2]string]bool{}, deepest: map[[2]string]int32{}, foreigner: map[string]float64{}}
}

func isWhole(m stats.Metric) bool {
	return m == "views_per_visit" || m == "bounce_rate" || m == "visit_duration"
}

func measureOf(m stats.Metric) (index, percent int, ok bool) {
	for i, name := range event.MeasureColumns {
		for _, p := range []int{50, 75, 95} {
			if string(m) == name+"_p"+strconv.Itoa(p) {
				return i, p, true
			}
		}
	}
	return sampleOf(m)
}

// gather runs metric m of q over window w into cells.
func (o *oracle) gather(m stats.Metric, q stats.Query, w window, g grouping) map[string]*acc {
	cells := map[string]*acc{}
	at := func(key string) *acc {
		if cells[key] == nil {
			cells[key] = newAcc()
		}
		return cells[key]
	}
	if m == "visits" || isWhole(m) {
		by := g.visit
		if isWhole(m) {
			by = g.entry
		}
		for _, v := range o.visits(w) {
			seen := map[string]bool{}
			for _, e := range v.events {
				if !o.keeps(q.Filter, e, w) {
					continue
				}
				for _, key := range by(e) {
					if !seen[key] {
						seen[key] = true
						at(key).addVisit(m, v)
					}
				}
			}
		}
		return cells
	}
	for i := range o.events {
		e := &o.events[i]
		if !w.has(ms(e.Time)) {
			continue
		}
		if m == "conversion_rate" && counts(e) && e.Visitor != 0 && o.keeps(withoutGoals(q.Filter), e, w) {
			for _, key := range g.base(e) {
				at(key).base[[2]string{strconv.FormatInt(e.Visitor, 10)}] = true
			}
		}
		if o.keeps(q.Filter, e, w) {
			for _, key := range g.event(e) {
				o.addEvent(m, q, key, at, e)
			}
		}
	}
	return cells
}

func (a *acc) addVisit(m stats.Metric, v *oracleVisit) {
	a.n++
	switch {
	case m == "views_per_visit":
		a.sum += float64(v.views())
	case m == "bounce_rate" && v.bounced():
		a.sum++
	case m == "visit_duration":
		a.sum += float64(v.last - v.first)
	}
}

// addEvent counts e for m in the cell of a key.
func (o *oracle) addEvent(m stats.Metric, q stats.Query, key string, at func(string) *acc, e *event.Event) {
	index, _, isMeasure := measureOf(m)
	visit := strconv.FormatInt(e.Visit, 10)
	visitor := [2]string{strconv.FormatInt(e.Visitor, 10)}
	switch {
	case isMeasure:
		if v, ok := e.Measures[index].Value(); ok {
			at(key).list = append(at(key).list, v)
		}
	case m == "engagement_time":
		if v, ok := e.Measures[event.EngagementTime].Value(); ok && e.Visit != 0 {
			at(key).sum += float64(v)
			at(key).set[[2]string{visit}] = true
		}
	case m == "scroll_depth":
		if v, ok := e.Measures[event.ScrollDepth].Value(); ok && e.Visit != 0 {
			d := at(key).deepest
			d[[2]string{visit, e.Path}] = max(d[[2]string{visit, e.Path}], v)
		}
	case !counts(e):
	case m == "visitors":
		if e.Visitor != 0 {
			at(key).set[visitor] = true
		}
	case m == "pageviews":
		if e.Name == "pageview" {
			at(key).n++
		}
	case m == "events":
		at(key).n++
	case m == "conversions":
		if len(o.goalsOf(e)) > 0 {
			at(key).n++
		}
	case m == "conversion_rate":
		if len(o.goalsOf(e)) > 0 && e.Visitor != 0 {
			at(key).set[visitor] = true
		}
	case m == "revenue" && e.Currency == "":
		at(key).sum += float64(o.worth(q, key, e))
	case m == "revenue" && e.Currency == o.currency:
		at(key).sum += float64(e.Revenue)
	case m == "revenue":
		at(key).foreigner[e.Currency] += float64(e.Revenue)
	}
}

var oracleDecimals = map[stats.Metric]int{
	"visitors": 0, "visits": 0, "pageviews": 0, "events": 0, "views_per_visit": 2, "bounce_rate": 1,
	"visit_duration": 1, "engagement_time": 1, "scroll_depth": 1, "conversions": 0, "conversion_rate": 1, "revenue": 3,
}

// finish makes the number of a metric from what was gathered.
func finish(m stats.Metric, a *acc) (exact float64, ok bool) {
	if a == nil {
		a = newAcc()
	}
	index, percent, isMeasure := measureOf(m)
	switch {
	case isMeasure && percent > 100:
		return shareOf(index, percent, a.list)
	case isMeasure:
		if len(a.list) == 0 {
			return 0, false
		}
		slices.Sort(a.list)
		rank := (len(a.list)*percent + 99) / 100
		v := float64(a.list[rank-1])
		if index == event.CLS {
			v /= 10000
		}
		return v, true
	case m == "visitors":
		return float64(len(a.set)), true
	case m == "visits" || m == "pageviews" || m == "events" || m == "conversions":
		return a.n, true
	case m == "conversion_rate":
		return 100 * float64(len(a.set)) / float64(len(a.base)), len(a.base) > 0
	case m == "revenue":
		return a.sum / 1000, true
	case m == "engagement_time":
		return a.sum / float64(1000*len(a.set)), len(a.set) > 0
	case m == "scroll_depth":
		sum := 0.0
		for _, d := range a.deepest {
			sum += float64(d)
		}
		return sum / float64(len(a.deepest)), len(a.deepest) > 0
	case m == "bounce_rate":
		return 100 * a.sum / a.n, a.n > 0
	case m == "visit_duration":
		return a.sum / (1000 * a.n), a.n > 0
	}
	return a.sum / a.n, a.n > 0
}

func (o *oracle) number(m stats.Metric, a *acc) (stats.Number, float64) {
	exact, ok := finish(m, a)
	if !ok {
		return stats.Number{}, math.Inf(-1)
	}
	decimals := oracleDecimals[m]
	if index, percent, isMeasure := measureOf(m); isMeasure && index == event.CLS && percent < 100 {
		decimals = 4
	} else if percent > countOf {
		decimals = 1
	}
	return stats.Number{N: onPaper(exact, decimals), OK: true}, exact
}

// onPaper rounds a number as it is written, halves away from zero.
func onPaper(n float64, decimals int) float64 {
	written, ok := new(big.Rat).SetString(strconv.FormatFloat(n, 'f', -1, 64))
	if !ok {
		panic("not a number")
	}
	rounded, err := strconv.ParseFloat(written.FloatString(decimals), 64)
	if err != nil {
		panic(err)
	}
	return rounded
}

func others(a *acc) (as []stats.Amount) {
	if a == nil {
		return nil
	}
	for currency, sum := range a.foreigner {
		as = append(as, stats.Amount{Currency: currency, Amount: sum / 1000})
	}
	slices.SortFunc(as, func(x, y stats.Amount) int { return cmp.Compare(x.Currency, y.Currency) })
	return as
}

// cells gathers every metric of q and puts them together by key.
func (o *oracle) cells(q stats.Query, w window, g grouping) (map[string]cell, []string) {
	gathered := make([]map[string]*acc, len(q.Metrics))
	keys := map[string]bool{}
	onlyWhole := !slices.ContainsFunc(q.Metrics, func(m stats.Metric) bool { return !isWhole(m) })
	for i, m := range q.Metrics {
		gathered[i] = o.gather(m, q, w, g)
		if isWhole(m) && slices.Contains(q.Dimensions, "path") && !onlyWhole {
			continue // adds to rows, makes none
		}
		for k, a := range gathered[i] {
			n, exact := o.number(m, a)
			zeroIsNothing := isCount(m) || m == "conversion_rate"
			if len(q.Dimensions) == 0 || n.OK && (exact != 0 || !zeroIsNothing || len(a.foreigner) > 0) {
				keys[k] = true
			}
		}
	}
	out := map[string]cell{}
	var order []string
	for k := range keys {
		out[k] = o.cell(q, gathered, k)
		order = append(order, k)
	}
	if _, ok := out[""]; !ok && len(q.Dimensions) == 0 {
		out[""] = o.cell(q, gathered, "")
	}
	return out, order
}

func isCount(m stats.Metric) bool {
	return m == "visitors" || m == "visits" || m == "pageviews" || m == "events" || m == "conversions" || m == "revenue" || strings.HasSuffix(string(m), "_count")
}

func (o *oracle) cell(q stats.Query, gathered []map[string]*acc, key string) (c cell) {
	for i, m := range q.Metrics {
		n, exact := o.number(m, gathered[i][key])
		c.numbers = append(c.numbers, n)
		c.exact = append(c.exact, exact)
		if m == "revenue" {
			c.others = others(gathered[i][key])
		}
	}
	return c
}
