package duckdb

import (
	"context"
	"errors"
	"testing"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// A commit or a rename that fails may have happened. Whatever the store thinks
// of it, nothing appended before or after may be lost, now or after a restart.
func TestDoubt(t *testing.T) {
	for _, step := range []string{"adopted", "renewed"} {
		t.Run(step, func(t *testing.T) {
			ctx, dir := context.Background(), t.TempDir()
			failed := false
			s := openAt(t, dir, func(o *Options) {
				o.minSegment = 1000
				o.doubt = func(name string) error {
					if name != step || failed {
						return nil
					}
					failed = true
					return errors.New("the disk is ill")
				}
			})
			count := func(when string, want int64) {
				t.Helper()
				rows, err := s.Select(ctx, "select count(*), count(distinct visit_id) from events")
				if err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				defer rows.Close()
				var n, different int64
				for rows.Next() {
					if err := rows.Scan(&n, &different); err != nil {
						t.Fatal(err)
					}
				}
				if n != want || different != want {
					t.Errorf("%s: %d events, %d of them different; want %d", when, n, different, want)
				}
			}
			eventtest.Append(t, s, eventtest.Batch("a", 0, numbered(1, 2000)))
			if err := s.Delete(ctx, event.Selection{Site: 99}); err != nil { // so that the hot file is renewed
				t.Fatal(err)
			}
			if err := s.Compact(ctx); err == nil || !failed {
				t.Fatal("nothing failed")
			}
			count("after the error", 2000)
			at, err := s.Loaded(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			eventtest.Append(t, s, eventtest.Batch("a", at, numbered(2001, 500)))
			count("appended to", 2500)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openAt(t, dir, func(o *Options) { o.minSegment = 1000 })
			defer s.Close()
			count("reopened", 2500)
			if err := s.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			count("compacted", 2500)
		})
	}
}
