package redis

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"moonbear/internal/kv"
)

//go:embed claim.lua
var claimLua string

//go:embed keep.lua
var keepLua string

var (
	claimScript = rueidis.NewLuaScript(claimLua)
	keepScript  = rueidis.NewLuaScript(keepLua)
	// releaseScript frees a key that this process claimed.
	releaseScript = rueidis.NewLuaScript(`
local v = redis.call('get', KEYS[1])
if v and v:sub(1, 1) == 'c' and v:sub(18, 25) == ARGV[1] then redis.call('del', KEYS[1]) end`)

	keyRetention = millis(kv.KeyRetention)
)

const (
	// claimHolds is how long a claim keeps others from storing the same batch
	// when its holder dies: longer than a request may take, and time for the
	// holder to start again and find the batch in its spool.
	claimHolds = 2 * time.Minute
	// claimAsked is how often who waits for another replica's batch asks.
	claimAsked = 50 * time.Millisecond
)

// Keys is kv.Keys in Redis and, for what this replica stored, in a memory. When
// Redis is away a batch that comes to two replicas is stored by both.
type Keys struct {
	r      *Redis
	prefix string
	mem    *kv.MemoryKeys
	me     string // this process, 8 bytes

	mu     sync.Mutex
	untold map[[16]byte]struct{} // kept, and Redis doesn't know
	all    bool                  // Redis must be told of every key
}

// Keys shares the idempotency keys, with mem for this replica's part.
func (r *Redis) Keys(mem *kv.MemoryKeys) *Keys {
	k := &Keys{r: r, prefix: r.prefix + "k:", mem: mem, me: rand.Text()[:8], untold: map[[16]byte]struct{}{}}
	r.shares = append(r.shares, k)
	return k
}

// Claim implements kv.Keys. The claims of one process wait for each other in
// memory, so Redis is asked by one at a time.
func (k *Keys) Claim(ctx context.Context, key, body [16]byte, now int64) (kv.Claim, error) {
	got, err := k.mem.Claim(ctx, key, body, now)
	if err != nil || got != kv.Claimed {
		return got, err
	}
	for {
		there, err := k.claim(ctx, key, body, now)
		switch {
		case err != nil:
			k.r.metrics.byMemory.WithLabelValues("keys").Inc()
			return kv.Claimed, nil
		case there == "claimed":
			return kv.Claimed, nil
		case there == "held":
			select {
			case <-time.After(claimAsked):
				continue
			case <-ctx.Done():
				return 0, errors.Join(ctx.Err(), k.mem.Release(ctx, key))
			}
		}
		return k.known(ctx, key, body, there)
	}
}

func (k *Keys) claim(ctx context.Context, key, body [16]byte, now int64) (there string, err error) {
	err = k.r.ask(ctx, k.r.patience, func(ctx context.Context) (err error) {
		args := []string{string(body[:]), k.me, strconv.FormatInt(now, 10), keyRetention, millis(claimHolds)}
		there, err = claimScript.Exec(ctx, k.r.client, []string{k.key(key)}, args).ToString()
		return err
	})
	return there, err
}

// known notes in memory what Redis knows of a key: another batch, or the same
// one, stored.
func (k *Keys) known(ctx context.Context, key, body [16]byte, there string) (kv.Claim, error) {
	if err := k.mem.Release(ctx, key); err != nil {
		return 0, err
	}
	if len(there) < 26 {
		return 0, fmt.Errorf("an idempotency key of %d bytes in redis", len(there))
	}
	at, err := strconv.ParseInt(there[25:], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("an idempotency key without a time in redis: %w", err)
	}
	if there[0] == 's' {
		k.mem.Restore(key, [16]byte([]byte(there[1:17])), at)
	}
	if there[1:17] != string(body[:]) {
		return kv.Mismatch, nil
	}
	return kv.Stored, nil
}

// Keep implements kv.Keys.
func (k *Keys) Keep(ctx context.Context, key [16]byte) error {
	if err := k.mem.Keep(ctx, key); err != nil {
		return err
	}
	if err := k.tell(ctx, [][16]byte{key}); err != nil {
		k.note(key)
	}
	return nil
}

// Release implements kv.Keys. When Redis isn't reached it frees the key by
// itself, later.
func (k *Keys) Release(ctx context.Context, key [16]byte) error {
	_ = k.r.ask(ctx, k.r.patience, func(ctx context.Context) error {
		err := releaseScript.Exec(ctx, k.r.client, []string{k.key(key)}, []string{k.me}).Error()
		if rueidis.IsRedisNil(err) {
			return nil
		}
		return err
	})
	return k.mem.Release(ctx, key)
}

// Restore puts back the key of a batch stored before a start. Redis is told:
// the process may have died before it could say so.
func (k *Keys) Restore(key, body [16]byte, at int64) {
	k.mem.Restore(key, body, at)
	k.note(key)
}

// Expire forgets this replica's keys past their time; Redis does by itself.
func (k *Keys) Expire(now int64) int { return k.mem.Expire(now) }

func (k *Keys) note(key [16]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.untold[key] = struct{}{}
}

func (k *Keys) lost(time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = true
}

func (k *Keys) push(ctx context.Context) error {
	k.mu.Lock()
	var keys [][16]byte
	for key := range k.untold {
		keys = append(keys, key)
	}
	if k.all {
		keys = k.mem.AllKept()
	}
	clear(k.untold)
	k.all = false
	k.mu.Unlock()
	for len(keys) > 0 {
		n := min(len(keys), pushAtOnce)
		if err := k.tell(ctx, keys[:n]); err != nil {
			for _, key := range keys {
				k.note(key)
			}
			return err
		}
		k.r.metrics.pushed.WithLabelValues("keys").Add(float64(n))
		keys = keys[n:]
	}
	return nil
}

// tell says to Redis that keys are kept.
func (k *Keys) tell(ctx context.Context, keys [][16]byte) error {
	names, args := make([]string, 0, len(keys)), make([]string, 0, 2+2*len(keys))
	args = append(args, k.me, keyRetention)
	for _, key := range keys {
		if body, at, ok := k.mem.Kept(key); ok {
			names = append(names, k.key(key))
			args = append(args, string(body[:]), strconv.FormatInt(at, 10))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return k.r.ask(ctx, k.r.patience, func(ctx context.Context) error {
		err := keepScript.Exec(ctx, k.r.client, names, args).Error()
		if rueidis.IsRedisNil(err) { // it answers nothing
			return nil
		}
		return err
	})
}

func (k *Keys) key(key [16]byte) string { return k.prefix + string(key[:]) }
