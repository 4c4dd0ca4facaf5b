package stats_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	. "moonbear/internal/event/eventtest"
	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

func pageGoal(name, path string, value int64) site.Goal {
	return site.Goal{Name: name, Rule: site.Rule{Path: path}, Value: value}
}

func eventGoal(name, of string, value int64, conditions ...site.PropertyCondition) site.Goal {
	return site.Goal{Name: name, Rule: site.Rule{Event: of, Properties: conditions}, Value: value}
}

// shop is a site whose goals overlap: a purchase for pro is a purchase too.
func shop(t *testing.T) stats.Query {
	t.Helper()
	return stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}, Goals: []site.Goal{
		pageGoal("Thanks", "/thanks*", 2_000),
		eventGoal("Purchase", "buy", 10_000),
		eventGoal("Pro purchase", "buy", 0, site.PropertyCondition{Key: "plan", Operator: "eq", Value: "pro"}),
		eventGoal("Nobody's", "never", 5_000),
	}}
}

// customers are four visitors: two buy, one of them twice, and one says thanks.
func customers() []event.Event {
	return Events(
		Visit(From("Google", "Organic Search"), View("/"), Custom("buy", "plan", "pro"), Paid("buy", 3_500, "EUR", "plan", "basic"), View("/thanks"), Engaged(4_000, 50)),
		Visit(From("Google", "Organic Search"), View("/"), View("/pricing")),
		Visit(View("/"), Paid("buy", 9_000, "USD", "plan", "pro")),
		Visit(View("/pricing"), View("/thanks/again")),
	)
}

func rowsOf(r *stats.Result) (rows []string) {
	for _, row := range r.Rows {
		rows = append(rows, strings.TrimSpace(strings.Join(row.Keys, " ")+" "+numbers(row.Values)))
	}
	return rows
}

// TestGoalMeanings is what docs/metrics.md says about goals, by example.
func TestGoalMeanings(t *testing.T) {
	now := Start.Add(time.Hour)
	all := []stats.Metric{stats.Conversions, stats.ConversionRate, stats.Revenue}
	is := func(names ...string) stats.Filter { return stats.Is(stats.GoalName, stats.In, names...) }
	path := stats.Is(stats.Path, stats.Eq, "/thanks")
	for _, c := range []struct {
		name    string
		filter  stats.Filter
		metrics []stats.Metric
		want    string
	}{
		{"any goal, and money of events alone", stats.Filter{}, all, "conversions=5 conversion_rate=75 revenue=3.5"},
		{"a goal's value where an event has no money of its own", is("Purchase"), all, "conversions=3 conversion_rate=50 revenue=13.5"},
		{"a page goal's value", stats.Is(stats.GoalName, stats.Eq, "Thanks"), all, "conversions=2 conversion_rate=50 revenue=4"},
		{"one of two goals has no one value", is("Purchase", "Thanks"), all, "conversions=5 conversion_rate=75 revenue=3.5"},
		{"visitors who converted", is("Pro purchase"), []stats.Metric{stats.Visitors, stats.ConversionRate}, "visitors=2 conversion_rate=50"},
		{"a goal never met", is("Nobody's"), all, "conversions=0 conversion_rate=0 revenue=0"},
		{"conversions among other goals' events", stats.Is(stats.GoalName, stats.Neq, "Purchase"), all, "conversions=2 conversion_rate=50 revenue=0"},
		{"the rate of those the other conditions leave", stats.Filter{Op: stats.And, Filters: []stats.Filter{is("Purchase"), stats.Is(stats.Source, stats.Eq, "Google")}}, all,
			"conversions=2 conversion_rate=50 revenue=13.5"},
		{"on one page", stats.Filter{Op: stats.And, Filters: []stats.Filter{is("Thanks"), path}}, all, "conversions=1 conversion_rate=100 revenue=2"},
		{"whole visits that converted", is("Thanks"), []stats.Metric{stats.Visits, stats.BounceRate, stats.ViewsPerVisit}, "visits=2 bounce_rate=0 views_per_visit=2"},
		{"a page goal's message is read with it", is("Thanks"), []stats.Metric{stats.EngagementTime, stats.Conversions}, "engagement_time=4 conversions=2"},
		{"nobody there", stats.Is(stats.Source, stats.Eq, "Naver"), all, "conversions=0 conversion_rate=- revenue=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := shop(t)
			q.Filter = c.filter
			if got := numbers(ask(t, customers(), now, q.Totals(c.metrics...)).Totals); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRowsOfGoals(t *testing.T) {
	now := Start.Add(time.Hour)
	all := []stats.Metric{stats.Conversions, stats.Visitors, stats.ConversionRate, stats.Revenue}
	for _, c := range []struct {
		name   string
		by     stats.Dimension
		filter stats.Filter
		want   []string
	}{
		{"each goal its own, one never met no row", stats.GoalName, stats.Filter{}, []string{
			"Purchase conversions=3 visitors=2 conversion_rate=50 revenue=13.5",
			"Pro purchase conversions=2 visitors=2 conversion_rate=50 revenue=0",
			"Thanks conversions=2 visitors=2 conversion_rate=50 revenue=4",
		}},
		{"by source, of the source's visitors", stats.Source, stats.Filter{}, []string{
			"Google conversions=3 visitors=2 conversion_rate=50 revenue=3.5",
			"conversions=2 visitors=2 conversion_rate=100 revenue=0",
		}},
		{"by page, where it happened", stats.Path, stats.Is(stats.GoalName, stats.Eq, "Purchase"), []string{
			"/ conversions=3 visitors=2 conversion_rate=66.7 revenue=13.5",
		}},
		{"by entry page, who entered there", stats.EntryPage, stats.Is(stats.GoalName, stats.IsSet), []string{
			"/ conversions=4 visitors=2 conversion_rate=66.7 revenue=3.5",
			"/pricing conversions=1 visitors=1 conversion_rate=100 revenue=0",
		}},
		{"by a property, of those with that value", stats.Prop("plan"), stats.Is(stats.GoalName, stats.Eq, "Purchase"), []string{
			"pro conversions=2 visitors=2 conversion_rate=100 revenue=10",
			"basic conversions=1 visitors=1 conversion_rate=100 revenue=3.5",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := shop(t)
			q.Filter = c.filter
			if got := rowsOf(ask(t, customers(), now, q.By(c.by, 10, all...))); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestGoalRowsCompared: a goal that nobody met before had a rate of 0, of the
// visitors there were.
func TestGoalRowsCompared(t *testing.T) {
	events := Events(Visit(View("/"), Custom("buy")), Visit(At(Start.Add(-24*time.Hour)), View("/")))
	q := shop(t).By(stats.GoalName, 10, stats.Conversions, stats.ConversionRate)
	q.Compare = stats.PreviousPeriod
	r := ask(t, events, Start.Add(time.Hour), q)
	if len(r.Rows) != 1 || r.Rows[0].Values[1].Previous != (stats.Number{OK: true}) || r.Rows[0].Values[0].Previous != (stats.Number{OK: true}) {
		t.Errorf("got %v, want Purchase against a rate of 0", r.Rows)
	}
}

// TestGoalFaults: what can't be answered about goals says so, and what could.
func TestGoalFaults(t *testing.T) {
	eleven := stats.Filter{Op: stats.Or}
	for range 11 {
		eleven.Filters = append(eleven.Filters, stats.Is(stats.GoalName, stats.IsSet))
	}
	within := stats.Filter{Op: stats.Or, Filters: []stats.Filter{stats.Is(stats.GoalName, stats.Eq, "Thanks"), stats.Is(stats.Path, stats.Eq, "/")}}
	for _, c := range []struct {
		name        string
		change      func(*stats.Query)
		field, says string
	}{
		{"metric without goals", func(q *stats.Query) { q.Goals, q.Metrics = nil, []stats.Metric{stats.ConversionRate} }, "metrics", "has none yet"},
		{"rows without goals", func(q *stats.Query) { q.Goals, q.Dimensions = nil, []stats.Dimension{stats.GoalName} }, "by", "has none yet"},
		{"filter without goals", func(q *stats.Query) { q.Goals, q.Filter = nil, within }, "filter", "has none yet"},
		{"near name", func(q *stats.Query) { q.Filter = stats.Is(stats.GoalName, stats.Eq, "Thank") }, "filter", "did you mean Thanks?"},
		{"the case counts", func(q *stats.Query) { q.Filter = stats.Is(stats.GoalName, stats.Eq, "THANKS") }, "filter", "Thanks"},
		{"other name", func(q *stats.Query) { q.Filter = stats.Is(stats.GoalName, stats.NotIn, "Thanks", "Xyzzy") }, "filter", "one of Thanks, Purchase, Pro purchase, Nobody's"},
		{"part of a name", func(q *stats.Query) { q.Filter = stats.Is(stats.GoalName, stats.Contains, "Th") }, "filter", "whole names"},
		{"a name is no number", func(q *stats.Query) { q.Filter = stats.Is(stats.GoalName, stats.Gt, "1") }, "filter", "compares numbers"},
		{"too many conditions", func(q *stats.Query) { q.Filter = eleven }, "filter", "at most 10"},
		{"a rate of an or", func(q *stats.Query) { q.Filter, q.Metrics = within, []stats.Metric{stats.ConversionRate} }, "filter", "outermost and"},
		{"a rate of a not", func(q *stats.Query) {
			q.Filter, q.Metrics = stats.Filter{Op: stats.Not, Filters: within.Filters[:1]}, []stats.Metric{stats.ConversionRate}
		}, "filter", "outermost and"},
		{"an or without a rate", func(q *stats.Query) { q.Filter = within }, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := shop(t).Totals(stats.Visitors)
			c.change(&q)
			_, err := stats.New(openDuckDB(t), func() time.Time { return Start }).Run(t.Context(), q)
			f, ok := fault.From(err)
			switch {
			case c.says == "" && err == nil:
			case !ok || f.Kind != fault.Invalid || f.Field != c.field || !strings.Contains(f.Message, c.says):
				t.Errorf("%+v, want a fault of %q that says %q", err, c.field, c.says)
			}
		})
	}
}

// TestAsksGoals: only these questions need a look at the site's goals.
func TestAsksGoals(t *testing.T) {
	q := shop(t)
	q.Filter = stats.Is(stats.Path, stats.Eq, "/")
	if q.Totals(stats.Visitors, stats.Revenue).AsksGoals() || q.By(stats.Path, 10, stats.Visitors).AsksGoals() {
		t.Error("a question about visitors needs no goals")
	}
	if !q.Totals(stats.Conversions).AsksGoals() || !q.By(stats.GoalName, 10, stats.Visitors).AsksGoals() {
		t.Error("a question about conversions needs the goals")
	}
	q.Filter = stats.Filter{Op: stats.Not, Filters: []stats.Filter{stats.Is(stats.GoalName, stats.IsSet)}}
	if !q.Totals(stats.Visitors).AsksGoals() {
		t.Error("a condition on goals needs the goals")
	}
}
