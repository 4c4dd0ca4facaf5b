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
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/mattn/go-sqlite3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// DB is an open control database. It is safe for concurrent use.
type DB struct {
	sql *sql.DB
	bun *bun.DB
	log *slog.Logger

	pool *pgxpool.Pool // under sql; nil with SQLite
	inTx sync.Map      // *sql.Tx: the *sql.Conn it is on, while InTx runs; with PostgreSQL
}

// Open opens the database a URL names: sqlite://relative/path.db,
// sqlite:///absolute/path.db or postgres://user:password@host/name. SQLite's
// file and its directory are made when they do not exist, readable by their
// owner only; PostgreSQL is not asked anything yet. The schema is Migrate's work.
func Open(ctx context.Context, rawURL string, log *slog.Logger) (*DB, error) {
	scheme, _, _ := strings.Cut(rawURL, ":")
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, rawURL, log)
	case "postgres", "postgresql":
		return openPostgres(ctx, rawURL, log)
	}
	return nil, fmt.Errorf("the database URL starts with %q; use sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME, for example sqlite://data/moonbear.db", scheme)
}

// Bun runs queries outside a transaction.
func (d *DB) Bun() *bun.DB { return d.bun }

// SQL is the pool itself, for the job queue.
func (d *DB) SQL() *sql.DB { return d.sql }

// Embedded says whether the database is a file of this process alone.
func (d *DB) Embedded() bool { return d.bun.Dialect().Name() == dialect.SQLite }

// Pool is PostgreSQL's own pool, under SQL, for the job queue; nil with SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// InTx runs fn in one transaction that holds the write lock from its start:
// committed when fn returns nil, taken back when it returns an error or
// panics. Inside fn everything goes through tx: what goes around it waits for
// the lock that fn itself holds. Slow work (hashing a password) belongs before.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	if d.Embedded() {
		return d.bun.RunInTx(ctx, nil, fn)
	}
	return d.inPostgresTx(ctx, fn)
}

// Settle makes sure that what was deleted is in no file of the database any
// more.
func (d *DB) Settle(ctx context.Context) error {
	if d.Embedded() {
		return d.emptyLog(ctx)
	}
	return d.vacuum(ctx)
}

// Close waits for running queries and closes the pool.
func (d *DB) Close() error {
	err := d.bun.Close()
	if d.pool != nil {
		d.pool.Close()
	}
	if err != nil {
		return fmt.Errorf("close the control database: %w", err)
	}
	return nil
}

// Time is t as both databases keep it: UTC, whole microseconds, so that a
// time read back equals the one written.
func Time(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// uniqueViolation is PostgreSQL's code for it.
const uniqueViolation = "23505"

// IsUnique says whether an error is a row refused because another has its key.
func IsUnique(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == uniqueViolation
	}
	var e sqlite3.Error
	return errors.As(err, &e) &&
		(e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}
