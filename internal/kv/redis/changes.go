package redis

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// watchFor is how long rueidis keeps what it watches before it asks again
// anyway; Redis tells it of changes at once.
const watchFor = time.Hour

// changes are things that replicas remember and that may change: each has a
// count of changes in Redis, which every replica keeps in memory by client-side
// caching. Redis says when one is out of date. Unlike a message that is
// published, a count is still there for a replica that wasn't just then.
type changes struct {
	of     map[string]*change
	missed atomic.Bool // there may have been some while Redis was away
}

type change struct {
	seen atomic.Int64
	tell func()
}

// OnChange has tell called whenever another replica said Changed of what, and
// when it may have been missed. Call it before Run; tell must not wait.
func (r *Redis) OnChange(what string, tell func()) {
	if r.changes.of == nil {
		r.changes.of = map[string]*change{}
	}
	r.changes.of[what] = &change{tell: tell}
}

// Changed tells the other replicas that what changed. When Redis is away they
// learn of it when it is back, or by themselves.
func (r *Redis) Changed(ctx context.Context, what string) {
	err := r.ask(ctx, r.patience, func(ctx context.Context) error {
		n, err := r.client.Do(ctx, r.client.B().Incr().Key(r.counter(what)).Build()).AsInt64()
		if err != nil {
			return err
		}
		if c := r.changes.of[what]; c != nil {
			c.seen.CompareAndSwap(n-1, n) // our own
		}
		return nil
	})
	if err != nil {
		r.metrics.byMemory.WithLabelValues("changes").Inc()
	}
}

// notice looks at every count; as long as none changed that asks nobody.
func (r *Redis) notice(ctx context.Context) {
	missed := r.changes.missed.Swap(false)
	for what, c := range r.changes.of {
		var n int64
		err := r.ask(ctx, r.patience, func(ctx context.Context) (err error) {
			n, err = r.count(ctx, what)
			return err
		})
		if err != nil {
			r.changes.missed.Store(true)
			return
		}
		if c.seen.Swap(n) != n || missed {
			c.tell()
		}
	}
}

func (r *Redis) count(ctx context.Context, what string) (int64, error) {
	res := r.client.DoCache(ctx, r.client.B().Get().Key(r.counter(what)).Cache(), watchFor)
	if rueidis.IsRedisNil(res.Error()) {
		return 0, nil
	}
	return res.AsInt64()
}

func (r *Redis) counter(what string) string { return r.prefix + "c:" + what }
