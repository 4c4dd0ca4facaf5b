package move_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"
	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/fault"
	"moonbear/internal/job"
	"moonbear/internal/site"
	"moonbear/internal/spool"
	"moonbear/internal/transfer/move"
)

// world is an instance with a history, and hits that wait in its spool.
type world struct {
	t       *testing.T
	dir     string
	pair    move.Pair
	at      move.Addresses
	spool   *spool.Spool
	sites   []*site.Site
	waiting int // events in the spool that aren't loaded
	log     strings.Builder
}

func openDuck(t *testing.T) (event.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.duckdb")
	s, err := duckdb.Open(t.Context(), duckdb.Options{Path: path, Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, "duckdb://" + path
}

func openClickHouse(t *testing.T) (event.Store, string) {
	t.Helper()
	u := chtest.Shared(t).Database(t)
	s, err := clickhouse.Open(t.Context(), clickhouse.Options{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, u
}

func openSQLite(t *testing.T) (*db.DB, string) {
	t.Helper()
	u := "sqlite://" + filepath.Join(t.TempDir(), "moonbear.db")
	d, err := db.Open(t.Context(), u, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, u
}

// openScaled is PostgreSQL where the tests have one, else another SQLite.
func openScaled(t *testing.T) (*db.DB, string) {
	t.Helper()
	if !dbtest.Postgres() {
		return openSQLite(t)
	}
	u := dbtest.URL(t)
	d, err := db.Open(t.Context(), u, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, u
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.pair.Events, w.at.Events = openDuck(t)
	w.pair.Database, w.at.Database = openSQLite(t)
	w.control()
	w.history()
	s, err := spool.Open(spool.Options{Dir: filepath.Join(w.dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ran, s.Close()); err != nil {
			t.Error(err)
		}
	})
	w.spool = s
	w.hits(200)
	w.load()
	w.hits(300)
	w.waiting = 300
	return w
}

// control makes an owner, three sites of which one was destroyed, a goal, an
// import, a login and jobs that wait.
func (w *world) control() {
	t, d := w.t, w.pair.Database
	t.Helper()
	if err := errors.Join(d.Migrate(t.Context()), job.Migrate(t.Context(), d, slog.New(slog.DiscardHandler))); err != nil {
		t.Fatal(err)
	}
	accounts := account.New(d, account.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	sites := site.New(d, accounts, site.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	first, err := sites.FirstRun(t.Context(), site.FirstRun{Email: "owner@example.com", Password: "correct horse battery", Domain: "xn--9n2bp8q.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	now := db.Time(time.Now())
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{"insert into sites (id, public_id, account_id, domain, time_zone, currency, keep_fragment, created_at, updated_at) values (2, 'second22', ?, ?, 'UTC', 'EUR', true, ?, ?)", []any{first.Account, "it's a \"test\" ? 한국어 🐻.example", now, now}},
		{"insert into sites (id, public_id, account_id, domain, time_zone, currency, created_at, updated_at) values (9, 'gone9999', ?, 'gone.example', 'UTC', 'EUR', ?, ?)", []any{first.Account, now, now}},
		{"delete from sites where id = 9", nil},
		{"insert into imports (site_id, head_hash, head_bytes, name, format, state, started_at) values (2, ?, 4096, 'a.log', 'combined', 'done', ?)", []any{[]byte{0, 1, 255, 39, 92}, time.Date(2026, 2, 3, 4, 5, 6, 789000, time.UTC)}},
		{"insert into goals (public_id, site_id, name, name_key, path, created_at, updated_at) values ('g1', 2, 'Sign\nup', 'sign up', '/a\\b', ?, ?)", []any{now, now}},
		{"insert into logins (token_hash, user_id, data, expires_at) values ('h', null, ?, ?)", []any{[]byte{}, now}},
		{"insert into job_runs (name, next_at, due_at) values ('compact events', ?, ?)", []any{now, now}},
	} {
		if _, err := d.Bun().NewRaw(q.sql, q.args...).Exec(t.Context()); err != nil {
			t.Fatalf("%s: %v", q.sql, err)
		}
	}
	for i := range 250 { // more than one statement takes
		if _, err := d.Bun().NewRaw("insert into site_hostnames (site_id, hostname, created_at) values (2, ?, ?)", fmt.Sprintf("h%d.example", i), now).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, err = d.Bun().NewRaw(`
		insert into river_job (args, kind, max_attempts, priority, queue, state, scheduled_at, finalized_at)
		values ('{"name":"compact events"}', 'scheduled', 5, 1, 'default', 'available', ?, null), ('{"to":"a"}', 'mail', 7, 1, 'default', 'completed', ?, ?)`, now, now, now).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := sites.Directory().Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.sites = sites.Directory().Sites()
}

// history is three months of two sites, as imports and hits left it.
func (w *world) history() {
	t, s := w.t, w.pair.Events
	t.Helper()
	at := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	bulk := eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 9, 2: 1}, From: at, Gap: 3 * time.Minute}
	events := bulk.Next(28_000) // 58 days
	for i := range events[:20_000] {
		if i%2 == 0 && events[i].Site == 2 {
			events[i].Import = 1
		}
		if i%100 == 0 {
			events[i].Props = []event.Prop{{Key: "plan", Value: "\"a\",b"}, {Key: "size", Value: ""}}
			events[i].Revenue, events[i].Currency = 12_340, "EUR"
		}
	}
	for i := range 40 { // as many at one moment
		events[9_980+i].Time = events[9_980].Time
	}
	b := &event.Batch{Spool: "import-2-1-00ff", To: 28_000, Events: events}
	for i := range 2_000 {
		b.Drops = append(b.Drops, event.Drop{Site: int64(1 + i%2), Time: at.Add(time.Duration(i/10) * time.Hour).UnixMilli(), Reason: "bot", Detail: fmt.Sprint("bot ", i%5), Count: int64(1 + i%3)})
	}
	for i := range 90 {
		d := event.DayCount{Site: 2, Import: 1, Day: at.AddDate(0, 0, i-60).UnixMilli(), Dimension: "path", Value: "/a", Sums: event.Sums{Visitors: 3, Pageviews: int64(i), Events: event.Untold, Visits: 2, Views: 0, Bounces: event.Untold, Duration: 9}}
		b.Days = append(b.Days, d)
	}
	b.Keys = []event.Key{{Site: 1, Time: time.Now().UnixMilli(), Key: [16]byte{1, 0, 2}, Body: [16]byte{3}}, {Site: 1, Time: time.Now().Add(-30 * time.Hour).UnixMilli(), Key: [16]byte{9}}}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// hits puts events and drops into the spool.
func (w *world) hits(n int) {
	w.t.Helper()
	at := time.Now()
	for i := range n {
		e := event.Event{Site: int64(1 + i%2), Time: at.Add(time.Duration(i) * time.Millisecond).UnixMilli(), Name: event.Pageview, Visitor: int64(i + 1), Visit: int64(i + 1), Path: fmt.Sprint("/", i)}
		e.VisitStart, e.EntryPath = e.Time, e.Path
		record := event.AppendEvent(nil, &e)
		if i%50 == 7 {
			record = event.AppendDrops(nil, []event.Drop{{Site: 1, Time: at.Truncate(time.Minute).UnixMilli(), Reason: "bot", Detail: "x", Count: 2}})
		}
		if err := w.spool.Append(w.t.Context(), record); err != nil {
			w.t.Fatal(err)
		}
	}
}

// load loads what is durable into the source.
func (w *world) load() {
	w.t.Helper()
	load(w.t, w.spool, w.pair.Events)
}

func load(t *testing.T, sp *spool.Spool, s event.Store) {
	t.Helper()
	pos, err := s.Loaded(t.Context(), sp.ID())
	if err != nil {
		t.Fatal(err)
	}
	b := event.Batch{Spool: sp.ID(), From: pos, To: pos}
	for b.To < sp.Durable() {
		b.To, err = sp.Read(t.Context(), b.To, 1<<20, func(_ int64, record []byte) error { return b.Decode(record) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if b.To > b.From {
		if err := s.Append(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) options(to move.Pair, at move.Addresses) move.Options {
	o := move.Options{From: w.pair, FromAt: w.at, To: to, At: at, Dir: w.dir, Spool: w.spool, Sites: w.sites, Log: slog.New(slog.NewTextHandler(&w.log, nil))}
	if to.Events == nil {
		o.From.Events, o.FromAt.Events = nil, ""
	}
	if to.Database == nil {
		o.From.Database, o.FromAt.Database = nil, ""
	}
	return o
}

// total counts rows of a table of events.
func total(t *testing.T, s event.Store, table string) (n int) {
	t.Helper()
	rows, err := s.Select(t.Context(), "select count(*) from "+table+" where site_id > 0")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// dump is every row of a control database as text, by table, as the drivers
// give it: times and numbers to the letter.
func dump(t *testing.T, d *db.DB, tables ...string) string {
	t.Helper()
	var all []string
	for _, table := range tables {
		rows, err := d.Bun().QueryContext(t.Context(), "select * from "+table)
		if err != nil {
			t.Fatal(err)
		}
		cols, _ := rows.Columns()
		for rows.Next() {
			vs, dst := make([]any, len(cols)), make([]any, len(cols))
			for i := range vs {
				dst[i] = &vs[i]
			}
			if err := rows.Scan(dst...); err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%s %q", table, fmt.Sprint(vs...)))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

var controlTables = []string{"instance", "users", "accounts", "memberships", "logins", "sites", "site_hostnames", "tokens", "goals", "imports", "job_runs"}

// engines are what events are moved to.
var engines = []struct {
	name string
	open func(*testing.T) (event.Store, string)
}{{"duckdb", openDuck}, {"clickhouse", openClickHouse}}

// TestThereAndBack moves to the other pair and back, with hits that wait in the
// spool each time.
func TestThereAndBack(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			w := newWorld(t)
			var to move.Pair
			var at move.Addresses
			to.Events, at.Events = engine.open(t)
			to.Database, at.Database = openScaled(t)
			before := dump(t, w.pair.Database, controlTables...)
			r, err := move.Run(t.Context(), w.options(to, at))
			if err != nil {
				t.Fatal(err)
			}
			if r.Repaired != 0 || r.Fed != 294 || r.Events != 28_196 || r.Answers < 10 || r.Rows < 250 {
				t.Errorf("the report is %+v", r)
			}
			if n := total(t, to.Events, "events"); n != 28_490 {
				t.Errorf("%d events are there, want 28,490", n)
			}
			if n := total(t, w.pair.Events, "events"); n != 28_196 {
				t.Errorf("the source has %d events, want 28,196 as before", n)
			}
			if pos, err := to.Events.Loaded(t.Context(), "import-2-1-00ff"); err != nil || pos != 28_000 {
				t.Errorf("the import is known to be at %d (%v), want 28,000", pos, err)
			}
			w.oldRefused(at)
			w.jobsCarried(to.Database)

			w.pair, w.at = to, at
			w.hits(100)
			var home move.Pair
			var homeAt move.Addresses
			home.Events, homeAt.Events = openDuck(t)
			home.Database, homeAt.Database = openSQLite(t)
			if _, err := move.Run(t.Context(), w.options(home, homeAt)); err != nil {
				t.Fatal(err)
			}
			if n := total(t, home.Events, "events"); n != 28_588 {
				t.Errorf("%d events are back, want 28,588", n)
			}
			if after := dump(t, home.Database, controlTables...); after != before {
				t.Errorf("the control database came back as\n%s\nwant\n%s", after, before)
			}
			if n := total(t, home.Events, "keys"); n != 1 {
				t.Errorf("%d keys are back, want the one that still counts", n)
			}
			var id int64
			if err := home.Database.Bun().NewRaw("insert into sites (public_id, account_id, domain, time_zone, currency, created_at, updated_at) select 'new', account_id, 'new.example', 'UTC', 'EUR', created_at, updated_at from sites limit 1 returning id").Scan(t.Context(), &id); err != nil || id != 10 {
				t.Errorf("a new site has the number %d (%v), want 10: 9 was given out", id, err)
			}
			w.oldRefused(homeAt)
		})
	}
}

// oldRefused checks where moved.json says that things are now.
func (w *world) oldRefused(want move.Addresses) {
	w.t.Helper()
	m, err := move.ReadMoved(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	if now, last := m.Now(w.at); now != want || last.At.IsZero() {
		w.t.Errorf("what was at %v is said to be at %v", w.at, now)
	}
	if now, last := m.Now(want); now != want || !last.At.IsZero() {
		w.t.Errorf("what is at %v is said to be at %v", want, now)
	}
}

func (w *world) jobsCarried(d *db.DB) {
	w.t.Helper()
	jobs, err := job.NotDone(w.t.Context(), d)
	if err != nil || len(jobs) != 1 || jobs[0].What != "scheduled" || jobs[0].Attempts != 5 || !strings.Contains(jobs[0].Told, "compact events") {
		w.t.Errorf("jobs that wait there: %+v (%v), want the one", jobs, err)
	}
}

var errBroken = errors.New("broken off by the test")

// TestBrokenOff breaks the move off at each of its steps. The source goes on, as
// if nothing had been, and the same move made again finds its way.
func TestBrokenOff(t *testing.T) {
	long(t)
	for _, step := range []struct {
		name string
		nth  int
	}{
		{"begun", 1}, {"claimed", 1}, {"batch", 1}, {"batch", 2}, {"batch", 4}, {"copied", 1}, {"verified", 1},
		{"positioned", 1}, {"fed", 1}, {"held", 1}, {"level", 1}, {"control", 1}, {"proved", 1},
	} {
		t.Run(fmt.Sprint(step.name, step.nth), func(t *testing.T) {
			w := newWorld(t)
			var to move.Pair
			var at move.Addresses
			to.Events, at.Events = openDuck(t)
			to.Database, at.Database = openScaled(t)
			o := w.options(to, at)
			held := 0
			o.Hold = func(context.Context) (func(), error) { held++; return func() { held-- }, nil }
			seen := 0
			o.Step = func(name string) error {
				if name == step.name {
					if seen++; seen == step.nth {
						return errBroken
					}
				}
				return nil
			}
			before := dump(t, w.pair.Database, controlTables...)
			if _, err := move.Run(t.Context(), o); !errors.Is(err, errBroken) {
				t.Fatalf("the move ended with %v", err)
			}
			if held != 0 {
				t.Error("the control database is still held")
			}
			if m, _ := move.ReadMoved(w.dir); len(m.Moves) != 0 {
				t.Error("it is said to be moved")
			}
			if w.spool.Oldest() != 0 {
				t.Error("the spool let go of hits that only the target has")
			}
			if after := dump(t, w.pair.Database, controlTables...); after != before {
				t.Error("the source's control database has changed")
			}
			w.load() // the source goes on
			w.hits(50)
			w.load()
			w.hits(10)
			o.Step = nil
			r, err := move.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Resumed {
				t.Error("it began anew")
			}
			want := 28_000 + 196 + 294 + 49
			if n := total(t, w.pair.Events, "events"); n != want {
				t.Errorf("the source has %d events, want %d", n, want)
			}
			if n := total(t, to.Events, "events"); n != want+9 {
				t.Errorf("the target has %d events, want %d", n, want+9)
			}
		})
	}
}

// TestOnlyOne moves one of the two.
func TestOnlyOne(t *testing.T) {
	w := newWorld(t)
	var to move.Pair
	var at move.Addresses
	to.Database, at.Database = openScaled(t)
	if _, err := move.Run(t.Context(), w.options(to, at)); err != nil {
		t.Fatal(err)
	}
	m, err := move.ReadMoved(w.dir)
	if now, _ := m.Now(w.at); err != nil || now != (move.Addresses{Database: at.Database, Events: w.at.Events}) {
		t.Errorf("it is at %v (%v)", now, err)
	}
	w = newWorld(t)
	to, at = move.Pair{}, move.Addresses{}
	to.Events, at.Events = openDuck(t)
	if _, err := move.Run(t.Context(), w.options(to, at)); err != nil {
		t.Fatal(err)
	}
	if n := total(t, to.Events, "events"); n != 28_490 {
		t.Errorf("%d events are there", n)
	}
}

// TestTargetNotEmpty refuses a target that has anything.
func TestTargetNotEmpty(t *testing.T) {
	w := newWorld(t)
	var to move.Pair
	var at move.Addresses
	to.Events, at.Events = openDuck(t)
	if err := to.Events.Append(t.Context(), &event.Batch{Spool: "x", To: 1, Drops: []event.Drop{{Site: 1, Reason: "bot", Count: 1}}}); err != nil {
		t.Fatal(err)
	}
	refused(t, w.options(to, at), "The event store to move to isn't empty: its table drops has 1 rows.")

	to, at = move.Pair{}, move.Addresses{}
	to.Database, at.Database = openScaled(t)
	if err := to.Database.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Database.Bun().NewRaw("insert into accounts (name, created_at) values ('x', ?)", time.Now()).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, w.options(to, at), "The database to move to isn't empty: its table accounts has 1 rows.")
}

func refused(t *testing.T, o move.Options, want string) {
	t.Helper()
	_, err := move.Run(t.Context(), o)
	if f, ok := fault.From(err); !ok || !strings.HasPrefix(f.Message, want) {
		t.Errorf("the move ended with %v, want %q", err, want)
	}
}

// TestVerifyFindsOneRow changes one thing on one side after the other.
func TestVerifyFindsOneRow(t *testing.T) {
	long(t)
	w := newWorld(t)
	w.load()
	var to move.Pair
	var at move.Addresses
	to.Events, at.Events = openDuck(t)
	to.Database, at.Database = openScaled(t)
	o := w.options(to, at)
	if _, err := move.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	verify := func(want string) {
		t.Helper()
		r, err := move.Verify(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(r.Differences, "\n"); want == "" && said != "" || !strings.Contains(said, want) {
			t.Errorf("the differences are %q, want %q", said, want)
		}
	}
	verify("")
	first := time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC)
	var one event.Event
	enough := errors.New("enough")
	err := to.Events.Export(t.Context(), 1, first, first.AddDate(0, 0, 1), func(e *event.Event) error { one = *e; return enough })
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	ms := time.UnixMilli(one.Time)
	if err := to.Events.Delete(t.Context(), event.Selection{Site: 1, From: ms, To: ms.Add(time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	verify("site 1, 2026-04: ")
	o.Before = ms
	verify("")
	o.Before = ms.Add(time.Millisecond)
	verify("site 1, 2026-04: ")
	o.Before = time.Time{}
	one.Measures[event.LCP]++
	if err := to.Events.Append(t.Context(), &event.Batch{Spool: "y", To: 1, Events: []event.Event{one}}); err != nil {
		t.Fatal(err)
	}
	verify("events on both sides, but not the same")
	if _, err := to.Database.Bun().NewRaw("update goals set value = 1").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	verify("table goals has 1 rows on both sides, but not the same")
}

// TestAddress keeps passwords out of what is written down.
func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"postgres://moonbear:secret@db:5432/m?sslmode=verify-full": "postgres://moonbear:PASSWORD@db:5432/m?sslmode=verify-full",
		"clickhouse://u@db:9000/m?password=secret":                 "clickhouse://u@db:9000/m?password=PASSWORD",
		"sqlite:///a/../b.db":                                      "sqlite:///b.db",
		"":                                                         "",
	} {
		if got := move.Address(in); got != want {
			t.Errorf("Address(%q) = %q, want %q", in, got, want)
		}
	}
	if _, err := url.Parse(move.Address("postgres://a:b@c/d")); err != nil {
		t.Error(err)
	}
}
