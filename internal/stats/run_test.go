package stats_test

import (
	"context"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// open opens an event store with events in it.
func open(t testing.TB, events []event.Event, drops ...event.Drop) event.Store {
	t.Helper()
	ctx := context.Background()
	store, err := duckdb.Open(ctx, duckdb.Options{Path: t.TempDir(), Memory: 512 << 20, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	b := eventtest.Batch("spool", 0, events)
	b.Drops = drops
	if err := store.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
	return store
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func siteIn(t testing.TB, name string) *site.Site {
	return &site.Site{ID: eventtest.Site, PublicID: "abc", Domain: "example.com", TimeZone: name, Location: zone(t, name), Currency: "EUR"}
}

func TestSmoke(t *testing.T) {
	st := siteIn(t, "UTC")
	s := stats.New(open(t, eventtest.Events(
		eventtest.Visit(eventtest.View("/"), eventtest.Measure(event.PageLoad, 100), eventtest.View("/docs"), eventtest.Engaged(5000, 80)),
		eventtest.Visit(eventtest.View("/"), eventtest.Custom("signup", "plan", "pro")),
		eventtest.Visit(eventtest.View("/docs"), eventtest.Paid("buy", 2500, "EUR"), eventtest.Paid("buy", 1500, "USD")),
		eventtest.Visit(eventtest.View("/docs")),
	)), func() time.Time { return eventtest.Start.Add(30 * time.Minute) })
	var all []stats.Metric
	for _, m := range stats.Metrics() {
		all = append(all, m.Name)
	}
	base := stats.Query{Site: st, Period: stats.Period{Name: "24h"}, Compare: stats.PreviousPeriod}
	for _, f := range []stats.Filter{{}, stats.Is(stats.Path, stats.Eq, "/docs"), stats.Is(stats.ExitPage, stats.Matches, "/d*"), stats.Is(stats.Prop("plan"), stats.Gt, "3"),
		stats.Filter{Op: stats.Or, Filters: []stats.Filter{stats.Is(stats.Country, stats.In, "KR", "US"), stats.Is(stats.ScreenWidth, stats.Gt, "300"), {Op: stats.Not, Filters: []stats.Filter{stats.Is(stats.EventName, stats.NotContains, "sign")}}}}} {
		base.Filter = f
		for _, q := range []stats.Query{base.Totals(all...), base.Series(all...), base.By(stats.Path, 10, all...), base.By(stats.Source, 10, all...), base.By(stats.ExitPage, 10, all...), base.By(stats.Prop("plan"), 10, all...), base.By(stats.ScreenWidth, 10, all...), base.By(stats.Path, 10, stats.BounceRate), base.By(stats.Path, 10, stats.Visits)} {
			r, err := s.Run(context.Background(), q)
			if err != nil {
				t.Errorf("%v: %v", q.Values(), err)
				continue
			}
			t.Log(q.Values()["by"], f, r.Totals, len(r.Points), r.Rows)
		}
	}
}
