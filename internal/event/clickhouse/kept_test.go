package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/eventtest"
)

const keptZone = "Asia/Seoul"

// keptSQL counts by path, and load times, as a question about a day would.
func keptSQL(site int64, zone string) func(event.Day) (counts, values []string) {
	return func(d event.Day) (counts, values []string) {
		in := func(ts string) string {
			return fmt.Sprintf("site_id = %d and %s >= %s and %s < %s", site, ts, moment(d.From), ts, moment(d.To))
		}
		keys := fmt.Sprintf("select %d, %s, %s, ", site, quote(zone), moment(d.From))
		counts = []string{
			keys + "'path', path, uniqExact(visitor_id), countIf(name = 'pageview'), count(), 0, 0, 0, 0 from events where " + in("ts") + " group by path",
			keys + "'', '', 0, 0, 0, uniqExact(visit_id), countIf(name = 'pageview'), 0, 0 from events where ts < visit_start + interval 24 hour and " + in("visit_start"),
		}
		return counts, []string{keys + "'page_load', page_load % 7 = 0, intDiv(page_load, 100), page_load, count() as n, sum(n) over (order by page_load), sum(n) over (), 0 from events where page_load is not null and " + in("ts") + " group by page_load"}
	}
}

// seoulDays are the days from the one of from to that of to.
func seoulDays(from, to time.Time) (days []event.Day) {
	const ahead = 9 * time.Hour
	for d := from.UTC().Add(ahead).Truncate(24 * time.Hour).Add(-ahead); !d.After(to); d = d.AddDate(0, 0, 1) {
		days = append(days, event.Day{From: d, To: d.AddDate(0, 0, 1)})
	}
	return days
}

// keepAll keeps every day of sites that can be.
func keepAll(t testing.TB, s *Store, sites ...int64) {
	t.Helper()
	var what []event.Keeping
	for _, site := range sites {
		if all := eventtest.All(t, s, site); len(all) > 0 {
			days := seoulDays(time.UnixMilli(all[0].Time), time.UnixMilli(all[len(all)-1].Time))
			what = append(what, event.Keeping{Site: site, Zone: keptZone, Days: days, SQL: keptSQL(site, keptZone)})
		}
	}
	if err := s.KeepDays(context.Background(), what); err != nil {
		t.Fatalf("keep days: %v", err)
	}
}

// checkKept holds each kept day of a site against a loop over its events.
func checkKept(t testing.TB, s *Store, site int64) (dates string, version int64) {
	t.Helper()
	k, err := s.Kept(context.Background(), site, keptZone)
	if err != nil {
		t.Fatal(err)
	}
	es, rows := eventtest.All(t, s, site), keptRows(t, s, site)
	for i, d := range k.Days {
		got := rows[d.From.UnixMilli()]
		if want := eventtest.CountDay(d, es); got != want {
			t.Errorf("site %d, %s: kept %+v, want %+v", site, d.From.Format(time.DateOnly), got, want)
		}
		if i > 0 {
			dates += " "
		}
		dates += d.From.Add(9 * time.Hour).Format("02")
	}
	return dates, k.Version
}

// keptRows is what is kept of each day of a site, by its first moment.
func keptRows(t testing.TB, s *Store, site int64) map[int64]eventtest.Counted {
	t.Helper()
	of := fmt.Sprintf("site_id = %d and keep in (select max(keep) from kept_days where site_id = %[1]d and zone = %[2]s group by from_ms) group by day", site, quote(keptZone))
	all := map[int64]eventtest.Counted{}
	for _, query := range []string{
		"select day, sumIf(events, dimension = 'path'), sumIf(pageviews, dimension = 'path'), sumIf(visits, dimension = ''), sumIf(views, dimension = ''), 0, 0 from day_counts where " + of,
		"select day, 0, 0, 0, 0, sum(count), sum(value * count) from day_values where measure = 'page_load' and " + of,
	} {
		err := event.Each(t.Context(), s, query, func(r *sql.Rows) error {
			var day time.Time
			var c eventtest.Counted
			err := r.Scan(&day, &c.Events, &c.Pageviews, &c.Visits, &c.Views, &c.Loads, &c.LoadTime)
			o := all[day.UnixMilli()]
			all[day.UnixMilli()] = eventtest.Counted{Events: c.Events + o.Events, Pageviews: c.Pageviews + o.Pageviews, Visits: c.Visits + o.Visits, Views: c.Views + o.Views, Loads: c.Loads + o.Loads, LoadTime: c.LoadTime + o.LoadTime}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

const allDates = "02 03 04 05 06 07 08 09 10"

// keptStore fills a database with eight days of two sites, which are kept.
func keptStore(t *testing.T, url string, change func(*Options)) *Store {
	t.Helper()
	s := openAt(t, url, func(o *Options) {
		o.Doubt = time.Nanosecond // nothing else writes
		if change != nil {
			change(o)
		}
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	g := &eventtest.Bulk{Seed: 9, Weights: map[int64]int{1: 2, 2: 1}, Gap: 2 * time.Minute}
	eventtest.Append(t, s, eventtest.Batch("a", 0, g.Next(5760)))
	keepAll(t, s, 1, 2)
	if dates, _ := checkKept(t, s, 1); dates != allDates {
		t.Fatalf("%s kept at first, want %s", dates, allDates)
	}
	return s
}

// one is a visit with two events.
func one(site int64, from, to time.Time) []event.Event {
	return eventtest.Events(eventtest.Visit(eventtest.OnSite(site), eventtest.With(func(e *event.Event) { e.Import = 5 }),
		eventtest.At(from), eventtest.View("/late"), eventtest.At(to), eventtest.View("/later")))
}

func marchAt(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) } // Seoul is 9 hours ahead

// TestKept: what makes a day untrue makes it kept no longer, and it is kept anew.
func TestKept(t *testing.T) {
	s := keptStore(t, chtest.Shared(t).Database(t), nil)
	ctx, pos := context.Background(), int64(0)
	late := func(es []event.Event) error {
		from := pos
		pos += int64(len(es))
		return s.Append(ctx, eventtest.Batch("b", from, es))
	}
	for _, c := range []struct {
		name string
		do   func() error
		then string // the dates kept after it
	}{
		{"nothing", func() error { return nil }, allDates},
		{"an event after the last day", func() error { return late(one(1, marchAt(20, 1), marchAt(20, 2))) }, allDates},
		{"a late event", func() error { return late(one(1, marchAt(5, 2), marchAt(5, 3))) }, "02 03 04 07 08 09 10"},
		{"a late event of a visit of the day before", func() error { return late(one(1, marchAt(5, 23), marchAt(6, 1))) }, "02 03 04 08 09 10"},
		{"what belongs to no visit any more", func() error {
			return late(one(1, marchAt(3, 2), marchAt(20, 1))[1:])
		}, allDates},
		{"another site's late event", func() error { return late(one(2, marchAt(5, 2), marchAt(5, 3))) }, allDates},
		{"an import taken back", func() error { return s.Delete(ctx, event.Selection{Site: 1, Import: 5}) }, ""},
		{"a period deleted", func() error { return s.Delete(ctx, event.Selection{Site: 1, From: marchAt(4, 20), To: marchAt(5, 2)}) },
			"02 06 07 08 09 10"},
		{"two days forgotten", func() error {
			days := seoulDays(marchAt(4, 1), marchAt(6, 1))
			return s.ForgetDays(ctx, 1, keptZone, []event.Day{days[2], days[0]})
		}, "02 03 05 07 08 09 10"},
		{"days of another zone forgotten", func() error { return s.ForgetDays(ctx, 1, "UTC", seoulDays(marchAt(4, 1), marchAt(6, 1))) }, allDates},
		{"another site deleted", func() error { return s.Delete(ctx, event.Selection{Site: 2}) }, allDates},
		{"tended", func() error { return s.Compact(ctx) }, allDates},
		{"the site deleted", func() error { return s.Delete(ctx, event.Selection{Site: 1}) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, version := checkKept(t, s, 1)
			if !strings.HasPrefix(before, allDates) {
				t.Fatalf("%s kept at first, want %s", before, allDates)
			}
			if err := c.do(); err != nil {
				t.Fatal(err)
			}
			dates, after := checkKept(t, s, 1)
			dates, _, _ = strings.Cut(dates, " 11") // and nothing is of the days up to the 20th
			if dates != c.then {
				t.Errorf("kept %s, want %s", dates, c.then)
			}
			if c.then != allDates && version == after {
				t.Error("days were taken back, and the version stayed")
			}
			keepAll(t, s, 1, 2)
			checkKept(t, s, 2)
		})
	}
	for _, table := range keptTables {
		if n := eventtest.Number(t, s, "select count() from "+table+" where site_id = 1"); n != 0 {
			t.Errorf("%d rows of a deleted site are in %s", n, table)
		}
	}
}

// TestKeptElsewhere: what another process does is seen within seconds, and a day
// in which it may still be storing something is not kept.
func TestKeptElsewhere(t *testing.T) {
	long(t)
	url := chtest.Shared(t).Database(t)
	s := keptStore(t, url, nil)
	other := openAt(t, url, nil)
	defer other.Close()
	if dates, _ := checkKept(t, other, 1); dates != allDates {
		t.Errorf("%s kept for another process, want %s", dates, allDates)
	}
	eventtest.Append(t, other, eventtest.Batch("b", 0, one(1, marchAt(5, 2), marchAt(5, 3))))
	until(t, s, "02 03 04 07 08 09 10")
	keepAll(t, s, 1)
	until(t, other, "02 03 04 07 08 09 10") // for minutes
	if err := other.Delete(t.Context(), event.Selection{Site: 1, From: marchAt(8, 12)}); err != nil {
		t.Fatal(err)
	}
	until(t, s, "02 03 04")
}

// until waits until a process sees that these dates of site 1 are kept.
func until(t *testing.T, s *Store, want string) {
	t.Helper()
	time.Sleep(keptFresh + 100*time.Millisecond)
	if dates, _ := checkKept(t, s, 1); dates != want {
		t.Errorf("%s kept, want %s", dates, want)
	}
}

// TestKeptTidied: of what was counted only the last of each day is left, and
// nothing of what a process counted that ended before it said so.
func TestKeptTidied(t *testing.T) {
	long(t)
	url := chtest.Shared(t).Database(t)
	dying := errors.New("the process ends here")
	dies := false
	s := keptStore(t, url, func(o *Options) {
		o.step = func(name string) {
			if dies && name == "days counted" {
				panic(dying)
			}
		}
	})
	rows := func() int64 {
		return eventtest.Number(t, s, "select (select count() from day_counts) + (select count() from day_values)")
	}
	clean := rows()
	all := seoulDays(marchAt(2, 1), marchAt(10, 1))
	forget := func() {
		t.Helper()
		if err := s.ForgetDays(t.Context(), 1, keptZone, all); err != nil {
			t.Fatal(err)
		}
	}
	forget()
	func() {
		defer func() { _ = recover() }()
		dies = true
		keepAll(t, s, 1)
	}()
	dies = false
	if dates, _ := checkKept(t, s, 1); dates != "" {
		t.Errorf("%s kept, want none", dates)
	}
	keepAll(t, s, 1)
	if dates, _ := checkKept(t, s, 1); dates != allDates {
		t.Errorf("%s kept, want %s", dates, allDates)
	}
	if rows() <= clean {
		t.Fatal("nothing is left over: this test could not fail")
	}
	// As if that was days ago.
	for _, table := range keptTables {
		q := "alter table " + table + " update keep = keep - 200000000000 where keep not in (select keep from kept_days)"
		if err := s.exec(mutating(t.Context()), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := rows(); n != clean {
		t.Errorf("%d rows after tidying, want %d", n, clean)
	}
	if dates, _ := checkKept(t, s, 1); dates != allDates {
		t.Errorf("%s kept after tidying, want %s", dates, allDates)
	}
}

// TestKeptSettled: today and yesterday are not kept, nor while events are deleted.
func TestKeptSettled(t *testing.T) {
	now := marchAt(8, 14)
	s := openAt(t, chtest.Shared(t).Database(t), func(o *Options) {
		o.Doubt, o.Now = time.Nanosecond, func() time.Time { return now }
	})
	defer s.Close()
	g := &eventtest.Bulk{Seed: 9, Weights: map[int64]int{1: 2}, Gap: 4 * time.Minute}
	eventtest.Append(t, s, eventtest.Batch("a", 0, g.Next(2880)))
	keepAll(t, s, 1)
	if dates, _ := checkKept(t, s, 1); dates != "02 03 04 05" {
		t.Errorf("%s kept, want those that ended two days before %v", dates, now)
	}
	// What comes of today says nothing, what comes late does.
	for i, c := range []struct {
		at   time.Time
		want int64
	}{{now.Add(-time.Hour), 0}, {now.Add(-23 * time.Hour), 0}, {now.Add(-25 * time.Hour), 1}} {
		before := eventtest.Number(t, s, "select count() from touched_days")
		eventtest.Append(t, s, eventtest.Batch("b", int64(2*i), one(1, c.at, c.at.Add(time.Minute))))
		if n := eventtest.Number(t, s, "select count() from touched_days") - before; n != c.want {
			t.Errorf("an event of %v was said in %d rows, want %d", c.at, n, c.want)
		}
	}
}

// TestKeptWrongRows: selects that give rows of other days are a mistake.
func TestKeptWrongRows(t *testing.T) {
	s := keptStore(t, chtest.Shared(t).Database(t), nil)
	days := seoulDays(marchAt(2, 1), marchAt(2, 2))
	if err := s.ForgetDays(t.Context(), 1, keptZone, days); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []func(event.Day) ([]string, []string){keptSQL(2, keptZone), keptSQL(1, "UTC")} {
		err := s.KeepDays(t.Context(), []event.Keeping{{Site: 1, Zone: keptZone, Days: days, SQL: sql}})
		if err == nil || !strings.Contains(err.Error(), "not asked for") {
			t.Errorf("rows of another site or zone: %v", err)
		}
	}
}

// TestKeptForGood: a deleted site's kept answers are on no disk.
func TestKeptForGood(t *testing.T) {
	long(t)
	const canary = "canary-Rw5kTq81vbLx"
	server := chtest.Start(t)
	if server.Directory() == "" {
		t.Skip("the server's files are out of reach")
	}
	s := keptStore(t, server.Database(t), func(o *Options) { o.plain = true })
	visit := eventtest.Events(eventtest.Visit(eventtest.OnSite(7), eventtest.At(eventtest.Start), eventtest.View("/"+canary)))
	eventtest.Append(t, s, eventtest.Batch("b", 0, visit))
	keepAll(t, s, 7)
	if n := eventtest.Number(t, s, "select count() from day_counts where value = '/"+canary+"'"); n != 1 {
		t.Fatalf("%d kept rows have the text before it is deleted: this test could not fail", n)
	}
	if err := s.Delete(t.Context(), event.Selection{Site: 7}); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(server.Directory(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // a part that goes meanwhile
		}
		if b, err := os.ReadFile(path); err == nil && strings.Contains(string(b), canary) && !strings.Contains(path, ".log") {
			t.Errorf("%s has it", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
