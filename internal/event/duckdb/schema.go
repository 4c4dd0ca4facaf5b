package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"moonbear/internal/event"
)

// kind is how a column's values are written into a DuckDB vector.
type kind int

const (
	bigint    kind = iota // int64
	timestamp             // int64, microseconds since 1970, UTC
	integer               // int32
	optional              // int32 that may be null: an event.Measure
	sum                   // int64 that may be null: event.Untold
	boolean
	text
	textMap // map(varchar, varchar)
	blob
)

// types are SQL's names for the kinds. Only signed integers and TIMESTAMP:
// comparing a bound int64 with a UINTEGER column, or a literal with a
// TIMESTAMP_MS one, casts the column, and DuckDB then skips no row group
// (measured: 126 ms instead of 2). TestPruning guards it.
var types = [...]string{
	bigint: "bigint", timestamp: "timestamp", integer: "integer", optional: "integer", sum: "bigint",
	boolean: "boolean", text: "varchar", textMap: "map(varchar, varchar)", blob: "blob",
}

type column struct {
	name string
	kind kind
}

// A table's columns are in the order in which chunk.go and append.go write them.
var (
	eventColumns = eventTable()
	dropColumns  = []column{{"site_id", bigint}, {"ts", timestamp}, {"reason", text}, {"detail", text}, {"count", bigint}}
	keyColumns   = []column{{"site_id", bigint}, {"ts", timestamp}, {"key", blob}, {"body", blob}}
	dayColumns   = append([]column{{"site_id", bigint}, {"import_id", bigint}, {"day", timestamp}, {"dimension", text}, {"value", text}}, sumColumns()...)
)

func eventTable() []column {
	cs := []column{
		{"site_id", bigint}, {"ts", timestamp}, {"name", text}, {"visitor_id", bigint}, {"visit_id", bigint},
		{"visit_start", timestamp}, {"path", text}, {"hostname", text}, {"interactive", boolean},
		{"entry_path", text}, {"referrer", text}, {"source", text}, {"channel", text},
		{"utm_source", text}, {"utm_medium", text}, {"utm_campaign", text}, {"utm_content", text}, {"utm_term", text},
		{"country", text}, {"region", text}, {"city", text},
		{"browser", text}, {"browser_version", text}, {"os", text}, {"os_version", text}, {"device", text},
		{"screen_width", integer}, {"language", text}, {"time_zone", text}, {"connection_speed", text},
	}
	for _, m := range event.MeasureColumns {
		cs = append(cs, column{m, optional})
	}
	return append(cs, column{"revenue", bigint}, column{"currency", text}, column{"props", textMap}, column{"import_id", bigint})
}

func sumColumns() []column {
	var cs []column
	for _, s := range event.SumColumns {
		cs = append(cs, column{s, sum})
	}
	return cs
}

// names lists columns as SQL does.
func names(cs []column) string {
	var b strings.Builder
	for i, c := range cs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.name)
	}
	return b.String()
}

func definitions(cs []column) string {
	var b strings.Builder
	for i, c := range cs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.name + " " + types[c.kind])
	}
	return b.String()
}

// migrations bring the hot file forward; a released one is never changed.
//
// recents lists the tables recent_N that hold events not yet in a segment:
// rows arrive in the last, compaction freezes it by adding another. segments
// lists the files; a tombstone hides what was deleted from one until it is
// rewritten. kept_files lists the files of kept days, kept_days what is in them
// and whether it is still true. facts has "purge" while this file may hold what was deleted.
//
// A column is added at the end, where rows are written by their place, and
// "if not exists": tables made by a newer program have it already.
func migrations(recents []string) []string {
	imports := "alter table segments add column format bigint default 1;" +
		"alter table tombstones add column import_id bigint default 0;"
	for _, table := range recents {
		imports += "alter table " + table + " add column if not exists import_id bigint default 0;"
	}
	return []string{
		"create table recents (id bigint);" +
			"create table segments (id bigint, events bigint);" +
			"create table tombstones (segment bigint, site_id bigint, from_ms bigint, to_ms bigint);" +
			"create table facts (name varchar);" +
			"create table drops (" + definitions(dropColumns) + ");" +
			"create table keys (" + definitions(keyColumns) + ");" +
			"create table positions (spool varchar, pos bigint);" +
			"create table recent_1 (" + definitions(eventColumns) + ");" +
			"insert into recents values (1);",
		imports,
		"create table imported_days (" + definitions(dayColumns) + ");" +
			"create table kept_files (id bigint, rows bigint);" +
			"create table kept_days (file bigint, site_id bigint, zone varchar, from_ms bigint, to_ms bigint, gone boolean);",
	}
}

// migrate brings the schema to the newest version, one transaction a step;
// changed says that there were steps.
func migrate(ctx context.Context, db *sql.DB) (changed bool, err error) {
	if _, err := db.ExecContext(ctx, "create table if not exists schema_version (version bigint)"); err != nil {
		return false, fmt.Errorf("create schema_version: %w", err)
	}
	var have int
	if err := db.QueryRowContext(ctx, "select coalesce(max(version), 0) from schema_version").Scan(&have); err != nil {
		return false, fmt.Errorf("read schema version: %w", err)
	}
	var recents []string
	err = each(ctx, db, "select table_name from duckdb_tables() where database_name = current_database() and table_name like 'recent\\_%' escape '\\'", func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		recents = append(recents, name)
		return err
	})
	if err != nil {
		return false, err
	}
	steps := migrations(recents)
	if have > len(steps) {
		return false, fmt.Errorf("the event store is of schema version %d, this program knows %d: use the newer program", have, len(steps))
	}
	for i := have; i < len(steps); i++ {
		q := fmt.Sprintf("begin; %s insert into schema_version values (%d); commit;", steps[i], i+1)
		if _, err := db.ExecContext(ctx, q); err != nil {
			return false, fmt.Errorf("migrate event store to version %d: %w", i+1, err)
		}
	}
	return have < len(steps), nil
}
