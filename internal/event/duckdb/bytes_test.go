package duckdb

import (
	"testing"
	"time"

	"moonbear/internal/demo"
	"moonbear/internal/event"
)

// TestBytesAnEvent: what is sold as disk. The hot file and all else in the
// directory count; at this size what a file takes whatever is in it is one byte
// of an event.
func TestBytesAnEvent(t *testing.T) {
	long(t)
	const events, most = 1_000_000, 52
	s := openAt(t, t.TempDir(), nil)
	defer s.Close()
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	fill := demo.New(demo.Options{Site: 1, PerDay: demo.PerDay(events, to.Sub(from)), Epoch: from}).Fill(events, from, to)
	for fill.More() {
		b := event.Batch{Spool: "demo"}
		fill.Next(&b, 20_000)
		if err := s.Append(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	before := filesBytes(s.o.Path, "")
	compact(t, s)
	if n := count(t, s); n != events {
		t.Fatalf("%d events, want %d", n, events)
	}
	after := filesBytes(s.o.Path, "")
	t.Logf("%.1f bytes an event, %.1f before compaction", float64(after)/events, float64(before)/events)
	if after > most*events {
		t.Errorf("%.1f bytes an event after compaction, want at most %d", float64(after)/events, most)
	}
}
