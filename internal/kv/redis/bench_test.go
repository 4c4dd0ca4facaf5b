package redis

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/kv"
	"moonbear/internal/kv/redistest"
)

// BenchmarkJoin compares what one hit waits for. "away" is a Redis that was
// killed. The percentiles are of single joins, with as many at once as named.
func BenchmarkJoin(b *testing.B) {
	s := redistest.Start(b)
	r := start(b, s.URL, "") // that waits longer than a hit would
	for _, e := range []struct {
		name   string
		visits kv.Visits
		before func()
	}{
		{"memory", kv.NewMemory(1_000_000), func() {}},
		{"redis", r.Redis.Visits(kv.NewMemory(1_000_000)), func() {}},
		{"away", r.Redis.Visits(kv.NewMemory(1_000_000)), func() { s.Kill(); r.leave() }},
	} {
		for _, atOnce := range []int{1, 64} {
			b.Run(e.name+"/"+strconv.Itoa(atOnce), func(b *testing.B) {
				e.before()
				joinMany(b, e.visits, atOnce)
			})
		}
	}
	if n := r.value(b, "moonbear_redis_answered_by_memory_total"); n > 0 {
		b.Logf("%v were answered by memory, those while it was away among them", n)
	}
}

func joinMany(b *testing.B, visits kv.Visits, atOnce int) {
	const visitors = 100_000
	entry := make([]byte, 120)
	took := make([]time.Duration, b.N)
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for g := range atOnce {
		wg.Go(func() {
			for i := g; i < b.N; i += atOnce {
				n := rand.Int64N(visitors)
				begun := time.Now()
				fresh := kv.Visit{ID: rand.Int64(), Entry: entry}
				if _, _, err := visits.Join(b.Context(), visitor(n), visitor(n+visitors), fresh, begun.UnixMilli(), false); err != nil {
					b.Error(err)
				}
				took[i] = time.Since(begun)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-µs")
}

// BenchmarkVisitInRedis reports what one open visit takes in Redis, and how
// long it takes to tell Redis of all that this replica knows.
func BenchmarkVisitInRedis(b *testing.B) {
	const visits = 100_000
	s := redistest.Start(b)
	r := unwatched(b, s.URL, "")
	for b.Loop() {
		mem := kv.NewMemory(10 * visits)
		for range visits {
			mem.Restore(visitor(rand.Int64()), kv.Visit{ID: 1, Last: time.Now().UnixMilli(), Entry: make([]byte, 120)})
		}
		if err := r.client.Do(b.Context(), r.client.B().Flushall().Build()).Error(); err != nil {
			b.Fatal(err)
		}
		before := r.used(b)
		begun := time.Now()
		v := r.Redis.Visits(mem)
		v.lost(time.Now())
		if err := v.push(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(begun).Milliseconds()), "ms-to-tell-100k")
		b.ReportMetric(float64(r.used(b)-before)/visits, "bytes/visit")
	}
}

// used is the memory Redis uses.
func (r *replica) used(b *testing.B) int {
	b.Helper()
	info, err := r.client.Do(b.Context(), r.client.B().Info().Section("memory").Build()).ToString()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if n, ok := strings.CutPrefix(line, "used_memory:"); ok {
			used, err := strconv.Atoi(strings.TrimSpace(n))
			if err != nil {
				b.Fatal(err)
			}
			return used
		}
	}
	b.Fatal("redis doesn't say what memory it uses")
	return 0
}
