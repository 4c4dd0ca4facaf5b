package stats

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/site"
)

// profile is one operator of DuckDB's profile.
type profile struct {
	Name     string    `json:"operator_name"`
	Scanned  int64     `json:"operator_rows_scanned"`
	Children []profile `json:"children"`
}

func (p profile) scans() (scans, rows int64) {
	if p.Scanned > 0 {
		scans, rows = 1, p.Scanned
	}
	for _, c := range p.Children {
		s, r := c.scans()
		scans, rows = scans+s, rows+r
	}
	return scans, rows
}

// prunedNow is late on the last of thirty days of events.
var prunedNow = time.Date(2026, 3, 30, 23, 0, 0, 0, time.UTC)

// prunedEvents makes events of thirty days.
func prunedEvents(n int) eventtest.Bulk {
	return eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 1}, From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Gap: 30 * 24 * time.Hour / time.Duration(n)}
}

// prunedQuestions are about the last of the days.
func prunedQuestions() map[string]Query {
	st := &site.Site{ID: 1, Location: time.UTC, Currency: "EUR"}
	base := Query{Site: st, Period: Period{Name: "today"}, Goals: []site.Goal{
		{Name: "Page", Rule: site.Rule{Path: "/page/1*"}, Value: 10},
		{Name: "Signup", Rule: site.Rule{Event: "signup", Properties: []site.PropertyCondition{{Key: "plan", Operator: "neq", Value: "x"}}}},
	}}
	signup := base.filter(Is(GoalName, Eq, "Signup"))
	return map[string]Query{
		"headline": base.Totals(Visitors, Visits, Pageviews, ViewsPerVisit, BounceRate, VisitDuration),
		"chart":    base.Series(Visitors, Visits),
		"pages":    base.By(Path, 10, Visitors, Pageviews, BounceRate),
		"sources":  base.By(Source, 10, Visitors, Visits),
		"exits":    base.By(ExitPage, 10, Visitors, Visits),

		"goals":            base.By(GoalName, 10, Conversions, Visitors, ConversionRate, Revenue),
		"goals of visits":  base.By(GoalName, 10, Visits, BounceRate),
		"goal headline":    signup.Totals(Visitors, Visits, Conversions, ConversionRate, Revenue),
		"goal chart":       signup.Series(Conversions, ConversionRate),
		"goal by source":   signup.By(Source, 10, Conversions, ConversionRate),
		"conversions":      base.Totals(Conversions, ConversionRate),
		"pages by the way": signup.By(Path, 10, Visitors, BounceRate, ConversionRate),
	}
}

// TestPruning: a question about the last day of a month reads the row groups
// of that day. A cast on site_id, ts or visit_start would have it read all of
// them (DuckDB skips by the smallest and largest value in 122,880 rows).
func TestPruning(t *testing.T) {
	if testing.Short() {
		t.Skip("appends 280,000 events")
	}
	ctx := context.Background()
	store, err := duckdb.Open(ctx, duckdb.Options{Path: t.TempDir(), Memory: 512 << 20, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	const events, atOnce = 280_000, 40_000
	bulk := prunedEvents(events)
	for from := int64(0); from < events; from += atOnce {
		if err := store.Append(ctx, eventtest.Batch("spool", from, bulk.Next(atOnce))); err != nil {
			t.Fatal(err)
		}
	}
	for name, q := range prunedQuestions() {
		span, _, err := q.Spans(prunedNow)
		if err != nil {
			t.Fatal(err)
		}
		var bs []bucket
		if q.Shape() == Series {
			bs = span.buckets(q.Interval)
		}
		s := planFor(q, span.From, span.To, bs).sql(event.DuckDB)
		scans, rows := profiled(t, store, s)
		if scans == 0 {
			t.Errorf("%s: no scan found in the profile: the test looks in the wrong place", name)
			continue
		}
		if most := int64(122_880); rows/scans > most {
			t.Errorf("%s: %d scans read %d rows each of %d, want at most %d", name, scans, rows/scans, events, most)
		}
	}
}

func profiled(t *testing.T, store event.Store, s statement) (scans, rows int64) {
	t.Helper()
	r, err := store.Select(context.Background(), "explain (analyze, format json) "+s.text, s.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var p profile
	for r.Next() {
		var key, text string
		if err := r.Scan(&key, &text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return p.scans()
}
