package load_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/load"
	"moonbear/internal/spool"
)

// BenchmarkFollow appends 16,000 hits a second, as a busy server does, while
// the loader copies them into DuckDB, and reports how long an acknowledged hit
// waits at most and the CPU of both for each.
func BenchmarkFollow(b *testing.B) { follow(b, 16_000) }

// BenchmarkCatchUp loads what waits, as after a store was away.
func BenchmarkCatchUp(b *testing.B) { follow(b, 0) }

func follow(b *testing.B, rate int) {
	dir := b.TempDir()
	store, err := duckdb.Open(b.Context(), duckdb.Options{Path: filepath.Join(dir, "events.duckdb"), Memory: 512 << 20})
	if err != nil {
		b.Fatal(err)
	}
	s, err := spool.Open(spool.Options{Dir: filepath.Join(dir, "spool")})
	if err != nil {
		b.Fatal(err)
	}
	loader := load.New(load.Options{Spool: s, Store: store})
	ctx, stop := context.WithCancel(b.Context())
	ran, loaded := make(chan error, 1), make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	if rate > 0 {
		go func() { loaded <- loader.Run(ctx) }()
	} else {
		feed(b, s, b.N, 0)
	}
	var worst time.Duration
	before := cpuTime(b)
	b.ResetTimer()
	if rate > 0 {
		done := make(chan struct{})
		go func() { feed(b, s, b.N, rate); close(done) }()
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			_, age := loader.Lag()
			worst = max(worst, age)
			select {
			case <-done:
				done = nil
			case <-tick.C:
			}
			if done == nil {
				break
			}
		}
		b.ReportMetric(float64(worst.Milliseconds()), "worst-lag-ms")
	} else {
		go func() { loaded <- loader.Run(ctx) }()
	}
	for {
		if bytes, _ := loader.Lag(); bytes == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/1e3, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	stop()
	if err := errors.Join(<-ran, <-loaded, s.Close(), store.Close()); err != nil {
		b.Fatal(err)
	}
}

// feed appends n pageviews from 100 goroutines, rate a second (0: as fast as it goes).
func feed(b *testing.B, s *spool.Spool, n, rate int) {
	events := eventtest.Visit(eventtest.From("Google", "Organic Search"), eventtest.View("/"), eventtest.View("/docs"))
	const clients = 100
	began := time.Now()
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := c; i < n; i += clients {
				if rate > 0 {
					time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
				}
				e := events[i%len(events)]
				e.Time, e.Visitor, e.Visit = time.Now().UnixMilli(), int64(i/4), int64(i/2)
				if err := s.Append(b.Context(), event.AppendEvent(nil, &e)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
