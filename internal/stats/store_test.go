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
	t.Helper()
	return &site.Site{ID: eventtest.Site, PublicID: "abc", Domain: "example.com", TimeZone: name, Location: zone(t, name), Currency: "EUR"}
}

// clock reads "2026-03-29 01:30" in a zone.
func clock(t testing.TB, name, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", s, zone(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// ask runs q at now, and holds the answer against the oracle's as well.
func ask(t *testing.T, events []event.Event, now time.Time, q stats.Query) *stats.Result {
	t.Helper()
	r, err := stats.New(open(t, events), func() time.Time { return now }).Run(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{site: q.Site.ID, currency: q.Site.Currency, events: events, now: now, loc: q.Site.Location, goals: q.Goals}
	if diff := differ(r, o.run(q)); diff != "" {
		t.Errorf("the oracle disagrees: %s", diff)
	}
	return r
}
