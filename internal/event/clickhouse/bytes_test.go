package clickhouse

import (
	"context"
	"fmt"
	"testing"
	"time"

	"moonbear/internal/demo"
	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse/chtest"
)

// TestBytesAnEvent: what is sold as disk, as the server counts it.
func TestBytesAnEvent(t *testing.T) {
	long(t)
	const events, most = 1_000_000, 34
	s := openAt(t, chtest.Start(t).Database(t), nil)
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
	size := func() (rows, bytes uint64) {
		t.Helper()
		err := s.conn.QueryRow(t.Context(), "select sum(rows), sum(bytes_on_disk) from system.parts where active and database = currentDatabase() and table = 'events'").Scan(&rows, &bytes)
		if err != nil {
			t.Fatal(err)
		}
		return rows, bytes
	}
	_, before := size()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if err := s.exec(ctx, "optimize table events final"); err != nil {
		t.Fatal(err)
	}
	rows, after := size()
	if rows != events {
		t.Fatalf("%d events, want %d", rows, events)
	}
	t.Logf("%.1f bytes an event, %.1f before the last merge", float64(after)/events, float64(before)/events)
	if after > most*events {
		t.Errorf("%.1f bytes an event, want at most %d\n%s", float64(after)/events, most, columnSizes(t, s))
	}
}

// columnSizes lists what takes the room.
func columnSizes(t *testing.T, s *Store) string {
	t.Helper()
	rows, err := s.conn.Query(t.Context(), `
		select column, sum(column_data_compressed_bytes) as bytes from system.parts_columns
		where active and database = currentDatabase() and table = 'events' group by column order by bytes desc limit 20`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list string
	for rows.Next() {
		var name string
		var bytes uint64
		if err := rows.Scan(&name, &bytes); err != nil {
			t.Fatal(err)
		}
		list += fmt.Sprintf("%s %d\n", name, bytes)
	}
	return list
}
