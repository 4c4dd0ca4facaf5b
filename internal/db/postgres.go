package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const (
	// pgConns a process: eight replicas stay under PostgreSQL's usual 100.
	pgConns = 10
	// pgConnect bounds opening one connection.
	pgConnect = 5 * time.Second
	// pgIdle ends a transaction that asks nothing for so long: its process hangs
	// or its machine is gone, and it may hold the write lock.
	pgIdle = "60s"
	// writeLock is the advisory lock that makes writers take turns, as SQLite's
	// do: the numbers are "moon" and "bear".
	writeLock = "select pg_advisory_xact_lock(1836019566, 1650811250)"
)

func openPostgres(ctx context.Context, rawURL string, log *slog.Logger) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(rawURL)
	if err != nil { // its own message may hold the password
		return nil, errors.New("the database URL can't be read; use postgres://USER:PASSWORD@HOST:5432/NAME?sslmode=verify-full, with special characters written as %XX")
	}
	if !strings.Contains(rawURL, "pool_max_conns=") {
		cfg.MaxConns = pgConns
	}
	cc := cfg.ConnConfig
	cc.ConnectTimeout = pgConnect
	// bun writes values into the text, so no two texts are alike: to prepare
	// each would be a second round trip, and would fill PostgreSQL's memory.
	// This is also what works behind PgBouncer.
	cc.DefaultQueryExecMode = pgx.QueryExecModeExec
	params := cc.RuntimeParams
	params["timezone"] = "UTC"
	params["idle_in_transaction_session_timeout"] = pgIdle
	if params["application_name"] == "" {
		params["application_name"] = "moonbear"
	}
	cfg.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the control database: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	return &DB{sql: db, bun: bun.NewDB(db, pgdialect.New()), log: log, pool: pool}, nil
}

// IsAway says that an error is that of a database that can't be reached, which
// may pass.
func IsAway(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

// inPostgresTx is InTx: readers see what is committed, writers take turns.
func (d *DB) inPostgresTx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) (err error) {
	conn, err := d.bun.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return conn.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, writeLock); err != nil {
			return fmt.Errorf("wait for the write lock: %w", err)
		}
		d.inTx.Store(tx.Tx, conn.Conn)
		defer d.inTx.Delete(tx.Tx)
		return fn(ctx, tx)
	})
}

// WithConn calls fn with the PostgreSQL connection that a transaction of InTx
// is on.
func (d *DB) WithConn(tx bun.Tx, fn func(*pgx.Conn) error) error {
	conn, ok := d.inTx.Load(tx.Tx)
	if !ok {
		return errors.New("not a transaction of InTx on PostgreSQL")
	}
	return conn.(*sql.Conn).Raw(func(driver any) error { return fn(driver.(*stdlib.Conn).Conn()) })
}

// vacuum takes deleted rows out of the tables' files. What is in backups and
// in PostgreSQL's own log goes when those do.
func (d *DB) vacuum(ctx context.Context) error {
	if _, err := d.sql.ExecContext(ctx, "vacuum"); err != nil {
		return fmt.Errorf("vacuum the control database: %w", err)
	}
	return nil
}
