package job

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moonbear/internal/db/dbtest"
)

// TestLease: who has it keeps it while it is prolonged, and nobody else gets it
// before its end.
func TestLease(t *testing.T) {
	d := dbtest.New(t)
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	one, two := NewLeases(d, "one"), NewLeases(d, "two")
	one.now, two.now = clock, clock
	take := func(l *Leases, want bool) {
		t.Helper()
		got, err := l.Take(t.Context(), "adopt", time.Minute)
		if err != nil || got != want {
			t.Errorf("%s at %v: %v, %v, want %v", l.holder, now, got, err, want)
		}
	}
	release := func(l *Leases) {
		t.Helper()
		if err := l.Release(t.Context(), "adopt"); err != nil {
			t.Error(err)
		}
	}
	take(one, true)
	take(two, false)
	now = now.Add(59 * time.Second)
	take(one, true)
	now = now.Add(59 * time.Second)
	take(two, false)
	release(two) // which isn't its own
	take(two, false)
	now = now.Add(time.Second)
	take(two, true)
	take(one, false)
	release(two)
	take(one, true)
	if got, err := two.Take(t.Context(), "something else", time.Minute); err != nil || !got {
		t.Errorf("another lease: %v, %v", got, err)
	}
}

// TestLeaseIsOnes: of many who take it at the same time one gets it.
func TestLeaseIsOnes(t *testing.T) {
	d := dbtest.New(t)
	for round := range 5 {
		var got atomic.Int32
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				taken, err := NewLeases(d, string(rune('a'+i))).Take(t.Context(), string(rune('0'+round)), time.Minute)
				if err != nil {
					t.Error(err)
				}
				if taken {
					got.Add(1)
				}
			})
		}
		all.Wait()
		if n := got.Load(); n != 1 {
			t.Errorf("%d have it", n)
		}
	}
}
