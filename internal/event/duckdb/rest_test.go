package duckdb

import (
	"path/filepath"
	"testing"
	"time"

	"moonbear/internal/event/eventtest"
)

// TestRest: a store that rests has all its memory again when it is asked.
func TestRest(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "store"), Memory: 512 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	g := &eventtest.Bulk{Seed: 3}
	b := eventtest.Batch("a", 0, g.Next(20_000))
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	text := func(query string) (v string) {
		t.Helper()
		rows, err := s.Select(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(&v); err != nil {
				t.Fatal(err)
			}
		}
		return v
	}
	const limit = "select current_setting('memory_limit')"
	was := text(limit)
	if err := s.rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	if is := text(limit); is != was || is != "288.0 MiB" {
		t.Errorf("the memory limit is %s after a rest, want %s as before", is, was)
	}
	if n := count(t, s); n != int64(len(b.Events)) {
		t.Errorf("%d events after a rest, want %d", n, len(b.Events))
	}
}

// TestCheckpointDue: the log is short while there is time to keep it so.
func TestCheckpointDue(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name  string
		wal   int64
		since time.Duration // the last one
		pause time.Duration // from now
		want  bool
	}{
		{"a short log", walSoon - 1, time.Hour, 0, false},
		{"one that can be replayed soon, after a while", walSoon, restAtLeast, 0, true},
		{"and just after a checkpoint", walLimit - 1, restAtLeast - 1, 0, false},
		{"a long one at once", walLimit, time.Second, 0, true},
		{"but not in the pause after a failure", 4 * walLimit, time.Hour, time.Second, false},
	} {
		k := checkpoints{last: now.Add(-c.since), after: now.Add(c.pause)}
		if got := k.due(c.wal, now); got != c.want {
			t.Errorf("%s: due %v, want %v", c.name, got, c.want)
		}
	}
}
