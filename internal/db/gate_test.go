package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"
)

func TestWrites(t *testing.T) {
	for _, tt := range []struct {
		query string
		want  bool
	}{
		{"select 1", false},
		{"  \n\tINSERT into a values (1) returning id", true},
		{"-- name: JobGetAvailable :many\nUPDATE river_job", true},
		{"/* why */ -- and\n delete from a", true},
		{"/* open", false},
		{"-- only", false},
		{"with a as (select 1) select * from a", false},
		{"pragma user_version", false},
		{"ins", false},
		{"", false},
	} {
		if got := writes(tt.query); got != tt.want {
			t.Errorf("%q: %v", tt.query, got)
		}
	}
}

// Writers are let through in the order they came.
func TestGateIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate, 1)
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []int
		for i := range 5 {
			go func() {
				if err := g.enter(t.Context()); err != nil {
					t.Error(err)
				}
				order = append(order, i)
				g.leave()
			}()
			synctest.Wait()
		}
		g.leave()
		synctest.Wait()
		for i, got := range order {
			if got != i {
				t.Fatalf("the order is %v", order)
			}
		}
		if len(order) != 5 {
			t.Errorf("%d of 5 came through", len(order))
		}
	})
}

func TestGateGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate, 1)
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := g.enter(t.Context()); err == nil || !strings.Contains(err.Error(), "database is locked") {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited != busy {
			t.Errorf("waited %v", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.enter(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled wait: %v", err)
		}
		g.leave()
		if err := g.enter(t.Context()); err != nil {
			t.Errorf("the gate is not free after a wait was given up: %v", err)
		}
	})
}

// Whatever way a write ends, the next one gets through.
func TestGateIsLeft(t *testing.T) {
	d, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "a.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stop := errors.New("stop")
	for _, tt := range []struct {
		name string
		do   func(ctx context.Context, cancel func()) error
	}{
		{"statement", func(ctx context.Context, _ func()) error {
			_, err := d.Bun().ExecContext(ctx, "create table a (id integer primary key, n integer check (n > 0) deferrable)")
			return err
		}},
		{"statement that fails", func(ctx context.Context, _ func()) error {
			_, err := d.Bun().ExecContext(ctx, "insert into nothing values (1)")
			return err
		}},
		{"returning", func(ctx context.Context, _ func()) error {
			var id int
			return d.Bun().NewRaw("insert into a (n) values (1) returning id").Scan(ctx, &id)
		}},
		{"returning that fails", func(ctx context.Context, _ func()) error {
			var id int
			return d.Bun().NewRaw("insert into a (n) values (0) returning id").Scan(ctx, &id)
		}},
		{"rows not read", func(ctx context.Context, _ func()) error {
			rows, err := d.SQL().QueryContext(ctx, "insert into a (n) values (1), (2) returning id")
			if err != nil {
				return err
			}
			return rows.Close()
		}},
		{"transaction", func(ctx context.Context, _ func()) error {
			return d.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.ExecContext(ctx, "insert into a (n) values (1)")
				return err
			})
		}},
		{"transaction taken back", func(ctx context.Context, _ func()) error {
			return d.InTx(ctx, func(context.Context, bun.Tx) error { return stop })
		}},
		{"transaction whose asker goes away", func(ctx context.Context, cancel func()) error {
			return d.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				cancel()
				_, err := tx.ExecContext(ctx, "insert into a (n) values (1)")
				return err
			})
		}},
		{"transaction never begun", func(ctx context.Context, cancel func()) error {
			cancel()
			return d.InTx(ctx, func(context.Context, bun.Tx) error { return nil })
		}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), busy/2)
		err := tt.do(ctx, cancel)
		cancel()
		// A cancelled transaction is rolled back by database/sql in its own
		// goroutine, so the gate may be left a moment later.
		next, cancelNext := context.WithTimeout(t.Context(), busy/2)
		if _, err2 := d.Bun().ExecContext(next, "create table if not exists b (id integer)"); err2 != nil {
			t.Fatalf("after %s (%v): %v", tt.name, err, err2)
		}
		cancelNext()
	}
	if c, ok := any(&conn{}).(driver.SessionResetter); ok {
		t.Errorf("%T resets sessions: it must forget inTx then", c)
	}
}
