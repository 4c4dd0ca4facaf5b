package collect

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const limitShards = 16

// limiter lets a client address send so many hits a minute, all at once or
// spread out. It knows clients by a hash under a seed of this process; an IPv6
// client is its /64, because every visitor has one to choose addresses from.
//
// For each client it keeps the time at which all its past hits are paid for
// (the generic cell rate algorithm): 16 bytes, and nothing to refill.
type limiter struct {
	step   int64 // nanoseconds a hit costs; 0: no limit
	seed   maphash.Seed
	shards [limitShards]struct {
		mu   sync.Mutex
		paid map[uint64]int64 // client → Unix nanoseconds
	}
}

func newLimiter(perMinute int) *limiter {
	l := &limiter{seed: maphash.MakeSeed()}
	if perMinute > 0 {
		l.step = max(1, int64(time.Minute)/int64(perMinute))
	}
	for i := range l.shards {
		l.shards[i].paid = map[uint64]int64{}
	}
	return l
}

// take counts a hit of ip, and says how long to wait when it is one too many.
func (l *limiter) take(ip netip.Addr, now time.Time) (wait time.Duration, ok bool) {
	if l.step == 0 {
		return 0, true
	}
	b := ip.As16()
	n := 16
	if ip.Is6() {
		n = 8
	}
	h := maphash.Bytes(l.seed, b[:n])
	s := &l.shards[h%limitShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UnixNano()
	paid := s.paid[h]
	if paid < at || paid > at+int64(time.Minute) { // nobody is let to owe more: the clock was set back
		paid = at
	}
	paid += l.step
	if over := paid - at - int64(time.Minute); over > 0 {
		return time.Duration(over), false
	}
	s.paid[h] = paid
	return 0, true
}

// Expire forgets the clients that owe nothing at now (Unix milliseconds).
func (l *limiter) Expire(now int64) (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for h, paid := range s.paid {
			if paid <= now*int64(time.Millisecond) {
				delete(s.paid, h)
				n++
			}
		}
		s.mu.Unlock()
	}
	return n
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
