package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/event"
)

// The directory of a store:
//
//	hot-3.duckdb       everything that changes; the highest number is the one
//	hot-3.duckdb.wal   its log
//	17.segment         sorted events, read-only, listed in the hot file
//	5.days             kept answers of whole days, read-only, listed in the hot file
//	*.tmp              being made; deleted at the start
//	tmp-events/        what did not fit into memory; deleted at the start
//	tmp-events-build/  the same of compaction

const (
	hotPrefix     = "hot-"
	hotSuffix     = ".duckdb"
	segmentSuffix = ".segment"
	daysSuffix    = ".days"
	makingSuffix  = ".tmp"
	buildSuffix   = "-build" // of the temporary directory
)

func hotFile(n int64) string     { return hotPrefix + strconv.FormatInt(n, 10) + hotSuffix }
func segmentFile(n int64) string { return strconv.FormatInt(n, 10) + segmentSuffix }
func dayFileName(n int64) string { return strconv.FormatInt(n, 10) + daysSuffix }

// number reads the number out of a file's name.
func number(name, prefix, suffix string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	if digits, ok = strings.CutSuffix(digits, suffix); !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0
}

// hotNumber finds the hot file: the one with the highest number, 1 in an empty
// directory.
func hotNumber(dir string) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("list the event store's files: %w", err)
	}
	highest := int64(1)
	for _, e := range entries {
		if n, ok := number(e.Name(), hotPrefix, hotSuffix); ok {
			highest = max(highest, n)
		}
	}
	return highest, nil
}

// sweep deletes what a killed compaction left: files half made, segments and
// files of days that are not listed (any more), hot files before this one.
func sweep(dir string, hot int64, l *layout, days []dayFile) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the event store's files: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		doomed := strings.HasSuffix(name, makingSuffix) || strings.HasSuffix(name, makingSuffix+".wal") ||
			strings.HasSuffix(name, segmentSuffix+".wal") || strings.HasSuffix(name, daysSuffix+".wal")
		if n, ok := number(name, "", segmentSuffix); ok {
			doomed = !slices.ContainsFunc(l.segments, func(s segment) bool { return s.id == n })
		}
		if n, ok := number(name, "", daysSuffix); ok {
			doomed = !slices.ContainsFunc(days, func(f dayFile) bool { return f.id == n })
		}
		if n, ok := number(strings.TrimSuffix(name, ".wal"), hotPrefix, hotSuffix); ok {
			doomed = n < hot
		}
		if !doomed || e.IsDir() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("delete what a compaction left: %w", err)
		}
	}
	return nil
}

// layout is where the events are, as the hot file lists it.
type layout struct {
	recents  []int64
	segments []segment
	purge    bool // the hot file may still hold deleted text in free blocks
}

// segment is a read-only file of events sorted by site and, within it, visit
// after visit (see order).
type segment struct {
	id, events int64
	format     int64 // see segmentFormat
	tombstones []tombstone
}

// tombstone hides a site's events of a period from a segment's readers; the
// next compaction leaves them out for good.
type tombstone struct {
	site     int64
	from, to int64 // milliseconds, from <= ts < to; the ends of int64 are open
	imported int64 // only this import's; 0: all
}

func newTombstone(s event.Selection) tombstone {
	t := tombstone{s.Site, math.MinInt64, math.MaxInt64, s.Import}
	if !s.From.IsZero() {
		t.from = s.From.UnixMilli()
		if s.From.Nanosecond()%1e6 != 0 {
			t.from++ // the first whole millisecond not before from
		}
	}
	if !s.To.IsZero() {
		t.to = s.To.UnixMilli()
		if s.To.Nanosecond()%1e6 != 0 {
			t.to++
		}
	}
	return t
}

// covers is SQL for the rows a tombstone is about.
func (t tombstone) covers() string { return t.coversBy("ts") }

// coversBy is covers where the time is in another column.
func (t tombstone) coversBy(ts string) string {
	c := "site_id = " + strconv.FormatInt(t.site, 10)
	if t.from != math.MinInt64 {
		c += " and " + ts + " >= make_timestamp_ms(" + strconv.FormatInt(t.from, 10) + ")"
	}
	if t.to != math.MaxInt64 {
		c += " and " + ts + " < make_timestamp_ms(" + strconv.FormatInt(t.to, 10) + ")"
	}
	if t.imported != 0 {
		c += " and import_id = " + strconv.FormatInt(t.imported, 10)
	}
	return c
}

// visible is a where clause for what no tombstone covers.
func visible(ts []tombstone) string {
	if len(ts) == 0 {
		return ""
	}
	var b strings.Builder
	for i, t := range ts {
		b.WriteString([]string{" where not (", " and not ("}[min(i, 1)] + t.covers() + ")")
	}
	return b.String()
}

// sql selects what a segment holds, but for what is deleted.
func (s segment) sql() string {
	columns := names(eventColumns)
	if s.format < segmentFormat {
		columns = strings.Replace(columns, "import_id", "0::bigint as import_id", 1)
	}
	where := visible(s.tombstones)
	if s.format < segmentFormat {
		where = visible(slices.DeleteFunc(slices.Clone(s.tombstones), func(t tombstone) bool { return t.imported != 0 }))
	}
	return "select " + columns + " from " + s.catalog() + ".events" + where
}

// segmentFormat is that of new segments; 1 had no import_id and was sorted by
// (site_id, ts).
const segmentFormat = 2

func (s segment) catalog() string { return "s" + strconv.FormatInt(s.id, 10) }

func recentTable(id int64) string { return "recent_" + strconv.FormatInt(id, 10) }

// queryer is a *sql.DB, *sql.Conn or *sql.Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func readLayout(ctx context.Context, q queryer) (*layout, error) {
	l := &layout{}
	err := each(ctx, q, "select id from recents order by id", func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		l.recents = append(l.recents, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	at := map[int64]int{}
	err = each(ctx, q, "select id, events, format from segments order by id", func(r *sql.Rows) error {
		var s segment
		err := r.Scan(&s.id, &s.events, &s.format)
		at[s.id] = len(l.segments)
		l.segments = append(l.segments, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, q, "select segment, site_id, from_ms, to_ms, import_id from tombstones", func(r *sql.Rows) error {
		var id int64
		var t tombstone
		if err := r.Scan(&id, &t.site, &t.from, &t.to, &t.imported); err != nil {
			return err
		}
		i, ok := at[id]
		if !ok {
			return fmt.Errorf("tombstone of segment %d, which is not listed", id)
		}
		l.segments[i].tombstones = append(l.segments[i].tombstones, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, q, "select name from facts where name = 'purge'", func(*sql.Rows) error {
		l.purge = true
		return nil
	})
	if len(l.recents) == 0 && err == nil {
		err = fmt.Errorf("the event store lists no table for new events")
	}
	return l, err
}

// each calls f for every row of a query.
func each(ctx context.Context, q queryer, query string, f func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	return rows.Err()
}

// viewSQL makes the view that is every event. Each table in it costs a query
// about half a millisecond of planning, so compaction keeps them few.
func viewSQL(l *layout) string {
	var parts []string
	for _, id := range l.recents {
		parts = append(parts, "select "+names(eventColumns)+" from "+recentTable(id))
	}
	for _, s := range l.segments {
		parts = append(parts, s.sql())
	}
	return "create or replace view events as " + strings.Join(parts, " union all ")
}

func attachSQL(dir string, s segment) string {
	return "attach " + quote(filepath.Join(dir, segmentFile(s.id))) + " as " + s.catalog() + " (read_only)"
}
