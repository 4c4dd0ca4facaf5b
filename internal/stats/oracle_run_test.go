package stats_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

var (
	oracleQueries = flag.Int("oracle", 0, "how many random queries to hold against the oracle; 0 is 400, and 5,000 with TEST_LONG")
	oracleSeed    = flag.Uint64("oracle-seed", 1, "which random worlds and queries")
)

// TestOracle holds random questions about awkward moments against the oracle,
// and fails when there is something that none of them asked.
func TestOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(*oracleSeed, 7))
	var all []event.Event
	oracles := make([]*oracle, len(moments))
	sites := make([]*site.Site, len(moments))
	for i, m := range moments {
		now, err := time.Parse(time.RFC3339, m.now)
		if err != nil {
			t.Fatal(err)
		}
		st := siteIn(t, m.zone)
		st.ID, st.Currency = int64(i)+1, []string{"EUR", "KRW", "EUR", "JPY"}[i%4]
		es := world(r, st.ID, now, 250)
		all = append(all, es...)
		sites[i] = st
		oracles[i] = &oracle{site: st.ID, currency: st.Currency, events: es, now: now, loc: st.Location, goals: goalsOf(st.ID)}
	}
	slices.SortStableFunc(all, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
	store := open(t, all)
	queries := *oracleQueries
	if queries == 0 {
		queries = 400
		if long() {
			queries = 5000
		}
	}
	seen := coverage{}
	shown := 0
	for n := range queries {
		i := r.IntN(len(moments))
		q := seen.next(r, sites[i], oracles[i].now)
		q.Least = randomLeast(r, q)
		s := stats.New(store, func() time.Time { return oracles[i].now })
		if n%2 == 1 {
			s = stats.ByValues(s)
		}
		got, err := s.Run(context.Background(), q)
		if err != nil {
			t.Fatalf("query %d %s: %v", n, describe(q), err)
		}
		want := oracles[i].run(q)
		if diff := differ(got, want); diff != "" {
			t.Errorf("query %d at %s in %s: %s\n%s", n, moments[i].now, moments[i].zone, describe(q), diff)
			if shown++; shown == 5 {
				t.Fatal("and more")
			}
		}
		seen.add(q, want)
	}
	if missed := seen.missed(queries >= 3000); len(missed) > 0 && queries >= 400 {
		t.Errorf("%d queries never asked, or never were answered with something, about %d things: %q", queries, len(missed), missed)
	}
}

func describe(q stats.Query) string { return fmt.Sprint(q.Values()) }

// differ says where got isn't what the oracle wants, "" when nowhere.
func differ(got, want *stats.Result) string {
	if !reflect.DeepEqual(got.Totals, want.Totals) {
		return fmt.Sprintf("totals\n got %v\nwant %v", got.Totals, want.Totals)
	}
	if len(got.Points) != len(want.Points) {
		return fmt.Sprintf("points: got %d, want %d (%v to %v)", len(got.Points), len(want.Points), got.Span.From, got.Span.To)
	}
	for i, p := range got.Points {
		w := want.Points[i]
		if !p.From.Equal(w.From) || !p.To.Equal(w.To) || p.Future != w.Future || p.Partial != w.Partial || !reflect.DeepEqual(p.Values, w.Values) {
			return fmt.Sprintf("point %d\n got %v to %v, future %v, partial %v %v\nwant %v to %v, future %v, partial %v %v", i,
				p.From, p.To, p.Future, p.Partial, p.Values, w.From, w.To, w.Future, w.Partial, w.Values)
		}
	}
	if len(got.Rows) != len(want.Rows) || got.Count != want.Count {
		return fmt.Sprintf("rows: got %d of %d, want %d of %d\n got %v\nwant %v", len(got.Rows), got.Count, len(want.Rows), want.Count, got.Rows, want.Rows)
	}
	for i, row := range got.Rows {
		if !reflect.DeepEqual(row, want.Rows[i]) {
			return fmt.Sprintf("row %d\n got %q %v\nwant %q %v", i, row.Keys, row.Values, want.Rows[i].Keys, want.Rows[i].Values)
		}
	}
	return ""
}
