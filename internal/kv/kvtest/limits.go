package kvtest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"moonbear/internal/kv"
)

// Limits holds an engine to the conduct of kv.Limits. make returns one that has
// seen nobody.
func Limits(t *testing.T, make func(t *testing.T) kv.Limits) {
	ctx := context.Background()
	now := time.UnixMilli(start)
	a, b := kv.LimitKey{Of: "logins", Who: [16]byte{1}}, kv.LimitKey{Of: "logins", Who: [16]byte{2}}
	rate := kv.Rate{Every: 10 * time.Second, Burst: 3}
	take := func(t *testing.T, l kv.Limits, key kv.LimitKey, after, want time.Duration) {
		t.Helper()
		if wait := l.Take(ctx, key, rate, now.Add(after)); wait != want {
			t.Errorf("%v later: wait %v, want %v", after, wait, want)
		}
	}
	t.Run("a burst, then one each so often", func(t *testing.T) {
		l := make(t)
		for range 3 {
			take(t, l, a, 0, 0)
		}
		take(t, l, a, 0, 10*time.Second)
		take(t, l, a, 4*time.Second, 6*time.Second)
		take(t, l, b, 4*time.Second, 0)
		take(t, l, kv.LimitKey{Of: "hits", Who: a.Who}, 4*time.Second, 0)
		take(t, l, a, 10*time.Second, 0)
		take(t, l, a, 10*time.Second, 10*time.Second)
		for range 3 {
			take(t, l, a, time.Minute, 0)
		}
		take(t, l, a, time.Minute, 10*time.Second)
	})
	t.Run("forgotten", func(t *testing.T) {
		l := make(t)
		for range 3 {
			take(t, l, a, 0, 0)
		}
		l.Forget(ctx, a)
		take(t, l, a, 0, 0)
	})
	t.Run("a clock set back keeps nobody out", func(t *testing.T) {
		l := make(t)
		for range 3 {
			take(t, l, a, 3*time.Hour, 0)
		}
		for range 3 {
			take(t, l, a, 0, 0)
		}
		take(t, l, a, 0, 10*time.Second)
	})
	t.Run("many at once", func(t *testing.T) {
		l := make(t)
		var through atomic.Int32
		together(8, func(int) {
			for range 10 {
				if l.Take(ctx, a, rate, now) == 0 {
					through.Add(1)
				}
			}
		})
		if through.Load() != 3 {
			t.Errorf("%d of a burst of 3 went through", through.Load())
		}
	})
	t.Run("windows", func(t *testing.T) { windows(t, make(t)) })
}

func windows(t *testing.T, l kv.Limits) {
	now := time.UnixMilli(start).Truncate(time.Minute)
	a, b := kv.LimitKey{Of: "requests", Who: [16]byte{1}}, kv.LimitKey{Of: "requests", Who: [16]byte{2}}
	for i, c := range []struct {
		after time.Duration
		key   kv.LimitKey
		n     int
		left  int
		ok    bool
	}{
		{0, a, 1, 9, true},
		{time.Second, a, 9, 0, true},
		{time.Second, a, 0, 0, true},
		{59 * time.Second, a, 1, 0, false},
		{59 * time.Second, b, 11, 10, false},
		{59 * time.Second, b, 10, 0, true},
		{60 * time.Second, a, 4, 6, true},
		{61 * time.Second, a, 7, 6, false}, // all or none
		{61 * time.Second, a, 6, 0, true},
	} {
		if left, ok := l.Count(t.Context(), c.key, c.n, 10, time.Minute, now.Add(c.after)); left != c.left || ok != c.ok {
			t.Errorf("count %d, %d more after %v: %d left, %v; want %d, %v", i, c.n, c.after, left, ok, c.left, c.ok)
		}
	}
	var through atomic.Int32
	together(8, func(int) {
		for range 10 {
			if _, ok := l.Count(context.Background(), a, 1, 10, time.Minute, now.Add(time.Hour)); ok {
				through.Add(1)
			}
		}
	})
	if through.Load() != 10 {
		t.Errorf("%d of 10 were let through at once", through.Load())
	}
}
