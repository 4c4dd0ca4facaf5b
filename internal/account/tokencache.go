package account

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	tokenFresh = time.Minute // how long a revocation by another process may go unseen
	tokensKept = 10_000      // 4 MB
)

// tokenCache keeps answers for a minute: collecting asks for each batch.
// Unknown tokens are not kept, or a flood of them would push out the known.
type tokenCache struct {
	mu     sync.Mutex
	kept   *lru.Cache[string, cachedToken] // by hash
	epoch  uint64                          // counts drops
	flight singleflight.Group
}

type cachedToken struct {
	token Token
	at    time.Time
}

func newTokenCache() *tokenCache {
	kept, err := lru.New[string, cachedToken](tokensKept)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &tokenCache{kept: kept}
}

// find answers from memory, or asks load, once for all who ask meanwhile.
func (c *tokenCache) find(ctx context.Context, hash []byte, now time.Time, load func(context.Context, []byte) (Token, error)) (Token, error) {
	key := string(hash)
	c.mu.Lock()
	kept, ok := c.kept.Get(key)
	epoch := c.epoch
	c.mu.Unlock()
	if ok && now.Sub(kept.at) < tokenFresh {
		return kept.token, nil
	}
	// Who asks after a token was dropped must not join an answer from before,
	// so the epoch is part of what is asked. A hash has one length.
	flight := string(binary.BigEndian.AppendUint64(slices.Clone(hash), epoch))
	got := c.flight.DoChan(flight, func() (any, error) {
		// The first to ask may go away; the others still wait for the answer.
		t, err := load(context.WithoutCancel(ctx), hash)
		if err != nil {
			return Token{}, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		// What was read before a drop may be what was dropped.
		if c.epoch == epoch {
			c.kept.Add(key, cachedToken{t, now})
		}
		return t, nil
	})
	select {
	case <-ctx.Done():
		return Token{}, ctx.Err()
	case r := <-got:
		return r.Val.(Token), r.Err
	}
}

// clear forgets every token at once.
func (c *tokenCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.kept.Purge()
}

// drop forgets a token at once.
func (c *tokenCache) drop(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, key := range c.kept.Keys() {
		if t, ok := c.kept.Peek(key); ok && t.token.ID == id {
			c.kept.Remove(key)
		}
	}
}
