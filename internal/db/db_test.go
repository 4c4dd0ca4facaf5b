package db_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"

	"github.com/uptrace/bun"
)

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct{ name, url, want string }{
		{"another database", "mysql://x", `starts with "mysql"; use sqlite://PATH`},
		{"no scheme", "data/moonbear.db", `use sqlite://PATH`},
		{"not a URL", "postgres://moonbear:hunter2%@127.0.0.1/moonbear", "special characters written as %XX"},
		{"no file", "sqlite://", "names no file"},
		{"in memory", "sqlite://:memory:", "names no file"},
		{"a directory", "sqlite://" + t.TempDir(), "unable to open database file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := db.Open(t.Context(), tt.url, slog.New(slog.DiscardHandler))
			if err == nil {
				_ = d.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q shows a password", err)
			}
		})
	}
}

// A server that can't be reached is one that may come back.
func TestPostgresAway(t *testing.T) {
	d, err := db.Open(t.Context(), "postgres://moonbear:hunter2@127.0.0.1:1/moonbear", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err = d.Migrate(t.Context()); !db.IsAway(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestFileIsPrivate(t *testing.T) {
	for _, name := range []string{"moonbear.db", "with space.db", "100%?#.db"} {
		path := filepath.Join(t.TempDir(), "new", name)
		d, err := db.Open(t.Context(), "sqlite://"+path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(name, err)
		}
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(name, err)
		}
		for _, f := range []string{path, path + "-wal", path + "-shm"} {
			info, err := os.Stat(f)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != 0o600 {
				t.Errorf("%s has mode %o, not 600", f, got)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Every connection of the pool behaves the same, not only the first.
func TestPragmas(t *testing.T) {
	if dbtest.Postgres() {
		t.Skip("SQLite's")
	}
	d := dbtest.New(t)
	for range 4 {
		c, err := d.SQL().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000", "secure_delete": "1",
		} {
			var got string
			if err := c.QueryRowContext(t.Context(), "pragma "+pragma).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s is %s, not %s", pragma, got, want)
			}
		}
	}
}

func TestMigrateTwice(t *testing.T) {
	d := dbtest.New(t)
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := d.Bun().NewRaw("select count(*) from instance").Scan(t.Context(), &n); err != nil || n != 1 {
		t.Fatalf("instance has %d rows (%v), not 1", n, err)
	}
}

func TestInTx(t *testing.T) {
	d := dbtest.New(t)
	insert := func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("insert into accounts (name, created_at) values ('a', ?)", db.Time(time.Now())).Exec(ctx)
		return err
	}
	stop := errors.New("stop")
	for _, tt := range []struct {
		name string
		fn   func(ctx context.Context, tx bun.Tx) error
		err  error
		rows int
	}{
		{"an error takes it back", func(ctx context.Context, tx bun.Tx) error {
			return errors.Join(insert(ctx, tx), stop)
		}, stop, 0},
		{"nil keeps it", insert, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := d.InTx(t.Context(), tt.fn); !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if n := count(t, d, "accounts"); n != tt.rows {
				t.Errorf("%d rows, want %d", n, tt.rows)
			}
		})
	}
	t.Run("a panic takes it back and frees the lock", func(t *testing.T) {
		func() {
			defer func() { _ = recover() }()
			_ = d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				if err := insert(ctx, tx); err != nil {
					t.Error(err)
				}
				panic("stop")
			})
		}()
		if err := d.InTx(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d, "accounts"); n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
	})
}

// A transaction that reads and then writes is where "database is locked"
// comes from at once, however long the timeout, when its lock was not taken
// at the start.
func TestReadThenWriteConcurrently(t *testing.T) {
	d := dbtest.New(t)
	const writers, each = 16, 20
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
					var n int
					if err := tx.NewRaw("select count(*) from accounts").Scan(ctx, &n); err != nil {
						return err
					}
					_, err := tx.NewRaw("insert into accounts (name, created_at) values (?, ?)", n, db.Time(time.Now())).Exec(ctx)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// Each saw every row committed before it: no number was read twice.
	var distinct int
	if err := d.Bun().NewRaw("select count(distinct name) from accounts").Scan(t.Context(), &distinct); err != nil {
		t.Fatal(err)
	}
	if distinct != writers*each {
		t.Errorf("%d distinct, want %d", distinct, writers*each)
	}
}

func TestTimeComesBackEqual(t *testing.T) {
	d := dbtest.New(t)
	at := time.Date(2026, 7, 4, 23, 59, 59, 123456789, time.FixedZone("", 9*3600))
	if _, err := d.Bun().NewRaw("insert into accounts (name, created_at) values ('a', ?)", db.Time(at)).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got time.Time
	if err := d.Bun().NewRaw("select created_at from accounts").Scan(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	if !got.Equal(db.Time(at)) || got.Nanosecond() != 123456000 {
		t.Errorf("got %v, want %v", got, db.Time(at))
	}
}

func TestIsUnique(t *testing.T) {
	d := dbtest.New(t)
	insert := func(name string) error {
		_, err := d.Bun().NewRaw("insert into job_runs (name, next_at) values (?, ?)", name, db.Time(time.Now())).Exec(t.Context())
		return err
	}
	if err := insert("a"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"same key", insert("a"), true},
		{"other key", insert("b"), false},
		{"another constraint", func() error {
			_, err := d.Bun().NewRaw("insert into memberships (account_id, user_id, role, created_at) values (9, 9, 'owner', ?)", db.Time(time.Now())).Exec(t.Context())
			if err == nil {
				t.Error("a membership of nobody was accepted")
			}
			return err
		}(), false},
		{"another error", fs.ErrExist, false},
	} {
		if got := db.IsUnique(tt.err); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func count(t *testing.T, d *db.DB, table string) int {
	t.Helper()
	var n int
	if err := d.Bun().NewRaw("select count(*) from ?", bun.Ident(table)).Scan(t.Context(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSettle deletes a text, small and larger than a page, until no file of the
// database holds it.
func TestSettle(t *testing.T) {
	const canary = "canary-Vt6nHw31kzRe"
	path := filepath.Join(t.TempDir(), "moonbear.db")
	d, err := db.Open(t.Context(), "sqlite://"+path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := d.SQL().ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	holding := func() (n int) {
		for _, f := range []string{path, path + "-wal"} {
			if b, _ := os.ReadFile(f); strings.Contains(string(b), canary) {
				n++
			}
		}
		return n
	}
	exec("create table texts (id integer primary key, text text)")
	for i := range 200 {
		exec("insert into texts (text) values (?)", strings.Repeat(canary+" ", 1+i*i%400))
	}
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec("update texts set text = ? where id % 3 = 0", canary)
	if holding() != 2 {
		t.Fatal("the text should be in the file and in its log: this test could not fail")
	}
	exec("delete from texts")
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := holding(); n != 0 {
		t.Errorf("%d files still hold the text", n)
	}
}
