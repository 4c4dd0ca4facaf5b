package collect

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"moonbear/internal/kv"
)

// limiter lets a client address send so many hits a minute, all at once or
// spread out. An IPv6 client is its /64, because every visitor has one to
// choose addresses from.
type limiter struct {
	limits kv.Limits
	rate   kv.Rate // of no burst: no limit
}

// newLimiter counts in limits; nil is a memory of its own.
func newLimiter(limits kv.Limits, perMinute int) *limiter {
	l := &limiter{limits: limits}
	if l.limits == nil {
		l.limits = kv.NewMemoryLimits()
	}
	if perMinute > 0 {
		l.rate = kv.Rate{Every: max(1, time.Minute/time.Duration(perMinute)), Burst: perMinute}
	}
	return l
}

// take counts a hit of ip, and says how long to wait when it is one too many.
func (l *limiter) take(ctx context.Context, ip netip.Addr, now time.Time) (wait time.Duration, ok bool) {
	if l.rate.Burst == 0 {
		return 0, true
	}
	key := kv.LimitKey{Of: "hits", Who: ip.As16()}
	if ip.Is6() {
		clear(key.Who[8:])
	}
	wait = l.limits.Take(ctx, key, l.rate, now)
	return wait, wait == 0
}

// throttle lets one through a second, and counts the others.
type throttle struct{ second, unsaid atomic.Int64 }

func (t *throttle) pass(second int64) (unsaid int64, ok bool) {
	if last := t.second.Load(); last == second || !t.second.CompareAndSwap(last, second) {
		t.unsaid.Add(1)
		return 0, false
	}
	return t.unsaid.Swap(0), true
}
