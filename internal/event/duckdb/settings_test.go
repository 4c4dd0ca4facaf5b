package duckdb

import (
	"path/filepath"
	"testing"
)

// What bounds DuckDB holds from its opening on, when it may have a log to replay.
func TestSettings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a store") // a path with a space: it goes through a URL
	s, err := Open(t.Context(), Options{Path: dir, Memory: 256 << 20, Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string]string{
		"memory_limit": "160.0 MiB", "threads": "3", "temp_directory": filepath.Join(dir, "tmp-events"),
		"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "TimeZone": "UTC",
	} {
		rows, err := s.Select(t.Context(), "select value from duckdb_settings() where name = ?", name)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for rows.Next() {
			if err := rows.Scan(&got); err != nil {
				t.Fatal(err)
			}
		}
		rows.Close()
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
