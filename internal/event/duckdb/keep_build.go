package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// dayBuild makes one file of kept days.
type dayBuild struct {
	o        Options
	dir      string
	id       int64
	segments []segment
	listed   []dayFile // as they were when it began
	jobs     []dayJob
	sources  []dayFile // whose days are taken over, too
	days     []keptDay // what the file holds, those just counted first
	counted  int       // of days
	rows     int64
	adopted  bool // or perhaps: the file is not ours to delete any more
}

func (b *dayBuild) makePath() string  { return filepath.Join(b.dir, "days"+makingSuffix) }
func (b *dayBuild) finalPath() string { return filepath.Join(b.dir, dayFileName(b.id)) }

// clean deletes what is not needed any more.
func (b *dayBuild) clean() {
	_ = removeDatabase(b.makePath())
	if !b.adopted {
		_ = os.Remove(b.finalPath()) // or the next start does
	}
}

func (b *dayBuild) run(ctx context.Context) (err error) {
	conn, done, err := openBuilder(ctx, b.o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if len(b.jobs) > 0 {
		if err := b.attachSegments(ctx, conn); err != nil {
			return err
		}
	}
	for _, t := range dayTables {
		if err := execAll(ctx, conn, "create table new_"+t.name+" ("+definitions(t.columns)+")"); err != nil {
			return err
		}
	}
	if err := b.count(ctx, conn); err != nil {
		return err
	}
	if b.sources == nil {
		b.sources = mergeDays(b.listed, b.rows)
	}
	for _, f := range b.sources {
		if err := execAll(ctx, conn, f.attachSQL(b.dir)); err != nil {
			return err
		}
		for _, d := range f.days {
			if !d.gone {
				b.days = append(b.days, d)
			}
		}
	}
	if len(b.days) == 0 {
		return nil // nothing is left of the sources
	}
	return b.write(ctx, conn)
}

// attachSegments makes the view that jobs read: sorted events alone.
func (b *dayBuild) attachSegments(ctx context.Context, conn *sql.Conn) error {
	var from []string
	for _, sg := range b.segments {
		if err := execAll(ctx, conn, attachSQL(b.dir, sg)); err != nil {
			return err
		}
		from = append(from, sg.sql())
	}
	if len(from) == 0 {
		from = []string{nothing(eventColumns)}
	}
	return execAll(ctx, conn, "create view events as "+strings.Join(from, " union all "))
}

// count does jobs until they are done or have taken long enough. One that
// needs more memory than there is is left out: its day is asked of the events.
func (b *dayBuild) count(ctx context.Context, conn *sql.Conn) error {
	start := time.Now()
	for len(b.jobs) > 0 && (b.counted == 0 || time.Since(start) < b.o.keepFor) {
		j := b.jobs[0]
		counts, values := j.sql(j.day)
		queries := []string{"begin"}
		for _, q := range counts {
			queries = append(queries, "insert into new_day_counts "+q)
		}
		for _, q := range values {
			queries = append(queries, "insert into new_day_values "+q)
		}
		err := execAll(ctx, conn, append(queries, "commit")...)
		if err != nil {
			if _, undone := conn.ExecContext(context.WithoutCancel(ctx), "rollback"); undone != nil || !strings.Contains(err.Error(), "Out of Memory") {
				return fmt.Errorf("day %s of site %d: %w", j.day.From.Format(time.DateOnly), j.site, errors.Join(err, undone))
			}
			b.o.Log.WarnContext(ctx, "a day is not kept: counting it needs more memory than there is", "site", j.site, "day", j.day.From, "error", err.Error())
		} else {
			b.days = append(b.days, j.kept(b.id))
			b.counted++
		}
		b.jobs = b.jobs[1:]
	}
	for _, t := range dayTables {
		if err := b.check(ctx, conn, t); err != nil {
			return err
		}
	}
	return nil
}

// check counts the new rows of a table, and refuses such as are not of the days
// they were asked for: they would be found by nobody, or by the wrong one.
func (b *dayBuild) check(ctx context.Context, conn *sql.Conn, t dayTable) error {
	asked := map[keptDay]bool{}
	for _, d := range b.days {
		asked[keptDay{site: d.site, zone: d.zone, from: d.from}] = true
	}
	return each(ctx, conn, "select site_id, zone, epoch_ms(day), count(*) from new_"+t.name+" group by all", func(r *sql.Rows) error {
		var d keptDay
		var n int64
		if err := r.Scan(&d.site, &d.zone, &d.from, &n); err != nil {
			return err
		}
		if !asked[d] {
			return fmt.Errorf("%d rows are of site %d, zone %s and %s, which was not asked for", n, d.site, d.zone, time.UnixMilli(d.from).UTC())
		}
		b.rows += n
		return nil
	})
}

// dayBytes is about what a row takes while it is sorted.
const dayBytes = 300

// parts cuts a table's rows into ranges of its order that fit into memory one by
// one: those of a busy site's years don't all at once.
func (b *dayBuild) parts(ctx context.Context, conn *sql.Conn, t dayTable, all string, rows int64) (parts []string, err error) {
	most := max(builderMemory(b.o.Memory)/4/dayBytes, 50_000)
	if b.o.partRows > 0 {
		most = b.o.partRows
	}
	if rows <= most {
		return []string{"true"}, nil
	}
	after, held := "true", int64(0)
	query := "select site_id, zone, " + t.key + ", epoch_us(date_trunc('month', day)) as month, count(*) from " + all + " group by all order by all"
	err = each(ctx, conn, query, func(r *sql.Rows) error {
		var site, month, n int64
		var zone, key string
		if err := r.Scan(&site, &zone, &key, &month, &n); err != nil {
			return err
		}
		if held > 0 && held+n > most {
			// Spelled out, as DuckDB can't skip by a comparison of rows.
			parts = append(parts, fmt.Sprintf("%s and site_id <= %d and (site_id < %[2]d or zone < %[3]s or zone = %[3]s and (%[4]s < %[5]s or %[4]s = %[5]s and day < make_timestamp(%[6]d)))",
				after, site, quote(zone), t.key, quote(key), month))
			after, held = fmt.Sprintf("site_id >= %d and (site_id > %[1]d or zone > %[2]s or zone = %[2]s and (%[3]s > %[4]s or %[3]s = %[4]s and day >= make_timestamp(%[5]d)))",
				site, quote(zone), t.key, quote(key), month), 0
		}
		held += n
		return nil
	})
	return append(parts, after), err
}

// write sorts the new rows and those of the sources into the file, and reads it
// back.
func (b *dayBuild) write(ctx context.Context, conn *sql.Conn) error {
	if err := removeDatabase(b.makePath()); err != nil {
		return err
	}
	if err := execAll(ctx, conn, makeSQL(b.makePath())); err != nil {
		return err
	}
	var want []checksum
	for _, t := range dayTables {
		from := []string{"select * from new_" + t.name}
		for _, f := range b.sources {
			from = append(from, f.sql(t))
		}
		all := "(" + strings.Join(from, " union all ") + ")"
		sum, err := sumUp(ctx, conn, t.columns, all)
		if err != nil {
			return err
		}
		want = append(want, sum)
		parts, err := b.parts(ctx, conn, t, all, sum.events)
		if err != nil {
			return err
		}
		inserts := []string{"begin", "create table made." + t.name + " (" + definitions(t.columns) + ")"}
		for _, part := range parts {
			inserts = append(inserts, "insert into made."+t.name+" select * from "+all+" where "+part+" order by "+t.order)
		}
		if err := execAll(ctx, conn, append(inserts, "commit")...); err != nil {
			return err
		}
	}
	if err := execAll(ctx, conn, "checkpoint made", "detach made", "attach "+quote(b.makePath())+" as made (read_only)"); err != nil {
		return err
	}
	b.rows = 0
	for i, t := range dayTables {
		got, err := sumUp(ctx, conn, t.columns, "made."+t.name)
		if err != nil {
			return err
		}
		if got != want[i] {
			return fmt.Errorf("the file's %s are %d rows with checksum %s, their sources %d with %s", t.name, got.events, got.hash, want[i].events, want[i].hash)
		}
		b.rows += got.events
	}
	return nil
}
