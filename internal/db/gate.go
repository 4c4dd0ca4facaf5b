package db

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// gate lets one writer of this process through at a time, in the order they
// came. SQLite itself keeps no queue: whoever finds it locked sleeps 1 to 100 ms
// and tries again, so under load the unlucky are overtaken by dozens: the p99 of
// a page's write was 3 to 38 times what it is through the gate (decision 0060). It sits under database/sql so that pages and River,
// transactions and single statements, all pass it. What slips by (a statement
// prepared by hand, another process) meets SQLite's own lock, as before.
type gate chan struct{}

// enter waits for its turn. The error is what a statement gets that waits for
// a transaction that waits for it.
func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(busy)
	defer t.Stop()
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return fmt.Errorf("database is locked: another write has not ended in %v; is this statement outside of the transaction it belongs to?", busy)
	}
}

func (g gate) leave() { <-g }

// connector opens connections that pass the gate.
type connector struct {
	driver sqlite3.SQLiteDriver
	dsn    string
	gate   gate
}

// Connect opens one connection.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	raw, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &conn{SQLiteConn: raw.(*sqlite3.SQLiteConn), gate: c.gate}, nil
}

// Driver is SQLite's.
func (c *connector) Driver() driver.Driver { return &c.driver }

// conn is a connection whose writes pass the gate. database/sql lets one
// goroutine at a time use it.
type conn struct {
	*sqlite3.SQLiteConn
	gate gate
	inTx bool // the transaction has passed already
}

// BeginTx passes the gate and holds it until the transaction ends.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.gate.enter(ctx); err != nil {
		return nil, err
	}
	inner, err := c.SQLiteConn.BeginTx(ctx, o)
	if err != nil {
		c.gate.leave()
		return nil, err
	}
	c.inTx = true
	return &tx{inner, c}, nil
}

type tx struct {
	driver.Tx
	conn *conn
}

// Commit commits, and lets the next writer through whatever came of it:
// go-sqlite3 rolls back what it cannot commit.
func (t *tx) Commit() error {
	defer t.end()
	return t.Tx.Commit()
}

// Rollback takes back, and lets the next writer through.
func (t *tx) Rollback() error {
	defer t.end()
	return t.Tx.Rollback()
}

func (t *tx) end() {
	t.conn.inTx = false
	t.conn.gate.leave()
}

// ExecContext passes the gate for one statement, unless its transaction has.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.inTx {
		return c.SQLiteConn.ExecContext(ctx, query, args)
	}
	if err := c.gate.enter(ctx); err != nil {
		return nil, err
	}
	defer c.gate.leave()
	return c.SQLiteConn.ExecContext(ctx, query, args)
}

// QueryContext passes the gate when the statement writes (insert … returning)
// and holds it until its rows are closed.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.inTx || !writes(query) {
		return c.SQLiteConn.QueryContext(ctx, query, args)
	}
	if err := c.gate.enter(ctx); err != nil {
		return nil, err
	}
	r, err := c.SQLiteConn.QueryContext(ctx, query, args)
	if err != nil {
		c.gate.leave()
		return nil, err
	}
	return &rows{SQLiteRows: r.(*sqlite3.SQLiteRows), gate: c.gate}, nil
}

type rows struct {
	*sqlite3.SQLiteRows
	gate gate
	left bool
}

// Close ends the statement and lets the next writer through.
func (r *rows) Close() error {
	err := r.SQLiteRows.Close()
	if !r.left {
		r.left = true
		r.gate.leave()
	}
	return err
}

// writes tells by its first word whether a statement writes. A `with` is taken
// for a read: where it is not, SQLite's own lock does what the gate would.
func writes(query string) bool {
	for {
		query = strings.TrimLeft(query, " \t\r\n;")
		if rest, ok := strings.CutPrefix(query, "--"); ok {
			_, query, _ = strings.Cut(rest, "\n")
		} else if rest, ok := strings.CutPrefix(query, "/*"); ok {
			_, query, _ = strings.Cut(rest, "*/")
		} else {
			break
		}
	}
	for _, word := range []string{"insert", "update", "delete", "replace"} {
		if len(query) >= len(word) && strings.EqualFold(query[:len(word)], word) {
			return true
		}
	}
	return false
}
