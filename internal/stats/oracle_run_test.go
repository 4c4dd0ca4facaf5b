package stats_test

import (
	"cmp"
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

// oracleWorld is a site for each awkward moment, and what the oracle knows of it.
type oracleWorld struct {
	r       *rand.Rand
	events  []event.Event
	sites   []*site.Site
	oracles []*oracle
}

func newOracleWorld(t *testing.T) *oracleWorld {
	t.Helper()
	w := &oracleWorld{r: rand.New(rand.NewPCG(*oracleSeed, 7))}
	for i, m := range moments {
		now, err := time.Parse(time.RFC3339, m.now)
		if err != nil {
			t.Fatal(err)
		}
		st := siteIn(t, m.zone)
		st.ID, st.Currency = int64(i)+1, []string{"EUR", "KRW", "EUR", "JPY"}[i%4]
		es := world(w.r, st.ID, now, 250)
		w.events = append(w.events, es...)
		w.sites = append(w.sites, st)
		w.oracles = append(w.oracles, &oracle{site: st.ID, currency: st.Currency, events: es, now: now, loc: st.Location, goals: goalsOf(st.ID)})
	}
	slices.SortStableFunc(w.events, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
	return w
}

// question is one about the site of a moment, and the oracle's answer.
type question struct {
	moment int
	q      stats.Query
	want   *stats.Result
}

// questions are n random ones; seen counts what they are about.
func (w *oracleWorld) questions(n int, seen coverage) (qs []question) {
	for range n {
		i := w.r.IntN(len(moments))
		q := seen.next(w.r, w.sites[i], w.oracles[i].now)
		q.Least = randomLeast(w.r, q)
		want := w.oracles[i].run(q)
		seen.add(q, want)
		qs = append(qs, question{i, q, want})
	}
	return qs
}

// hold asks a store questions, every second of them with percentiles counted by
// value.
func (w *oracleWorld) hold(t *testing.T, store event.Store, qs []question) {
	t.Helper()
	shown := 0
	for n, x := range qs {
		s := stats.New(store, func() time.Time { return w.oracles[x.moment].now })
		if n%2 == 1 {
			s = stats.ByValues(s)
		}
		got, err := s.Run(t.Context(), x.q)
		if err != nil {
			t.Fatalf("query %d %s: %v", n, describe(x.q), err)
		}
		if diff := differ(got, x.want); diff != "" {
			t.Errorf("query %d at %s in %s: %s\n%s", n, moments[x.moment].now, moments[x.moment].zone, describe(x.q), diff)
			if shown++; shown == 5 {
				t.Fatal("and more")
			}
		}
	}
	t.Logf("%d random questions", len(qs))
}

// TestOracle holds random questions about awkward moments against the oracle,
// and fails when there is something that none of them asked.
func TestOracle(t *testing.T) {
	n := *oracleQueries
	if n == 0 {
		n = 400
		if long() {
			n = 5000
		}
	}
	w, seen := newOracleWorld(t), coverage{}
	qs := w.questions(n, seen)
	onEach(t, func(t *testing.T, in engine) {
		asked := qs
		if *oracleQueries == 0 {
			asked = share(in, qs)
		}
		w.hold(t, in.with(t, w.events), asked)
	})
	if missed := seen.missed(n >= 3000); len(missed) > 0 && n >= 400 {
		t.Errorf("%d queries never asked, or never were answered with something, about %d things: %q", n, len(missed), missed)
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
