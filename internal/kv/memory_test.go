package kv_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"moonbear/internal/kv"
	"moonbear/internal/kv/kvtest"
)

func TestMemory(t *testing.T) {
	kvtest.Visits(t, func(*testing.T) kv.Visits { return kv.NewMemory(100_000) })
}

func TestMemoryKeys(t *testing.T) {
	kvtest.Keys(t, func(*testing.T) kv.Keys { return kv.NewMemoryKeys() })
}

func TestMemoryLimits(t *testing.T) {
	kvtest.Limits(t, func(*testing.T) kv.Limits { return kv.NewMemoryLimits() })
}

func join(t testing.TB, m *kv.Memory, visitor, id, now int64) kv.Visit {
	t.Helper()
	v, _, err := m.Join(t.Context(), kv.VisitKey{Site: 1, Visitor: visitor}, kv.VisitKey{}, kv.Visit{ID: id, Entry: []byte("e")}, now, false)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExpire(t *testing.T) {
	m := kv.NewMemory(10_000)
	retention := kv.Retention.Milliseconds()
	for i := range int64(100) {
		join(t, m, i, i+1, i)
	}
	join(t, m, 3, 1, 1000) // visited again: its turn comes later
	for _, tc := range []struct {
		now       int64
		gone, len int
	}{
		{retention, 0, 100},
		{retention + 1, 1, 99}, // the visit at 0
		{retention + 50, 48, 51},
		{retention + 1000, 50, 1},
		{retention + 1001, 1, 0},
	} {
		if n := m.Expire(tc.now); n != tc.gone || m.Len() != tc.len {
			t.Errorf("at retention+%d: %d gone, %d left; want %d, %d", tc.now-retention, n, m.Len(), tc.gone, tc.len)
		}
	}
}

// A flood of visitors costs the oldest visits, not the memory.
func TestBounded(t *testing.T) {
	m := kv.NewMemory(6400)
	for i := range int64(100_000) {
		join(t, m, int64(rand.Uint64()), i+1, i)
	}
	last := join(t, m, 7, 1_000_000, 100_000)
	if m.Len() > 6400 {
		t.Errorf("%d visits in room for 6400", m.Len())
	}
	if v, ok, _ := m.Latest(t.Context(), kv.VisitKey{Site: 1, Visitor: 7}, kv.VisitKey{}, 0); !ok || v.ID != last.ID {
		t.Error("the newest visit was forgotten")
	}
}

// Who sends the longest addresses there can be costs visits too, not memory.
func TestBoundedInBytes(t *testing.T) {
	const visits = 6400
	m := kv.NewMemory(visits)
	entry := make([]byte, 6000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range int64(4 * visits) {
		k := kv.VisitKey{Site: 1, Visitor: int64(rand.Uint64())}
		if _, _, err := m.Join(t.Context(), k, kv.VisitKey{}, kv.Visit{ID: i + 1, Entry: entry}, i, false); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			m.Restore(k, kv.Visit{ID: i + 1, Last: i + 1, Entry: entry})
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > 1000*visits {
		t.Errorf("room for %d visits took %d bytes", visits, took)
	}
	if m.Len() == 0 {
		t.Error("no visit is left")
	}
	if m.Expire(1 << 60); m.Len() != 0 {
		t.Errorf("%d visits are left", m.Len())
	}
	for i := range int64(visits / 2) { // the room is all there again
		join(t, m, int64(rand.Uint64()), i+1, i)
	}
	if m.Len() != visits/2 {
		t.Errorf("%d visits, want %d", m.Len(), visits/2)
	}
	runtime.KeepAlive(m)
}

func TestRestore(t *testing.T) {
	m := kv.NewMemory(1000)
	k := kv.VisitKey{Site: 1, Visitor: 9}
	m.Restore(k, kv.Visit{ID: 1, Start: 10, Last: 20, Origin: 4, Entry: []byte("one")})
	m.Restore(k, kv.Visit{ID: 2, Start: 30, Last: 40, Origin: 5, Entry: []byte("two")})
	m.Restore(k, kv.Visit{ID: 3, Start: 1, Last: 2, Entry: []byte("older")})
	v, opened, err := m.Join(t.Context(), k, kv.VisitKey{}, kv.Visit{ID: 4, Origin: 5}, 50, true)
	if err != nil || opened || v.ID != 2 || v.Start != 30 || string(v.Entry) != "two" {
		t.Errorf("%+v, opened %v, %v; want visit 2 to go on", v, opened, err)
	}
}

func TestKeysExpireAndRestore(t *testing.T) {
	m := kv.NewMemoryKeys()
	day := kv.KeyRetention.Milliseconds()
	m.Restore([16]byte{1}, [16]byte{2}, 1000)
	if got, err := m.Claim(t.Context(), [16]byte{1}, [16]byte{2}, 2000); got != kv.Stored || err != nil {
		t.Errorf("a restored key: %v, %v; want Stored", got, err)
	}
	if got, err := m.Claim(t.Context(), [16]byte{5}, [16]byte{2}, 0); got != kv.Claimed || err != nil {
		t.Fatalf("%v, %v", got, err)
	}
	if n := m.Expire(999 + day); n != 0 {
		t.Errorf("%d keys expired early", n)
	}
	if n := m.Expire(1000 + day); n != 1 || m.Len() != 1 {
		t.Errorf("%d keys expired, %d left; a claim in progress must stay", n, m.Len())
	}
}

func BenchmarkJoin(b *testing.B) {
	m := kv.NewMemory(1_000_000)
	entry := make([]byte, 120)
	visitors := make([]kv.VisitKey, 100_000)
	for i := range visitors {
		visitors[i] = kv.VisitKey{Site: 1, Visitor: int64(rand.Uint64())}
	}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		now := int64(0)
		for p.Next() {
			now++
			k := visitors[rand.IntN(len(visitors))]
			if _, _, err := m.Join(b.Context(), k, kv.VisitKey{Site: 1, Visitor: ^k.Visitor}, kv.Visit{ID: 1, Entry: entry}, now, false); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMemoryOfAVisit reports what one open visit takes.
func BenchmarkMemoryOfAVisit(b *testing.B) {
	const n = 200_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := kv.NewMemory(10 * n)
		for range n {
			if _, _, err := m.Join(b.Context(), kv.VisitKey{Site: 1, Visitor: int64(rand.Uint64())}, kv.VisitKey{}, kv.Visit{ID: 1, Entry: make([]byte, 120)}, 0, false); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "bytes/visit")
		runtime.KeepAlive(m)
	}
}

// Visits restored from the newest on, after later ones were, are forgotten in
// the order of time as well.
func TestRestoreFromEitherEnd(t *testing.T) {
	m := kv.NewMemory(100_000)
	restore := func(at int64) {
		m.Restore(kv.VisitKey{Site: 1, Visitor: at}, kv.Visit{ID: at, Last: at})
	}
	for at := int64(3001); at <= 4000; at++ {
		restore(at)
	}
	join(t, m, 5000, 5000, 5000)
	for at := int64(3000); at > 0; at-- {
		restore(at)
	}
	for _, before := range []int64{1000, 3500, 4500} {
		m.Expire(before + kv.Retention.Milliseconds())
		if got, want := m.Len(), 4001-int(min(before-1, 4000)); got != want {
			t.Errorf("%d visits are left of those since %d, want %d", got, before, want)
		}
	}
}
