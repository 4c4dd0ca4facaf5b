package stats

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenQueries are the panels of a dashboard, and what makes SQL of a
// different shape.
func goldenQueries(t *testing.T) map[string]Query {
	t.Helper()
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	st := &site.Site{ID: 42, Location: seoul, TimeZone: "Asia/Seoul", Currency: "KRW"}
	q := Query{Site: st, Period: Period{Name: "7d"}}
	byPath := Is(Path, Eq, "/docs")
	q.Goals = []site.Goal{
		{Name: "Thanks", Rule: site.Rule{Path: "/thanks*"}, Value: 2000},
		{Name: "Pro", Rule: site.Rule{Event: "buy", Properties: []site.PropertyCondition{{Key: "plan", Operator: "eq", Value: "pro"}}}, Value: 10_000},
		{Name: "Signup", Rule: site.Rule{Event: "signup"}},
	}
	signup := Is(GoalName, Eq, "Signup")
	return map[string]Query{
		"totals":              q.Totals(Visitors, Visits, Pageviews, ViewsPerVisit, BounceRate, VisitDuration),
		"totals_filtered":     q.filter(Filter{Op: And, Filters: []Filter{byPath, Is(Country, In, "KR", "US"), {Op: Not, Filters: []Filter{Is(Prop("plan"), Matches, "p*_1")}}}}).Totals(Visitors, Visits, BounceRate, Revenue),
		"series":              q.Series(Visitors, Visits, Pageviews),
		"series_across_dst":   Query{Site: st, TimeZone: "Europe/Berlin", Period: Period{From: Date{2026, 3, 28}, To: Date{2026, 3, 30}}, Interval: Hour}.Series(Visitors),
		"timings":             q.Series(Percentile("page_load", 75), Percentile("cls", 95)),
		"slow_pages":          slowest(q),
		"top_pages":           q.By(Path, 10, Visitors, Pageviews, BounceRate),
		"top_sources":         q.By(Source, 10, Visitors, Visits, BounceRate),
		"top_exit_pages":      q.By(ExitPage, 10, Visitors, Visits),
		"entry_by_exit":       q.filter(Is(ExitPage, StartsWith, "/docs")).By(EntryPage, 10, Visits),
		"exit_by_page":        q.filter(Is(Path, Eq, "/pricing")).By(ExitPage, 10, Visits),
		"properties":          q.filter(Is(Prop("amount"), Gt, "9.5")).By(Prop("plan"), 10, Events, Visits, VisitDuration),
		"goals":               q.By(GoalName, 10, Conversions, Visitors, ConversionRate, Revenue),
		"goals_of_visits":     q.By(GoalName, 10, Visits, BounceRate),
		"goal_headline":       q.Totals(Visitors, Conversions, ConversionRate),
		"goal_filtered":       q.filter(Filter{Op: And, Filters: []Filter{Is(GoalName, Eq, "Pro"), Is(Country, Eq, "KR")}}).Totals(Visitors, Conversions, ConversionRate, Revenue),
		"goal_by_source":      q.filter(signup).By(Source, 10, Visitors, ConversionRate),
		"goal_conversions":    q.Series(Conversions),
		"goals_by_source":     q.By(Source, 10, Conversions, ConversionRate).and(GoalName),
		"engagement_by_width": q.By(ScreenWidth, 10, EngagementTime, ScrollDepth),
	}
}

func slowest(q Query) Query {
	q = q.By(Path, 10, Percentile("lcp", 75), Measurements("lcp"), GoodShare("lcp"))
	q.Least = Least{Metric: Measurements("lcp"), N: 10}
	return q
}

func (q Query) filter(f Filter) Query {
	q.Filter = f
	return q
}

func (q Query) and(d Dimension) Query {
	q.Dimensions = append(q.Dimensions, d)
	return q
}

var goldenNow = time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)

// TestSQL shows the SQL of each dialect, for a person to read.
func TestSQL(t *testing.T) {
	for name, q := range goldenQueries(t) {
		if err := q.Validate(goldenNow, urlNames); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		span, _, err := q.Spans(goldenNow)
		if err != nil {
			t.Fatal(err)
		}
		var bs []bucket
		if q.Shape() == Series {
			bs = span.buckets(q.Interval)
		}
		for d := range dialects {
			st := planFor(q, span.From, span.To, bs).sql(d)
			var b strings.Builder
			asked, err := url.QueryUnescape(q.Values().Encode())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "-- %s\n%s;\n", asked, st.text)
			for i, a := range st.args {
				fmt.Fprintf(&b, "-- $%d = %#v\n", i+1, a)
			}
			golden(t, filepath.Join("testdata", string(d), name+".sql"), b.String())
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and read the change\n%s", path, got)
	}
}

// TestNothingAskedIsInTheText: whatever an asker sends is bound, never
// written into the statement.
func TestNothingAskedIsInTheText(t *testing.T) {
	const poison = "zq'); drop table events; --"
	leaf := func(op Op, n int) Filter {
		return Is(Prop(poison), op, []string{poison, poison}[:n]...)
	}
	f := Filter{Op: Or}
	for op, info := range ops {
		switch {
		case info.numeric:
			f.Filters = append(f.Filters, Is(Prop(poison), op, "7919"))
		default:
			f.Filters = append(f.Filters, leaf(op, min(info.max, 2)))
		}
	}
	st := &site.Site{ID: 7919, Location: time.UTC, Currency: poison}
	q := Query{Site: st, Period: Period{Name: "7d"}, Filter: f}.By(Prop(poison), 7, Revenue, Visits)
	if err := q.Validate(goldenNow, urlNames); err != nil {
		t.Fatal(err)
	}
	for d := range dialects {
		p := planFor(q, goldenNow.Add(-time.Hour), goldenNow, nil)
		others := p.othersSQL(d)
		p.only = [][]string{{poison}}
		for _, s := range []statement{p.sql(d), others} {
			for _, secret := range []string{"zq", "7919", "2026"} {
				if strings.Contains(s.text, secret) {
					t.Errorf("%q is in the text:\n%s", secret, s.text)
				}
			}
			if d == event.ClickHouse && strings.Contains(s.text, "?") {
				t.Errorf("the driver takes a question mark for an argument:\n%s", s.text)
			}
		}
	}
}

// TestRuns: a bucket's number by the runs is its place in the list.
func TestRuns(t *testing.T) {
	for _, c := range []struct {
		zone     string
		interval Interval
		period   Period
		most     int
	}{
		{"UTC", Day, Period{Name: "24m"}, 1},
		{"Europe/Berlin", Day, Period{Name: "24m"}, 9},
		{"Europe/Berlin", Hour, Period{Name: "7d"}, 1},
		{"Asia/Kathmandu", Minute, Period{Name: "1h"}, 1},
		{"Australia/Lord_Howe", Hour, Period{From: Date{2026, 4, 1}, To: Date{2026, 4, 7}}, 3},
		{"Australia/Lord_Howe", Month, Period{Name: "24m"}, 24},
		{"America/Sao_Paulo", Week, Period{From: Date{2018, 1, 3}, To: Date{2019, 1, 3}}, 12},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		span, _ := c.period.span(goldenNow, loc)
		bs := span.buckets(c.interval)
		rs := runs(bs)
		if len(rs) > c.most {
			t.Errorf("%s %s: %d runs, want at most %d", c.zone, c.interval, len(rs), c.most)
		}
		number := func(at time.Time) int {
			r := rs[0]
			for _, next := range rs[1:] {
				if !at.Before(next.from) {
					r = next
				}
			}
			return r.first + int(at.Sub(r.from)/r.width)
		}
		for i, b := range bs {
			if i > 0 && !bs[i-1].to.Equal(b.from) {
				t.Fatalf("%s %s: bucket %d begins at %v, the one before ends at %v", c.zone, c.interval, i, b.from, bs[i-1].to)
			}
			if f, l := number(b.from), number(b.to.Add(-time.Millisecond)); f != i || l != i {
				t.Fatalf("%s %s: bucket %d from %v to %v is numbered %d to %d", c.zone, c.interval, i, b.from, b.to, f, l)
			}
		}
		if !bs[0].from.Equal(span.From) || !bs[len(bs)-1].to.Equal(span.To) {
			t.Errorf("%s %s: buckets from %v to %v, want %v to %v", c.zone, c.interval, bs[0].from, bs[len(bs)-1].to, span.From, span.To)
		}
	}
}
