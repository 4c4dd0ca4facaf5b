package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"

	"moonbear/internal/db"
)

// queue is River over either database.
type queue interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	insert(ctx context.Context, tx bun.Tx, args Args, o *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

func newQueue(d *db.DB, cfg *river.Config) (queue, error) {
	if d.Embedded() {
		c, err := river.NewClient(riversqlite.New(d.SQL()), cfg)
		return sqliteQueue{c}, err
	}
	c, err := river.NewClient(riverpgxv5.New(d.Pool()), cfg)
	return postgresQueue{c, d}, err
}

type sqliteQueue struct{ *river.Client[*sql.Tx] }

func (q sqliteQueue) insert(ctx context.Context, tx bun.Tx, args Args, o *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	return q.InsertTx(ctx, tx.Tx, args, o)
}

type postgresQueue struct {
	*river.Client[pgx.Tx]
	db *db.DB
}

func (q postgresQueue) insert(ctx context.Context, tx bun.Tx, args Args, o *river.InsertOpts) (res *rivertype.JobInsertResult, err error) {
	err = q.db.WithConn(tx, func(c *pgx.Conn) error {
		res, err = q.InsertTx(ctx, begun{c}, args, o)
		return err
	})
	return res, err
}

// begun is a connection whose transaction somebody else began and ends. River
// only asks it things.
type begun struct{ *pgConn }

type pgConn = pgx.Conn

var errNotOurs = errors.New("the transaction belongs to db.InTx")

func (begun) Commit(context.Context) error          { return errNotOurs }
func (begun) Rollback(context.Context) error        { return errNotOurs }
func (b begun) Conn() *pgx.Conn                     { return b.pgConn }
func (begun) LargeObjects() pgx.LargeObjects        { return pgx.LargeObjects{} }
func (begun) Begin(context.Context) (pgx.Tx, error) { return nil, errNotOurs }

// Migrate brings River's own tables up to date. Of several processes on one
// PostgreSQL one does it and the others wait.
func Migrate(ctx context.Context, d *db.DB, log *slog.Logger) error {
	cfg := &rivermigrate.Config{Logger: riverLog(log)}
	var res *rivermigrate.MigrateResult
	var err error
	if d.Embedded() {
		res, err = migrateQueue(rivermigrate.New(riversqlite.New(d.SQL()), cfg))(ctx)
	} else {
		err = alone(ctx, d.Pool(), func() error {
			res, err = migrateQueue(rivermigrate.New(riverpgxv5.New(d.Pool()), cfg))(ctx)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	if n := len(res.Versions); n > 0 {
		log.InfoContext(ctx, "job queue migrated", "migrations", n, "version", res.Versions[n-1].Version)
	}
	return nil
}

func migrateQueue[T any](m *rivermigrate.Migrator[T], err error) func(context.Context) (*rivermigrate.MigrateResult, error) {
	return func(ctx context.Context) (*rivermigrate.MigrateResult, error) {
		if err != nil {
			return nil, err
		}
		return m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
}

// alone calls f while no other process does. The lock goes with its connection.
func alone(ctx context.Context, pool *pgxpool.Pool, f func() error) error {
	c, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	const key = "1836019566, 1919510117" // "moon", "rive"
	if _, err := c.Exec(ctx, "select pg_advisory_lock("+key+")"); err != nil {
		return err
	}
	err = f()
	_, unlocked := c.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock("+key+")")
	return errors.Join(err, unlocked)
}
