package api

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/fault"
)

// limiter counts the requests a token makes, or the events it sends, in windows of fixed width. A token
// that times two windows well gets twice its limit in one width once, which is
// harmless here and buys headers that are exact.
type limiter struct {
	what  string // is counted
	max   int
	width time.Duration

	mu    sync.Mutex
	began time.Time
	used  map[int64]int // by token, since began
}

func newLimiter(what string, max int, width time.Duration) *limiter {
	return &limiter{what: what, max: max, width: width, used: map[int64]int{}}
}

// take counts n of a token, all or none; ok is false when they are too many.
func (l *limiter) take(token int64, n int, now time.Time) (left int, reset time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// One window for all tokens, so that forgetting is emptying one map.
	if w := now.Truncate(l.width); !w.Equal(l.began) {
		l.began = w
		clear(l.used)
	}
	reset = l.began.Add(l.width)
	left = l.max - l.used[token]
	if n > left {
		return left, reset, false
	}
	l.used[token] += n
	return left - n, reset, true
}

// admit counts n of a token and tells it what is left: X-RateLimit-Limit and
// -Remaining of this minute, -Reset in Unix seconds. The error is a fault.
func (l *limiter) admit(h http.Header, token int64, n int, now time.Time) error {
	left, reset, ok := l.take(token, n, now)
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.max))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if ok {
		return nil
	}
	return &fault.Fault{Kind: fault.TooMany, RetryAfter: reset.Sub(now), Message: fmt.Sprintf(
		"This token has %d of its %d %s a minute left, and this takes %d. Try again when the minute is over.", left, l.max, l.what, n)}
}

type handler = func(http.ResponseWriter, *http.Request, account.Token) error

func (a *API) limited(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, t account.Token) error {
		if err := a.requests.admit(w.Header(), t.ID, 1, a.o.Now()); err != nil {
			return err
		}
		return next(w, r, t)
	}
}
