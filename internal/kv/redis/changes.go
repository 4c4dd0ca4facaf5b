package redis

import (
	"context"
	"sync"
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
	tell func()
	mu   sync.Mutex // held while Redis is asked, so that Run knows its own process's changes
	seen int64
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
	c := r.changes.of[what]
	if c == nil {
		c = &change{} // nobody listens here
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := r.ask(ctx, r.patience, func(ctx context.Context) error {
		n, err := r.client.Do(ctx, r.client.B().Incr().Key(r.counter(what)).Build()).AsInt64()
		if err == nil && c.seen == n-1 {
			c.seen = n
		}
		return err
	})
	if err != nil {
		r.metrics.byMemory.WithLabelValues("changes").Inc()
	}
}

// notice looks at every count; as long as none changed that asks nobody.
func (r *Redis) notice(ctx context.Context) {
	missed := r.changes.missed.Swap(false)
	for what, c := range r.changes.of {
		changed, err := r.changed(ctx, what, c, missed)
		if err != nil {
			r.changes.missed.Store(true)
			return
		}
		if changed {
			c.tell()
		}
	}
}

// changed says whether another replica changed what since it was last asked, or
// may have. A count that went down is one that Redis lost, and that was missed,
// or one from before a change of our own.
func (r *Redis) changed(ctx context.Context, what string, c *change, missed bool) (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err = r.ask(ctx, r.patience, func(ctx context.Context) error {
		n, err := r.count(ctx, what)
		if err == nil && (n > c.seen || missed) {
			changed, c.seen = true, n
		}
		return err
	})
	return changed, err
}

func (r *Redis) count(ctx context.Context, what string) (int64, error) {
	res := r.client.DoCache(ctx, r.client.B().Get().Key(r.counter(what)).Cache(), watchFor)
	if rueidis.IsRedisNil(res.Error()) {
		return 0, nil
	}
	return res.AsInt64()
}

func (r *Redis) counter(what string) string { return r.prefix + "c:" + what }
