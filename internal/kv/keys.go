package kv

import (
	"context"
	"sync"
	"time"

	"moonbear/internal/fault"
)

// maxKeys bounds the memory of keys: 160 MB.
const maxKeys = 1_000_000

// ErrKeysFull is Claim's answer when it cannot remember another key.
var ErrKeysFull error = &fault.Fault{Kind: fault.Unavailable, RetryAfter: time.Minute,
	Message: "Too many batches with an Idempotency-Key were sent in the last 24 hours. Send fewer, larger ones."}

// MemoryKeys is Keys inside one process. It forgets nothing before its time,
// because a forgotten key is a batch counted twice: about 160 bytes a key, and
// beyond a million of them no other is taken.
type MemoryKeys struct {
	most int
	mu   sync.Mutex
	keys map[[16]byte]*claim
}

type claim struct {
	body [16]byte
	time int64         // when it was claimed, Unix milliseconds
	done chan struct{} // closed when it is kept or released; nil once kept
}

// NewMemoryKeys returns a MemoryKeys without keys.
func NewMemoryKeys() *MemoryKeys { return &MemoryKeys{most: maxKeys, keys: map[[16]byte]*claim{}} }

// Claim implements Keys.
func (m *MemoryKeys) Claim(ctx context.Context, key, body [16]byte, now int64) (Claim, error) {
	for {
		c, mine, err := m.take(key, body, now)
		switch {
		case err != nil:
			return 0, err
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
func (m *MemoryKeys) take(key, body [16]byte, now int64) (c claim, mine bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	had := m.keys[key]
	switch {
	case had != nil && (had.done != nil || now-had.time < KeyRetention.Milliseconds()):
		return *had, false, nil
	case had == nil && len(m.keys) >= m.most:
		return claim{}, false, ErrKeysFull
	}
	m.keys[key] = &claim{body: body, time: now, done: make(chan struct{})}
	return claim{}, true, nil
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

// Kept is the batch of a key that was stored, and when it was claimed.
func (m *MemoryKeys) Kept(key [16]byte) (body [16]byte, time int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.keys[key]; c != nil && c.done == nil {
		return c.body, c.time, true
	}
	return body, 0, false
}

// AllKept lists the keys of batches that were stored.
func (m *MemoryKeys) AllKept() (keys [][16]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, c := range m.keys {
		if c.done == nil {
			keys = append(keys, k)
		}
	}
	return keys
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
