package event

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Batch is what load hands to a Store at once: everything one spool held
// between two positions, in order.
type Batch struct {
	Spool  string // the spool's ID
	From   int64  // position of the first record
	To     int64  // position after the last record
	Events []Event
	Drops  []Drop
	Keys   []Key
	Days   []DayCount // of imports
}

// Store keeps events. It is one DuckDB (event/duckdb) or a ClickHouse
// (event/clickhouse); eventtest holds both to the same conduct.
//
// SQL reads three tables. `events` has one row an event: site_id, ts (timestamp,
// UTC), name, visitor_id, visit_id, visit_start (timestamp), import_id, path, hostname,
// interactive, entry_path, referrer, source, channel, utm_source, utm_medium,
// utm_campaign, utm_content, utm_term, country, region, city, browser,
// browser_version, os, os_version, device, screen_width, language, time_zone,
// connection_speed, the MeasureColumns (null: not measured), revenue,
// currency, props (map of text to text). Text is never null: "" is not known.
// `drops` has site_id, ts, reason, detail, count; `imported_days` is described
// at DayCount.
type Store interface {
	// Append stores a batch once: one that was stored before adds nothing, and
	// one that begins before what is stored and ends after it is an error that
	// adds nothing either (read again from Loaded). Batches of one spool come
	// in order.
	Append(ctx context.Context, b *Batch) error
	// Loaded is the position up to which everything of a spool is stored.
	Loaded(ctx context.Context, spool string) (int64, error)
	// Select runs a query. The caller closes the rows.
	Select(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// Delete removes what a selection means, for good.
	Delete(ctx context.Context, s Selection) error
	// Export yields a site's events with from <= ts < to by time.
	// The event is reused: copy what is kept.
	Export(ctx context.Context, site int64, from, to time.Time, yield func(*Event) error) error
	Dialect() Dialect
	Close() error
}

// ErrMemory is Select's answer to a query that needs more memory than the store
// may use, also by itself.
var ErrMemory = errors.New("query needs more memory than there is")

// Each calls read with every row of a query.
func Each(ctx context.Context, s Store, query string, read func(*sql.Rows) error, args ...any) (err error) {
	rows, err := s.Select(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Selection is some of a site's events, and the drops and imported days of
// their time.
type Selection struct {
	Site     int64
	From, To time.Time // from <= ts < to; zero times are open ends
	Import   int64     // only the events and days of this import, and no drops; 0: all
}

// Dialect names the SQL a Store speaks.
type Dialect string

// The dialects there are.
const (
	DuckDB     Dialect = "duckdb"
	ClickHouse Dialect = "clickhouse"
)
