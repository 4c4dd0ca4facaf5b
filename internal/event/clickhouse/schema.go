package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// The tables that hold what batches bring. A block of a batch is one part of
// one partition, so ClickHouse stores it whole or not at all.
const (
	eventsTable = "events"
	dropsTable  = "drops"
	keysTable   = "keys"
	daysTable   = "imported_days"
)

var batchTables = []string{eventsTable, dropsTable, keysTable, daysTable}

// Windows are how many inserts' tokens a table remembers. spools has most, two a
// batch: at four batches a second it's 100 minutes for one process and ten for
// ten, and a statement ends after one (statementTime), wherever it was held up.
// On a cluster tokens are in Keeper, which wants fewer of them.
const (
	window           = 50_000
	replicatedWindow = 10_000
)

// settings of the tables. ClickHouse leaves writing to the disk to the system
// by default, and a power failure then takes what it said it had stored. With
// fsync after inserts, merges and mutations it doesn't, and parts that were
// merged or mutated away needn't be kept for eight minutes in case the new one
// is lost.
var settings = append([]string{
	fmt.Sprintf("non_replicated_deduplication_window = %d", window), keeping,
	"fsync_after_insert = 1", "fsync_part_directory = 1",
	"min_rows_to_fsync_after_merge = 1", "min_compressed_bytes_to_fsync_after_merge = 1",
}, tidying...)

// replicatedSettings: Keeper remembers tokens, and replicas hold what a power
// failure takes from one.
var replicatedSettings = append([]string{
	fmt.Sprintf("replicated_deduplication_window = %d", replicatedWindow),
	fmt.Sprintf("replicated_deduplication_window_seconds = %d", 7*24*3600), keeping,
}, tidying...)

// keeping: a part that a mutation has emptied stays until it's merged. With it
// ClickHouse would forget its token, and an insert that was given up and arrives
// late would be stored (TestLateInsert).
const keeping = "remove_empty_parts = 0"

// tidying takes parts that are used no longer off the disk within seconds and
// not minutes, so that what was deleted is gone. A query that reads one keeps it.
var tidying = []string{
	"old_parts_lifetime = 1", "cleanup_delay_period = 1", "max_cleanup_delay_period = 5", "cleanup_delay_period_random_add = 0",
}

// table is one table's definition, but for what differs on a cluster.
type table struct {
	name    string
	columns string
	engine  string // MergeTree's kind, with its arguments
	order   string
	parted  string // "": it has no partitions
	shard   string // how a cluster spreads its rows; "": all on each shard
}

// layout are the tables of version 1.
//
// events are sorted by site and day, as nearly every question is about days of
// one site, and in a day by visit: what is repeated on a visit's rows are runs
// then.
//
// A visit is on one shard, so that what is grouped by visit is grouped where
// it is. A spool's state is not spread: all of it is on each shard.
func layout() []table {
	return []table{
		{name: eventsTable, columns: definitions(eventColumns), engine: "MergeTree",
			order: "site_id, toDate(ts), visit_start, visit_id, ts", parted: "toYYYYMM(ts)", shard: "sipHash64(visit_id)"},
		{name: dropsTable, columns: definitions(dropColumns), engine: "MergeTree",
			order: "site_id, ts", shard: "sipHash64(site_id)"},
		{name: keysTable, columns: definitions(keyColumns), engine: "MergeTree",
			order: "ts, site_id", shard: "sipHash64(site_id)"},
		{name: daysTable, columns: definitions(dayColumns), engine: "MergeTree",
			order: "site_id, dimension, day, import_id", shard: "sipHash64(site_id)"},
		{name: "spools", columns: spoolColumns, engine: "ReplacingMergeTree(version)", order: "spool"},
		{name: "schema_version", columns: "version Int64", engine: "MergeTree", order: "version"},
	}
}

// keptLayout are the tables of version 2, which hold what was counted in whole
// days. The rows of one month of a site are few, so a part holds a year. What is
// asked of values is first what is marked, then what lies in some cells. Which
// days are kept, and what changed since, is known on each shard.
func keptLayout() []table {
	return []table{
		{name: countsTable, columns: columnList(countColumns), engine: "MergeTree",
			order: "site_id, zone, dimension, day, value", parted: "toYear(day)", shard: "sipHash64(site_id)"},
		{name: valuesTable, columns: columnList(valueColumns), engine: "MergeTree",
			order: "site_id, zone, marked, measure, cell, day, value", parted: "toYear(day)", shard: "sipHash64(site_id)"},
		{name: "kept_days", columns: "site_id Int64, zone LowCardinality(String), from_ms Int64, to_ms Int64, keep Int64", engine: "MergeTree", order: "site_id, zone, from_ms"},
		{name: "touched_days", columns: "site_id Int64, zone LowCardinality(String), from_ms Int64, to_ms Int64, void Int64", engine: "MergeTree", order: "site_id, void"},
	}
}

// migrations bring the schema forward; a released one is never changed. Each is
// a list of statements that do nothing where they were done before, since
// ClickHouse can't undo half of them.
func migrations(cluster string) [][]string {
	var steps [][]string
	for _, tables := range [][]table{layout(), keptLayout()} {
		var step []string
		for _, t := range tables {
			step = append(step, t.create(cluster)...)
		}
		steps = append(steps, step)
	}
	return steps
}

// create is the statement that makes a table, or the two that make a
// replicated one on each shard and the one over all shards that is asked.
func (t table) create(cluster string) []string {
	parts := func(name, on, engine string, set []string) string {
		q := "create table if not exists " + name + on + " (" + t.columns + ") engine = " + engine
		if t.parted != "" {
			q += " partition by " + t.parted
		}
		return q + " order by (" + t.order + ") settings " + strings.Join(set, ", ")
	}
	if cluster == "" {
		return []string{parts(t.name, "", t.engine, settings)}
	}
	return clustered(t, cluster, parts)
}

var codec = regexp.MustCompile(`CODEC\((Delta, )?ZSTD\(\d\)\)`)

// migrate brings the schema to the newest version.
func migrate(ctx context.Context, conn driver.Conn, o Options) error {
	var exists uint8
	if err := conn.QueryRow(ctx, "exists table schema_version").Scan(&exists); err != nil {
		return fmt.Errorf("look for the schema's version: %w", err)
	}
	var have int64
	if exists == 1 {
		if err := conn.QueryRow(ctx, "select max(version) from schema_version").Scan(&have); err != nil {
			return fmt.Errorf("read the schema's version: %w", err)
		}
	}
	steps := migrations(o.Cluster)
	if int(have) > len(steps) {
		return fmt.Errorf("the event store is of schema version %d, this program knows %d: use the newer program", have, len(steps))
	}
	for i := int(have); i < len(steps); i++ {
		for _, q := range append(steps[i], fmt.Sprintf("insert into schema_version values (%d)", i+1)) {
			if o.plain {
				q = strings.ReplaceAll(codec.ReplaceAllString(q, "CODEC(NONE)"), "max_cleanup_delay_period = 5", "max_cleanup_delay_period = 1")
			}
			if err := conn.Exec(ctx, q); err != nil {
				return fmt.Errorf("migrate event store to version %d: %w", i+1, err)
			}
		}
	}
	return nil
}
