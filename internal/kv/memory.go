package kv

import (
	"bytes"
	"context"
	"sync"
)

// shards keeps collectors on different visitors out of each other's way. A
// power of two.
const shards = 64

// entryBytes is what the entry facts of a visit may take on average, so that
// the longest addresses there can be (6 KB) cost visits and not memory. 100 to
// 200 are usual.
const entryBytes = 512

// Memory is Visits inside one process. It is bounded: beyond its size the
// visits that had no event for longest are forgotten first.
type Memory struct {
	perShard int
	shards   [shards]shard
}

type shard struct {
	mu     sync.Mutex
	visits map[VisitKey]*node
	bytes  int // of the visits' entries
	// A ring through every node, by the time it was last touched: newest is
	// ring.next, oldest is ring.prev.
	ring node
	_    [64]byte // the next shard's lock is on another cache line
}

type node struct {
	key        VisitKey
	visit      Visit
	prev, next *node
}

// NewMemory returns an empty Memory for at most about maxVisits visits, of
// which each takes about 260 bytes, and 650 at most.
func NewMemory(maxVisits int) *Memory {
	m := &Memory{perShard: max(1, maxVisits/shards)}
	for i := range m.shards {
		s := &m.shards[i]
		s.visits = map[VisitKey]*node{}
		s.ring.prev, s.ring.next = &s.ring, &s.ring
	}
	return m
}

// Join implements Visits.
func (m *Memory) Join(_ context.Context, key, previous VisitKey, fresh Visit, now int64, external bool) (v Visit, opened bool, err error) {
	s, p := m.lock(key, previous)
	defer unlock(s, p)

	n := s.visits[key]
	from := s
	if n == nil && previous != (VisitKey{}) {
		n, from = p.visits[previous], p
	}
	if n != nil && open(&n.visit, now) && (!external || n.visit.Origin == fresh.Origin) {
		n.visit.Last = max(now, n.visit.Last+1)
		from.remove(n)
		n.key = key
		s.push(n)
		m.trim(s)
		return n.visit, false, nil
	}
	fresh.Start, fresh.Last = now, now
	fresh.Entry = bytes.Clone(fresh.Entry)
	s.put(key, fresh)
	m.trim(s)
	return fresh, true, nil
}

// Latest implements Visits.
func (m *Memory) Latest(_ context.Context, key, previous VisitKey, since int64) (v Visit, ok bool, err error) {
	s, p := m.lock(key, previous)
	defer unlock(s, p)
	n := s.visits[key]
	if n == nil && previous != (VisitKey{}) {
		n = p.visits[previous]
	}
	if n == nil || n.visit.Last < since {
		return Visit{}, false, nil
	}
	return n.visit, true, nil
}

// Restore puts back a visit that was known before a start. An older visit of
// the same visitor gives way, a newer one stays. Visits are forgotten in the
// order they were touched, so restore them in the order of time, from either end.
func (m *Memory) Restore(key VisitKey, v Visit) {
	s, p := m.lock(key, VisitKey{})
	defer unlock(s, p)
	old := s.visits[key]
	if old != nil && old.visit.Last > v.Last {
		return
	}
	if old != nil {
		s.remove(old)
	}
	v.Entry = bytes.Clone(v.Entry)
	before := &s.ring // the node that n comes after
	if oldest := s.ring.prev; oldest != &s.ring && v.Last <= oldest.visit.Last {
		before = oldest
	} else {
		for before.next != &s.ring && before.next.visit.Last > v.Last {
			before = before.next
		}
	}
	s.insert(before, &node{key: key, visit: v})
	m.trim(s)
}

// Peek is the visit that Join would look at, and whether it is previous's.
func (m *Memory) Peek(key, previous VisitKey) (v Visit, isPrevious, ok bool) {
	s, p := m.lock(key, previous)
	defer unlock(s, p)
	if n := s.visits[key]; n != nil {
		return n.visit, false, true
	}
	if n := p.visits[previous]; n != nil && previous != (VisitKey{}) {
		return n.visit, true, true
	}
	return Visit{}, false, false
}

// Put makes v, whose bytes it keeps, the visit of key: another engine said so.
// A later answer about a visit nearby may have overtaken this one, and stays.
// With own set this memory has lately answered by itself, and v's time comes
// after those it gave.
func (m *Memory) Put(key, previous VisitKey, v Visit, own bool) Visit {
	s, p := m.lock(key, previous)
	defer unlock(s, p)
	if n := p.visits[previous]; n != nil && n.visit.ID == v.ID && previous != (VisitKey{}) {
		p.remove(n) // it moved
	}
	n := s.visits[key]
	if own && n != nil && n.visit.ID == v.ID && n.visit.Last >= v.Last {
		v.Last = n.visit.Last + 1
	}
	if n == nil || n.visit.Last <= v.Last || !open(&n.visit, v.Last) {
		s.put(key, v)
		m.trim(s)
	}
	return v
}

// Each tells f of every visit, a shard at a time, until f returns false. Those
// of a shard that were touched last come first.
func (m *Memory) Each(f func(VisitKey, Visit) bool) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		nodes := make([]node, 0, len(s.visits))
		for n := s.ring.next; n != &s.ring; n = n.next {
			nodes = append(nodes, node{key: n.key, visit: n.visit})
		}
		s.mu.Unlock()
		for _, n := range nodes {
			if !f(n.key, n.visit) {
				return
			}
		}
	}
}

// Expire forgets the visits without an event in the Retention before now, and
// says how many.
func (m *Memory) Expire(now int64) (n int) {
	before := now - Retention.Milliseconds()
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for s.ring.prev != &s.ring && s.ring.prev.visit.Last < before {
			s.remove(s.ring.prev)
			n++
		}
		s.mu.Unlock()
	}
	return n
}

// Len is the number of visits remembered.
func (m *Memory) Len() (n int) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += len(s.visits)
		s.mu.Unlock()
	}
	return n
}

// open says whether an event now belongs to v. The distance counts in both
// directions: after the server's clock was set back by hours, a visit from the
// future must not swallow everything until then.
func open(v *Visit, now int64) bool {
	d := now - v.Last
	return d < VisitTimeout.Milliseconds() && d > -VisitTimeout.Milliseconds()
}

// lock locks the shards of both keys, always in the same order; they may be
// one shard.
func (m *Memory) lock(key, previous VisitKey) (s, p *shard) {
	i := index(key)
	s = &m.shards[i]
	if previous == (VisitKey{}) {
		s.mu.Lock()
		return s, s
	}
	j := index(previous)
	p = &m.shards[j]
	m.shards[min(i, j)].mu.Lock()
	if i != j {
		m.shards[max(i, j)].mu.Lock()
	}
	return s, p
}

func unlock(s, p *shard) {
	s.mu.Unlock()
	if p != s {
		p.mu.Unlock()
	}
}

// index spreads keys over the shards. Visitors are hashes already; the
// multiplication keeps sites apart should they not be.
func index(k VisitKey) int {
	h := (uint64(k.Visitor) ^ uint64(k.Site)*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	return int(h >> 58)
}

func (s *shard) put(key VisitKey, v Visit) {
	n := s.visits[key]
	if n == nil {
		n = &node{key: key}
	} else {
		s.remove(n)
	}
	n.visit = v
	s.push(n)
}

func (s *shard) push(n *node) { s.insert(&s.ring, n) }

// insert puts a node after another of the ring.
func (s *shard) insert(after, n *node) {
	s.visits[n.key] = n
	s.bytes += len(n.visit.Entry)
	n.prev, n.next = after, after.next
	n.prev.next, n.next.prev = n, n
}

func (s *shard) remove(n *node) {
	delete(s.visits, n.key)
	s.bytes -= len(n.visit.Entry)
	n.prev.next, n.next.prev = n.next, n.prev
	n.prev, n.next = nil, nil
}

func (m *Memory) trim(s *shard) {
	for len(s.visits) > m.perShard || s.bytes > m.perShard*entryBytes && len(s.visits) > 1 {
		s.remove(s.ring.prev)
	}
}
