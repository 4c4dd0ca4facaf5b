package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	driver "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// A checkpoint and an insert keep blocks in memory for each of the 60 columns,
// and a checkpoint that runs short of memory is fatal. DuckDB's usual 256 KiB
// blocks need more than 64 MB for that, in which these pass the conformance
// suite; appending costs the same.
const blockSize = "65536"

// engine is one opened DuckDB: a pool of connections for selects and the
// writer.
type engine struct {
	dir    string
	hot    int64 // the hot file's number
	db     *sql.DB
	writer *writer
	kept   *kept
}

func openEngine(ctx context.Context, o Options) (_ *engine, err error) {
	for _, dir := range []string{o.TempDir, o.TempDir + buildSuffix} {
		if err := os.RemoveAll(dir); err != nil {
			return nil, fmt.Errorf("clear the event store's temporary files: %w", err)
		}
	}
	dir, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("find the event store: %w", err)
	}
	if strings.ContainsAny(dir, "?#%") { // the driver reads a URL
		return nil, fmt.Errorf("the event store's path %q must not contain ?, # or %%", dir)
	}
	e := &engine{dir: dir}
	if e.hot, err = hotNumber(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, hotFile(e.hot))
	set := settings(o, queryMemory(o.Memory), o.Threads)
	var c *driver.Connector
	err = niced(func() (err error) { // DuckDB's own threads work for queries
		c, err = driver.NewConnector(path+"?"+set.Encode(), nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open event store %s: %w", path, err)
	}
	e.db = sql.OpenDB(c)
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	e.db.SetMaxIdleConns(max(2, o.Threads))
	if err := configure(ctx, e.db, o); err != nil {
		return nil, err
	}
	fresh, err := migrate(ctx, e.db)
	if err != nil {
		return nil, err
	}
	l, err := readLayout(ctx, e.db)
	if err != nil {
		return nil, err
	}
	days, err := readDayFiles(ctx, e.db)
	if err != nil {
		return nil, err
	}
	if err := sweep(dir, e.hot, l, days); err != nil {
		return nil, err
	}
	for _, s := range l.segments {
		if _, err := e.db.ExecContext(ctx, attachSQL(dir, s)); err != nil {
			return nil, fmt.Errorf("open segment %d: %w", s.id, err)
		}
	}
	if _, err := e.db.ExecContext(ctx, viewSQL(l)); err != nil {
		return nil, fmt.Errorf("make view events: %w", err)
	}
	if err := openDays(ctx, e.db, dir, days, o.Log); err != nil {
		return nil, err
	}
	unsorted, err := countRecent(ctx, e.db, l)
	if err != nil {
		return nil, err
	}
	o.unsorted.Store(unsorted)
	if e.kept, err = readKept(ctx, e.db, l, o.versions); err != nil {
		return nil, err
	}
	if err := e.openWriter(ctx, path, set, l); err != nil {
		return nil, err
	}
	if fresh {
		// Tables that live in the log alone have been seen not to come back
		// after a kill; a checkpoint puts them into the file.
		if err := e.checkpoint(ctx); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// settings are what a DuckDB is opened with. They must hold from the start: it
// may need its memory's bounds and its temporary directory to replay its log.
// Nothing is ever fetched from a network: what is needed is linked in.
func settings(o Options, memory int64, threads int) url.Values {
	v := url.Values{}
	for name, value := range map[string]string{
		"default_block_size":           blockSize,
		"memory_limit":                 memoryLimit(memory),
		"threads":                      strconv.Itoa(threads),
		"temp_directory":               o.TempDir,
		"max_temp_directory_size":      fmt.Sprintf("%dMiB", tempLimit(o.Path)>>20),
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"allow_community_extensions":   "false",
		"wal_autocheckpoint":           "1TB", // checkpointIfDue decides
	} {
		v.Set(name, value)
	}
	return v
}

func memoryLimit(bytes int64) string { return fmt.Sprintf("%dMiB", max(64, bytes>>20)) }

// configure sets what can't be given when a DuckDB is opened.
func configure(ctx context.Context, db *sql.DB, o Options) error {
	if _, err := db.ExecContext(ctx, "set global TimeZone = 'UTC'"); err != nil {
		return fmt.Errorf("set the time zone: %w", err)
	}
	if !o.noBitpacking {
		return nil
	}
	if _, err := db.ExecContext(ctx, "set global disabled_compression_methods = 'bitpacking'"); err != nil {
		return fmt.Errorf("set compression: %w", err)
	}
	return nil
}

// tempLimit lets queries and sorts that do not fit into memory use up to a
// quarter of what is free on the disk, so that they cannot fill it: the spool
// needs the rest.
func tempLimit(dir string) int64 {
	free, err := diskFree(dir)
	if err != nil {
		return 1 << 30
	}
	return max(free/4, 64<<20)
}

// openWriter connects once more, beside the driver. The instance cache gives
// the database that is open already.
func (e *engine) openWriter(ctx context.Context, path string, set url.Values, l *layout) error {
	w := &writer{loads: map[string]int64{}, recent: l.recents[len(l.recents)-1]}
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return errors.New("create DuckDB configuration")
	}
	defer mapping.DestroyConfig(&config)
	// As the driver does: the configurations must be the same.
	mapping.SetConfig(config, "duckdb_api", "go")
	for name := range set {
		if mapping.SetConfig(config, name, set.Get(name)) == mapping.StateError {
			return fmt.Errorf("set %s to %s", name, set.Get(name))
		}
	}
	var msg string
	if mapping.GetOrCreateFromCache(driver.GetInstanceCache(), path, &w.db, config, &msg) == mapping.StateError {
		return fmt.Errorf("open event store for appending: %s", msg)
	}
	if mapping.Connect(w.db, &w.conn) == mapping.StateError {
		mapping.Close(&w.db)
		return errors.New("connect to event store for appending")
	}
	w.event, w.drop, w.key = newChunk(eventColumns), newChunk(dropColumns), newChunk(keyColumns)
	w.day = newChunk(dayColumns)
	e.writer = w
	return each(ctx, e.db, "select spool, pos from positions", func(r *sql.Rows) error {
		var spool string
		var pos int64
		err := r.Scan(&spool, &pos)
		w.loads[spool] = pos
		return err
	})
}

// walBytes is the size of the write-ahead log.
func (e *engine) walBytes() int64 {
	info, err := os.Stat(filepath.Join(e.dir, hotFile(e.hot)) + ".wal")
	if err != nil {
		return 0 // a checkpoint has removed it
	}
	return info.Size()
}

func (e *engine) checkpoint(ctx context.Context) error {
	if _, err := e.db.ExecContext(ctx, "checkpoint"); err != nil {
		return fmt.Errorf("checkpoint event store: %w", err)
	}
	return nil
}

// close gives the files back. Rows still open hold a connection, and each
// connection holds the files.
func (e *engine) close() error {
	if e.writer != nil {
		e.writer.close()
		e.writer = nil
	}
	err := e.db.Close()
	for wait := time.Millisecond; !e.gone(); wait *= 2 {
		if wait > 8*time.Second {
			return errors.Join(err, errRowsOpen)
		}
		time.Sleep(wait)
	}
	return err
}

var errRowsOpen = errors.New("rows of the event store are still open")

// gone says that a closed engine holds the files no more.
func (e *engine) gone() bool { return e.db.Stats().OpenConnections == 0 }
