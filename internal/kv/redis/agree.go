package redis

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// agreeScript keeps what is proposed unless something is there, and gives what
// is then.
var agreeScript = rueidis.NewLuaScript(`
if ARGV[1] ~= '' then redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', ARGV[2]) end
return redis.call('get', KEYS[1])`)

// Agree has replicas agree on the value of a name: the first one proposed is
// kept, for ttl, and everybody is given it. Without a value it only looks, and
// gives nil when there is none.
func (r *Redis) Agree(ctx context.Context, name string, value []byte, ttl time.Duration) (got []byte, err error) {
	err = r.ask(ctx, r.patience, func(ctx context.Context) error {
		got, err = r.agree(ctx, name, value, ttl)
		return err
	})
	if err != nil {
		r.metrics.byMemory.WithLabelValues("salts").Inc()
	}
	return got, err
}

func (r *Redis) agree(ctx context.Context, name string, value []byte, ttl time.Duration) ([]byte, error) {
	args := []string{string(value), millis(max(ttl, time.Millisecond))}
	got, err := agreeScript.Exec(ctx, r.client, []string{r.prefix + "a:" + name}, args).AsBytes()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	return got, err
}

// millis writes a time as Redis and the scripts take it.
func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
