package export

import (
	"context"
	"runtime"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// endless is a store that makes its events while they are exported.
type endless struct {
	event.Store
	n int
}

func (s *endless) Export(_ context.Context, _ int64, _, _ time.Time, yield func(*event.Event) error) error {
	bulk := eventtest.Bulk{Seed: 8}
	for at := 0; at < s.n; at += 5000 {
		for _, e := range bulk.Next(5000) {
			if err := yield(&e); err != nil {
				return err
			}
		}
	}
	return nil
}

// peak is the most that was on the heap, looked at every 64 KiB.
type peak struct{ most uint64 }

func (p *peak) Write(b []byte) (int, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.most = max(p.most, m.HeapAlloc)
	return len(b), nil
}

// TestMemory writes a hundred thousand events and eight hundred thousand: the
// second may take no more memory than the first, but for what the collector
// hasn't looked at yet.
func TestMemory(t *testing.T) {
	long(t)
	for _, f := range All() {
		var most [2]uint64
		for i, n := range []int{100_000, 800_000} {
			runtime.GC()
			var p peak
			if err := New(&endless{n: n}, nil).Write(t.Context(), &p, Request{Site: siteNumber(1), Format: f, Gzip: i == 1}, nil); err != nil {
				t.Fatal(err)
			}
			most[i] = p.most
		}
		t.Logf("%s: %d MiB at most for 100,000 events, %d MiB for 800,000", f, most[0]>>20, most[1]>>20)
		if most[1] > 64<<20 || most[1] > most[0]+24<<20 {
			t.Errorf("%s: %d MiB for 100,000 events, %d MiB for 800,000", f, most[0]>>20, most[1]>>20)
		}
	}
}
