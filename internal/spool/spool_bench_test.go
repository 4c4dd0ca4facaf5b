package spool_test

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"moonbear/internal/spool"
)

// BenchmarkAppend has 128 goroutines append 250-byte records, as a busy server
// has, and reports the CPU of the whole process for each.
func BenchmarkAppend(b *testing.B) {
	s, err := spool.Open(spool.Options{Dir: b.TempDir(), MaxBytes: 64 << 30})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ran := make(chan error)
	go func() { ran <- s.Run(ctx) }()
	record := make([]byte, 250)
	var left atomic.Int64
	left.Store(int64(b.N))
	before := cpu(b)
	b.ResetTimer()
	var wg sync.WaitGroup
	for range 128 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := s.Append(ctx, record); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1e3, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	stop()
	if err := <-ran; err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRead reads 1 MiB at a time, as load does.
func BenchmarkRead(b *testing.B) {
	s, err := spool.Open(spool.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ran := make(chan error)
	go func() { ran <- s.Run(ctx) }()
	record := make([]byte, 250)
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			for range 200 {
				if err := s.Append(ctx, record); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ResetTimer()
	pos := int64(0)
	for n := 0; n < b.N; {
		next, err := s.Read(ctx, pos, 1<<20, func(int64, []byte) error { n++; return nil })
		if err != nil {
			b.Fatal(err)
		}
		pos = next
		if pos == s.Durable() {
			pos = 0
		}
	}
	b.StopTimer()
	stop()
	if err := <-ran; err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
