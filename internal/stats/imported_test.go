package stats_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// importedWorld is a store with imports of counts: a site that has events as
// well, and one that has nothing else.
type importedWorld struct {
	store   event.Store
	sites   []*site.Site
	oracles []*oracle
	days    []event.DayCount
}

var importedValues = map[string][]string{
	"": {""}, "path": oraclePaths, "entry_page": oraclePaths, "exit_page": oraclePaths, "country": {"", "KR", "US", "FR"}, "screen_width": {"", "300", "1000", "2500"},
}

func newImportedWorld(t *testing.T, r *rand.Rand, in engine) *importedWorld {
	t.Helper()
	now, err := time.Parse(time.RFC3339, moments[2].now)
	if err != nil {
		t.Fatal(err)
	}
	w := &importedWorld{}
	for id := int64(1); id <= 2; id++ {
		st := siteIn(t, moments[2].zone)
		st.ID = id
		w.sites = append(w.sites, st)
		w.oracles = append(w.oracles, &oracle{site: id, currency: st.Currency, now: now, loc: st.Location})
	}
	w.oracles[0].events = world(r, 1, now, 80)
	store := in.with(t, w.oracles[0].events)
	w.store = store
	for _, st := range w.sites {
		for imported := int64(1); imported <= 3; imported++ {
			for d, values := range importedValues {
				untold := r.IntN(8) // of import 2, a sum; import 3 tells few of everything, and no countries
				if imported == 3 && d == "country" {
					continue
				}
				for n := range 40 {
					c := event.DayCount{Site: st.ID, Import: imported, Day: time.Date(now.Year(), now.Month(), now.Day()-n-1, 0, 0, 0, 0, time.UTC).UnixMilli(), Dimension: d, Value: pick(r, values)}
					for i, sum := range []*int64{&c.Visitors, &c.Pageviews, &c.Events, &c.Visits, &c.Views, &c.Bounces, &c.Duration} {
						*sum = r.Int64N(50)
						if imported == 2 && i == untold || imported == 3 && r.IntN(3) == 0 {
							*sum = event.Untold
						}
					}
					w.days = append(w.days, c)
				}
			}
		}
	}
	if err := store.Append(context.Background(), &event.Batch{Spool: "import-1", To: int64(len(w.days)), Days: w.days}); err != nil {
		t.Fatal(err)
	}
	return w
}

// tells is what a row says of a metric: a sum, or two that are divided.
func tells(c *event.DayCount, m stats.Metric) (n, of int64, ok bool) {
	both := func(sum int64) (int64, int64, bool) { return sum, c.Visits, sum >= 0 && c.Visits >= 0 }
	switch m {
	case "visitors":
		return c.Visitors, 1, c.Visitors >= 0
	case "pageviews":
		return c.Pageviews, 1, c.Pageviews >= 0
	case "events":
		return c.Events, 1, c.Events >= 0
	case "visits":
		return c.Visits, 1, c.Visits >= 0
	case "views_per_visit":
		return both(c.Views)
	case "bounce_rate":
		n, of, ok = both(c.Bounces)
		return 100 * n, of, ok
	}
	n, of, ok = both(c.Duration)
	return n, 1000 * of, ok
}

// about says that a row is one of q's for a metric, and the local day it is of.
func (w *importedWorld) about(c *event.DayCount, q stats.Query, m stats.Metric) (at day, ok bool) {
	d := ""
	if len(q.Dimensions) > 0 {
		d = string(q.Dimensions[0])
		if d == "path" && isWhole(m) {
			d = "entry_page"
		}
	}
	return dayOf(ms(c.Day)), c.Site == q.Site.ID && c.Dimension == d
}

// added sums the rows of a window by key.
func (w *importedWorld) added(q stats.Query, m stats.Metric, from, to time.Time) map[string][2]int64 {
	sums := map[string][2]int64{}
	for i := range w.days {
		c := &w.days[i]
		at, ok := w.about(c, q, m)
		n, of, told := tells(c, m)
		if !ok || !told || at.begin(q.Site.Location).Before(from) || at.plus(1).begin(q.Site.Location).After(to) {
			continue
		}
		key := c.Value
		if q.Interval != "" {
			key = label(at.begin(q.Site.Location), q.Interval)
		}
		s := sums[key]
		sums[key] = [2]int64{s[0] + n, s[1] + of}
	}
	return sums
}

// number is a metric of what was added, with what the events say.
func (w *importedWorld) number(m stats.Metric, events float64, s [2]int64) stats.Number {
	if !isWhole(m) {
		return stats.Number{N: events + float64(s[0]), OK: true}
	}
	if s[1] == 0 {
		return stats.Number{}
	}
	return stats.Number{N: onPaper(float64(s[0])/float64(s[1]), oracleDecimals[m]), OK: true}
}

// TestImportedDays: imports of counts are added where they tell a number, and
// the answer says where they don't.
func TestImportedDays(t *testing.T) {
	onEach(t, importedDays)
}

func importedDays(t *testing.T, in engine) {
	r := rand.New(rand.NewPCG(*oracleSeed, 78))
	w := newImportedWorld(t, r, in)
	all := []stats.Metric{"visitors", "pageviews", "events", "visits", "views_per_visit", "bounce_rate", "visit_duration"}
	for range share(in, make([]struct{}, 60)) {
		i := r.IntN(2)
		q := stats.Query{Site: w.sites[i], Compare: stats.PreviousPeriod, Metrics: all, Period: stats.Period{Name: pick(r, []string{"7d", "4w", "3m", "mtd"})}}
		if i == 0 {
			q.Metrics = all[:4] // rates of both together are of no simple sum
		}
		switch r.IntN(3) {
		case 0:
			q.Interval = pick(r, []stats.Interval{"day", "week", "month"})
			if !q.Period.Allows(q.Interval) {
				continue
			}
		case 1:
			q.Dimensions, q.PageSize = []stats.Dimension{pick(r, []stats.Dimension{"path", "entry_page", "exit_page", "country", "screen_width"})}, 1000
			if r.IntN(3) == 0 && q.Dimensions[0] != "path" {
				q.Filter = stats.Is(q.Dimensions[0], stats.IsSet)
			}
		}
		w.check(t, i, q)
	}
}

func (w *importedWorld) check(t *testing.T, i int, q stats.Query) {
	t.Helper()
	o := w.oracles[i]
	got, err := stats.New(w.store, func() time.Time { return o.now }).Run(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := o.run(q)
	is, was := o.spans(q)
	loc := q.Site.Location
	for _, m := range q.Metrics {
		now, then := w.added(q, m, is.from, is.to), w.added(q, m, was.from, was.until)
		switch q.Shape() {
		case stats.Totals:
			v, e := got.Total(m), want.Total(m)
			if v.Number != w.number(m, e.N, now[""]) || v.Previous != w.number(m, e.Previous.N, then[""]) {
				t.Errorf("%s: %s is %v, want %v and %v", describe(q), m, v, w.number(m, e.N, now[""]), w.number(m, e.Previous.N, then[""]))
			}
		case stats.Series:
			for n, p := range got.Points {
				if p.Future {
					continue
				}
				if v, e := p.Value(m), want.Points[n].Value(m); v.Number != w.number(m, e.N, now[label(p.From.In(loc), q.Interval)]) {
					t.Errorf("%s: %s of %v is %v, want %v", describe(q), m, p.From, v, w.number(m, e.N, now[label(p.From.In(loc), q.Interval)]))
				}
			}
		default:
			w.checkRows(t, q, m, got, want, now, then)
		}
	}
	w.checkMarks(t, q, got, is, was)
}

func (w *importedWorld) checkRows(t *testing.T, q stats.Query, m stats.Metric, got, want *stats.Result, now, then map[string][2]int64) {
	t.Helper()
	byKey := func(r *stats.Result, key string) stats.Value {
		for _, row := range r.Rows {
			if row.Keys[0] == key {
				return row.Value(m)
			}
		}
		return stats.Value{Metric: m}
	}
	for _, row := range got.Rows {
		key := row.Keys[0]
		if v, e := row.Value(m), byKey(want, key).N; v.Number != w.number(m, e, now[key]) {
			t.Errorf("%s: %s of %q is %v, want %v", describe(q), m, key, v, w.number(m, e, now[key]))
		}
	}
	for key, s := range now {
		if set := q.Filter.Op == stats.IsSet; s[0] > 0 && !(set && key == "") && !isWhole(m) && !byKey(got, key).OK {
			t.Errorf("%s: no row %q, which imports have", describe(q), key)
		}
	}
}

// checkMarks holds what the answer says of imports against the rows.
func (w *importedWorld) checkMarks(t *testing.T, q stats.Query, got *stats.Result, is, was window) {
	t.Helper()
	var included, partly, leftOut []stats.Metric
	for _, m := range q.Metrics {
		rows, told, missing := 0, 0, false
		for imported := int64(1); imported <= 3; imported++ {
			n := 0
			for i := range w.days {
				c := &w.days[i]
				at, ok := w.about(c, q, m)
				in := func(v window) bool {
					return at.begin(q.Site.Location).Before(v.to) && at.plus(1).begin(q.Site.Location).After(v.from)
				}
				if !ok || c.Import != imported || !in(is) && !in(was) {
					continue
				}
				n++
				if _, _, ok := tells(c, m); ok {
					told++
				}
			}
			rows += n
			missing = missing || n == 0
		}
		switch {
		case told == 0:
			leftOut = append(leftOut, m)
		case told == rows && !missing:
			included = append(included, m)
		default:
			partly = append(partly, m)
		}
	}
	in := got.Imported
	if in == nil || in.Why != "" || !slices.Equal(in.Included, included) || !slices.Equal(in.Partly, partly) || !slices.Equal(in.LeftOut, leftOut) {
		t.Errorf("%s: %+v, want included %v, partly %v, left out %v", describe(q), in, included, partly, leftOut)
	}
}

// TestImportsLeftOut: what counts can't be asked has none of them, and says so.
func TestImportsLeftOut(t *testing.T) {
	onEach(t, importsLeftOut)
}

func importsLeftOut(t *testing.T, in engine) {
	r := rand.New(rand.NewPCG(*oracleSeed, 79))
	w := newImportedWorld(t, r, in)
	o := w.oracles[0]
	base := stats.Query{Site: w.sites[0], Period: stats.Period{Name: "7d"}}
	filtered, hours, zone := base.Totals(stats.Visitors), base, base.Series(stats.Visitors)
	filtered.Filter = stats.Is(stats.Country, stats.Eq, "KR")
	hours.Interval, zone.TimeZone = stats.Hour, "Asia/Tokyo"
	two := base.By(stats.Path, 10, stats.Visitors)
	two.Dimensions = append(two.Dimensions, stats.Country)
	set := base.By(stats.Path, 10, stats.Visitors)
	set.Filter = stats.Is(stats.Country, stats.IsSet)
	for why, qs := range map[stats.ImportsWhy][]stats.Query{
		stats.WhyFilter: {filtered, set}, stats.WhyInterval: {hours.Series(stats.Visitors)}, stats.WhyZone: {zone},
		stats.WhyDimensions: {two, base.By(stats.Prop("plan"), 10, stats.Visitors)},
		"":                  {base.Totals(stats.Percentile("lcp", 75), stats.Revenue)},
	} {
		for _, q := range qs {
			got, err := stats.New(w.store, func() time.Time { return o.now }).Run(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := differ(got, o.run(q)); diff != "" {
				t.Errorf("%s: %s", describe(q), diff)
			}
			if in := got.Imported; in == nil || in.Why != why || !slices.Equal(in.LeftOut, q.Metrics) {
				t.Errorf("%s: %+v, want all left out for %q", describe(q), in, why)
			}
		}
	}
	none := base
	none.Period = stats.Period{From: stats.Date{Year: 2020, Month: 1, Day: 1}, To: stats.Date{Year: 2020, Month: 1, Day: 9}}
	got, err := stats.New(w.store, func() time.Time { return o.now }).Run(context.Background(), none.Totals(stats.Visitors))
	if err != nil || got.Imported != nil {
		t.Errorf("%+v, %v of days without imports", got.Imported, err)
	}
}
