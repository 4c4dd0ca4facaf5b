// Package db is the control database: accounts, sites, logins, jobs. SQLite
// now, PostgreSQL when the operator grows; one code path for both (bun over
// database/sql, goose migrations that only go forward).
//
// A write goes: the owner's exported method → InTx → unexported helpers that
// take the transaction → commit, which is on the disk when InTx returns.
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

	"github.com/mattn/go-sqlite3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
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

// DB is an open control database. It is safe for concurrent use.
type DB struct {
	sql *sql.DB
	bun *bun.DB
	log *slog.Logger
}

// Open opens the database a URL names: sqlite://relative/path.db or
// sqlite:///absolute/path.db. The file and its directory are made when they
// do not exist, readable by their owner only. The schema is Migrate's work.
func Open(ctx context.Context, rawURL string, log *slog.Logger) (*DB, error) {
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
	if !ok {
		scheme, _, _ := strings.Cut(rawURL, ":")
		return "", fmt.Errorf("the database URL starts with %q; use sqlite://PATH, for example sqlite://data/moonbear.db", scheme)
	}
	if path == "" || strings.HasPrefix(path, ":") {
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

// Bun runs queries outside a transaction.
func (d *DB) Bun() *bun.DB { return d.bun }

// SQL is the pool itself, for the job queue.
func (d *DB) SQL() *sql.DB { return d.sql }

// Embedded says whether the database is a file of this process alone.
func (d *DB) Embedded() bool { return d.bun.Dialect().Name() == dialect.SQLite }

// InTx runs fn in one transaction that holds the write lock from its start:
// committed when fn returns nil, taken back when it returns an error or
// panics. Inside fn everything goes through tx: what goes around it waits for
// the lock that fn itself holds. Slow work (hashing a password) belongs before.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	return d.bun.RunInTx(ctx, nil, fn)
}

// Settle brings everything into the database file and empties the log of
// changes, which holds pages as they were: what was deleted is in neither then.
// It waits for readers, ten seconds at most.
func (d *DB) Settle(ctx context.Context) error {
	var busy, log, moved int // log and moved count pages
	if err := d.sql.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &log, &moved); err != nil {
		return fmt.Errorf("empty the control database's log: %w", err)
	}
	if busy != 0 {
		return errors.New("empty the control database's log: it is in use all the time")
	}
	return nil
}

// Close waits for running queries and closes the pool.
func (d *DB) Close() error {
	if err := d.bun.Close(); err != nil {
		return fmt.Errorf("close the control database: %w", err)
	}
	return nil
}

// Time is t as both databases keep it: UTC, whole microseconds, so that a
// time read back equals the one written.
func Time(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// IsUnique says whether an error is a row refused because another has its key.
func IsUnique(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) &&
		(e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}
