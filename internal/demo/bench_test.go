package demo

import (
	"testing"
	"time"

	"moonbear/internal/event"
)

// BenchmarkFill is how fast events are made on one core, into memory that is
// used again: 250,000 a second is the least.
func BenchmarkFill(b *testing.B) {
	from := time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC)
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		b.Fatal(err)
	}
	const events = 5_000_000
	period := 30 * 24 * time.Hour
	t := New(Options{Site: 1, Zone: seoul, PerDay: PerDay(events, period), Epoch: from})
	f := t.Fill(events, from, from.Add(period))
	var batch event.Batch
	made := 0
	b.ReportAllocs()
	for b.Loop() {
		batch.Events, batch.Drops = batch.Events[:0], batch.Drops[:0]
		if !f.More() {
			f = t.Fill(events, from, from.Add(period))
		}
		f.Next(&batch, 10_000)
		made += len(batch.Events)
	}
	b.ReportMetric(float64(made)/b.Elapsed().Seconds(), "events/s")
}
