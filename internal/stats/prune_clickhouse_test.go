package stats

import (
	"encoding/json"
	"slices"
	"testing"

	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/eventtest"
)

// step is one step of ClickHouse's plan.
type step struct {
	Indexes []struct {
		Selected int64 `json:"Selected Granules"`
	}
	Plans []step
}

// reads are how many granules (8,192 rows) each scan reads, after the last index.
func (s step) reads() (granules []int64) {
	if n := len(s.Indexes); n > 0 {
		granules = append(granules, s.Indexes[n-1].Selected)
	}
	for _, p := range s.Plans {
		granules = append(granules, p.reads()...)
	}
	return granules
}

// TestPruningClickHouse is TestPruning there: 120,000 events in one part have 15
// granules, and a day lies in two of them. Exit pages are looked for in three days.
func TestPruningClickHouse(t *testing.T) {
	store, err := clickhouse.Open(t.Context(), clickhouse.Options{URL: chtest.Shared(t).Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	const events, most = 120_000, 4
	bulk := prunedEvents(events)
	if err := store.Append(t.Context(), eventtest.Batch("spool", 0, bulk.Next(events))); err != nil {
		t.Fatal(err)
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
		granules := explained(t, store, planFor(q, span.From, span.To, bs).sql(event.ClickHouse))
		if len(granules) == 0 {
			t.Errorf("%s: no scan found in the plan: the test looks in the wrong place", name)
			continue
		}
		if slices.Max(granules) > most {
			t.Errorf("%s: the scans read %d granules of 15, want at most %d", name, granules, most)
		}
	}
}

func explained(t *testing.T, store event.Store, s statement) []int64 {
	t.Helper()
	r, err := store.Select(t.Context(), "explain json = 1, indexes = 1 "+s.text, s.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var plans []struct{ Plan step }
	for r.Next() {
		var text string
		if err := r.Scan(&text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &plans); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	if err := r.Err(); err != nil || len(plans) != 1 {
		t.Fatalf("%d plans, %v", len(plans), err)
	}
	return plans[0].Plan.reads()
}
