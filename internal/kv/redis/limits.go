package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dchest/siphash"
	"github.com/redis/rueidis"

	"moonbear/internal/kv"
)

var (
	// takeScript is the generic cell rate algorithm: a key's value is when all
	// that was taken is paid for (microseconds). It gives how long to wait.
	takeScript = rueidis.NewLuaScript(`
local now, every, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local paid = tonumber(redis.call('get', KEYS[1]) or now)
if paid < now or paid > now + most then paid = now end
paid = paid + every
if paid - now > most then return paid - now - most end
redis.call('set', KEYS[1], string.format('%.0f', paid), 'px', math.ceil((paid - now) / 1000))
return 0`)
	// countScript gives what is left of a window, or less than 0: nothing was
	// counted, and -1 minus what is left.
	countScript = rueidis.NewLuaScript(`
local n, left = tonumber(ARGV[1]), tonumber(ARGV[2]) - tonumber(redis.call('get', KEYS[1]) or 0)
if n > left then return -1 - left end
redis.call('incrby', KEYS[1], n)
redis.call('pexpire', KEYS[1], ARGV[3])
return left - n`)
)

// Limits is kv.Limits in Redis; while Redis is away each replica counts for
// itself.
type Limits struct {
	r      *Redis
	prefix string
	mem    *kv.MemoryLimits
}

// Limits shares the limits.
func (r *Redis) Limits() *Limits {
	return &Limits{r: r, prefix: r.prefix + "l:", mem: kv.NewMemoryLimits()}
}

// Take implements kv.Limits.
func (l *Limits) Take(ctx context.Context, key kv.LimitKey, rate kv.Rate, now time.Time) time.Duration {
	var wait int64
	err := l.r.ask(ctx, l.r.soon, func(ctx context.Context) error {
		name, err := l.key(ctx, key)
		if err != nil {
			return err
		}
		every := max(rate.Every.Microseconds(), 1)
		args := []string{strconv.FormatInt(now.UnixMicro(), 10), strconv.FormatInt(every, 10), strconv.FormatInt(every*int64(rate.Burst), 10)}
		wait, err = takeScript.Exec(ctx, l.r.client, []string{name}, args).AsInt64()
		return err
	})
	if err != nil {
		l.r.metrics.byMemory.WithLabelValues("limits").Inc()
		return l.mem.Take(ctx, key, rate, now)
	}
	return time.Duration(wait) * time.Microsecond
}

// Count implements kv.Limits.
func (l *Limits) Count(ctx context.Context, key kv.LimitKey, n, max int, width time.Duration, now time.Time) (left int, ok bool) {
	var got int64
	err := l.r.ask(ctx, l.r.soon, func(ctx context.Context) error {
		name, err := l.key(ctx, key)
		if err != nil {
			return err
		}
		name += strconv.FormatInt(now.Truncate(width).Unix(), 36)
		args := []string{strconv.Itoa(n), strconv.Itoa(max), millis(width)}
		got, err = countScript.Exec(ctx, l.r.client, []string{name}, args).AsInt64()
		return err
	})
	switch {
	case err != nil:
		l.r.metrics.byMemory.WithLabelValues("limits").Inc()
		return l.mem.Count(ctx, key, n, max, width, now)
	case got < 0:
		return int(-1 - got), false
	}
	return int(got), true
}

// Forget implements kv.Limits.
func (l *Limits) Forget(ctx context.Context, key kv.LimitKey) {
	l.mem.Forget(ctx, key)
	_ = l.r.ask(ctx, l.r.soon, func(ctx context.Context) error {
		name, err := l.key(ctx, key)
		if err != nil {
			return err
		}
		return l.r.client.Do(ctx, l.r.client.B().Del().Key(name).Build()).Error()
	})
}

// Expire forgets what memory counted and is past.
func (l *Limits) Expire(now int64) int { return l.mem.Expire(now) }

// key is what Redis knows a key by: a hash that only the replicas can make, and
// only today.
func (l *Limits) key(ctx context.Context, key kv.LimitKey) (string, error) {
	s, err := l.r.secret.today(ctx, l.r)
	if err != nil {
		return "", err
	}
	b := append(append(make([]byte, 0, 64), key.Who[:]...), key.Of...)
	lo, hi := siphash.Hash128(s.k0, s.k1, b)
	b = append(b[:0], l.prefix...)
	b = binary.LittleEndian.AppendUint64(b, lo)
	return string(binary.LittleEndian.AppendUint64(b, hi)), nil
}

// secret keys the hashes of limits. Replicas agree on a new one each day (UTC),
// at random, so that no setting is needed, and none outlives two days. Whoever
// counted just before midnight starts over.
type secret struct{ is atomic.Pointer[daySecret] }

type daySecret struct {
	day    int64
	k0, k1 uint64
}

func (s *secret) today(ctx context.Context, r *Redis) (daySecret, error) {
	day := time.Now().Unix() / 86400
	if d := s.is.Load(); d != nil && d.day == day {
		return *d, nil
	}
	var fresh [16]byte
	rand.Read(fresh[:]) // never fails: crypto/rand stops the program instead
	got, err := r.agree(ctx, "limits "+strconv.FormatInt(day, 10), fresh[:], 48*time.Hour)
	if err != nil {
		return daySecret{}, err
	}
	if len(got) != len(fresh) {
		return daySecret{}, fmt.Errorf("a secret of %d bytes in redis", len(got))
	}
	d := &daySecret{day, binary.LittleEndian.Uint64(got), binary.LittleEndian.Uint64(got[8:])}
	s.is.Store(d)
	return *d, nil
}
