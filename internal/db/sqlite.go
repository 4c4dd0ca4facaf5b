package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// conns is the size of the one pool that pages, jobs and migrations share.
// With one connection every read waits behind the writers' fsyncs. Waiting writers
// each hold one, so there must be more than there are writers at a time: eight
// clients and four workers held up reads with eight, not with sixteen (decision
// 0060).
const conns = 16

// busy is how long a writer waits for its turn before "database is locked".
// The longest transaction here is a migration; pages take a few milliseconds.
const busy = 10 * time.Second

func openSQLite(ctx context.Context, rawURL string, log *slog.Logger) (*DB, error) {
	path, err := sqlitePath(rawURL)
	if err != nil {
		return nil, err
	}
	if err := createPrivate(path); err != nil {
		return nil, fmt.Errorf("create the control database: %w", err)
	}
	pool := sql.OpenDB(&connector{dsn: sqliteDSN(path), gate: make(gate, 1)})
	// Connections are never closed for being idle: opening one again costs
	// eight pragmas and a cold page cache.
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the control database %s: %w", path, err), pool.Close())
	}
	return &DB{sql: pool, bun: bun.NewDB(pool, sqlitedialect.New()), log: log}, nil
}

// sqlitePath finds the file in a URL, and says what would be right.
func sqlitePath(rawURL string) (string, error) {
	path, ok := strings.CutPrefix(rawURL, "sqlite://")
	if !ok || path == "" || strings.HasPrefix(path, ":") {
		return "", fmt.Errorf("the database URL %q names no file; use sqlite://PATH, for example sqlite://data/moonbear.db", rawURL)
	}
	return path, nil
}

// sqliteDSN names the file and how every connection behaves.
//
// synchronous=FULL: each commit waits for its fsync. With NORMAL a power cut
// takes back the last commits, and here these are a revoked token, a changed
// password, a paid invoice. What it costs is in decision 0060.
func sqliteDSN(path string) string {
	q := url.Values{}
	q.Set("_txlock", "immediate")
	q.Set("_journal_mode", "WAL")
	q.Set("_synchronous", "FULL")
	q.Set("_foreign_keys", "on")
	q.Set("_secure_delete", "on") // what is deleted is overwritten with zeros
	q.Set("_busy_timeout", strconv.FormatInt(busy.Milliseconds(), 10))
	// url.URL escapes what SQLite would read as the end of the path: ? # %.
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// createPrivate makes the file with mode 0600 before SQLite would make it
// 0644: it holds password hashes. SQLite gives its -wal and -shm files the
// mode of the database.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// emptyLog brings everything into the database file and empties the log of
// changes, which holds pages as they were. It waits for readers, ten seconds at
// most.
func (d *DB) emptyLog(ctx context.Context) error {
	var busy, log, moved int // log and moved count pages
	if err := d.sql.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &log, &moved); err != nil {
		return fmt.Errorf("empty the control database's log: %w", err)
	}
	if busy != 0 {
		return errors.New("empty the control database's log: it is in use all the time")
	}
	return nil
}
