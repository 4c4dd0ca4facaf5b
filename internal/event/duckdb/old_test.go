package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	driver "github.com/duckdb/duckdb-go/v2"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// The schema of the first stores, as they were written: events without an
// import, segments without a format and sorted by time.
const (
	oldEvents = `site_id bigint, ts timestamp, name varchar, visitor_id bigint, visit_id bigint, visit_start timestamp, path varchar, hostname varchar, interactive boolean,
		entry_path varchar, referrer varchar, source varchar, channel varchar, utm_source varchar, utm_medium varchar, utm_campaign varchar, utm_content varchar, utm_term varchar,
		country varchar, region varchar, city varchar, browser varchar, browser_version varchar, os varchar, os_version varchar, device varchar,
		screen_width integer, language varchar, time_zone varchar, connection_speed varchar,
		dns integer, connect integer, tls integer, ttfb integer, download integer, dom_content_loaded integer, render integer, page_load integer,
		transfer_size integer, lcp integer, inp integer, cls integer, fcp integer, vital_ttfb integer, engagement_time integer, scroll_depth integer,
		revenue bigint, currency varchar, props map(varchar, varchar)`
	oldSchema = `
		create table schema_version (version bigint);
		insert into schema_version values (1);
		create table recents (id bigint);
		create table segments (id bigint, events bigint);
		create table tombstones (segment bigint, site_id bigint, from_ms bigint, to_ms bigint);
		create table facts (name varchar);
		create table drops (site_id bigint, ts timestamp, reason varchar, detail varchar, count bigint);
		create table keys (site_id bigint, ts timestamp, key blob, body blob);
		create table positions (spool varchar, pos bigint);`
)

// oldStore writes a store of the first schema: sorted events in a segment, of
// which a site is hidden by a tombstone, and fresh ones in recent_3.
func oldStore(t *testing.T, sorted, fresh []event.Event, hidden int64) (dir string) {
	t.Helper()
	ctx := context.Background()
	made := openAt(t, t.TempDir(), nil)
	eventtest.Append(t, made, eventtest.Batch("sorted", 0, sorted))
	eventtest.Append(t, made, eventtest.Batch("fresh", 0, fresh))
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	c, err := driver.NewConnector("", nil)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	defer db.Close()
	db.SetMaxOpenConns(1)
	from := fmt.Sprintf("select * exclude import_id from made.recent_1 where rowid %%s %d", len(sorted))
	for _, q := range []string{
		"attach " + quote(filepath.Join(made.o.Path, hotFile(1))) + " as made (read_only)",
		"attach " + quote(filepath.Join(dir, segmentFile(4))) + " as segment (block_size 65536)",
		"create table segment.events (" + oldEvents + ")",
		"insert into segment.events " + fmt.Sprintf(from, "<") + " order by site_id, ts",
		"checkpoint segment", "detach segment",
		"attach " + quote(filepath.Join(dir, hotFile(2))) + " as hot (block_size 65536)",
		"use hot", oldSchema,
		"create table recent_3 (" + oldEvents + ")",
		"insert into recent_3 " + fmt.Sprintf(from, ">="),
		"insert into recents values (3)",
		fmt.Sprintf("insert into segments values (4, %d)", len(sorted)),
		fmt.Sprintf("insert into tombstones values (4, %d, %d, %d)", hidden, newTombstone(event.Selection{}).from, newTombstone(event.Selection{}).to),
		fmt.Sprintf("insert into positions values ('a', %d)", len(sorted)+len(fresh)),
		fmt.Sprintf("insert into drops values (1, make_timestamp_ms(%d), 'bot', 'Yeti', 3)", eventtest.Start.UnixMilli()),
		"use memory", "checkpoint hot", "detach hot",
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return dir
}

// TestOldStore opens a store of the first schema and does with it what is done
// with a new one.
func TestOldStore(t *testing.T) {
	ctx := context.Background()
	g := &eventtest.Bulk{Seed: 5, Weights: map[int64]int{1: 3, 2: 2, 3: 1}, Gap: time.Minute}
	sorted, fresh, later := g.Next(3000), g.Next(900), g.Next(600)
	fresh = slices.DeleteFunc(fresh, func(e event.Event) bool { return e.Site == 3 })
	dir := oldStore(t, sorted, fresh, 3)
	small := func(o *Options) { o.minSegment = 500; o.partRows = 700; o.Memory = 256 << 20 }
	s := openAt(t, dir, small)
	defer func() { _ = s.Close() }()
	held := oracle{events: slices.DeleteFunc(slices.Concat(sorted, fresh), func(e event.Event) bool { return e.Site == 3 }), pos: map[string]int64{}}
	check := func(when string) {
		t.Helper()
		for site := int64(1); site <= 3; site++ {
			eventtest.Same(t, eventtest.All(t, s, site), held.of(site))
			checkKept(t, s, site, held.of(site))
		}
		if n := eventtest.Number(t, s, "select sum(count)::bigint from drops"); n != 3 {
			t.Errorf("%d drops, want 3", n)
		}
		if t.Failed() {
			t.Fatal(when)
		}
	}
	check("opened")
	pos := int64(len(sorted) + len(fresh))
	if at, err := s.Loaded(ctx, "a"); err != nil || at != pos {
		t.Fatalf("loaded %d, %v; want %d", at, err, pos)
	}
	// Live and imported events of the same time, and days of an import.
	imported := slices.Clone(later)
	for i := range imported {
		imported[i].Import = 1 + int64(i%2)
		imported[i].Visit++
	}
	eventtest.Append(t, s, eventtest.Batch("a", pos, later))
	b := eventtest.Batch("import", 0, imported)
	b.Days = []event.DayCount{{Site: 1, Import: 1, Day: eventtest.Start.UnixMilli(), Dimension: "path", Value: "/"}}
	eventtest.Append(t, s, b)
	held.events = slices.Concat(held.events, later, imported)
	check("appended to")
	undo := func(id int64) {
		t.Helper()
		if err := s.Delete(ctx, event.Selection{Site: 1, Import: id}); err != nil {
			t.Fatal(err)
		}
		held.events = slices.DeleteFunc(held.events, func(e event.Event) bool { return e.Site == 1 && e.Import == id })
		check(fmt.Sprintf("without import %d", id))
	}
	undo(1) // the segment is of the old format
	if n := eventtest.Number(t, s, "select count(*) from imported_days"); n != 0 {
		t.Errorf("%d imported days left", n)
	}
	compact(t, s)
	check("compacted")
	keepAll(t, s, 1, 2, 3)
	check("kept")
	undo(2) // and now of the new one
	from := time.UnixMilli(sorted[1000].Time)
	if err := s.Delete(ctx, event.Selection{Site: 2, To: from}); err != nil {
		t.Fatal(err)
	}
	held.delete(2, time.Time{}, from)
	check("a period deleted")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, small)
	check("opened again")
	compact(t, s)
	check("compacted again")
	l, err := readLayout(ctx, s.engine.db)
	if err != nil || slices.ContainsFunc(l.segments, func(sg segment) bool { return sg.format != segmentFormat || len(sg.tombstones) > 0 }) {
		t.Errorf("segments %+v, %v: want all of format %d", l.segments, err, segmentFormat)
	}
}
