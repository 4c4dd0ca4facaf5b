package stats_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
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

// engine is a kind of event store.
type engine struct {
	name event.Dialect
	open func(testing.TB) event.Store // an empty one
}

func openDuckDB(t testing.TB) event.Store {
	t.Helper()
	store, err := duckdb.Open(t.Context(), duckdb.Options{Path: t.TempDir(), Memory: 512 << 20, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// lasting is a ClickHouse for all tests of one question, as to make one takes
// longer than to ask it.
var lasting struct {
	sync.Mutex
	store event.Store
	sites int64 // before this one are taken
	ends  []func()
}

// ending is a test that ends after all others.
type ending struct{ testing.TB }

func (ending) Cleanup(end func())       { lasting.ends = append(lasting.ends, end) }
func (ending) Context() context.Context { return context.Background() }

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range slices.Backward(lasting.ends) {
		end()
	}
	os.Exit(code)
}

// withApart is with, but ClickHouse gets the events beside those of other tests:
// their sites are others, and so is q's.
func (e engine) withApart(t testing.TB, events []event.Event, q stats.Query) (event.Store, stats.Query) {
	t.Helper()
	if e.name != event.ClickHouse {
		return e.with(t, events), q
	}
	lasting.Lock()
	defer lasting.Unlock()
	if lasting.store == nil {
		lasting.store = e.open(ending{t})
	}
	lasting.sites += 1000
	events = slices.Clone(events)
	for i := range events {
		events[i].Site += lasting.sites
	}
	st := *q.Site
	st.ID += lasting.sites
	q.Site = &st
	if err := lasting.store.Append(t.Context(), eventtest.Batch(fmt.Sprint("spool ", lasting.sites), 0, events)); err != nil {
		t.Fatal(err)
	}
	return lasting.store, q
}

// openClickHouse skips the test where the engine can't run.
func openClickHouse(t testing.TB) event.Store {
	t.Helper()
	store, err := clickhouse.Open(t.Context(), clickhouse.Options{URL: chtest.Shared(t).Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// with opens a store that has events in it.
func (e engine) with(t testing.TB, events []event.Event, drops ...event.Drop) event.Store {
	t.Helper()
	store := e.open(t)
	b := eventtest.Batch("spool", 0, events)
	b.Drops = drops
	if err := store.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return store
}

// onEach runs a test for each kind of store; ClickHouse's is a test of its own,
// that can be skipped.
func onEach(t *testing.T, test func(*testing.T, engine)) {
	t.Helper()
	test(t, engine{event.DuckDB, openDuckDB})
	t.Run(string(event.ClickHouse), func(t *testing.T) { test(t, engine{event.ClickHouse, openClickHouse}) })
}

// share is those questions of a list that are asked of an engine: all, but in a
// run of a few seconds every eighth of ClickHouse, which takes four times as long
// as DuckDB to understand a statement (20 ms of processor time).
func share[T any](e engine, all []T) (some []T) {
	if e.name != event.ClickHouse || long() {
		return all
	}
	for i := 0; i < len(all); i += 8 {
		some = append(some, all[i])
	}
	return some
}

// each runs a test in each kind of store, with the same in all of them.
func each(t *testing.T, test func(*testing.T, event.Store), events []event.Event, drops ...event.Drop) {
	t.Helper()
	onEach(t, func(t *testing.T, e engine) { test(t, e.with(t, events, drops...)) })
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

// ask runs q at now on each kind of store, and holds every answer against the
// oracle's as well. They are the same, or the test has failed: it gives one.
func ask(t *testing.T, events []event.Event, now time.Time, q stats.Query) (r *stats.Result) {
	t.Helper()
	o := &oracle{site: q.Site.ID, currency: q.Site.Currency, events: events, now: now, loc: q.Site.Location, goals: q.Goals}
	want := o.run(q)
	onEach(t, func(t *testing.T, in engine) {
		store, q := in.withApart(t, events, q)
		got, err := stats.New(store, func() time.Time { return now }).Run(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := differ(got, want); diff != "" {
			t.Errorf("the oracle disagrees: %s", diff)
		}
		r = got
	})
	return r
}
