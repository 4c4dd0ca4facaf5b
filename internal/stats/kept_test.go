package stats_test

import (
	"cmp"
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

var keptQueries = flag.Int("kept", 0, "how many random questions to answer from kept days, raw and by the oracle; 0 is 100, and 4,000 with TEST_LONG")

// keptWorld is a store whose days are kept, and what the oracle knows of it.
type keptWorld struct {
	t       testing.TB
	r       *rand.Rand
	store   keptStore
	keeper  *stats.Keeper
	sites   []*site.Site
	oracles []*oracle
	pos     int64
	mixed   []bool // the site's visitors last for longer than its days
}

// keptStore keeps days, at night.
type keptStore interface {
	event.DayKeeper
	Compact(context.Context) error
}

// afterAll is later than every moment that is asked about.
func afterAll() time.Time { return time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC) }

func keptDuckDB(t testing.TB) keptStore {
	t.Helper()
	store, err := duckdb.Open(t.Context(), duckdb.Options{Path: t.TempDir(), Memory: 512 << 20, Threads: 2, Sorted: 1})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// keptClickHouse skips the test where the engine can't run.
func keptClickHouse(t testing.TB) keptStore {
	t.Helper()
	store, err := clickhouse.Open(t.Context(), clickhouse.Options{URL: chtest.Shared(t).Database(t), Doubt: time.Nanosecond, Now: afterAll})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// onEachKept runs a test for each kind of store that keeps days.
func onEachKept(t *testing.T, test func(t *testing.T, open func(testing.TB) keptStore)) {
	t.Helper()
	test(t, keptDuckDB)
	t.Run(string(event.ClickHouse), func(t *testing.T) { test(t, keptClickHouse) })
}

// rawStore hides that a store keeps days.
type rawStore struct{ event.Store }

func newKeptWorld(t testing.TB, open func(testing.TB) keptStore, zones []int, visits int) *keptWorld {
	t.Helper()
	store := open(t)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &keptWorld{t: t, r: rand.New(rand.NewPCG(*oracleSeed, 76)), store: store}
	w.keeper = stats.NewKeeper(stats.KeeperOptions{Store: store, Busy: 1, Now: afterAll})
	for i, m := range zones {
		now, err := time.Parse(time.RFC3339, moments[m].now)
		if err != nil {
			t.Fatal(err)
		}
		st := siteIn(t, moments[m].zone)
		st.ID = int64(i) + 1
		w.sites = append(w.sites, st)
		w.mixed = append(w.mixed, i%3 == 1)
		w.oracles = append(w.oracles, &oracle{site: st.ID, currency: st.Currency, now: now, loc: st.Location, goals: goalsOf(st.ID)})
		w.arrive(i, now, visits)
	}
	return w
}

// arrive adds events of a site to the store and to what the oracle knows.
func (w *keptWorld) arrive(i int, now time.Time, visits int) {
	w.t.Helper()
	es := worldOf(w.r, w.sites[i].ID, now, visits, []time.Duration{20 * time.Hour, 4 * 24 * time.Hour, 9 * 24 * time.Hour})
	for j := range es {
		e := &es[j]
		if e.Visit != 0 {
			e.Visit += w.pos << 32 // visits of another arrival are others
		}
		if e.Visitor != 0 && !w.mixed[i] {
			y, m, d := ms(e.Time).In(w.sites[i].Location).Date()
			e.Visitor = e.Visitor<<40 | w.pos<<32 | int64(y*372+int(m)*31+d)
		}
	}
	if err := w.store.Append(context.Background(), eventtest.Batch("spool", w.pos, es)); err != nil {
		w.t.Fatal(err)
	}
	w.pos += int64(len(es))
	o := w.oracles[i]
	o.events = append(o.events, es...)
	slices.SortStableFunc(o.events, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
}

// keep sorts what is new, and has days kept. ClickHouse has nothing to sort, and
// then holds rows of days that were kept before, which must not be added.
func (w *keptWorld) keep() {
	w.t.Helper()
	if w.store.Dialect() == event.DuckDB {
		if err := w.store.Compact(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.keeper.Keep(context.Background(), w.sites); err != nil {
		w.t.Fatal(err)
	}
}

// days is how many days of a site are kept.
func (w *keptWorld) days(i int) int {
	w.t.Helper()
	k, err := w.store.Kept(context.Background(), w.sites[i].ID, w.sites[i].TimeZone)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(k.Days)
}

// ask holds n random questions with kept days against raw ones and the oracle.
func (w *keptWorld) ask(n int) {
	w.t.Helper()
	shown := 0
	for range n {
		i := w.r.IntN(len(w.sites))
		o := w.oracles[i]
		q := keptQuery(w.r, w.sites[i], o.now)
		now := func() time.Time { return o.now }
		got, err := stats.New(w.store, now).Run(context.Background(), q)
		if err != nil {
			w.t.Fatalf("%s: %v", describe(q), err)
		}
		raw, err := stats.New(rawStore{w.store}, now).Run(context.Background(), q)
		if err != nil {
			w.t.Fatalf("%s: %v", describe(q), err)
		}
		want := o.run(q)
		for _, diff := range []string{differ(raw, want), differ(got, want)} {
			if diff != "" {
				w.t.Errorf("at %v in %s: %s\n%s", o.now, o.loc, describe(q), diff)
				if shown++; shown == 4 {
					w.t.Fatal("and more")
				}
			}
		}
	}
}

// keptQuery is a question that may be answered from kept days, as a rule.
func keptQuery(r *rand.Rand, st *site.Site, now time.Time) stats.Query {
	q := stats.Query{Site: st, Goals: goalsOf(st.ID), Compare: pick(r, []stats.Comparison{"", "", stats.PreviousPeriod, stats.PreviousPeriod, stats.PreviousYear})}
	q.Period.Name = pick(r, []string{"7d", "7d", "4w", "4w", "3m", "mtd", "12m", "24h", "today"})
	if r.IntN(4) == 0 {
		d := now.AddDate(0, 0, -1-r.IntN(10))
		e := d.AddDate(0, 0, r.IntN(12))
		q.Period = stats.Period{From: stats.Date{Year: d.Year(), Month: d.Month(), Day: d.Day()}, To: stats.Date{Year: e.Year(), Month: e.Month(), Day: e.Day()}}
	}
	if r.IntN(8) == 0 {
		q.TimeZone = pick(r, moments).zone
	}
	all := stats.Metrics()
	for range 1 + r.IntN(5) {
		m := all[r.IntN(len(all))].Name
		if r.IntN(4) > 0 {
			m = all[r.IntN(7)].Name
		}
		if !slices.Contains(q.Metrics, m) {
			q.Metrics = append(q.Metrics, m)
		}
	}
	switch r.IntN(3) {
	case 0:
	case 1:
		q.Interval = pick(r, q.Period.Intervals())
	default:
		d := pick(r, append(stats.Dimensions(), stats.Path, stats.Path, stats.EntryPage, stats.ExitPage))
		q.Dimensions = []stats.Dimension{d}
		switch r.IntN(6) {
		case 0, 1:
			q.Filter = stats.Is(d, pick(r, []stats.Op{stats.IsSet, stats.IsNotSet}))
		case 2:
			q.Filter = randomLeaf(r, q.Goals, d)
		case 3:
			q.Filter = stats.Filter{Op: pick(r, []stats.Op{stats.And, stats.Or}), Filters: []stats.Filter{
				randomLeaf(r, q.Goals, d), {Op: stats.Not, Filters: []stats.Filter{randomLeaf(r, q.Goals, d)}}}}
		}
		if r.IntN(2) == 0 {
			q.Order = []stats.Order{{By: string(pick(r, q.Metrics)), Desc: r.IntN(2) == 0}}
		}
		q.Page, q.PageSize = 1+r.IntN(2), 3+r.IntN(20)
		q.Least = randomLeast(r, q)
	}
	if r.IntN(12) == 0 {
		q.Filter = q.Filter.Add(randomLeaf(r, q.Goals, pick(r, stats.Dimensions())))
	}
	if r.IntN(6) == 0 {
		askRate(r, &q)
	}
	if q.Validate(now, stats.Names{}) != nil {
		return keptQuery(r, st, now)
	}
	return q
}

// askRate has a question ask how many of its visitors met a goal.
func askRate(r *rand.Rand, q *stats.Query) {
	if !slices.Contains(q.Metrics, stats.ConversionRate) {
		q.Metrics = append(q.Metrics, stats.ConversionRate)
	}
	switch {
	case q.Interval == "" && r.IntN(2) == 0 && !slices.Contains(q.Dimensions, stats.GoalName):
		q.Dimensions = slices.Insert(slices.Clone(q.Dimensions), r.IntN(len(q.Dimensions)+1), stats.GoalName)
		q.PageSize = 20
	default:
		q.Filter = q.Filter.Add(randomLeaf(r, q.Goals, stats.GoalName))
	}
}

// TestKeptDays: questions have the same answers from kept days, from the
// events alone and from the oracle, whatever happens to the events meanwhile.
func TestKeptDays(t *testing.T) { onEachKept(t, keptDays) }

func keptDays(t *testing.T, open func(testing.TB) keptStore) {
	clickHouse := strings.HasSuffix(t.Name(), string(event.ClickHouse)) // where a day takes thirty times as long to count
	if clickHouse && !long() {
		t.Skip("long: TEST_LONG=1 runs it; TestRememberedDays is about the same store")
	}
	zones, visits, queries := []int{2, 8}, 80, *keptQueries
	if long() {
		zones = nil
		for i := range moments {
			if !clickHouse || i%3 == 2 {
				zones = append(zones, i)
			}
		}
	}
	if queries == 0 {
		queries = 100
		if long() {
			queries = 4000
		}
	}
	w := newKeptWorld(t, open, zones, visits)
	if clickHouse {
		queries /= 5
	}
	w.keep()
	for i := range w.sites {
		if n := w.days(i); n < 7 && !w.mixed[i] {
			t.Errorf("%d days of site %d are kept: the test is about nothing", n, i)
		}
	}
	w.ask(queries / 3)
	w.late()
	w.ask(queries / 3)
	w.keep()
	w.ask(queries / 6)
	w.remove()
	w.ask(queries / 12)
	w.keep()
	w.ask(queries / 12)
	w.imports(queries / 12)
}

// noDays hides the days a store keeps, but not what it has of imports.
type noDays struct{ event.DayKeeper }

func (s noDays) Kept(ctx context.Context, site int64, zone string) (event.Kept, error) {
	k, err := s.DayKeeper.Kept(ctx, site, zone)
	return event.Kept{Version: k.Version, Imports: k.Imports}, err
}

// imports holds n questions about days that imports have counts of against
// those that don't use kept days.
func (w *keptWorld) imports(n int) {
	w.t.Helper()
	var days []event.DayCount
	for i, st := range w.sites {
		for d := range 9 {
			y, m, at := w.oracles[i].now.AddDate(0, 0, -d).In(st.Location).Date()
			for _, dim := range []string{"", "path", "entry_page", "exit_page", "country"} {
				days = append(days, event.DayCount{Site: st.ID, Import: 1, Day: time.Date(y, m, at, 0, 0, 0, 0, time.UTC).UnixMilli(), Dimension: dim, Value: pick(w.r, []string{"/docs", "/a"}),
					Sums: event.Sums{Visitors: 3, Pageviews: 7, Events: event.Untold, Visits: 4, Views: 7, Bounces: w.r.Int64N(4), Duration: event.Untold}})
			}
		}
	}
	if err := w.store.Append(context.Background(), &event.Batch{Spool: "import-1", To: 1, Days: days}); err != nil {
		w.t.Fatal(err)
	}
	included := 0
	for range n {
		i := w.r.IntN(len(w.sites))
		q, now := keptQuery(w.r, w.sites[i], w.oracles[i].now), func() time.Time { return w.oracles[i].now }
		got, err := stats.New(w.store, now).Run(context.Background(), q)
		if err != nil {
			w.t.Fatalf("%s: %v", describe(q), err)
		}
		want, err := stats.New(noDays{w.store}, now).Run(context.Background(), q)
		if err != nil {
			w.t.Fatalf("%s: %v", describe(q), err)
		}
		if diff := differ(got, want); diff != "" {
			w.t.Errorf("with imports, %s: %s", describe(q), diff)
		}
		if got.Imported != nil && len(got.Imported.Included) > 0 {
			included++
		}
	}
	if included == 0 {
		w.t.Error("no answer has imports: the test is about nothing")
	}
}

// late has events arrive about days that are kept. Where visitors last for
// longer than a day, keeping finds those that are on a day kept before, and
// takes it back; until then nobody looks.
func (w *keptWorld) late() {
	for i := range w.sites {
		if !w.mixed[i] {
			w.arrive(i, w.oracles[i].now.Add(-time.Duration(w.r.Int64N(int64(10*24*time.Hour)))), 6)
		}
	}
}

// remove deletes some hours of each site's events.
func (w *keptWorld) remove() {
	for i, st := range w.sites {
		o := w.oracles[i]
		from := o.now.Add(-time.Duration(w.r.Int64N(int64(8 * 24 * time.Hour))))
		to := from.Add(time.Duration(w.r.Int64N(int64(30 * time.Hour))))
		if err := w.store.Delete(context.Background(), event.Selection{Site: st.ID, From: from, To: to}); err != nil {
			w.t.Fatal(err)
		}
		o.events = slices.DeleteFunc(o.events, func(e event.Event) bool { return !ms(e.Time).Before(from) && ms(e.Time).Before(to) })
	}
}

// TestRememberedDays: what was remembered of kept days is forgotten when one of
// them is kept anew, although the same days are.
func TestRememberedDays(t *testing.T) { onEachKept(t, rememberedDays) }

func rememberedDays(t *testing.T, open func(testing.TB) keptStore) {
	w := newKeptWorld(t, open, nil, 0)
	st := siteIn(t, "UTC")
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	load := func(day int, took ...int32) {
		t.Helper()
		var es []event.Event
		for i, ms := range took {
			at := now.AddDate(0, 0, day).Add(time.Duration(i) * time.Minute).UnixMilli()
			e := event.Event{Site: st.ID, Time: at, Name: event.Pageview, Visitor: w.pos + int64(i) + 1, Visit: w.pos + int64(i) + 1, Path: "/"}
			e.VisitStart, e.Measures[event.PageLoad] = at, event.Measured(int64(ms))
			es = append(es, e)
		}
		if err := w.store.Append(t.Context(), eventtest.Batch("spool", w.pos, es)); err != nil {
			t.Fatal(err)
		}
		w.pos += int64(len(es))
	}
	w.sites = append(w.sites, st)
	for day := -9; day < 0; day++ {
		load(day, 100, 200, 300)
	}
	w.keep()
	s := stats.New(w.store, func() time.Time { return now })
	totals := stats.Query{Site: st, Period: stats.Period{Name: "7d"}}.Totals("page_load_p50", "page_load_p75", "page_load_count")
	series := stats.Query{Site: st, Period: stats.Period{Name: "7d"}, Interval: stats.Day}.Series("page_load_p75", "page_load_count")
	ask := func(p50, p75, count, dayP75, dayCount float64) {
		t.Helper()
		for range 2 { // the second is remembered
			r, err := s.Run(t.Context(), totals)
			if err != nil {
				t.Fatal(err)
			}
			days, err := s.Run(t.Context(), series)
			if err != nil {
				t.Fatal(err)
			}
			day := days.Points[len(days.Points)-4] // three days ago
			got := []float64{r.Totals[0].N, r.Totals[1].N, r.Totals[2].N, day.Values[0].N, day.Values[1].N}
			if want := []float64{p50, p75, count, dayP75, dayCount}; !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
	}
	before := w.days(0)
	ask(200, 300, 18, 300, 3)
	load(-3, 700, 800, 900, 700, 800, 900, 700, 800, 900, 700, 800, 900)
	w.keep()
	if n := w.days(0); n != before || n < 9 {
		t.Fatalf("%d days are kept, want the %d of before", n, before)
	}
	ask(300, 800, 30, 900, 15)
}
