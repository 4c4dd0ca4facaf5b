package api

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/kv"
)

// limitWidth is the width of the windows that limits are of. A token that times
// two windows well gets twice its limit in one width once, which is harmless
// here and buys headers that are exact.
const limitWidth = time.Minute

// limiter counts the requests a token makes, or the events it sends.
type limiter struct {
	limits kv.Limits
	what   string // is counted
	max    int    // in a minute
}

// admit counts n of a token, all or none, and tells it what is left:
// X-RateLimit-Limit and -Remaining of this minute, -Reset in Unix seconds. The
// error is a fault.
func (l *limiter) admit(ctx context.Context, h http.Header, token int64, n int, now time.Time) error {
	key := kv.LimitKey{Of: l.what + " of a token"}
	binary.BigEndian.PutUint64(key.Who[:], uint64(token))
	left, ok := l.limits.Count(ctx, key, n, l.max, limitWidth, now)
	reset := now.Truncate(limitWidth).Add(limitWidth)
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
		if err := a.requests.admit(r.Context(), w.Header(), t.ID, 1, a.o.Now()); err != nil {
			return err
		}
		return next(w, r, t)
	}
}
