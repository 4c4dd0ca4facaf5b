package stats_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/fault"
	"moonbear/internal/stats"
)

// dropWorld is refused hits around one moment, many of them on edges.
func dropWorld(r *rand.Rand, id int64, now time.Time) (drops []event.Drop) {
	spans := []time.Duration{time.Hour, 30 * time.Hour, 20 * 24 * time.Hour, 800 * 24 * time.Hour}
	for range 150 {
		at := now.Add(-time.Duration(r.Int64N(int64(pick(r, spans))))).Truncate(time.Minute)
		if r.IntN(3) == 0 {
			at = at.Truncate(pick(r, []time.Duration{15 * time.Minute, time.Hour}))
		}
		drops = append(drops, event.Drop{Site: id, Time: at.UnixMilli(), Reason: pick(r, []string{"bot", "hostname", "shield", "quota"}),
			Detail: pick(r, []string{"", "Yeti", "yeti", "www.example.com", "한국"}), Count: 1 + r.Int64N(9)})
	}
	return drops
}

// TestDropsByOracle counts refused hits by plain loops: in all, over time and
// by detail, at awkward moments, over every period and interval.
func TestDropsByOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var all []event.Drop
	for i, m := range moments {
		now, err := time.Parse(time.RFC3339, m.now)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, dropWorld(r, int64(i)+1, now)...)
	}
	onEach(t, func(t *testing.T, in engine) {
		var which []int
		for i := range moments {
			if long() || i%4 == 0 {
				which = append(which, i)
			}
		}
		holdDrops(t, in.with(t, nil, all...), all, share(in, which))
	})
}

// holdDrops asks about some of the moments.
func holdDrops(t *testing.T, store event.Store, all []event.Drop, which []int) {
	t.Helper()
	for _, i := range which {
		m := moments[i]
		now, _ := time.Parse(time.RFC3339, m.now)
		st := siteIn(t, m.zone)
		st.ID = int64(i) + 1
		drops := slices.DeleteFunc(slices.Clone(all), func(d event.Drop) bool { return d.Site != st.ID })
		s := stats.New(store, func() time.Time { return now })
		for _, period := range stats.PeriodNames() {
			for _, interval := range (stats.Period{Name: period}).Intervals() {
				q := stats.Query{Site: st, Period: stats.Period{Name: period}, Interval: interval}
				want := dropOracle{&oracle{now: now, loc: st.Location}, drops}
				hold := func(name string, got []string, err error, want []string) {
					if err != nil || !slices.Equal(got, want) {
						t.Errorf("%s at %s in %s, %s by %s: %v\n got %q\nwant %q", name, m.now, m.zone, period, interval, err, got, want)
					}
				}
				got, err := dropSeries(t, s, q)
				hold("over time", got, err, want.series(q))
				if interval != q.Period.Interval() {
					continue // the others don't ask for it
				}
				got, err = dropTotals(t, s, q)
				hold("in all", got, err, want.totals(q))
				got, err = dropDetails(t, s, q)
				hold("details", got, err, want.details(q))
			}
		}
	}
}

type dropOracle struct {
	*oracle
	drops []event.Drop
}

// counts adds up a window's drops by what key makes of them.
func (o dropOracle) counts(w window, key func(event.Drop) string) map[string]int64 {
	n := map[string]int64{}
	for _, d := range o.drops {
		if w.has(ms(d.Time)) {
			n[key(d)] += d.Count
		}
	}
	return n
}

// most sorts keys by their count, most first, then by name.
func most(n map[string]int64) (keys []string) {
	for k := range n {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	return keys
}

func reasonOf(d event.Drop) string { return d.Reason }

func (o dropOracle) totals(q stats.Query) (lines []string) {
	w, _ := o.spans(q)
	reasons := o.counts(w, reasonOf)
	for _, reason := range most(reasons) {
		lines = append(lines, fmt.Sprint(reason, " ", reasons[reason]))
	}
	return lines
}

func (o dropOracle) series(q stats.Query) (lines []string) {
	w, _ := o.spans(q)
	names, starts := labels(w, q.Interval, o.loc)
	reasons := most(o.counts(w, reasonOf))
	by := o.counts(w, func(d event.Drop) string { return d.Reason + " " + label(ms(d.Time).In(o.loc), q.Interval) })
	for i, name := range names {
		line := starts[i].UTC().Format(time.RFC3339)
		for _, reason := range reasons {
			line += fmt.Sprint(" ", reason, " ", by[reason+" "+name])
		}
		if starts[i].After(o.now) {
			line += " future"
		}
		lines = append(lines, line)
	}
	return lines
}

func (o dropOracle) details(q stats.Query) (lines []string) {
	w, _ := o.spans(q)
	by := o.counts(w, func(d event.Drop) string {
		if d.Reason != "bot" {
			return "not asked for"
		}
		return "bot " + d.Detail
	})
	delete(by, "not asked for")
	for _, k := range most(by) {
		last := int64(0)
		for _, d := range o.drops {
			if d.Reason == "bot" && w.has(ms(d.Time)) && "bot "+d.Detail == k {
				last = max(last, d.Time)
			}
		}
		lines = append(lines, fmt.Sprint(strings.TrimPrefix(k, "bot "), " ", by[k], " ", ms(last).In(o.loc).Format(time.RFC3339)))
	}
	return lines
}

func dropTotals(t *testing.T, s *stats.Stats, q stats.Query) (lines []string, err error) {
	d, err := s.Drops(t.Context(), q)
	if err != nil {
		return nil, err
	}
	var n int64
	for _, r := range d.Reasons {
		lines = append(lines, fmt.Sprint(r.Reason, " ", r.Count))
		n += r.Count
	}
	if n != d.Count {
		t.Errorf("%d in all, the reasons add up to %d", d.Count, n)
	}
	return lines, nil
}

func dropSeries(t *testing.T, s *stats.Stats, q stats.Query) (lines []string, err error) {
	d, err := s.DropSeries(t.Context(), q)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Points {
		line := p.From.UTC().Format(time.RFC3339)
		var n int64
		for i, reason := range d.Reasons {
			line += fmt.Sprint(" ", reason, " ", p.Counts[i])
			n += p.Counts[i]
		}
		if n != p.Count {
			t.Errorf("%v: %d in all, the reasons add up to %d", p.From, p.Count, n)
		}
		if p.Future {
			line += " future"
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// dropDetails turns the pages, to one after the last.
func dropDetails(t *testing.T, s *stats.Stats, q stats.Query) (lines []string, err error) {
	for page := 1; ; page++ {
		d, err := s.DropDetails(t.Context(), q, "bot", page, 1)
		if err != nil {
			return nil, err
		}
		for _, x := range d.Details {
			lines = append(lines, fmt.Sprint(x.Detail, " ", x.Count, " ", x.Last.Format(time.RFC3339)))
		}
		if page > d.Pages() {
			if len(d.Details) > 0 || d.InAll != len(lines) {
				t.Errorf("%d details after the last page; %d in all, the pages had %d", len(d.Details), d.InAll, len(lines))
			}
			return lines, nil
		}
	}
}

// TestDropFaults: a question about drops names what is wrong in it, and
// ignores what has no part in it.
func TestDropFaults(t *testing.T) {
	each(t, func(t *testing.T, store event.Store) {
		s := stats.New(store, func() time.Time { return eventtest.Start })
		q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "7d"}, Filter: stats.Is(stats.GoalName, stats.Eq, "none such")}
		if d, err := s.DropSeries(t.Context(), q); err != nil || len(d.Points) != 7 || d.Reasons != nil {
			t.Errorf("%+v, %v; want seven days without drops", d, err)
		}
		if d, err := s.DropDetails(t.Context(), q, "bot", 1, 0); err != nil || d.Pages() != 1 || d.Details != nil {
			t.Errorf("%+v, %v; want an empty page", d, err)
		}
		_, err := s.DropDetails(t.Context(), q, "bot", -1, 10)
		if f, ok := fault.From(err); !ok || f.Field != "page" {
			t.Errorf("page -1: %v, want a fault of page", err)
		}
		q.Period.Name = "fortnight"
		_, err = s.DropSeries(t.Context(), q)
		if f, ok := fault.From(err); !ok || f.Field != "period" {
			t.Errorf("a fortnight: %v, want a fault of period", err)
		}
	}, nil)
}
