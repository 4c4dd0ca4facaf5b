package stats_test

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
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

// ---- Which events, which visits ----

func counts(e *event.Event) bool { return e.Name != "engagement" }

// exit is the path of the visit's last pageview in a day around w.
func (o *oracle) exit(visit int64, w window) string {
	if visit == 0 {
		return ""
	}
	path, at := "", int64(math.MinInt64)
	for i := range o.events {
		e := &o.events[i]
		if e.Visit != visit || e.Name != "pageview" || ms(e.Time).Before(w.from.Add(-oracleTail)) || !ms(e.Time).Before(w.to.Add(oracleTail)) {
			continue
		}
		if e.Time > at || e.Time == at && e.Path > path {
			path, at = e.Path, e.Time
		}
	}
	return path
}

// firstPage is the path of the visit's first pageview in a day around w.
func (o *oracle) firstPage(visit int64, w window) string {
	path, at := "", int64(math.MaxInt64)
	for i := range o.events {
		e := &o.events[i]
		if visit == 0 || e.Visit != visit || e.Name != "pageview" || ms(e.Time).Before(w.from.Add(-oracleTail)) || !ms(e.Time).Before(w.to.Add(oracleTail)) {
			continue
		}
		if e.Time < at || e.Time == at && e.Path < path {
			path, at = e.Path, e.Time
		}
	}
	return path
}

// read is a dimension of an event as text, "" for not known.
func (o *oracle) read(e *event.Event, d stats.Dimension, w window) string {
	if key, ok := strings.CutPrefix(string(d), "prop:"); ok {
		for _, p := range e.Props {
			if p.Key == key {
				return p.Value
			}
		}
		return ""
	}
	switch d {
	case "path":
		return e.Path
	case "hostname":
		return e.Hostname
	case "entry_page":
		if e.EntryPath != "" {
			return e.EntryPath
		}
		return o.firstPage(e.Visit, w)
	case "exit_page":
		return o.exit(e.Visit, w)
	case "referrer":
		return e.Referrer
	case "source":
		return e.Source
	case "channel":
		return e.Channel
	case "utm_source":
		return e.UTMSource
	case "utm_medium":
		return e.UTMMedium
	case "utm_campaign":
		return e.UTMCampaign
	case "utm_content":
		return e.UTMContent
	case "utm_term":
		return e.UTMTerm
	case "country":
		return e.Country
	case "region":
		return e.Region
	case "city":
		return e.City
	case "browser":
		return e.Browser
	case "browser_version":
		return e.BrowserVersion
	case "os":
		return e.OS
	case "os_version":
		return e.OSVersion
	case "device":
		return e.Device
	case "screen_width":
		if e.ScreenWidth == 0 {
			return ""
		}
		return strconv.Itoa(int(e.ScreenWidth))
	case "language":
		return e.Language
	case "connection_speed":
		return e.ConnectionSpeed
	case "event_name":
		if e.Name == "engagement" {
			return "pageview"
		}
		return e.Name
	}
	panic("no dimension " + d)
}

// glob matches runes, "*" standing for any of them.
func glob(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		for i := 0; i <= len(s); i++ {
			if glob(pattern[1:], s[i:]) {
				return true
			}
		}
		return false
	}
	return s != "" && pattern[0] == s[0] && glob(pattern[1:], s[1:])
}

func decimal(s string) (float64, bool) {
	t := strings.TrimPrefix(s, "-")
	for i, part := range strings.Split(t, ".") {
		if i > 1 || part == "" || len(part) > 15 || strings.Trim(part, "0123456789") != "" {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func (o *oracle) keeps(f stats.Filter, e *event.Event, w window) bool {
	switch f.Op {
	case "":
		return true
	case "and":
		for _, c := range f.Filters {
			if !o.keeps(c, e, w) {
				return false
			}
		}
		return true
	case "or":
		for _, c := range f.Filters {
			if o.keeps(c, e, w) {
				return true
			}
		}
		return false
	case "not":
		return !o.keeps(f.Filters[0], e, w)
	}
	v := o.read(e, f.Dimension, w)
	if f.Dimension == "screen_width" {
		for i, x := range f.Values { // "0" and "" are the same width: not known
			if n, _ := strconv.Atoi(x); n == 0 {
				f.Values = slices.Clone(f.Values)
				f.Values[i] = ""
			} else if f.Op != "gt" && f.Op != "lt" {
				f.Values = slices.Clone(f.Values)
				f.Values[i] = strconv.Itoa(n)
			}
		}
	}
	switch f.Op {
	case "eq", "in":
		return slices.Contains(f.Values, v)
	case "neq", "not_in":
		return !slices.Contains(f.Values, v)
	case "contains":
		return strings.Contains(v, f.Values[0])
	case "not_contains":
		return !strings.Contains(v, f.Values[0])
	case "starts_with":
		return strings.HasPrefix(v, f.Values[0])
	case "matches":
		return glob(f.Values[0], v)
	case "is_set":
		return v != ""
	case "is_not_set":
		return v == ""
	}
	have, ok := decimal(v)
	want, _ := decimal(f.Values[0])
	return ok && (f.Op == "gt" && have > want || f.Op == "lt" && have < want)
}

// visit is what is known of a visit that began in a window.
type oracleVisit struct {
	id, start, first, last int64
	events                 []*event.Event
}

func (o *oracle) visits(w window) []*oracleVisit {
	var vs []*oracleVisit
	at := map[int64]*oracleVisit{}
	for i := range o.events {
		e := &o.events[i]
		if e.Visit == 0 || !counts(e) || !w.has(ms(e.VisitStart)) || !ms(e.Time).Before(w.to.Add(oracleTail)) {
			continue
		}
		v := at[e.Visit]
		if v == nil {
			v = &oracleVisit{id: e.Visit, start: e.VisitStart, first: e.Time, last: e.Time}
			at[e.Visit] = v
			vs = append(vs, v)
		}
		v.first, v.last = min(v.first, e.Time), max(v.last, e.Time)
		v.events = append(v.events, e)
	}
	return vs
}

func (v *oracleVisit) views() (n int) {
	for _, e := range v.events {
		if e.Name == "pageview" {
			n++
		}
	}
	return n
}

func (v *oracleVisit) bounced() bool {
	for _, e := range v.events {
		if e.Name != "pageview" && e.Interactive {
			return false
		}
	}
	return v.views() == 1
}

// ---- One metric over cells ----

// groups are the cells an event falls into, by key; for a total there is one.
type groups func(e *event.Event) (key string, ok bool)

// acc gathers one metric in one cell.
type acc struct {
	set       map[[2]string]bool
	sum, n    float64
	list      []int32
	deepest   map[[2]string]int32
	foreigner map[string]float64
}

func newAcc() *acc {
	return &acc{set: map[[2]string]bool{}, deepest: map[[2]string]int32{}, foreigner: map[string]float64{}}
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

// gather runs metric m over window w into cells. byEvent groups events by
// their own time; byVisit gives the key of a visit's matching event.
func (o *oracle) gather(m stats.Metric, f stats.Filter, w window, byEvent, byVisit groups) map[string]*acc {
	cells := map[string]*acc{}
	at := func(key string) *acc {
		if cells[key] == nil {
			cells[key] = newAcc()
		}
		return cells[key]
	}
	if m == "visits" || isWhole(m) {
		for _, v := range o.visits(w) {
			seen := map[string]bool{}
			for _, e := range v.events {
				key, ok := byVisit(e)
				if !ok || !o.keeps(f, e, w) || seen[key] {
					continue
				}
				seen[key] = true
				a := at(key)
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
		}
		return cells
	}
	index, _, isMeasure := measureOf(m)
	for i := range o.events {
		e := &o.events[i]
		if !w.has(ms(e.Time)) {
			continue
		}
		key, ok := byEvent(e)
		if !ok || !o.keeps(f, e, w) {
			continue
		}
		visit := strconv.FormatInt(e.Visit, 10)
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
				at(key).set[[2]string{strconv.FormatInt(e.Visitor, 10)}] = true
			}
		case m == "pageviews":
			if e.Name == "pageview" {
				at(key).n++
			}
		case m == "events":
			at(key).n++
		case m == "revenue" && e.Currency == o.currency:
			at(key).sum += float64(e.Revenue)
		case m == "revenue" && e.Currency != "":
			at(key).foreigner[e.Currency] += float64(e.Revenue)
		}
	}
	return cells
}

var oracleDecimals = map[stats.Metric]int{
	"visitors": 0, "visits": 0, "pageviews": 0, "events": 0, "views_per_visit": 2, "bounce_rate": 1,
	"visit_duration": 1, "engagement_time": 1, "scroll_depth": 1, "revenue": 3,
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
	case m == "visits" || m == "pageviews" || m == "events":
		return a.n, true
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
	p := math.Pow(10, float64(decimals))
	return stats.Number{N: math.Round(exact*p) / p, OK: true}, exact
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
func (o *oracle) cells(q stats.Query, w window, byEvent, byVisit, byEntry groups) (map[string]cell, []string) {
	gathered := make([]map[string]*acc, len(q.Metrics))
	keys := map[string]bool{}
	onlyWhole := !slices.ContainsFunc(q.Metrics, func(m stats.Metric) bool { return !isWhole(m) })
	for i, m := range q.Metrics {
		group := byVisit
		if isWhole(m) {
			group = byEntry
		}
		gathered[i] = o.gather(m, q.Filter, w, byEvent, group)
		if isWhole(m) && slices.Contains(q.Dimensions, "path") && !onlyWhole {
			continue // adds to rows, makes none
		}
		for k, a := range gathered[i] {
			if n, _ := o.number(m, a); n.OK && (n.N != 0 || !isCount(m) || len(a.foreigner) > 0) {
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
	return m == "visitors" || m == "visits" || m == "pageviews" || m == "events" || m == "revenue" || strings.HasSuffix(string(m), "_count")
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
