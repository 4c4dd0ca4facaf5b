package duckdb

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
)

// A checkpoint that cannot be written keeps nothing from being appended, asked
// or opened, is tried again after a pause, and then succeeds. The crash
// campaign meets the real thing, on a disk that is full.
func TestCheckpointFails(t *testing.T) {
	var log strings.Builder
	now, tried, broken := time.Now(), 0, true
	o := Options{Path: filepath.Join(t.TempDir(), "store"), Memory: 256 << 20, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Now: func() time.Time { return now }}
	var s *Store
	o.exec = func(query string) error {
		tried++
		if broken { // DuckDB's own words; it refuses all further work after them
			return errors.New("FATAL Error: Failed to create checkpoint because of error: failed to offload data block of size 64.0 KiB")
		}
		return s.engine.writer.exec(query)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b, rows := event.Batch{Spool: "s"}, int64(0)
	long := strings.Repeat("a text long enough to fill the log ", 30)
	add := func() {
		b.From, b.To, b.Events = b.To, b.To+5000, b.Events[:0]
		for n := b.From; n < b.To; n++ {
			b.Events = append(b.Events, event.Event{Site: 1, Time: 1_780_000_000_000 + n, Name: event.Pageview, Visitor: n + 1, Visit: n + 1, Path: long, Entry: event.Entry{EntryPath: long}})
		}
		rows += 5000
		if err := s.Append(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if n := count(t, s); n != rows {
			t.Fatalf("%d events, want %d", n, rows)
		}
	}
	for s.engine == nil || s.engine.walBytes() < 2*walLimit {
		add()
	}
	if tried != 1 || !strings.Contains(log.String(), "could not write a checkpoint") {
		t.Fatalf("tried %d times within a minute, want once; log:\n%s", tried, log.String())
	}
	now = now.Add(firstPause)
	add()
	if tried != 2 {
		t.Errorf("tried %d times after the pause, want twice", tried)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if s, err = Open(t.Context(), o); err != nil { // replays what is left
		t.Fatal(err)
	}
	broken = false
	for tried == 2 {
		add()
	}
	if n := s.engine.walBytes(); n >= walLimit {
		t.Errorf("the log has %d bytes after a checkpoint", n)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func count(t *testing.T, s *Store) (n int64) {
	t.Helper()
	rows, err := s.Select(t.Context(), "select count(*) from events")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
