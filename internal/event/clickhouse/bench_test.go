package clickhouse

import (
	"fmt"
	"testing"

	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/eventtest"
)

// BenchmarkAppend: rows a second by the size of a batch, the two writes of the
// spool's state and all fsyncs included.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 1000, 5000, 20_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := openAt(b, chtest.Shared(b).Database(b), nil)
			defer s.Close()
			g := &eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 9, 2: 1}}
			var pos int64
			for b.Loop() {
				b.StopTimer()
				batch := eventtest.Batch("a", pos, g.Next(size))
				b.StartTimer()
				eventtest.Append(b, s, batch)
				pos = batch.To
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
