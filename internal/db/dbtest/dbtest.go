// Package dbtest gives tests a control database of their own with the whole
// schema: a real SQLite file, copied from one that was migrated once, or, where
// TEST_POSTGRES_URL names a server, a PostgreSQL database made from such a
// template. So every suite over the control database runs on both.
package dbtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"moonbear/internal/db"
)

// server is the PostgreSQL to make databases on, "" for SQLite. It is read when
// it is needed, so that go test knows its results by it.
func server() string { return os.Getenv("TEST_POSTGRES_URL") }

// Postgres says that New gives databases on PostgreSQL.
func Postgres() bool { return server() != "" }

// New opens a fresh, migrated database that is closed when the test ends.
func New(t testing.TB) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), URL(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// URL makes a fresh, migrated database that nobody has open, and names it.
func URL(t testing.TB) string {
	t.Helper()
	if Postgres() {
		return copyDatabase(t)
	}
	b, err := template()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "moonbear.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path
}

// template is the migrated file's bytes: 200 kB, made once in a process.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "moonbear-dbtest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrated("sqlite://" + path); err != nil {
		return nil, err
	}
	// Closing the last connection moves everything from the -wal file into
	// the database, so the one file is whole.
	return os.ReadFile(path)
})

func migrated(url string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, url, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	return d.Close()
}

var copies atomic.Int64

// copyDatabase makes a database from this process's template, and drops it when
// the test ends.
func copyDatabase(t testing.TB) string {
	t.Helper()
	from, err := templateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%s_%d", from, copies.Add(1))
	if err := onServer("create database " + name + " template " + from); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := onServer("drop database " + name + " with (force)"); err != nil {
			t.Error(err)
		}
	})
	return named(name)
}

var templateDatabase = sync.OnceValues(func() (string, error) {
	name := fmt.Sprintf("moonbear_test_%d", os.Getpid())
	if err := onServer("create database " + name); err != nil {
		return "", err
	}
	return name, migrated(named(name))
})

// named is the URL of another database on the server.
func named(database string) string {
	u, err := url.Parse(server())
	if err != nil {
		panic(err) // onServer has connected with it
	}
	u.Path = "/" + database
	return u.String()
}

func onServer(query string) error {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, server())
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, query)
	return err
}
