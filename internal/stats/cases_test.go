package stats_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	. "moonbear/internal/event/eventtest"
	"moonbear/internal/stats"
)

// numbers shows values as text: "visitors=1 bounce_rate=-".
func numbers(vs []stats.Value) string {
	var b strings.Builder
	for i, v := range vs {
		if i > 0 {
			b.WriteByte(' ')
		}
		if v.OK {
			fmt.Fprintf(&b, "%s=%v", v.Metric, v.N)
		} else {
			fmt.Fprintf(&b, "%s=-", v.Metric)
		}
	}
	return b.String()
}

// TestMeanings is docs/metrics.md by example.
func TestMeanings(t *testing.T) {
	visit := func(steps ...Step) [][]event.Event { return [][]event.Event{Visit(steps...)} }
	whole := []stats.Metric{stats.Visits, stats.ViewsPerVisit, stats.BounceRate, stats.VisitDuration}
	for _, c := range []struct {
		name    string
		visits  [][]event.Event
		filter  stats.Filter
		metrics []stats.Metric
		want    string
	}{
		{"nothing", nil, stats.Filter{}, append(whole, stats.Visitors, stats.Revenue, stats.EngagementTime, stats.ScrollDepth, stats.Percentile("lcp", 75)),
			"visits=0 views_per_visit=- bounce_rate=- visit_duration=- visitors=0 revenue=0 engagement_time=- scroll_depth=- lcp_p75=-"},
		{"one pageview", visit(View("/")), stats.Filter{}, whole, "visits=1 views_per_visit=1 bounce_rate=100 visit_duration=0"},
		{"two pageviews", visit(View("/"), View("/docs")), stats.Filter{}, whole, "visits=1 views_per_visit=2 bounce_rate=0 visit_duration=10"},
		{"interactive event", visit(View("/"), Custom("signup")), stats.Filter{}, whole, "visits=1 views_per_visit=1 bounce_rate=0 visit_duration=10"},
		{"passive event", visit(View("/"), Passive("seen")), stats.Filter{}, whole, "visits=1 views_per_visit=1 bounce_rate=100 visit_duration=10"},
		{"no pageview is no bounce", visit(Passive("ping")), stats.Filter{}, whole, "visits=1 views_per_visit=0 bounce_rate=0 visit_duration=0"},
		{"engagement counts for nothing else", visit(View("/"), Engaged(30_000, 80)), stats.Filter{},
			append(whole, stats.Visitors, stats.Pageviews, stats.Events, stats.EngagementTime, stats.ScrollDepth),
			"visits=1 views_per_visit=1 bounce_rate=100 visit_duration=0 visitors=1 pageviews=1 events=1 engagement_time=30 scroll_depth=80"},
		{"engagement adds up over a visit, and is a mean over visits", [][]event.Event{Visit(View("/"), Engaged(10_000, 50), View("/b"), Engaged(20_000, 100)), Visit(View("/"), Engaged(6_000, 30)), Visit(View("/"))},
			stats.Filter{}, []stats.Metric{stats.EngagementTime, stats.ScrollDepth}, "engagement_time=18 scroll_depth=60"},
		{"deepest of two messages", visit(View("/"), Engaged(1000, 50), Engaged(1000, 70), Engaged(1000, 60)), stats.Filter{}, []stats.Metric{stats.ScrollDepth}, "scroll_depth=70"},
		{"an event filter keeps whole visits", [][]event.Event{Visit(View("/"), View("/docs"), View("/docs/api")), Visit(View("/"))}, stats.Is(stats.Path, stats.Eq, "/docs"),
			append(whole, stats.Visitors, stats.Pageviews), "visits=1 views_per_visit=3 bounce_rate=0 visit_duration=20 visitors=1 pageviews=1"},
		{"conditions hold for one event together", visit(View("/docs"), Custom("signup"), View("/pricing")),
			stats.Filter{Op: stats.And, Filters: []stats.Filter{stats.Is(stats.EventName, stats.Eq, "signup"), stats.Is(stats.Path, stats.Eq, "/pricing")}},
			[]stats.Metric{stats.Visits, stats.Events}, "visits=0 events=0"},
		{"a visit's facts filter all its events", [][]event.Event{Visit(From("Google", "Organic Search"), View("/"), View("/docs")), Visit(View("/"))}, stats.Is(stats.Source, stats.Eq, "Google"),
			[]stats.Metric{stats.Visits, stats.Pageviews}, "visits=1 pageviews=2"},
		{"an engagement message is its pageview's second half", visit(View("/"), Engaged(4000, 10), Custom("signup")), stats.Is(stats.EventName, stats.Eq, "pageview"),
			[]stats.Metric{stats.EngagementTime, stats.Events}, "engagement_time=4 events=1"},
		{"revenue in the site's currency", visit(Paid("buy", 1990, "EUR"), Paid("buy", 2010, "EUR"), Paid("buy", 5000, "USD")), stats.Filter{}, []stats.Metric{stats.Revenue}, "revenue=4"},
		{"exit page is the last pageview's", visit(View("/"), View("/bye"), Custom("signup")), stats.Is(stats.ExitPage, stats.Eq, "/bye"), []stats.Metric{stats.Visits, stats.Pageviews}, "visits=1 pageviews=2"},
		{"a property's number", [][]event.Event{Visit(Custom("buy", "n", "10")), Visit(Custom("buy", "n", "9")), Visit(Custom("buy", "n", "many"))}, stats.Is(stats.Prop("n"), stats.Gt, "9.5"), []stats.Metric{stats.Events}, "events=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}, Filter: c.filter}
			r := ask(t, Events(c.visits...), Start.Add(time.Hour), q.Totals(c.metrics...))
			if got := numbers(r.Totals); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestNoVisitor: what a server sends without saying whose it is counts as an
// event, and as nobody's visit.
func TestNoVisitor(t *testing.T) {
	events := Events(Visit(Custom("invoice"), Paid("refund", -500, "EUR")))
	for i := range events {
		events[i].Visit, events[i].Visitor = 0, 0
	}
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}.
		Totals(stats.Visitors, stats.Visits, stats.Events, stats.Revenue, stats.BounceRate)
	if got, want := numbers(ask(t, events, Start.Add(time.Hour), q).Totals), "visitors=0 visits=0 events=2 revenue=-0.5 bounce_rate=-"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestNearestRank has 20 measurements, of which p95 is the 19th.
func TestNearestRank(t *testing.T) {
	var visits [][]event.Event
	for i := range 20 {
		visits = append(visits, Visit(View("/"), Measure(event.PageLoad, int64(i+1)), Measure(event.CLS, int64(100*i))))
	}
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}.
		Totals("page_load_p50", "page_load_p75", "page_load_p95", "cls_p75")
	r := ask(t, Events(visits...), Start.Add(time.Hour), q)
	if got, want := numbers(r.Totals), "page_load_p50=10 page_load_p75=15 page_load_p95=19 cls_p75=0.14"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestBucketEdges counts pageviews in awkward hours and days.
func TestBucketEdges(t *testing.T) {
	for _, c := range []struct {
		name, zone string
		now        string
		period     string
		interval   stats.Interval
		views      []string // UTC
		points     int
		want       []string // bucket's start as read off the clock, and its pageviews; those with none left out
	}{
		{"midnight", "Asia/Seoul", "2026-03-03 12:00", "7d", stats.Day,
			[]string{"2026-03-01T14:59:59.999Z", "2026-03-01T15:00:00Z", "2026-03-02T14:59:59.999Z"}, 7,
			[]string{"2026-03-01 00:00 +0900: 1", "2026-03-02 00:00 +0900: 2"}},
		{"clock set forward, hours", "Europe/Berlin", "2026-03-29 12:00", "today", stats.Hour,
			[]string{"2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-28T23:00:00Z", "2026-03-28T22:59:59Z"}, 23,
			[]string{"2026-03-29 00:00 +0100: 1", "2026-03-29 01:00 +0100: 1", "2026-03-29 03:00 +0200: 1"}},
		{"clock set back, hours", "Europe/Berlin", "2026-10-25 12:00", "today", stats.Hour,
			[]string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"}, 25,
			[]string{"2026-10-25 00:00 +0200: 1", "2026-10-25 02:00 +0200: 1", "2026-10-25 02:00 +0100: 1"}},
		{"clock set forward, days", "America/New_York", "2026-03-09 12:00", "7d", stats.Day,
			[]string{"2026-03-08T05:00:00Z", "2026-03-09T03:59:59Z", "2026-03-09T04:00:00Z"}, 7,
			[]string{"2026-03-08 00:00 -0500: 2", "2026-03-09 00:00 -0400: 1"}},
		{"clock set back, days", "America/New_York", "2026-11-02 12:00", "7d", stats.Day,
			[]string{"2026-11-01T04:00:00Z", "2026-11-02T04:59:59Z", "2026-11-02T05:00:00Z"}, 7,
			[]string{"2026-11-01 00:00 -0400: 2", "2026-11-02 00:00 -0500: 1"}},
		{"half an hour back", "Australia/Lord_Howe", "2026-04-05 12:00", "today", stats.Hour, // 02:00 +11 becomes 01:30 +10:30
			[]string{"2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:29:59Z", "2026-04-04T15:30:00Z"}, 25,
			[]string{"2026-04-05 01:00 +1100: 1", "2026-04-05 01:30 +1030: 2", "2026-04-05 02:00 +1030: 1"}},
		{"half an hour forward", "Australia/Lord_Howe", "2026-10-04 12:00", "today", stats.Hour, // 02:00 +10:30 becomes 02:30 +11
			[]string{"2026-10-03T15:29:59Z", "2026-10-03T15:30:00Z", "2026-10-03T15:59:59Z", "2026-10-03T16:00:00Z"}, 24,
			[]string{"2026-10-04 01:00 +1030: 1", "2026-10-04 02:30 +1100: 2", "2026-10-04 03:00 +1100: 1"}},
		{"Kathmandu", "Asia/Kathmandu", "2026-03-03 12:20", "24h", stats.Hour,
			[]string{"2026-03-03T06:14:59Z", "2026-03-03T06:15:00Z", "2026-03-02T07:15:00Z", "2026-03-02T07:14:59Z"}, 24,
			[]string{"2026-03-02 13:00 +0545: 1", "2026-03-03 11:00 +0545: 1", "2026-03-03 12:00 +0545: 1"}},
		{"half an hour of minutes", "Asia/Kathmandu", "2026-03-03 12:20", "30m", stats.Minute,
			[]string{"2026-03-03T06:05:59Z", "2026-03-03T06:06:00Z", "2026-03-03T06:34:59Z", "2026-03-03T06:35:59Z"}, 30,
			[]string{"2026-03-03 11:51 +0545: 1", "2026-03-03 12:19 +0545: 1", "2026-03-03 12:20 +0545: 1"}},
		{"a day that begins at one", "America/Sao_Paulo", "2018-11-04 12:00", "today", stats.Hour,
			[]string{"2018-11-04T02:59:59Z", "2018-11-04T03:00:00Z"}, 23,
			[]string{"2018-11-04 01:00 -0200: 1"}},
		{"a day that wasn't", "Pacific/Apia", "2011-12-31 12:00", "7d", stats.Day,
			[]string{"2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"}, 6,
			[]string{"2011-12-29 00:00 -1000: 1", "2011-12-31 00:00 +1400: 1"}},
		{"weeks begin on Monday", "UTC", "2026-03-03 12:00", "4w", stats.Week,
			[]string{"2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z"}, 5,
			[]string{"2026-02-23 00:00 +0000: 1", "2026-03-02 00:00 +0000: 1"}},
		{"months", "Asia/Seoul", "2026-03-03 12:00", "12m", stats.Month,
			[]string{"2026-02-28T14:59:59Z", "2026-02-28T15:00:00Z", "2025-03-31T15:00:00Z", "2025-03-31T14:59:59Z"}, 12,
			[]string{"2025-04-01 00:00 +0900: 1", "2026-02-01 00:00 +0900: 1", "2026-03-01 00:00 +0900: 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var visits [][]event.Event
			for _, v := range c.views {
				at, err := time.Parse(time.RFC3339, v)
				if err != nil {
					t.Fatal(err)
				}
				visits = append(visits, Visit(At(at), View("/")))
			}
			q := stats.Query{Site: siteIn(t, c.zone), Period: stats.Period{Name: c.period}, Interval: c.interval}
			r := ask(t, Events(visits...), clock(t, c.zone, c.now), q.Series(stats.Pageviews, stats.Visits))
			if len(r.Points) != c.points {
				t.Errorf("%d points, want %d", len(r.Points), c.points)
			}
			var got []string
			for _, p := range r.Points {
				if n := p.Value(stats.Pageviews); n.N > 0 {
					got = append(got, fmt.Sprintf("%s: %v", p.From.Format("2006-01-02 15:04 -0700"), n.N))
					if v := p.Value(stats.Visits); v.N != n.N {
						t.Errorf("%v: %v visits of one pageview each, want %v", p.From, v.N, n.N)
					}
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestVisitAcrossMidnight: a visit counts once, whole, on the day it began;
// its pageviews count when they happened.
func TestVisitAcrossMidnight(t *testing.T) {
	events := Events(Visit(At(clock(t, "Asia/Seoul", "2026-03-02 23:50")), View("/"), After(5*time.Minute), View("/docs"), After(10*time.Minute), View("/bye")))
	q := stats.Query{Site: siteIn(t, "Asia/Seoul"), Period: stats.Period{Name: "7d"}}
	metrics := []stats.Metric{stats.Visitors, stats.Visits, stats.Pageviews, stats.BounceRate, stats.VisitDuration, stats.ViewsPerVisit}
	now := clock(t, "Asia/Seoul", "2026-03-03 09:00")
	r := ask(t, events, now, q.Series(metrics...))
	var got []string
	for _, p := range r.Points {
		if p.Value(stats.Visitors).N > 0 {
			got = append(got, p.From.Format(time.DateOnly)+" "+numbers(p.Values))
		}
	}
	want := []string{
		"2026-03-02 visitors=1 visits=1 pageviews=2 bounce_rate=0 visit_duration=920 views_per_visit=3",
		"2026-03-03 visitors=1 visits=0 pageviews=1 bounce_rate=- visit_duration=- views_per_visit=-",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// The day alone says the same: it looks past its end for the rest.
	q.Period = stats.Period{From: stats.Date{Year: 2026, Month: 3, Day: 2}, To: stats.Date{Year: 2026, Month: 3, Day: 2}}
	if got := numbers(ask(t, events, now, q.Totals(metrics...)).Totals); "2026-03-02 "+got != want[0] {
		t.Errorf("the day alone: %s\nwant %s", got, want[0])
	}
	if got := ask(t, events, now, q.By(stats.ExitPage, 10, stats.Visits)).Rows; len(got) != 1 || got[0].Keys[0] != "/bye" {
		t.Errorf("exit pages of the day: %v, want /bye alone", got)
	}
}

// TestLongVisit: a visit is followed for 24 hours from its start, and no
// longer: in the question about its day and in that about its week.
func TestLongVisit(t *testing.T) {
	events := Events(Visit(At(clock(t, "UTC", "2026-03-02 23:00")), View("/"), At(clock(t, "UTC", "2026-03-03 22:59")), View("/late"),
		At(clock(t, "UTC", "2026-03-03 23:00")), View("/later")))
	now := clock(t, "UTC", "2026-03-10 09:00")
	for _, to := range []int{2, 3, 8} {
		q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{From: stats.Date{Year: 2026, Month: 3, Day: 2}, To: stats.Date{Year: 2026, Month: 3, Day: to}}}
		if got, want := numbers(ask(t, events, now, q.Totals(stats.Visits, stats.ViewsPerVisit, stats.VisitDuration)).Totals), "visits=1 views_per_visit=2 visit_duration=86340"; got != want {
			t.Errorf("to %d March: got %s, want %s", to, got, want)
		}
		if rows := ask(t, events, now, q.By(stats.ExitPage, 10, stats.Visits)).Rows; len(rows) != 1 || rows[0].Keys[0] != "/late" {
			t.Errorf("to %d March: exit pages: %v, want /late alone", to, rows)
		}
	}
}

// TestEventBeforePageview: the visit's first event isn't a pageview, so that
// its rows don't know the entry page; it is the first pageview's all the same.
func TestEventBeforePageview(t *testing.T) {
	events := Events(Visit(Custom("loaded"), View("/landing"), View("/docs")))
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}
	now := Start.Add(time.Hour)
	metrics := []stats.Metric{stats.Visits, stats.Pageviews, stats.Events, stats.ViewsPerVisit, stats.BounceRate, stats.VisitDuration}
	want := "visits=1 pageviews=2 events=3 views_per_visit=2 bounce_rate=0 visit_duration=20"
	if got := numbers(ask(t, events, now, q.Totals(metrics...)).Totals); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, asked := range [][]stats.Metric{{stats.Visits}, {stats.Visitors, stats.Visits}} {
		if rows := ask(t, events, now, q.By(stats.EntryPage, 10, asked...)).Rows; len(rows) != 1 || rows[0].Keys[0] != "/landing" {
			t.Errorf("entry pages by %v: %v, want /landing alone", asked, rows)
		}
	}
	q.Filter = stats.Is(stats.EntryPage, stats.Eq, "/landing")
	if got := numbers(ask(t, events, now, q.Totals(metrics...)).Totals); got != want {
		t.Errorf("entered at /landing: got %s, want %s", got, want)
	}
}

// TestByPath: what is asked of whole visits is by entry page, the rest by page.
func TestByPath(t *testing.T) {
	events := Events(
		Visit(View("/"), View("/docs"), View("/docs")),
		Visit(View("/docs")),
		Visit(View("/"), Custom("signup")),
	)
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}.
		By(stats.Path, 10, stats.Pageviews, stats.Visits, stats.BounceRate, stats.VisitDuration)
	r := ask(t, events, Start.Add(time.Hour), q)
	var got []string
	for _, row := range r.Rows {
		got = append(got, row.Keys[0]+" "+numbers(row.Values))
	}
	want := []string{
		"/docs pageviews=3 visits=2 bounce_rate=100 visit_duration=0",
		"/ pageviews=2 visits=2 bounce_rate=0 visit_duration=15",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestComparison: half a day is compared with half a day.
func TestComparison(t *testing.T) {
	at := func(s string) []event.Event { return Visit(At(clock(t, "Asia/Seoul", s)), View("/")) }
	events := Events(at("2026-03-02 09:00"), at("2026-03-02 11:59"), at("2026-03-02 12:00"), at("2026-03-02 20:00"), at("2026-03-03 10:00"))
	q := stats.Query{Site: siteIn(t, "Asia/Seoul"), Period: stats.Period{Name: "today"}, Compare: stats.PreviousPeriod}
	now := clock(t, "Asia/Seoul", "2026-03-03 12:00")
	v := ask(t, events, now, q.Totals(stats.Pageviews)).Total(stats.Pageviews)
	if v.N != 1 || v.Previous.N != 2 || v.Change() != (stats.Number{N: -50, OK: true}) {
		t.Errorf("got %v against %v, %v %%; want 1 against 2, -50 %%", v.N, v.Previous.N, v.Change())
	}
	r := ask(t, events, now, q.Series(stats.Pageviews))
	if p := r.Points[20]; !p.Future || p.Value(stats.Pageviews).OK || p.Value(stats.Pageviews).Previous.N != 1 {
		t.Errorf("20:00 is %+v, want a future point with yesterday's pageview", p)
	}
	if p := r.Points[12]; !p.Partial || p.Future {
		t.Errorf("12:00 is %+v, want partial and not future", p)
	}
}

func TestDropsAndOnline(t *testing.T) {
	minute := func(s string) int64 { return clock(t, "Asia/Seoul", s).UnixMilli() }
	events := Events(Visit(At(clock(t, "Asia/Seoul", "2026-03-03 11:57")), View("/")), Visit(At(clock(t, "Asia/Seoul", "2026-03-03 11:50")), View("/")))
	drops := []event.Drop{
		{Site: Site, Time: minute("2026-03-03 00:00"), Reason: "bot", Detail: "Yeti", Count: 4},
		{Site: Site, Time: minute("2026-03-03 10:00"), Reason: "bot", Detail: "Googlebot", Count: 2},
		{Site: Site, Time: minute("2026-03-03 11:00"), Reason: "bot", Detail: "Yeti", Count: 1},
		{Site: Site, Time: minute("2026-03-03 09:00"), Reason: "hostname", Detail: "www.shop.com", Count: 9},
		{Site: Site, Time: minute("2026-03-02 23:59"), Reason: "bot", Detail: "Yeti", Count: 100},
		{Site: Site + 1, Time: minute("2026-03-03 09:00"), Reason: "bot", Detail: "Yeti", Count: 100},
	}
	each(t, func(t *testing.T, store event.Store) {
		now := clock(t, "Asia/Seoul", "2026-03-03 12:00")
		s := stats.New(store, func() time.Time { return now })
		d, err := s.Drops(t.Context(), stats.Query{Site: siteIn(t, "Asia/Seoul"), Period: stats.Period{Name: "today"}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range d.Reasons {
			got = append(got, fmt.Sprint(r.Reason, " ", r.Count))
			for _, e := range r.Details {
				got = append(got, fmt.Sprint(e.Detail, " ", e.Count, " ", e.Last.Format("15:04")))
			}
		}
		want := []string{"hostname 9", "www.shop.com 9 09:00", "bot 7", "Yeti 5 11:00", "Googlebot 2 10:00"}
		if !slices.Equal(got, want) || d.Count != 16 {
			t.Errorf("got %q of %d\nwant %q of 16", got, d.Count, want)
		}
		if n, err := s.Online(t.Context(), Site); err != nil || n != 1 {
			t.Errorf("online: %d, %v; want 1", n, err)
		}
	}, events, drops...)
}
