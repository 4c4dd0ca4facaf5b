package account

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"moonbear/internal/fault"
	"moonbear/internal/kv"
)

// The rates of tries, by what kv.LimitKey says they are of.
const (
	byClient = "tries of a client"             // everything one client tries
	byPair   = "tries of a client at one door" // one client at one address
	byEmail  = "tries at an address"           // everybody at one address
	atSetup  = "tries at the setup code"       // everybody at the setup code
)

// The address's own limit is loose, so that somebody who fails on purpose from
// many places can hardly keep its owner out, yet 1,440 guesses a day find no
// password that checkPassword took.
var rates = map[string]kv.Rate{
	byClient: {Burst: 20, Every: 10 * time.Second},
	byPair:   {Burst: 5, Every: 30 * time.Second},
	byEmail:  {Burst: 20, Every: time.Minute},
	atSetup:  {Burst: 20, Every: 5 * time.Second},
}

// tries slows down everything that can be guessed. A restart, or a Redis that
// is away, gives a guesser one burst more.
type tries struct{ limits kv.Limits }

// newTries counts in limits; nil is a memory of its own.
func newTries(limits kv.Limits) tries {
	if limits == nil {
		limits = kv.NewMemoryLimits()
	}
	return tries{limits}
}

func (t *tries) take(ctx context.Context, of, key string, now time.Time) (wait time.Duration) {
	return t.limits.Take(ctx, limitKey(of, key), rates[of], now)
}

// limitKey hashes what is tried at.
func limitKey(of, key string) kv.LimitKey {
	sum := sha256.Sum256([]byte(key))
	return kv.LimitKey{Of: of, Who: [16]byte(sum[:16])}
}

// password counts a try at an address. The client is "" when there is none.
func (t *tries) password(ctx context.Context, client, email string, now time.Time) error {
	wait := t.take(ctx, byPair, pairKey(client, email), now)
	if wait == 0 && client != "" {
		wait = t.take(ctx, byClient, client, now)
	}
	if wait == 0 {
		wait = t.take(ctx, byEmail, email, now)
	}
	return tooMany(wait)
}

// passed forgives an address's failures after the right password.
func (t *tries) passed(ctx context.Context, client, email string) {
	t.limits.Forget(ctx, limitKey(byPair, pairKey(client, email)))
	t.limits.Forget(ctx, limitKey(byEmail, email))
}

// code counts a try at the setup code.
func (t *tries) code(ctx context.Context, client string, now time.Time) error {
	wait := t.take(ctx, byPair, pairKey(client, "setup code"), now)
	if wait == 0 {
		wait = t.take(ctx, atSetup, "setup code", now)
	}
	return tooMany(wait)
}

// pairKey joins two texts so that no other two make the same key: hashes
// have one length.
func pairKey(client, other string) string {
	c := sha256.Sum256([]byte(client))
	return string(c[:]) + other
}

func tooMany(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	wait = wait.Truncate(time.Second) + time.Second
	return &fault.Fault{Kind: fault.TooMany, RetryAfter: wait,
		Message: fmt.Sprintf("Too many tries. Wait %s and try again.", seconds(wait))}
}

func seconds(d time.Duration) string {
	if d == time.Second {
		return "a second"
	}
	return fmt.Sprintf("%d seconds", int(d.Seconds()))
}
