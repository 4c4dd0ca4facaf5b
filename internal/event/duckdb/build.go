package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	driver "github.com/duckdb/duckdb-go/v2"
)

// build makes one segment, in a DuckDB of its own: one thread and a part of
// the memory, so that collecting goes on beside it, and a fatal error in it
// does not close the store.
type build struct {
	o       Options
	dir     string
	id      int64
	staged  checksum         // of the stage
	frozen  []int64          // tables of the hot file that are in the stage
	sources []segment        // as they were when it began
	events  int64            // in the new segment
	touched map[int64][]span // the hours the frozen events are about, by site
	adopted bool             // or perhaps: the file is not ours to delete any more
}

func (b *build) stagePath() string { return filepath.Join(b.dir, "stage"+makingSuffix) }
func (b *build) stageSQL() string  { return "read_parquet(" + quote(b.stagePath()) + ")" }
func (b *build) makePath() string  { return filepath.Join(b.dir, "segment"+makingSuffix) }
func (b *build) finalPath() string { return filepath.Join(b.dir, segmentFile(b.id)) }

// from says that the new segment was made from sg.
func (b *build) from(sg segment) bool {
	return slices.ContainsFunc(b.sources, func(x segment) bool { return x.id == sg.id })
}

// clean deletes what is not needed any more.
func (b *build) clean() {
	_ = removeDatabase(b.stagePath())
	_ = removeDatabase(b.makePath())
	if !b.adopted {
		_ = os.Remove(b.finalPath()) // or the next start does
	}
}

func (b *build) run(ctx context.Context) error {
	return niced(func() error { return b.make(ctx) })
}

func (b *build) make(ctx context.Context) (err error) {
	if err := removeDatabase(b.makePath()); err != nil {
		return err
	}
	conn, done, err := openBuilder(ctx, b.o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := b.attach(ctx, conn); err != nil {
		return err
	}
	if len(b.frozen) > 0 {
		if b.touched, err = touchedHours(ctx, conn, b.stageSQL()); err != nil {
			return err
		}
	}
	want, parts, err := b.parts(ctx, conn, builderMemory(b.o.Memory))
	if err != nil {
		return err
	}
	// One transaction: with one for each part nearly half of the file were free
	// blocks (measured: 109 bytes an event instead of 57).
	inserts := []string{"begin"}
	for _, cond := range parts {
		inserts = append(inserts, "insert into made.events select * from sources where "+cond+" order by "+order)
	}
	if err := execAll(ctx, conn, append(inserts, "commit")...); err != nil {
		return err
	}
	// What is read back after a checkpoint comes from the file.
	if err := execAll(ctx, conn, "checkpoint made", "detach made", "attach "+quote(b.makePath())+" as made (read_only)"); err != nil {
		return err
	}
	got, err := sumUp(ctx, conn, eventColumns, "made.events")
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the segment holds %d events with checksum %s, its sources %d with %s", got.events, got.hash, want.events, want.hash)
	}
	b.events = got.events
	return nil
}

// builderMemory is the builder's share of the store's memory; queries and
// appends have the rest.
func builderMemory(all int64) int64 { return max(all*3/8, 96<<20) }

// queryMemory is that of queries and appends. What they hold beyond it, which
// DuckDB doesn't count, grows with it.
func queryMemory(all int64) int64 { return min(all*5/8, all/2+32<<20) }

// openBuilder opens a DuckDB in memory, with one thread, and a connection to it.
func openBuilder(ctx context.Context, o Options) (_ *sql.Conn, done func() error, err error) {
	// A DuckDB that is closed deletes what is in its temporary directory, the
	// store's own too if that were the same.
	o.TempDir += buildSuffix
	c, err := driver.NewConnector("?"+settings(o, builderMemory(o.Memory), 1).Encode(), nil)
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(c)
	if err := configure(ctx, db, o); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return conn, func() error { return errors.Join(conn.Close(), db.Close()) }, nil
}

func (b *build) attach(ctx context.Context, conn *sql.Conn) error {
	var from []string
	if len(b.frozen) > 0 {
		from = append(from, "select "+names(eventColumns)+" from "+b.stageSQL())
	}
	for _, sg := range b.sources {
		if err := execAll(ctx, conn, attachSQL(b.dir, sg)); err != nil {
			return err
		}
		from = append(from, sg.sql())
	}
	return execAll(ctx, conn,
		"create view sources as "+strings.Join(from, " union all "),
		makeSQL(b.makePath()),
		"create table made.events ("+definitions(eventColumns)+")")
}

// makeSQL attaches a new file that is written once. It is of a later version of
// DuckDB's storage than a database has by itself, which every DuckDB since 1.3
// reads: texts that repeat are packed within their dictionary, and what is null
// is too. Measured on 8.9 million events: 447 MB became 405, and questions by
// page or country take a quarter to a third less time.
func makeSQL(path string) string {
	return "attach " + quote(path) + " as made (storage_version 'v1.3.0')"
}

// checksum tells two sets of events apart, whatever their order.
type checksum struct {
	events int64
	hash   string // a sum in decimal, as it has more than 64 bits
}

// plus is that of both together.
func (c checksum) plus(d checksum) (checksum, error) {
	var x, y big.Int
	if _, ok := x.SetString(c.hash, 10); !ok {
		return c, fmt.Errorf("%q is no checksum", c.hash)
	}
	if _, ok := y.SetString(d.hash, 10); !ok {
		return c, fmt.Errorf("%q is no checksum", d.hash)
	}
	return checksum{c.events + d.events, x.Add(&x, &y).String()}, nil
}

type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func sumUp(ctx context.Context, conn rower, columns []column, table string) (checksum, error) {
	var c checksum
	err := conn.QueryRowContext(ctx, "select count(*), coalesce(sum(hash("+names(columns)+")), 0)::varchar from "+table).Scan(&c.events, &c.hash)
	return c, err
}

// order is how a segment's events lie. A visit's stand together, so that its
// facts, repeated on each, cost next to nothing, and visits stand in the order
// in which they began, so that a period is a few row groups as it is in the
// order of time. Pageviews, the customer's events and engagement messages stand
// apart, because they measure different things: a column that is null in a
// whole block costs nothing, and a question about some names skips the rest.
// Measured on a million events of the demo: 58 bytes an event by time, 53 by
// visit, 47 so.
const (
	order  = "site_id, " + kindOf + ", visit_start, visit_id, ts"
	kindOf = "case name when 'pageview' then 0 when 'engagement' then 2 else 1 end"
)

// sortBytes is about what an event takes while it is sorted.
const sortBytes = 700

// expected is the checksum of what the segment must hold: the stage's as it
// was in the hot file, and the old segments'.
func (b *build) expected(ctx context.Context, conn *sql.Conn) (checksum, error) {
	sum := checksum{hash: "0"}
	if len(b.frozen) > 0 {
		sum = b.staged
	}
	for _, sg := range b.sources {
		old, err := sumUp(ctx, conn, eventColumns, "("+sg.sql()+")")
		if err != nil {
			return sum, err
		}
		if sum, err = sum.plus(old); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// parts cuts the sources into ranges of order that are sorted in
// memory one by one, so that the disk need not hold them unpacked.
func (b *build) parts(ctx context.Context, conn *sql.Conn, memory int64) (checksum, []string, error) {
	sum, err := b.expected(ctx, conn)
	if err != nil {
		return sum, nil, err
	}
	most := max(memory/4/sortBytes, 20_000)
	if b.o.partRows > 0 {
		most = b.o.partRows
	}
	if sum.events <= most {
		return sum, []string{"true"}, nil
	}
	var low *corner
	var parts []string
	var held int64
	err = each(ctx, conn, "select site_id, "+kindOf+", epoch_us(date_trunc('day', visit_start)) as day, count(*) from sources group by all order by all", func(r *sql.Rows) error {
		var at corner
		var n int64
		if err := r.Scan(&at.site, &at.kind, &at.day, &n); err != nil {
			return err
		}
		if held > 0 && held+n > most {
			parts = append(parts, low.after()+" and "+at.before())
			low, held = &at, 0
		}
		held += n
		return nil
	})
	return sum, append(parts, low.after()), err
}

// corner is where one part ends and the next begins.
type corner struct {
	site int64
	kind int
	day  int64 // microseconds
}

// after is true of what lies at the corner or behind it; all does where there
// is none. The first condition is what whole row groups are skipped by.
func (c *corner) after() string {
	if c == nil {
		return "true"
	}
	return fmt.Sprintf("site_id >= %d and (site_id > %[1]d or %[4]s > %[2]d or %[4]s = %[2]d and visit_start >= make_timestamp(%[3]d))",
		c.site, c.kind, c.day, kindOf)
}

// before is true of what lies before the corner.
func (c *corner) before() string {
	return fmt.Sprintf("site_id <= %d and (site_id < %[1]d or %[4]s < %[2]d or %[4]s = %[2]d and visit_start < make_timestamp(%[3]d))",
		c.site, c.kind, c.day, kindOf)
}

// publish gives the finished file its name, durably.
func (b *build) publish() error {
	if b.events == 0 {
		return nil
	}
	return publish(b.makePath(), b.finalPath())
}

// publish makes a closed database file durable and renames it.
func publish(from, to string) error {
	if _, err := os.Stat(from + ".wal"); err == nil {
		return fmt.Errorf("%s still has a log: its checkpoint is not complete", filepath.Base(from))
	}
	if err := fsync(from); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return fsync(filepath.Dir(to))
}

func fsync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func removeDatabase(path string) error {
	for _, p := range []string{path, path + ".wal"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
