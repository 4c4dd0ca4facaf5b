package api

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/fault"
)

// limiter counts requests a token makes in windows of fixed width. A token
// that times two windows well gets twice its limit in one width once, which is
// harmless here and buys headers that are exact.
type limiter struct {
	max   int
	width time.Duration

	mu    sync.Mutex
	began time.Time
	used  map[int64]int // by token, since began
}

func newLimiter(max int, width time.Duration) *limiter {
	return &limiter{max: max, width: width, used: map[int64]int{}}
}

// take counts one request of a token; ok is false when it is one too many.
func (l *limiter) take(token int64, now time.Time) (left int, reset time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// One window for all tokens, so that forgetting is emptying one map.
	if w := now.Truncate(l.width); !w.Equal(l.began) {
		l.began = w
		clear(l.used)
	}
	reset = l.began.Add(l.width)
	if l.used[token] >= l.max {
		return 0, reset, false
	}
	l.used[token]++
	return l.max - l.used[token], reset, true
}

type handler = func(http.ResponseWriter, *http.Request, account.Token) error

// limited tells the token what it may still ask: X-RateLimit-Limit and
// -Remaining in requests of this minute, -Reset in Unix seconds.
func (a *API) limited(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, t account.Token) error {
		now := a.o.Now()
		left, reset, ok := a.limit.take(t.ID, now)
		h := w.Header()
		h.Set("X-RateLimit-Limit", strconv.Itoa(a.limit.max))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
		h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
		if !ok {
			return &fault.Fault{Kind: fault.TooMany, RetryAfter: reset.Sub(now),
				Message: "This token may make " + strconv.Itoa(a.limit.max) + " requests a minute. Try again when the minute is over."}
		}
		return next(w, r, t)
	}
}
