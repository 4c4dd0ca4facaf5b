package db

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to date. Migrations go forward only; one that
// is released is never edited.
func (d *DB) Migrate(ctx context.Context) error {
	start := time.Now()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	p, err := d.migrator(files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate the control database: %w", err)
	}
	if len(done) > 0 {
		d.log.InfoContext(ctx, "control database migrated",
			"migrations", len(done), "version", done[len(done)-1].Source.Version, "took", time.Since(start))
	}
	return nil
}

// migrator reads the migrations for the database. Of several processes on one
// PostgreSQL that start together, one migrates and the others wait.
func (d *DB) migrator(files fs.FS) (*goose.Provider, error) {
	if d.Embedded() {
		return goose.NewProvider(goose.DialectSQLite3, d.sql, sqliteFS{files})
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, d.sql, files, goose.WithSessionLocker(locker))
}

// sqliteWords is the whole difference between the two databases' schemas:
// migrations are written in PostgreSQL's words, and SQLite reads these instead.
//
// autoincrement because a site's number must never be given again: its events
// may outlive it in the event store. timestamp because go-sqlite3 knows a time
// by that word.
var sqliteWords = [][2]string{
	{"bigserial primary key", "integer primary key autoincrement"},
	{"timestamptz", "timestamp"},
	{"bytea", "blob"},
}

// sqliteFS is migrations as SQLite reads them.
type sqliteFS struct{ fs.FS }

// Open reads the whole file, which is small, and changes its words.
func (s sqliteFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	for _, w := range sqliteWords {
		b = bytes.ReplaceAll(b, []byte(w[0]), []byte(w[1]))
	}
	return &textFile{Reader: bytes.NewReader(b), File: f}, nil
}

// textFile is a file with another text.
type textFile struct {
	*bytes.Reader
	fs.File
}

// Read reads the changed text, not the file's own.
func (t *textFile) Read(b []byte) (int, error) { return t.Reader.Read(b) }
