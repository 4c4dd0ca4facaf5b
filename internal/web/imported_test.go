package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
)

// counted puts counts of days into the store, as Plausible's zip has them, and
// tells the pages of them: d days from the first.
func (w *world) counted(st *site.Site, first string, d int) {
	w.t.Helper()
	day, err := time.Parse(time.DateOnly, first)
	if err != nil {
		w.t.Fatal(err)
	}
	var days []event.DayCount
	add := func(i int, dimension, value string, n int64) {
		s := event.Sums{Visitors: n, Pageviews: 2 * n, Events: event.Untold, Visits: n + 3, Views: 2 * n, Bounces: n / 2, Duration: n * 90_000}
		days = append(days, event.DayCount{Site: st.ID, Import: 1, Day: day.AddDate(0, 0, i).UnixMilli(), Dimension: dimension, Value: value, Sums: s})
	}
	for i := range d {
		n := int64(300 + 40*(i%7))
		add(i, "", "", n)
		for j, page := range []string{"/", "/pricing", "/docs"} {
			add(i, "path", page, n/int64(j+2))
			add(i, "entry_page", page, n/int64(j+2))
		}
		for j, source := range []string{"", "Google", "Naver"} {
			add(i, "source", source, n/int64(j+2))
		}
		for j, country := range []string{"KR", "US", "DE"} {
			add(i, "country", country, n/int64(j+2))
		}
	}
	if err := w.store.Append(w.t.Context(), &event.Batch{Spool: "import-1", To: 1, Days: days}); err != nil {
		w.t.Fatal(err)
	}
	last := day.AddDate(0, 0, d-1).Format(time.DateOnly)
	w.server.o.Imports = func(_ context.Context, site int64) ([]ImportedDays, error) {
		if site != st.ID {
			return nil, errors.New("another site was asked for")
		}
		return []ImportedDays{{Source: "Plausible", From: first, To: last}, {Source: "Google Analytics", From: "2019-01-01", To: "2019-12-31"}}, nil
	}
}

// Whoever looks at imported days is told that they are there, which numbers
// don't have them, and why; who has none is told nothing.
func TestImportedDaysAreSaid(t *testing.T) {
	w := newWorld(t, base)
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w.now = func() time.Time { return noon }
	w.serve(nil)
	p := w.claim("owner@example.com", "example.com", "UTC")
	w.put([]event.Event{view(p.site, noon, "/", 7)}, nil)
	home := sitePath(p.site)
	if body := p.get(home + "?period=4w").Body.String(); strings.Contains(body, `class="imported"`) {
		t.Error("imported days are spoken of where there are none")
	}
	w.counted(p.site, "2026-11-01", 14)
	for _, c := range []struct {
		query string
		says  []string
		not   []string
	}{
		{"?period=4w", []string{"Imported days (1 Nov – 14 Nov, Plausible) are in these numbers.", "Imported days are left out where their source doesn’t tell: Page load.", "Imported days aren’t in this list: their source doesn’t tell."}, []string{"2019", "filtered"}},
		{"?period=4w&f=eq,country,KR", []string{"Imported days (1 Nov – 14 Nov, Plausible) aren’t in these numbers: their source can’t be filtered."}, []string{"this list"}},
		{"?from=2026-11-03&to=2026-11-03", []string{"(1 Nov – 14 Nov, Plausible) aren’t in these numbers: their source has whole days, and no hours."}, nil},
		{"?from=2026-11-15&to=2026-11-22", []string{"(1 Nov – 14 Nov, Plausible) are in these numbers."}, nil},
		{"?from=2026-11-15&to=2026-11-22&compare=none", nil, []string{"Imported days"}},
	} {
		res := p.get(home + c.query)
		if res.Code != http.StatusOK {
			t.Fatalf("%s: %d", c.query, res.Code)
		}
		body := strings.ReplaceAll(res.Body.String(), "&#39;", "'")
		for _, s := range c.says {
			if !strings.Contains(body, s) {
				t.Errorf("%s doesn't say %q\n%s", c.query, s, notes(body))
			}
		}
		for _, s := range c.not {
			if strings.Contains(notes(body), s) {
				t.Errorf("%s says %q", c.query, notes(body))
			}
		}
	}
	w.server.o.Imports = func(context.Context, int64) ([]ImportedDays, error) { return nil, errors.New("gone") }
	if body := p.get(home + "?period=4w").Body.String(); !strings.Contains(body, "Imported days are in these numbers.") {
		t.Errorf("without the list of imports: %s", notes(body))
	}
}

// notes are what a page says of imported days.
func notes(body string) string {
	var out []string
	for _, part := range strings.Split(body, `class="imported"`)[1:] {
		part, _, _ = strings.Cut(part, "</p>")
		out = append(out, part)
	}
	return strings.Join(out, "\n")
}

// TestShotsOfImports photographs a dashboard with imported days:
// go test ./internal/web -run TestShotsOfImports -shots /tmp/shots
func TestShotsOfImports(t *testing.T) {
	if *shots == "" {
		t.Skip("for eyes; see -shots")
	}
	w := newWorld(t, base)
	c := &camera{window: w.open(t), t: t, folder: *shots}
	b := tour(func(v visit) { c.shoot(v, []int64{390, 1440}) })
	owner := w.claim("owner@example.com", "hallacoffee.example", "Asia/Seoul")
	w.traffic(owner.site, time.Now().Add(-12*24*time.Hour), time.Now(), 420)
	w.counted(owner.site, time.Now().AddDate(0, 0, -80).Format(time.DateOnly), 68)
	home := sitePath(owner.site)
	b.shoot("imported", owner, home+"?period=3m", "")
	b.shoot("imported-filtered", owner, home+"?period=3m&f=eq,country,KR", "")
	b.shoot("imported-only", owner, home+"?from="+time.Now().AddDate(0, 0, -60).Format(time.DateOnly)+"&to="+time.Now().AddDate(0, 0, -40).Format(time.DateOnly), "")
}
