package kv

import (
	"errors"
	"testing"
)

// A flood of keys is refused; those that are known are answered still.
func TestKeysAreBounded(t *testing.T) {
	m := NewMemoryKeys()
	m.most = 2
	key := func(b byte) [16]byte { return [16]byte{b} }
	for b := range byte(2) {
		if c, err := m.Claim(t.Context(), key(b), key(9), 0); c != Claimed || err != nil {
			t.Fatal(c, err)
		}
	}
	if err := m.Keep(t.Context(), key(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Claim(t.Context(), key(2), key(9), 0); !errors.Is(err, ErrKeysFull) {
		t.Errorf("the third key: %v", err)
	}
	if c, err := m.Claim(t.Context(), key(0), key(9), 0); c != Stored || err != nil {
		t.Errorf("a known key: %v, %v", c, err)
	}
	if err := m.Release(t.Context(), key(1)); err != nil {
		t.Fatal(err)
	}
	if c, err := m.Claim(t.Context(), key(2), key(9), 0); c != Claimed || err != nil {
		t.Errorf("after another was released: %v, %v", c, err)
	}
}
