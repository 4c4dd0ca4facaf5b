package kv

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

const (
	limitShards = 16
	// maxLimited bounds how many keys are known, of each kind: 40 MB.
	maxLimited = 1_000_000
)

// MemoryLimits is Limits inside one process. It knows keys by a hash under a
// seed of this process.
//
// For each key of Take it keeps the time at which all that was taken is paid
// for (the generic cell rate algorithm): 16 bytes, and nothing to refill.
type MemoryLimits struct {
	seed     maphash.Seed
	perShard int
	shards   [limitShards]struct {
		mu      sync.Mutex
		paid    map[uint64]int64  // Unix nanoseconds
		windows map[uint64]window // the latest of each key
	}
}

type window struct {
	began, ends int64 // Unix nanoseconds
	used        int
}

// NewMemoryLimits returns a MemoryLimits that has seen nobody.
func NewMemoryLimits() *MemoryLimits {
	l := &MemoryLimits{seed: maphash.MakeSeed(), perShard: maxLimited / limitShards}
	for i := range l.shards {
		l.shards[i].paid, l.shards[i].windows = map[uint64]int64{}, map[uint64]window{}
	}
	return l
}

// Take implements Limits.
func (l *MemoryLimits) Take(_ context.Context, key LimitKey, r Rate, now time.Time) (wait time.Duration) {
	h := maphash.Comparable(l.seed, key)
	s := &l.shards[h%limitShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	at, most := now.UnixNano(), int64(r.Every)*int64(r.Burst)
	paid, known := s.paid[h]
	if paid < at || paid > at+most { // nobody is let to owe more: the clock was set back
		paid = at
	}
	paid += int64(r.Every)
	if over := paid - at - most; over > 0 {
		return time.Duration(over)
	}
	if !known && len(s.paid) >= l.perShard {
		makeRoom(s.paid, func(paid int64) int64 { return paid })
	}
	s.paid[h] = paid
	return 0
}

// Count implements Limits.
func (l *MemoryLimits) Count(_ context.Context, key LimitKey, n, max int, width time.Duration, now time.Time) (left int, ok bool) {
	h := maphash.Comparable(l.seed, key)
	s := &l.shards[h%limitShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	began := now.Truncate(width)
	w, known := s.windows[h]
	if w.began != began.UnixNano() {
		w = window{began: began.UnixNano(), ends: began.Add(width).UnixNano()}
	}
	if left = max - w.used; n > left {
		return left, false
	}
	w.used += n
	if !known && len(s.windows) >= l.perShard {
		makeRoom(s.windows, func(w window) int64 { return w.ends })
	}
	s.windows[h] = w
	return left - n, true
}

// makeRoom forgets the key that is soonest done with, of a few: who makes up a
// million keys loses theirs rather than that of somebody long kept out.
func makeRoom[V any](keys map[uint64]V, until func(V) int64) {
	var first uint64
	seen := 0
	for h, v := range keys {
		if seen == 0 || until(v) < until(keys[first]) {
			first = h
		}
		if seen++; seen == 8 {
			break
		}
	}
	delete(keys, first)
}

// Forget implements Limits.
func (l *MemoryLimits) Forget(_ context.Context, key LimitKey) {
	h := maphash.Comparable(l.seed, key)
	s := &l.shards[h%limitShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.paid, h)
}

// Expire forgets the keys that owe nothing at now (Unix milliseconds), and says
// how many.
func (l *MemoryLimits) Expire(now int64) (n int) {
	at := now * int64(time.Millisecond)
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for h, paid := range s.paid {
			if paid <= at {
				delete(s.paid, h)
				n++
			}
		}
		for h, w := range s.windows {
			if w.ends <= at {
				delete(s.windows, h)
				n++
			}
		}
		s.mu.Unlock()
	}
	return n
}
