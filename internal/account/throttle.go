package account

import (
	"crypto/sha256"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"moonbear/internal/fault"
)

// remembered bounds how many keys a throttle knows: 10,000 are 2 MB. Whoever
// makes more of them to be forgotten is slowed by the key of his client.
const remembered = 10_000

// throttle lets a key through burst times, then once every so often. Keys are
// kept as hashes.
type throttle struct {
	every time.Duration
	burst int
	keys  *lru.Cache[[32]byte, *rate.Limiter]
}

func newThrottle(burst int, every time.Duration) *throttle {
	keys, err := lru.New[[32]byte, *rate.Limiter](remembered)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &throttle{every: every, burst: burst, keys: keys}
}

// take counts one try; wait is zero when it may go on.
func (t *throttle) take(key string, now time.Time) (wait time.Duration) {
	k := sha256.Sum256([]byte(key))
	l, ok := t.keys.Get(k)
	if !ok {
		l = rate.NewLimiter(rate.Every(t.every), t.burst)
		if before, ok, _ := t.keys.PeekOrAdd(k, l); ok {
			l = before
		}
	}
	r := l.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// forget lets a key start over.
func (t *throttle) forget(key string) { t.keys.Remove(sha256.Sum256([]byte(key))) }

// tries are the throttles of everything that can be guessed. In memory: a
// restart forgets them, which gives a guesser one burst more.
type tries struct {
	client *throttle // everything one client tries
	pair   *throttle // one client at one address
	email  *throttle // everybody at one address
	setup  *throttle // everybody at the setup code
}

// The address's own limit is loose, so that somebody who fails on purpose from
// many places can hardly keep its owner out, yet 1,440 guesses a day find no
// password that checkPassword took.
func newTries() tries {
	return tries{
		client: newThrottle(20, 10*time.Second),
		pair:   newThrottle(5, 30*time.Second),
		email:  newThrottle(20, time.Minute),
		setup:  newThrottle(20, 5*time.Second),
	}
}

// password counts a try at an address. The client is "" when there is none.
func (t *tries) password(client, email string, now time.Time) error {
	wait := t.pair.take(pairKey(client, email), now)
	if wait == 0 && client != "" {
		wait = t.client.take(client, now)
	}
	if wait == 0 {
		wait = t.email.take(email, now)
	}
	return tooMany(wait)
}

// passed forgives an address's failures after the right password.
func (t *tries) passed(client, email string) {
	t.pair.forget(pairKey(client, email))
	t.email.forget(email)
}

// code counts a try at the setup code.
func (t *tries) code(client string, now time.Time) error {
	wait := t.pair.take(pairKey(client, "setup code"), now)
	if wait == 0 {
		wait = t.setup.take("setup code", now)
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
