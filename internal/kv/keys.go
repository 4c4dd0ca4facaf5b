package kv

import (
	"context"
	"sync"
)

// MemoryKeys is Keys inside one process. It forgets nothing before its time,
// because a forgotten key is a batch counted twice: about 100 bytes a key.
type MemoryKeys struct {
	mu   sync.Mutex
	keys map[[16]byte]*claim
}

type claim struct {
	body [16]byte
	time int64         // when it was claimed, Unix milliseconds
	done chan struct{} // closed when it is kept or released; nil once kept
}

// NewMemoryKeys returns a MemoryKeys without keys.
func NewMemoryKeys() *MemoryKeys { return &MemoryKeys{keys: map[[16]byte]*claim{}} }

// Claim implements Keys.
func (m *MemoryKeys) Claim(ctx context.Context, key, body [16]byte, now int64) (Claim, error) {
	for {
		c, mine := m.take(key, body, now)
		switch {
		case mine:
			return Claimed, nil
		case c.body != body:
			return Mismatch, nil
		case c.done == nil:
			return Stored, nil
		}
		select {
		case <-c.done: // kept, or released and free again: look once more
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// take returns a copy of the claim that holds the key, a new one if mine.
func (m *MemoryKeys) take(key, body [16]byte, now int64) (c claim, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if had := m.keys[key]; had != nil && (had.done != nil || now-had.time < KeyRetention.Milliseconds()) {
		return *had, false
	}
	m.keys[key] = &claim{body: body, time: now, done: make(chan struct{})}
	return claim{}, true
}

// Keep implements Keys.
func (m *MemoryKeys) Keep(_ context.Context, key [16]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.keys[key]; c != nil && c.done != nil {
		close(c.done)
		c.done = nil
	}
	return nil
}

// Release implements Keys.
func (m *MemoryKeys) Release(_ context.Context, key [16]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.keys[key]; c != nil && c.done != nil {
		close(c.done)
		delete(m.keys, key)
	}
	return nil
}

// Restore puts back the key of a batch stored at time (Unix milliseconds)
// before a start.
func (m *MemoryKeys) Restore(key, body [16]byte, time int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[key] = &claim{body: body, time: time}
}

// Expire forgets the keys past KeyRetention at now (Unix milliseconds), and
// says how many.
func (m *MemoryKeys) Expire(now int64) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, c := range m.keys {
		if c.done == nil && now-c.time >= KeyRetention.Milliseconds() {
			delete(m.keys, k)
			n++
		}
	}
	return n
}

// Len is the number of keys remembered.
func (m *MemoryKeys) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.keys)
}
