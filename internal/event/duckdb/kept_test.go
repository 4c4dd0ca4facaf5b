package duckdb

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

const keptZone = "Asia/Seoul"

// seoulDays are the days of Seoul from the one from is in, as long as they end
// before to does.
func seoulDays(from, to time.Time) []event.Day {
	seoul := time.FixedZone("KST", 9*3600)
	y, m, d := from.In(seoul).Date()
	var days []event.Day
	for at := time.Date(y, m, d, 0, 0, 0, 0, seoul); at.Before(to); at = at.AddDate(0, 0, 1) {
		days = append(days, event.Day{From: at, To: at.AddDate(0, 0, 1)})
	}
	return days
}

// keptSQL counts by path, and load times, as a question about a day would.
func keptSQL(site int64) func(event.Day) (counts, values []string) {
	return func(d event.Day) (counts, values []string) {
		day := fmt.Sprintf("make_timestamp_ms(%d)", d.From.UnixMilli())
		in := func(ts string) string {
			return fmt.Sprintf("site_id = %d and %s >= %s and %s < make_timestamp_ms(%d)", site, ts, day, ts, d.To.UnixMilli())
		}
		keys := fmt.Sprintf("select %d, %s, %s, ", site, quote(keptZone), day)
		counts = []string{
			keys + "'path', path, count(distinct visitor_id), count(*) filter (where name = 'pageview'), count(*), 0, 0, 0, 0 from events where " + in("ts") + " group by path",
			keys + "'', '', 0, 0, 0, count(distinct visit_id), count(*) filter (where name = 'pageview'), 0, 0 from events where ts < visit_start + interval 24 hour and " + in("visit_start"),
		}
		return counts, []string{keys + "'page_load', page_load % 7 = 0, page_load // 100, page_load, count(*), sum(count(*)) over (order by page_load), sum(count(*)) over (), 0 from events where page_load is not null and " + in("ts") + " group by page_load"}
	}
}

// keepAll keeps every day of sites that can be.
func keepAll(t testing.TB, s *Store, sites ...int64) {
	t.Helper()
	var what []event.Keeping
	for _, site := range sites {
		all := eventtest.All(t, s, site)
		if len(all) == 0 {
			continue
		}
		from, to := time.UnixMilli(all[0].Time), time.UnixMilli(all[len(all)-1].Time)
		what = append(what, event.Keeping{Site: site, Zone: keptZone, Days: seoulDays(from, to), SQL: keptSQL(site)})
	}
	if err := s.KeepDays(context.Background(), what); err != nil {
		t.Fatalf("keep days: %v", err)
	}
}

// keptDayOf reads what is kept of a day.
func keptDayOf(t testing.TB, s *Store, site int64, d event.Day) (c eventtest.Counted) {
	t.Helper()
	rows, err := s.Select(context.Background(), `
		select coalesce(sum(events) filter (where dimension = 'path'), 0)::bigint, coalesce(sum(pageviews) filter (where dimension = 'path'), 0)::bigint,
			coalesce(sum(visits) filter (where dimension = ''), 0)::bigint, coalesce(sum(views) filter (where dimension = ''), 0)::bigint,
			(select coalesce(sum(count), 0)::bigint from day_values where site_id = ? and zone = ? and day = ? and measure = 'page_load'),
			(select coalesce(sum(count * value), 0)::bigint from day_values where site_id = ? and zone = ? and day = ? and measure = 'page_load')
		from day_counts where site_id = ? and zone = ? and day = ?`,
		site, keptZone, d.From.UTC(), site, keptZone, d.From.UTC(), site, keptZone, d.From.UTC())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&c.Events, &c.Pageviews, &c.Visits, &c.Views, &c.Loads, &c.LoadTime); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// checkKept holds each kept day of a site against a loop over its events.
func checkKept(t testing.TB, s *Store, site int64, es []event.Event) []event.Day {
	t.Helper()
	k, err := s.Kept(context.Background(), site, keptZone)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range k.Days {
		if got, want := keptDayOf(t, s, site, d), eventtest.CountDay(d, es); got != want {
			t.Errorf("site %d, %s: kept %+v, want %+v", site, d.From.Format(time.DateOnly), got, want)
		}
		if !k.Settled.IsZero() && d.To.After(k.Settled) {
			t.Errorf("site %d: the day from %v is kept, but only settled up to %v", site, d.From, k.Settled)
		}
	}
	return k.Days
}

// keeping fills a store with eight days of two sites, sorted and kept.
func keeping(t *testing.T, change func(*Options)) (*Store, []event.Event) {
	t.Helper()
	s := openAt(t, t.TempDir(), func(o *Options) {
		tiny(o)
		o.minSegment = 1
		if change != nil {
			change(o)
		}
	})
	g := &eventtest.Bulk{Seed: 9, Weights: map[int64]int{1: 2, 2: 1}, Gap: 2 * time.Minute}
	es := g.Next(5760)
	eventtest.Append(t, s, eventtest.Batch("a", 0, es))
	compact(t, s)
	keepAll(t, s, 1, 2)
	return s, es
}

func compact(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// keptDates are the dates of Seoul that are kept of a site.
func keptDates(t testing.TB, s *Store, site int64) (dates []string, version int64) {
	t.Helper()
	k, err := s.Kept(context.Background(), site, keptZone)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range k.Days {
		dates = append(dates, d.From.Add(9*time.Hour).Format("02"))
	}
	return dates, k.Version
}

// TestKept: what makes a day untrue makes it kept no longer, and the days
// beside it stay.
func TestKept(t *testing.T) {
	ctx := context.Background()
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) } // Seoul is 9 hours ahead
	one := func(site int64, from, to time.Time) []event.Event {
		return eventtest.Events(eventtest.Visit(eventtest.OnSite(site), eventtest.With(func(e *event.Event) { e.Import = 5 }),
			eventtest.At(from), eventtest.View("/late"), eventtest.At(to), eventtest.View("/later")))
	}
	const all = "02 03 04 05 06 07 08 09 10"
	seed, _ := keeping(t, nil)
	if err := seed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		do           func(s *Store) error
		then, sorted string // the dates kept after it, and after the next compaction
	}{
		{"nothing", func(*Store) error { return nil }, all, all},
		{"an event after the last day", func(s *Store) error { return s.Append(ctx, eventtest.Batch("b", 0, one(1, at(20, 1), at(20, 2)))) }, all, all},
		{"a late event", func(s *Store) error { return s.Append(ctx, eventtest.Batch("b", 0, one(1, at(5, 2), at(5, 3)))) },
			"02 03 04", "02 03 04 06 07 08 09 10"},
		{"a late visit over midnight", func(s *Store) error { return s.Append(ctx, eventtest.Batch("b", 0, one(1, at(5, 14), at(5, 16)))) },
			"02 03 04", "02 03 04 07 08 09 10"},
		{"another site's late event", func(s *Store) error { return s.Append(ctx, eventtest.Batch("b", 0, one(2, at(5, 2), at(5, 3)))) }, all, all},
		{"an import taken back", func(s *Store) error {
			if err := s.Append(ctx, eventtest.Batch("b", 0, one(1, at(5, 2), at(5, 3)))); err != nil {
				return err
			}
			compact(t, s)
			keepAll(t, s, 1)
			if dates, _ := keptDates(t, s, 1); strings.Join(dates, " ") != all {
				t.Errorf("%v kept with the import, want %s", dates, all)
			}
			return s.Delete(ctx, event.Selection{Site: 1, Import: 5})
		}, "02 03 04 06 07 08 09 10", "02 03 04 06 07 08 09 10"},
		{"a period deleted", func(s *Store) error { return s.Delete(ctx, event.Selection{Site: 1, From: at(3, 20), To: at(5, 2)}) },
			"02 06 07 08 09 10", "02 06 07 08 09 10"}, // visits that begin on the 3rd go on into it,
		{"the site deleted", func(s *Store) error { return s.Delete(ctx, event.Selection{Site: 1}) }, "", ""},
		{"two days forgotten", func(s *Store) error {
			days := seoulDays(at(4, 1), at(6, 1))
			return s.ForgetDays(ctx, 1, keptZone, []event.Day{days[2], days[0]})
		}, "02 03 05 07 08 09 10", "02 03 05 07 08 09 10"},
		{"days of another zone forgotten", func(s *Store) error { return s.ForgetDays(ctx, 1, "UTC", seoulDays(at(4, 1), at(6, 1))) }, all, all},
		{"another site deleted", func(s *Store) error { return s.Delete(ctx, event.Selection{Site: 2}) }, all, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(seed.Directory())); err != nil {
				t.Fatal(err)
			}
			s := openAt(t, dir, func(o *Options) { tiny(o); o.minSegment = 1 })
			defer s.Close()
			before, version := keptDates(t, s, 1)
			if strings.Join(before, " ") != all {
				t.Fatalf("%v kept at first, want %s", before, all)
			}
			if err := c.do(s); err != nil {
				t.Fatal(err)
			}
			dates, after := keptDates(t, s, 1)
			if got := strings.Join(dates, " "); got != c.then {
				t.Errorf("kept %s, want %s", got, c.then)
			}
			if c.then != all && version == after {
				t.Error("days were taken back, and the version stayed")
			}
			checkKept(t, s, 1, eventtest.All(t, s, 1))
			compact(t, s)
			dates, _ = keptDates(t, s, 1)
			if got := strings.Join(dates, " "); got != c.sorted {
				t.Errorf("kept %s after compaction, want %s", got, c.sorted)
			}
			keepAll(t, s, 1, 2)
			for site := int64(1); site <= 2; site++ {
				es := eventtest.All(t, s, site)
				if days := checkKept(t, s, site, es); len(es) > 0 && len(days) < 9 {
					t.Errorf("%d days of site %d kept again, want all", len(days), site)
				}
			}
		})
	}
}

// TestKeptAgain: opening a store again finds what was kept, one that lost the
// file of it starts, and files stay few.
func TestKeptAgain(t *testing.T) {
	s, es := keeping(t, nil)
	dir := s.Directory()
	before, _ := keptDates(t, s, 1)
	pos := int64(len(es))
	for i := range 6 {
		late := (&eventtest.Bulk{Seed: uint64(i), From: eventtest.Start.AddDate(0, 0, i), Gap: time.Second}).Next(20)
		eventtest.Append(t, s, eventtest.Batch("a", pos, late))
		pos += 20
		compact(t, s)
		keepAll(t, s, 1, 2)
		checkKept(t, s, 1, eventtest.All(t, s, 1))
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*"+daysSuffix)); len(files) != 1 {
		t.Errorf("files %v, want one", files)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, tiny)
	if after, _ := keptDates(t, s, 1); !(len(before) > 0 && strings.Join(after, " ") == strings.Join(before, " ")) {
		t.Errorf("kept %v after opening again, want %v", after, before)
	}
	checkKept(t, s, 1, eventtest.All(t, s, 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"+daysSuffix))
	for _, f := range files {
		if err := os.WriteFile(f, []byte("not a database"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = openAt(t, dir, tiny)
	defer s.Close()
	if dates, _ := keptDates(t, s, 1); len(dates) != 0 {
		t.Errorf("%v kept without a file", dates)
	}
	keepAll(t, s, 1)
	if days := checkKept(t, s, 1, eventtest.All(t, s, 1)); len(days) == 0 {
		t.Error("nothing is kept after it was counted again")
	}
}

// TestKeptWrongRows: selects that give rows of other days are a mistake.
func TestKeptWrongRows(t *testing.T) {
	s, _ := keeping(t, nil)
	defer s.Close()
	days := []event.Day{{From: eventtest.Start.AddDate(0, 0, -9), To: eventtest.Start.AddDate(0, 0, -8)}}
	err := s.KeepDays(context.Background(), []event.Keeping{{Site: 1, Zone: "UTC", Days: days, SQL: keptSQL(1)}})
	if err != nil {
		if !strings.Contains(err.Error(), "not asked for") {
			t.Errorf("%v", err)
		}
	} else {
		t.Error("rows of another zone were kept")
	}
	if dates, _ := keptDates(t, s, 1); len(dates) != 9 {
		t.Errorf("%v kept after the error, want what was before", dates)
	}
}

// TestKeptForGood: a deleted site's kept answers are on no disk.
func TestKeptForGood(t *testing.T) {
	const canary = "canary-Rw5kTq81vbLx"
	s, _ := keeping(t, nil)
	defer s.Close()
	late := eventtest.Events(eventtest.Visit(eventtest.OnSite(7), eventtest.At(eventtest.Start), eventtest.View("/"+canary)))
	eventtest.Append(t, s, eventtest.Batch("b", 0, late))
	compact(t, s)
	keepAll(t, s, 1, 2, 7)
	holding := func() (names []string) {
		files, _ := filepath.Glob(filepath.Join(s.Directory(), "*"))
		for _, f := range files {
			if b, _ := os.ReadFile(f); strings.Contains(string(b), canary) {
				names = append(names, filepath.Base(f))
			}
		}
		return names
	}
	if names := holding(); !strings.Contains(strings.Join(names, " "), daysSuffix) {
		t.Fatalf("the text is in %v before it is deleted: this test could not fail", names)
	}
	if err := s.Delete(context.Background(), event.Selection{Site: 7}); err != nil {
		t.Fatal(err)
	}
	if n := eventtest.Number(t, s, "select count(*) from day_counts where site_id = 7"); n != 0 {
		t.Errorf("%d rows of a deleted site are still seen", n)
	}
	compact(t, s)
	if names := holding(); len(names) > 0 {
		t.Errorf("still in %v", names)
	}
	if dates, _ := keptDates(t, s, 1); len(dates) != 9 {
		t.Errorf("%v kept of the other site, want all", dates)
	}
	checkKept(t, s, 1, eventtest.All(t, s, 1))
}

// TestKeptWhileDeleting deletes and appends at each step of keeping days.
func TestKeptWhileDeleting(t *testing.T) {
	long(t)
	for _, step := range []string{"days built", "days published", "days adopted"} {
		t.Run(step, func(t *testing.T) {
			var s *Store
			armed, met := false, false
			s, es := keeping(t, func(o *Options) {
				o.step = func(name string) {
					if !armed || name != step {
						return
					}
					armed, met = false, true
					if err := s.Delete(context.Background(), event.Selection{Site: 1, From: eventtest.Start.AddDate(0, 0, 2), To: eventtest.Start.AddDate(0, 0, 3)}); err != nil {
						t.Error(err)
					}
					late := (&eventtest.Bulk{Seed: 77, From: eventtest.Start.AddDate(0, 0, 6), Gap: time.Second}).Next(20)
					eventtest.Append(t, s, eventtest.Batch("b", 0, late))
				}
			})
			defer s.Close()
			late := (&eventtest.Bulk{Seed: 78, From: eventtest.Start.AddDate(0, 0, 2), Gap: time.Second}).Next(20)
			eventtest.Append(t, s, eventtest.Batch("a", int64(len(es)), late))
			compact(t, s)
			armed = true
			keepAll(t, s, 1, 2)
			if !met {
				t.Fatal("the step was not met")
			}
			for range 2 {
				for site := int64(1); site <= 2; site++ {
					checkKept(t, s, site, eventtest.All(t, s, site))
				}
				compact(t, s)
			}
			keepAll(t, s, 1)
			if days := checkKept(t, s, 1, eventtest.All(t, s, 1)); len(days) != 9 {
				t.Errorf("%d days kept in the end, want 9", len(days))
			}
		})
	}
}

// TestKeptVersion asks as stats does while everything changes: an answer whose
// version is the same before and after is what the events themselves say.
func TestKeptVersion(t *testing.T) {
	long(t)
	s, es := keeping(t, nil)
	defer s.Close()
	ctx := context.Background()
	done := make(chan struct{})
	var readers sync.WaitGroup
	var mu sync.Mutex
	tally := map[string]int{}
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				k, err := s.Kept(ctx, 1, keptZone)
				if err != nil {
					t.Error(err)
					return
				}
				what := "without kept days"
				query := "select count(*) from events where site_id = 1"
				if n := len(k.Days); n > 0 {
					what = "with kept days"
					// Kept days are one stretch or several; the events of all others are counted.
					var in, out []string
					for _, d := range k.Days {
						in = append(in, fmt.Sprintf("make_timestamp_ms(%d)", d.From.UnixMilli()))
						out = append(out, fmt.Sprintf("not (ts >= make_timestamp_ms(%d) and ts < make_timestamp_ms(%d))", d.From.UnixMilli(), d.To.UnixMilli()))
					}
					query = "select (select coalesce(sum(events), 0)::bigint from day_counts where site_id = 1 and dimension = 'path' and zone = " + quote(keptZone) + " and day in (" + strings.Join(in, ", ") + "))" +
						" + (select count(*) from events where site_id = 1 and " + strings.Join(out, " and ") + ")"
				}
				query = "select (" + query + ") - (select count(*) from events where site_id = 1)"
				n := eventtest.Number(t, s, query)
				after, err := s.Kept(ctx, 1, keptZone)
				if err != nil {
					t.Error(err)
					return
				}
				if after.Version != k.Version {
					what = "taken back"
				} else if n != 0 {
					t.Errorf("%d events too many with %d kept days", n, len(k.Days))
				}
				mu.Lock()
				tally[what]++
				mu.Unlock()
			}
		})
	}
	pos := int64(len(es))
	for i := range 6 {
		late := (&eventtest.Bulk{Seed: uint64(i), From: eventtest.Start.AddDate(0, 0, i), Gap: time.Second}).Next(20)
		eventtest.Append(t, s, eventtest.Batch("a", pos, late))
		pos += 20
		compact(t, s)
		keepAll(t, s, 1, 2)
		if i%3 == 1 {
			if err := s.Delete(ctx, event.Selection{Site: 1, From: eventtest.Start.AddDate(0, 0, i), To: eventtest.Start.AddDate(0, 0, i).Add(time.Hour)}); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	readers.Wait()
	t.Log(maps.Collect(maps.All(tally)))
	if tally["with kept days"] == 0 || tally["taken back"] == 0 {
		t.Errorf("%v: this test met too little", tally)
	}
}

// TestKeptInParts: days of sites, dimensions and months that don't fit into
// memory at once are sorted one part after the other, and none is lost.
func TestKeptInParts(t *testing.T) {
	s := openAt(t, t.TempDir(), func(o *Options) { tiny(o); o.partRows = 7 })
	defer s.Close()
	g := &eventtest.Bulk{Seed: 11, Weights: map[int64]int{1: 3, 2: 1, 3: 1}, Gap: 20 * time.Minute}
	eventtest.Append(t, s, eventtest.Batch("a", 0, g.Next(6000)))
	compact(t, s)
	keepAll(t, s, 1, 2, 3)
	for site := range int64(3) {
		es := eventtest.All(t, s, site+1)
		k, err := s.Kept(t.Context(), site+1, keptZone)
		if err != nil || len(k.Days) < 60 {
			t.Fatalf("site %d: %d days are kept, %v", site+1, len(k.Days), err)
		}
		var want int64
		for _, d := range k.Days {
			want += eventtest.CountDay(d, es).Events
		}
		if got := eventtest.Number(t, s, fmt.Sprintf("select sum(events) from day_counts where site_id = %d and dimension = 'path'", site+1)); got != want {
			t.Errorf("site %d: %d events are kept, want %d", site+1, got, want)
		}
	}
	if n := eventtest.Number(t, s, "select count(*) from (select day, lag(day) over (partition by site_id, measure, marked order by rowid) as before from (select *, row_number() over () as rowid from day_values)) where day < before"); n != 0 {
		t.Errorf("%d rows are out of order", n)
	}
}
