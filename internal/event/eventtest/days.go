package eventtest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
)

// someDays are counts of two imports of a site and one of another, a day
// apart, some of whose sums their source doesn't tell.
func someDays() []event.DayCount {
	var ds []event.DayCount
	for i := range int64(30) {
		d := event.DayCount{Site: 1, Import: 1 + i%2, Day: Start.Truncate(24*time.Hour).UnixMilli() + i/3*86_400_000, Dimension: "path", Value: fmt.Sprintf("/a-longer-path-%d", i)}
		d.Sums = event.Sums{Visitors: i, Pageviews: 2 * i, Events: 3 * i, Visits: event.Untold, Views: 5 * i, Bounces: event.Untold, Duration: 1 << 40}
		switch i % 5 {
		case 3:
			d.Site, d.Import = 2, 9
		case 4:
			d.Dimension, d.Value = "", ""
			d.Sums = event.Sums{Visitors: event.Untold, Pageviews: 0, Events: event.Untold, Visits: 7, Views: event.Untold, Bounces: 1, Duration: event.Untold}
		}
		ds = append(ds, d)
	}
	return ds
}

// daysOf reads imported_days back.
func daysOf(t *testing.T, s event.Store) []event.DayCount {
	t.Helper()
	rows, err := s.Select(context.Background(), `select site_id, import_id, day, dimension, value, visitors, pageviews, events, visits, views, bounces, duration
		from imported_days order by day, dimension, value, site_id, import_id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ds []event.DayCount
	for rows.Next() {
		var d event.DayCount
		var sums [len(event.SumColumns)]sql.NullInt64
		var day time.Time
		if err := rows.Scan(&d.Site, &d.Import, &day, &d.Dimension, &d.Value, &sums[0], &sums[1], &sums[2], &sums[3], &sums[4], &sums[5], &sums[6]); err != nil {
			t.Fatal(err)
		}
		d.Day = day.UnixMilli()
		for i, to := range []*int64{&d.Visitors, &d.Pageviews, &d.Events, &d.Visits, &d.Views, &d.Bounces, &d.Duration} {
			if *to = event.Untold; sums[i].Valid {
				*to = sums[i].Int64
			}
		}
		ds = append(ds, d)
	}
	return ds
}

func sameDays(t *testing.T, s event.Store, want []event.DayCount) {
	t.Helper()
	by := func(a, b event.DayCount) int {
		return slices.Compare([]string{fmt.Sprint(a.Day), a.Dimension, a.Value, fmt.Sprint(a.Site), fmt.Sprint(a.Import)},
			[]string{fmt.Sprint(b.Day), b.Dimension, b.Value, fmt.Sprint(b.Site), fmt.Sprint(b.Import)})
	}
	got, want := daysOf(t, s), slices.Clone(want)
	slices.SortFunc(got, by)
	slices.SortFunc(want, by)
	if !slices.Equal(got, want) {
		t.Errorf("%d days\n%+v, want %d\n%+v", len(got), got, len(want), want)
	}
}

// importedDays: once, whatever is sent again, closed or tended.
func importedDays(t *testing.T, open Opener) {
	s := open(t)
	days := someDays()
	first := &event.Batch{Spool: "import-1", From: 0, To: 500, Days: days[:20]}
	Append(t, s, first)
	Append(t, s, first)
	sameDays(t, s, days[:20])
	closing(t, s)
	s = open(t)
	Append(t, s, first)
	second := Batch("import-1", 500, views(5))
	second.Days = days[20:]
	Append(t, s, second)
	Append(t, s, second)
	sameDays(t, s, days)
	keeps := func() {
		t.Helper()
		k, ok := s.(event.DayKeeper)
		for site := int64(1); ok && site <= 3; site++ {
			if kept, err := k.Kept(context.Background(), site, "UTC"); err != nil || kept.Imports != (site < 3) {
				t.Errorf("imports of site %d: %v, %v", site, kept.Imports, err)
			}
		}
	}
	keeps()
	tend(t, s)
	sameDays(t, s, days)
	closing(t, s)
	s = open(t)
	defer closing(t, s)
	keeps()
	sameDays(t, s, days)
	if err := s.Append(context.Background(), &event.Batch{Spool: "import-1", From: 400, To: 600, Days: days[:1]}); err == nil {
		t.Error("a batch that was stored in part was accepted")
	}
	sameDays(t, s, days)
	loaded(t, s, "import-1", 505)
}

func deleteDays(t *testing.T, open Opener) {
	day := func(n int64) time.Time { return Start.Truncate(24*time.Hour).AddDate(0, 0, int(n)) }
	for _, c := range []struct {
		name string
		sel  event.Selection
		gone func(d event.DayCount) bool
	}{
		{"site", event.Selection{Site: 1}, func(d event.DayCount) bool { return d.Site == 1 }},
		{"import", event.Selection{Site: 1, Import: 2}, func(d event.DayCount) bool { return d.Site == 1 && d.Import == 2 }},
		{"another site's import", event.Selection{Site: 1, Import: 9}, func(event.DayCount) bool { return false }},
		{"period", event.Selection{Site: 1, From: day(2), To: day(5)}, func(d event.DayCount) bool {
			return d.Site == 1 && d.Day >= day(2).UnixMilli() && d.Day < day(5).UnixMilli()
		}},
		{"from the middle of a day", event.Selection{Site: 1, From: day(2).Add(time.Hour)}, func(d event.DayCount) bool {
			return d.Site == 1 && d.Day > day(2).UnixMilli()
		}},
		{"an import's period", event.Selection{Site: 1, To: day(5), Import: 1}, func(d event.DayCount) bool {
			return d.Site == 1 && d.Import == 1 && d.Day < day(5).UnixMilli()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			days := someDays()
			Append(t, s, &event.Batch{Spool: "import-1", From: 0, To: 1, Days: days})
			if err := s.Delete(context.Background(), c.sel); err != nil {
				t.Fatal(err)
			}
			want := slices.DeleteFunc(days, c.gone)
			sameDays(t, s, want)
			tend(t, s)
			closing(t, s)
			s = open(t)
			defer closing(t, s)
			sameDays(t, s, want)
		})
	}
}
