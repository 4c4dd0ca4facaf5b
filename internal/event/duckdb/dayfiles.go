package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/event"
)

// The columns of a file of kept days, and how its rows lie: a panel of a month
// reads one stretch.
var (
	keptCountColumns = append([]column{{"site_id", bigint}, {"zone", text}, {"day", timestamp}, {"dimension", text}, {"value", text}}, sumColumns()...)
	keptValueColumns = []column{
		{"site_id", bigint}, {"zone", text}, {"day", timestamp}, {"measure", text}, {"marked", boolean}, {"cell", bigint},
		{"value", bigint}, {"count", bigint}, {"upto", bigint}, {"total", bigint}, {"cell_count", bigint}}
)

type dayTable struct {
	name, key, order string
	columns          []column
}

var dayTables = [...]dayTable{
	{"day_counts", "dimension", "site_id, zone, dimension, day", keptCountColumns},
	{"day_values", "measure", "site_id, zone, measure, not marked, day, value", keptValueColumns}, // rising numbers take little room
}

// keptDay is a row of kept_days: a day whose answers are in a file. One that is
// gone is not true any more; its rows are in the file until it is rewritten.
type keptDay struct {
	file, site int64
	zone       string
	from, to   int64 // milliseconds
	gone       bool
}

// dayFile is a read-only file of kept days.
type dayFile struct {
	id, rows int64
	days     []keptDay // by site, zone and time
}

func (f dayFile) catalog() string { return "d" + strconv.FormatInt(f.id, 10) }

func (f dayFile) attachSQL(dir string) string {
	return "attach " + quote(filepath.Join(dir, dayFileName(f.id))) + " as " + f.catalog() + " (read_only)"
}

// gone is how many of its days are.
func (f dayFile) gone() (n int) {
	for _, d := range f.days {
		if d.gone {
			n++
		}
	}
	return n
}

// sql selects what a file holds of a table, but for the days that are gone:
// those of a site and zone that no other day stands between are one condition.
func (f dayFile) sql(t dayTable) string {
	var conds []string
	for i := 0; i < len(f.days); i++ {
		first := f.days[i]
		if !first.gone {
			continue
		}
		last := first
		for i+1 < len(f.days) && f.days[i+1].gone && f.days[i+1].site == first.site && f.days[i+1].zone == first.zone {
			i++
			last = f.days[i]
		}
		conds = append(conds, fmt.Sprintf("not (site_id = %d and zone = %s and day >= make_timestamp_ms(%d) and day <= make_timestamp_ms(%d))",
			first.site, quote(first.zone), first.from, last.from))
	}
	q := "select " + names(t.columns) + " from " + f.catalog() + "." + t.name
	if len(conds) > 0 {
		q += " where " + strings.Join(conds, " and ")
	}
	return q
}

func readDayFiles(ctx context.Context, q queryer) ([]dayFile, error) {
	var files []dayFile
	at := map[int64]int{}
	err := each(ctx, q, "select id, rows from kept_files order by id", func(r *sql.Rows) error {
		var f dayFile
		err := r.Scan(&f.id, &f.rows)
		at[f.id] = len(files)
		files = append(files, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, q, "select file, site_id, zone, from_ms, to_ms, gone from kept_days order by file, site_id, zone, from_ms", func(r *sql.Rows) error {
		var d keptDay
		if err := r.Scan(&d.file, &d.site, &d.zone, &d.from, &d.to, &d.gone); err != nil {
			return err
		}
		i, ok := at[d.file]
		if !ok {
			return fmt.Errorf("a day is kept in file %d, which is not listed", d.file)
		}
		files[i].days = append(files[i].days, d)
		return nil
	})
	return files, err
}

// dayViewSQL makes the views that are every kept day. They are there without
// any, too.
func dayViewSQL(files []dayFile) []string {
	var queries []string
	for _, t := range dayTables {
		var parts []string
		for _, f := range files {
			parts = append(parts, f.sql(t))
		}
		if len(parts) == 0 {
			parts = []string{nothing(t.columns)}
		}
		queries = append(queries, "create or replace view "+t.name+" as "+strings.Join(parts, " union all "))
	}
	return queries
}

// nothing selects no row with these columns.
func nothing(cs []column) string {
	var b strings.Builder
	for i, c := range cs {
		b.WriteString([]string{"select ", ", "}[min(i, 1)] + "null::" + types[c.kind] + " as " + c.name)
	}
	return b.String() + " where false"
}

// openDays attaches the files of kept days and makes their views. A file that
// can't be read is forgotten: what it says can be counted again.
func openDays(ctx context.Context, q queryer, dir string, files []dayFile, log *slog.Logger) error {
	files = slices.Clone(files)
	for i, f := range files {
		if err := openDayFile(ctx, q, dir, f); err != nil {
			log.WarnContext(ctx, "kept days forgotten: their file can't be read", "file", dayFileName(f.id), "days", len(f.days), "error", err.Error())
			if err := forgetDays(ctx, q, f.id); err != nil {
				return err
			}
			files[i].id = 0
		}
	}
	files = slices.DeleteFunc(files, func(f dayFile) bool { return f.id == 0 })
	if err := execAll(ctx, q, dayViewSQL(files)...); err != nil {
		return fmt.Errorf("make the views of kept days: %w", err)
	}
	return nil
}

// openDayFile attaches a file. One that an older version wrote, with other
// columns, can't be read, either.
func openDayFile(ctx context.Context, q queryer, dir string, f dayFile) error {
	if err := execAll(ctx, q, f.attachSQL(dir)); err != nil {
		return err
	}
	for _, t := range dayTables {
		if err := execAll(ctx, q, "select "+names(t.columns)+" from "+f.catalog()+"."+t.name+" limit 0"); err != nil {
			return errors.Join(err, execAll(ctx, q, "detach "+f.catalog()))
		}
	}
	return nil
}

func forgetDays(ctx context.Context, q queryer, file int64) error {
	id := strconv.FormatInt(file, 10)
	if err := execAll(ctx, q, "delete from kept_days where file = "+id, "delete from kept_files where id = "+id); err != nil {
		return fmt.Errorf("forget file %s of kept days: %w", id, err)
	}
	return nil
}

// maxDayRows bounds what is rewritten when a site is deleted: at 4 to 10 bytes
// a row about as much as a segment.
const maxDayRows = 100_000_000

// mergeDays picks the files that n new rows are merged with: as segments, those
// that are at most twice as large as all smaller ones together.
func mergeDays(files []dayFile, n int64) []dayFile {
	bySize := slices.Clone(files)
	slices.SortFunc(bySize, func(a, b dayFile) int { return int(a.rows - b.rows) })
	for i, f := range bySize {
		if f.rows > 2*max(n, minDayRows) || n+f.rows > maxDayRows {
			return bySize[:i]
		}
		n += f.rows
	}
	return bySize
}

// minDayRows are cheaper to write again, 0.2 s, than to plan with.
const minDayRows = 100_000

// untrue says that a day is among what was touched.
func untrue(touched []touch, d keptDay) bool {
	return slices.ContainsFunc(touched, func(t touch) bool { return t.meets(d) })
}

var _ event.DayKeeper = (*Store)(nil)
