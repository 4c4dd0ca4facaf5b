package stats_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	. "moonbear/internal/event/eventtest"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// oddTexts mean something to one engine's SQL, patterns or driver.
var oddTexts = []string{
	"'", "''", `\`, `\\`, `a\`, `\'`, `\n`, `"`, "`", "?", "a?b", `\?`, "$1", "$2$1", "@p", "{a:String}", "{a}", "--", "/*x*/", ";", "#",
	"%", "_", `\%`, `\_`, `%\`, ".", ".*", "[a]", "(", "^a$", "|", "a+", "(?i)a", "A", "a",
	"tab\tx", "line\nbreak", "end\n", "\r", "한국어", "é", "e\u0301", "🎉", "ß", "İ", "\x01", " ", " a ", "null", "NULL", "true", "0", "-0", "\u200b",
}

// oddWorld has an event for each odd text, which is in whatever can be asked about.
func oddWorld() []event.Event {
	var visits [][]event.Event
	for i, odd := range oddTexts {
		at := At(Start.Add(time.Duration(i) * time.Second))
		visits = append(visits, Visit(at, From(odd, "x"+odd+"y"), View("/"+odd), Custom("n"+odd, "k", odd, "k"+odd, "v", "number", odd)))
		visits = append(visits, Visit(At(Start.AddDate(0, 0, -1)), From(odd, "x"+odd+"y"), View("/"+odd)))
	}
	for i, number := range []string{"1", "01", "+1", "1.", ".5", "1.50", "-1.5", " 1", "1 ", "1e1", "0x1", "1_0", "١", "1\n", "999999999999999.999999999999999", "0.1", "0.30000000000000004", "-", "", "Infinity", "NaN", "1234567890123456"} {
		visits = append(visits, Visit(At(Start.Add(time.Duration(i)*time.Second)), Custom("n", "number", number)))
	}
	return Events(visits...)
}

// TestOddTexts: whatever a text means to an engine, a question about it is
// about these characters.
func TestOddTexts(t *testing.T) {
	events := oddWorld()
	var filters []stats.Filter
	for i, odd := range oddTexts {
		all := []stats.Filter{
			stats.Is(stats.Path, stats.Eq, "/"+odd), stats.Is(stats.Source, stats.In, odd, "x"), stats.Is(stats.Channel, stats.Contains, odd), stats.Is(stats.Source, stats.StartsWith, odd),
			stats.Is(stats.Channel, stats.Matches, "x"+odd+"y"), stats.Is(stats.Channel, stats.Matches, "*"+odd+"y"), stats.Is(stats.Path, stats.Matches, "/"+odd+"*"), stats.Is(stats.Channel, stats.Matches, "x*"+odd+"*y"),
			stats.Is(stats.Channel, stats.Matches, "*"+odd+"*"), stats.Is(stats.Channel, stats.Matches, "*x*"+odd+"*y*"), stats.Is(stats.EventName, stats.NotIn, "n"+odd), stats.Is(stats.Prop("k"+odd), stats.IsSet),
			stats.Is(stats.Prop("k"), stats.Neq, odd), stats.Is(stats.Prop("k"), stats.NotContains, odd),
		}
		for n, f := range all {
			if long() || n%7 == i%7 {
				filters = append(filters, f)
			}
		}
	}
	for _, number := range []string{"1", "0", "-1.5", "0.3", "0.1", "999999999999999.9", "999999999999999"} {
		filters = append(filters, stats.Is(stats.Prop("number"), stats.Gt, number), stats.Is(stats.Prop("number"), stats.Lt, number))
	}
	now := Start.Add(time.Hour)
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}
	o := &oracle{site: q.Site.ID, currency: q.Site.Currency, events: events, now: now, loc: q.Site.Location}
	onEach(t, func(t *testing.T, in engine) {
		s := stats.New(in.with(t, events), func() time.Time { return now })
		hold := func(q stats.Query) {
			t.Helper()
			got, err := s.Run(t.Context(), q)
			if err != nil {
				t.Fatalf("%q: %v", q.Filter, err)
			}
			if diff := differ(got, o.run(q)); diff != "" {
				t.Errorf("%q: %s", q.Filter, diff)
			}
		}
		for _, f := range share(in, filters) {
			q := q
			q.Filter = f
			if q.Validate(now, stats.Names{}) == nil { // no control characters
				hold(q.Totals(stats.Events, stats.Visits))
			}
		}
		q.Compare = stats.PreviousPeriod // rows of the day before are asked for by their keys
		for _, d := range []stats.Dimension{stats.Path, stats.Channel, stats.EventName, stats.Prop("k"), stats.Prop("number")} {
			hold(q.By(d, 250, stats.Events, stats.Visits, stats.BounceRate))
		}
	})
}

// TestMuchMoney: sums are exact beyond what 64 bits hold, and a goal may be
// worth more than 32 do.
func TestMuchMoney(t *testing.T) {
	var visits [][]event.Event
	for i := range 20 {
		visits = append(visits, Visit(Paid("buy", 1e18, []string{"EUR", "USD"}[i%2]), Paid("buy", 1<<53+1, "EUR"), Paid("back", -3, "EUR"), Custom("signup"), View("/thanks")))
	}
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}, Goals: []site.Goal{
		{Name: "Signup", Rule: site.Rule{Event: "signup"}, Value: site.MaxGoalValue}, {Name: "Thanks", Rule: site.Rule{Path: "/thanks"}, Value: 5_000_000_000}, {Name: "Buy", Rule: site.Rule{Event: "buy"}},
	}}
	one := q
	one.Filter = stats.Is(stats.GoalName, stats.Eq, "Signup")
	each(t, func(t *testing.T, store event.Store) {
		s := stats.New(store, func() time.Time { return Start.Add(time.Hour) })
		for _, c := range []struct {
			name string
			q    stats.Query
			want string
		}{
			{"all", q.Totals(stats.Revenue), "10180143985094820 USD 10000000000000000"},
			{"worth", one.Totals(stats.Revenue), "20000000000000"},
			{"by goal", q.By(stats.GoalName, 10, stats.Revenue), "Buy 10180143985094820 USD 10000000000000000, Signup 20000000000000, Thanks 100000000"},
		} {
			r, err := s.Run(t.Context(), c.q)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			var lines []string
			say := func(v stats.Value) string {
				line := fmt.Sprintf("%.0f", v.N)
				for _, o := range v.Others {
					line += fmt.Sprintf(" %s %.0f", o.Currency, o.Amount)
				}
				return line
			}
			for _, v := range r.Totals {
				lines = append(lines, say(v))
			}
			for _, row := range r.Rows {
				lines = append(lines, row.Keys[0]+" "+say(row.Values[0]))
			}
			if got := strings.Join(lines, ", "); got != c.want {
				t.Errorf("%s: got %s, want %s", c.name, got, c.want)
			}
		}
	}, Events(visits...))
}

// TestLargestQuestions: as many goals, conditions and values as there may be,
// in a run of a few seconds of shorter texts and fewer goals.
func TestLargestQuestions(t *testing.T) {
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "today"}}
	text, goals := strings.Repeat("x", 1900), 100
	if !long() {
		text, goals = "x", 20
	}
	for i := range goals {
		g := site.Goal{Name: fmt.Sprintf("Goal %d", i), Rule: site.Rule{Event: fmt.Sprintf("buy %d", i%7)}, Value: int64(i)}
		for n := range 10 {
			g.Rule.Properties = append(g.Rule.Properties, site.PropertyCondition{Key: fmt.Sprintf("key %d", n), Operator: "neq", Value: fmt.Sprint(text, i, n)})
		}
		q.Goals = append(q.Goals, g)
	}
	met := q
	for i := range 10 {
		met.Filter = met.Filter.Add(stats.Is(stats.GoalName, stats.In, "Goal 1", "Goal 2", fmt.Sprintf("Goal %d", i)))
	}
	var any, values stats.Filter
	any.Op = stats.Or
	for i := range 50 {
		any.Filters = append(any.Filters, stats.Is(stats.Prop(fmt.Sprint("key ", i)), stats.Matches, fmt.Sprintf("*%d*a*b*", i)), stats.Is(stats.Prop("n"), stats.Gt, fmt.Sprint(i)))
	}
	any.Filters = any.Filters[:99]
	values = stats.Is(stats.ExitPage, stats.In)
	for i := range 500 {
		values.Values = append(values.Values, fmt.Sprintf("/%d%s", i, text))
	}
	conditions := q
	conditions.Filter = any.Add(values)
	events := Events(Visit(View("/0"+text), Custom("buy 1", "n", "5")), Visit(View("/"), Custom("buy 2", "key 1", text+"11")))
	all := []stats.Metric{stats.Conversions, stats.ConversionRate, stats.Revenue, stats.Visits, stats.BounceRate}
	two := met.By(stats.GoalName, 100, all...)
	two.Dimensions = append(two.Dimensions, stats.ExitPage)
	for _, q := range []stats.Query{met.By(stats.GoalName, 100, all...), two, conditions.By(stats.Path, 10, stats.Events, stats.Visits, stats.BounceRate, stats.Percentile("lcp", 75)), met.Totals(all...)} {
		ask(t, events, Start.Add(time.Hour), q)
	}
}
