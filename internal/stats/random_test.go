package stats_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// moments are places and times at which calendars are awkward.
var moments = []struct{ zone, now string }{
	{"UTC", "2026-11-22T15:04:05Z"},
	{"Asia/Seoul", "2026-03-31T15:30:00Z"},           // just after midnight, 1 April
	{"America/New_York", "2026-03-08T18:20:00Z"},     // the day of 23 hours
	{"America/New_York", "2026-11-01T06:30:00Z"},     // the second 01:30
	{"Europe/Berlin", "2026-10-26T22:59:59Z"},        // the last second of the day after
	{"Australia/Lord_Howe", "2026-04-04T15:20:00Z"},  // half an hour set back
	{"Australia/Lord_Howe", "2026-10-03T15:45:00Z"},  // and forward
	{"Asia/Kathmandu", "2026-02-28T18:15:00Z"},       // exactly midnight, 1 March, +05:45
	{"America/Sao_Paulo", "2018-11-04T13:00:00Z"},    // a day that began at 01:00
	{"America/Sao_Paulo", "2018-02-18T12:00:00Z"},    // a day whose midnight came twice
	{"Pacific/Apia", "2011-12-31T03:00:00Z"},         // the day after the one that wasn't
	{"Pacific/Chatham", "2026-04-05T20:00:00Z"},      // quarters of hours
	{"Africa/Casablanca", "2026-03-22T10:00:00Z"},    // summer time ends for a month
	{"Asia/Kolkata", "2024-02-29T20:00:00Z"},         // a leap day
	{"Australia/Adelaide", "2026-12-31T13:29:59.9Z"}, // the end of the year
}

var (
	oraclePaths  = []string{"/", "/docs", "/docs/a_b", "/docs/a%b", "/Docs", `/back\slash`, "/*", "/한국어", "", "/blog/1", "/blog/2", "/blog/10"}
	oracleTexts  = []string{"", "Google", "google", "news,letter", "네이버", "a_b", "x%"}
	oracleNames  = []string{"pageview", "pageview", "pageview", "signup", "buy", "Outbound Link"}
	oracleValues = []string{"", "pro", "9", "10", "-1.5", "1e3", "007", "12.", "true", "999999999999999.5", "Infinity"}
	oracleWidths = []int32{0, 300, 900, 1000, 1900}

	// oracleGoals overlap: one event may meet several. One is never met.
	oracleGoals = []site.Goal{
		{Name: "Signup", Rule: site.Rule{Event: "signup"}, Value: 12_345},
		{Name: "signup, pro", Rule: site.Rule{Event: "signup", Properties: []site.PropertyCondition{{Key: "plan", Operator: "eq", Value: "pro"}}}, Value: 50_000},
		{Name: "구매 100%", Rule: site.Rule{Event: "buy", Properties: []site.PropertyCondition{{Key: "plan", Operator: "gt", Value: "8.5"}, {Key: "한 글,'", Operator: "neq", Value: "true"}}}, Value: 1},
		{Name: "buy'); --", Rule: site.Rule{Event: "buy", Properties: []site.PropertyCondition{{Key: "plan", Operator: "is_not_set"}}}},
		{Name: "Plans", Rule: site.Rule{Event: "buy", Properties: []site.PropertyCondition{{Key: "plan", Operator: "matches", Value: "*9*"}, {Key: "plan", Operator: "is_set"}, {Key: "plan", Operator: "lt", Value: "999999999999999"}}}},
		{Name: "Text", Rule: site.Rule{Event: "signup", Properties: []site.PropertyCondition{{Key: "한 글,'", Operator: "contains", Value: "r"}, {Key: "한 글,'", Operator: "starts_with", Value: "p"}}}},
		{Name: "Docs", Rule: site.Rule{Path: "/docs*"}, Value: 2_500},
		{Name: "a_b", Rule: site.Rule{Path: "/docs/a_b"}},
		{Name: "Anything", Rule: site.Rule{Path: "*"}},
		{Name: "Back", Rule: site.Rule{Path: `/back\slash`}},
		{Name: "Never", Rule: site.Rule{Event: "never"}, Value: 7},
	}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// world is the events of one site around one moment.
func world(r *rand.Rand, id int64, now time.Time, visits int) []event.Event {
	return worldOf(r, id, now, visits, []time.Duration{time.Hour, 5 * time.Hour, 26 * time.Hour, 9 * 24 * time.Hour, 60 * 24 * time.Hour, 450 * 24 * time.Hour, 1400 * 24 * time.Hour})
}

// worldOf is a world whose visits began within spans before now.
func worldOf(r *rand.Rand, id int64, now time.Time, visits int, spans []time.Duration) []event.Event {
	var es []event.Event
	for v := range visits {
		back := time.Duration(r.Int64N(int64(pick(r, spans))))
		at := now.Add(-back)
		if r.IntN(4) == 0 { // on an edge, where periods and buckets meet
			at = at.Truncate(pick(r, []time.Duration{time.Minute, 15 * time.Minute, time.Hour}))
		}
		entry := event.Entry{
			VisitStart: at.UnixMilli(), EntryPath: pick(r, oraclePaths),
			Referrer: pick(r, oracleTexts), Source: pick(r, oracleTexts), Channel: pick(r, oracleTexts),
			UTMSource: pick(r, oracleTexts), UTMMedium: pick(r, oracleTexts), UTMCampaign: pick(r, oracleTexts), UTMContent: pick(r, oracleTexts), UTMTerm: pick(r, oracleTexts),
			Country: pick(r, []string{"", "KR", "US"}), Region: pick(r, []string{"", "KR-11"}), City: pick(r, []string{"", "Seoul"}),
			Browser: pick(r, oracleTexts), BrowserVersion: pick(r, []string{"", "9", "10"}), OS: pick(r, oracleTexts), OSVersion: pick(r, []string{"", "11"}),
			Device: pick(r, []string{"desktop", "mobile"}), ScreenWidth: pick(r, oracleWidths), Language: pick(r, []string{"ko-KR", "en"}), TimeZone: "Asia/Seoul",
		}
		if r.IntN(3) == 0 {
			entry.EntryPath = "" // began with something else than a pageview
		}
		visit, visitor := id*1_000_000+int64(v)+1, int64(r.IntN(visits/3))-3
		if visitor <= 0 && r.IntN(2) == 0 {
			visit, visitor = 0, 0 // an event with no visitor
		}
		n := 1 + r.IntN(5)*r.IntN(2)
		for i := range n {
			e := event.Event{
				Site: id, Time: at.UnixMilli(), Name: pick(r, oracleNames), Visitor: visitor, Visit: visit,
				Path: pick(r, oraclePaths), Hostname: pick(r, []string{"example.com", "www.example.com"}), Interactive: r.IntN(3) == 0, Entry: entry,
				ConnectionSpeed: pick(r, []string{"", "4g", "3g"}),
			}
			if i == 0 && r.IntN(2) == 0 {
				e.Path = e.EntryPath
			}
			if visit == 0 {
				e.VisitStart = e.Time
			}
			if r.IntN(2) == 0 {
				e.Measures[r.IntN(event.LCP)] = event.Measured(int64(r.IntN(50)))
			}
			if e.Name != "pageview" {
				for _, k := range []string{"plan", "한 글,'"} {
					if r.IntN(2) == 0 {
						e.Props = append(e.Props, event.Prop{Key: k, Value: pick(r, oracleValues)})
					}
				}
				if r.IntN(2) == 0 {
					e.Revenue, e.Currency = r.Int64N(100_000)-1000, pick(r, []string{"EUR", "EUR", "USD", "KRW"})
				}
			}
			es = append(es, e)
			if r.IntN(2) == 0 {
				g := e
				g.Name, g.Interactive, g.Revenue, g.Currency, g.Props = event.Engagement, false, 0, "", nil
				g.Time += r.Int64N(6 * 3_600_000)
				g.Measures = [event.MeasureCount]event.Measure{}
				for _, m := range []int{event.EngagementTime, event.ScrollDepth, event.LCP, event.INP, event.CLS, event.FCP, event.TTFB, event.PageLoad} {
					if r.IntN(2) == 0 {
						g.Measures[m] = event.Measured(int64(r.IntN(100)))
						if r.IntN(2) == 0 && m >= event.LCP && m <= event.TTFB {
							g.Measures[m] = event.Measured(int64(r.IntN(5000))) // on both sides of the limits
						}
					}
				}
				if g.Time <= now.UnixMilli() {
					es = append(es, g)
				}
			}
			step := time.Duration(r.Int64N(int64(30 * time.Minute)))
			switch r.IntN(12) {
			case 0:
				step = 0
			case 1:
				step = 11 * time.Hour // longer than any real gap, to get long visits from few events
			}
			if at = at.Add(step); at.After(now) {
				break
			}
		}
	}
	slices.SortStableFunc(es, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
	return es
}

func randomFilter(r *rand.Rand, goals []site.Goal, depth int) stats.Filter {
	if depth > 0 && r.IntN(2) == 0 {
		f := stats.Filter{Op: pick(r, []stats.Op{stats.And, stats.Or, stats.Not})}
		n := 1 + r.IntN(3)
		if f.Op == stats.Not {
			n = 1
		}
		for range n {
			f.Filters = append(f.Filters, randomFilter(r, goals, depth-1))
		}
		return f
	}
	d := pick(r, append(stats.Dimensions(), stats.Path, stats.Path, stats.EventName, stats.Prop("plan"), stats.Prop("한 글,'")))
	return randomLeaf(r, goals, d)
}

// operators are those that work on a dimension.
func operators(d stats.Dimension) []stats.Op {
	_, isProp := d.PropKey()
	ops := []stats.Op{stats.Eq, stats.Neq, stats.In, stats.NotIn, stats.IsSet, stats.IsNotSet}
	if d == stats.ScreenWidth || isProp {
		ops = append(ops, stats.Gt, stats.Lt)
	}
	if d != stats.ScreenWidth && d != stats.GoalName {
		ops = append(ops, stats.Contains, stats.NotContains, stats.StartsWith, stats.Matches)
	}
	return ops
}

func randomLeaf(r *rand.Rand, goals []site.Goal, d stats.Dimension) stats.Filter {
	return leafOf(r, goals, d, pick(r, operators(d)))
}

// leafOf is a condition of an operator on a dimension.
func leafOf(r *rand.Rand, goals []site.Goal, d stats.Dimension, op stats.Op) stats.Filter {
	values := slices.Concat(oraclePaths, oracleTexts, oracleNames, oracleValues, []string{"KR", "desktop", "4g", "10", "engagement"})
	_, isProp := d.PropKey()
	switch {
	case d == stats.GoalName:
		values = goalNamesOf(goals)
	case d == stats.ScreenWidth:
		values = []string{"0", "300", "0900", "1000", "-5"}
	case isProp && (op == stats.Gt || op == stats.Lt):
		values = []string{"9", "9.5", "-2", "0"}
	case d == stats.Path || d == stats.EntryPage || d == stats.ExitPage:
		values = oraclePaths
	}
	f := stats.Filter{Op: op, Dimension: d}
	switch f.Op {
	case stats.IsSet, stats.IsNotSet:
	case stats.In, stats.NotIn:
		for range 1 + r.IntN(4) {
			f.Values = append(f.Values, pick(r, values))
		}
	case stats.Matches:
		f.Values = []string{pick(r, []string{"*", "/docs*", "*o*", "/*/*", "/docs/a_b", "*%*", `*\*`, "/**1", "*/*o*s*", ""})}
	case stats.Contains, stats.NotContains, stats.StartsWith:
		f.Values = []string{pick(r, []string{"", "/", "o", "%", "_", `\`, "/docs", "한", "goo"})}
	default:
		f.Values = []string{pick(r, values)}
	}
	return f
}

// goalsOf are a site's goals; some sites have one.
func goalsOf(site int64) []site.Goal {
	if site%5 == 0 {
		return oracleGoals[:1]
	}
	return oracleGoals
}

func goalNamesOf(goals []site.Goal) (names []string) {
	for _, g := range goals {
		names = append(names, g.Name)
	}
	return names
}

func randomQuery(r *rand.Rand, st *site.Site, now time.Time) stats.Query {
	q := stats.Query{Site: st, Goals: goalsOf(st.ID), Compare: pick(r, []stats.Comparison{"", "", stats.PreviousPeriod, stats.PreviousYear})}
	if r.IntN(4) == 0 {
		q.TimeZone = pick(r, moments).zone
	}
	if r.IntN(5) == 0 {
		d := now.AddDate(0, 0, -1-r.IntN(40))
		e := d.AddDate(0, 0, r.IntN(50))
		q.Period = stats.Period{From: stats.Date{Year: d.Year(), Month: d.Month(), Day: d.Day()}, To: stats.Date{Year: e.Year(), Month: e.Month(), Day: e.Day()}}
	} else {
		q.Period.Name = pick(r, stats.PeriodNames())
	}
	all := stats.Metrics()
	for range 1 + r.IntN(4) {
		m := pick(r, all).Name
		if r.IntN(2) == 0 {
			m = all[r.IntN(12)].Name
		}
		if !slices.Contains(q.Metrics, m) {
			q.Metrics = append(q.Metrics, m)
		}
	}
	if r.IntN(3) > 0 {
		q.Filter = randomFilter(r, q.Goals, r.IntN(3))
	}
	if r.IntN(5) == 0 {
		q.Filter = q.Filter.Add(randomLeaf(r, q.Goals, stats.GoalName))
	}
	switch r.IntN(5) {
	case 0:
	case 1, 2:
		q.Interval = pick(r, q.Period.Intervals())
	default:
		for range 1 + r.IntN(5)/3 {
			d := pick(r, append(stats.Dimensions(), stats.Path, stats.Path, stats.Path, stats.ExitPage, stats.GoalName, stats.GoalName, stats.Prop("plan")))
			if !slices.Contains(q.Dimensions, d) {
				q.Dimensions = append(q.Dimensions, d)
			}
		}
		if r.IntN(2) == 0 {
			q.Order = []stats.Order{{By: string(pick(r, q.Metrics)), Desc: r.IntN(2) == 0}}
			if r.IntN(2) == 0 {
				q.Order = append(q.Order, stats.Order{By: string(pick(r, q.Dimensions)), Desc: r.IntN(2) == 0})
			}
		}
		q.Page, q.PageSize = 1+r.IntN(2), 3+r.IntN(20)
	}
	if q.Validate(now, stats.Names{}) != nil { // a conversion rate whose goals stand too deep
		return randomQuery(r, st, now)
	}
	return q
}
