// Package dbtest gives tests a control database of their own: a real SQLite
// file with the whole schema, copied from one that was migrated once.
package dbtest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"moonbear/internal/db"
)

// template is the migrated file's bytes: 200 kB, made once in a process.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "moonbear-dbtest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	ctx := context.Background()
	d, err := db.Open(ctx, "sqlite://"+path, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	// Closing the last connection moves everything from the -wal file into
	// the database, so the one file is whole.
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// New opens a fresh, migrated database that is closed when the test ends.
func New(t testing.TB) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite://"+File(t), slog.New(slog.DiscardHandler))
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

// File writes a fresh, migrated database that nobody has open, and returns its path.
func File(t testing.TB) string {
	t.Helper()
	b, err := template()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "moonbear.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
