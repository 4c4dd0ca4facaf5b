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

	driver "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// walLimit is the size of the write-ahead log at which a commit also writes a
// checkpoint. A larger one makes appending smoother, and opening after a kill
// slower, as it is replayed.
const walLimit = "64MB"

// hotFile holds what is not in a segment, and everything that changes.
const hotFile = "hot.duckdb"

// engine is one opened DuckDB: a pool of connections for selects and the
// writer.
type engine struct {
	db     *sql.DB
	writer *writer
}

func openEngine(ctx context.Context, o Options) (_ *engine, err error) {
	if err := os.RemoveAll(o.TempDir); err != nil {
		return nil, fmt.Errorf("clear the event store's temporary files: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(o.Path, hotFile))
	if err != nil {
		return nil, fmt.Errorf("find the event store: %w", err)
	}
	if strings.ContainsAny(path, "?%") {
		return nil, fmt.Errorf("the event store's path %q must not contain ? or %%", path)
	}
	c, err := driver.NewConnector(path, nil)
	if err != nil {
		return nil, fmt.Errorf("open event store %s: %w", path, err)
	}
	e := &engine{db: sql.OpenDB(c)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	// As many queries at once as there are threads: more would only take
	// memory from each other, and time from appending.
	e.db.SetMaxOpenConns(max(2, o.Threads))
	e.db.SetMaxIdleConns(max(2, o.Threads))
	if err := configure(ctx, e.db, o); err != nil {
		return nil, err
	}
	if err := migrate(ctx, e.db); err != nil {
		return nil, err
	}
	if err := e.openWriter(ctx, path); err != nil {
		return nil, err
	}
	if err := e.makeView(ctx); err != nil {
		return nil, err
	}
	// Tables that live in the log alone have been seen not to come back after
	// a kill; a checkpoint puts them into the file.
	if err := e.checkpoint(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// configure sets what holds for all connections. Nothing is ever fetched from
// a network: what is needed is linked in.
func configure(ctx context.Context, db *sql.DB, o Options) error {
	set := []struct{ name, value string }{
		{"memory_limit", fmt.Sprintf("'%dMiB'", max(64, o.Memory>>20))},
		{"threads", fmt.Sprint(o.Threads)},
		{"temp_directory", quote(o.TempDir)},
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"allow_community_extensions", "false"},
		{"wal_autocheckpoint", quote(walLimit)},
		{"TimeZone", "'UTC'"},
	}
	for _, s := range set {
		if _, err := db.ExecContext(ctx, "set global "+s.name+" = "+s.value); err != nil {
			return fmt.Errorf("set %s to %s: %w", s.name, s.value, err)
		}
	}
	return nil
}

// openWriter connects once more, beside the driver. The instance cache gives
// the database that is open already.
func (e *engine) openWriter(ctx context.Context, path string) error {
	w := &writer{loads: map[string]int64{}}
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return errors.New("create DuckDB configuration")
	}
	defer mapping.DestroyConfig(&config)
	mapping.SetConfig(config, "duckdb_api", "go") // as the driver does: the configurations must be the same
	var msg string
	if mapping.GetOrCreateFromCache(driver.GetInstanceCache(), path, &w.db, config, &msg) == mapping.StateError {
		return fmt.Errorf("open event store for appending: %s", msg)
	}
	if mapping.Connect(w.db, &w.conn) == mapping.StateError {
		mapping.Close(&w.db)
		return errors.New("connect to event store for appending")
	}
	w.event = newChunk(append(eventTable(), column{"batch", bigint}))
	w.drop, w.key = newChunk(dropColumns), newChunk(keyColumns)
	e.writer = w
	if err := e.db.QueryRowContext(ctx, "select coalesce(max(batch), 0) from recent").Scan(&w.batch); err != nil {
		return fmt.Errorf("read last batch: %w", err)
	}
	rows, err := e.db.QueryContext(ctx, "select spool, pos from positions")
	if err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var spool string
		var pos int64
		if err := rows.Scan(&spool, &pos); err != nil {
			return fmt.Errorf("read positions: %w", err)
		}
		w.loads[spool] = pos
	}
	return rows.Err()
}

func (e *engine) makeView(ctx context.Context) error {
	if _, err := e.db.ExecContext(ctx, "create or replace view events as select "+names(eventColumns)+" from recent"); err != nil {
		return fmt.Errorf("make view events: %w", err)
	}
	return nil
}

func (e *engine) checkpoint(ctx context.Context) error {
	if _, err := e.db.ExecContext(ctx, "checkpoint"); err != nil {
		return fmt.Errorf("checkpoint event store: %w", err)
	}
	return nil
}

// close gives the file back. Rows still open hold a connection, and each
// connection holds the file.
func (e *engine) close() error {
	if e.writer != nil {
		e.writer.close()
	}
	err := e.db.Close()
	for wait := time.Millisecond; e.db.Stats().OpenConnections > 0; wait *= 2 {
		if wait > 8*time.Second {
			return errors.Join(err, errors.New("rows of the event store are still open"))
		}
		time.Sleep(wait)
	}
	return err
}
