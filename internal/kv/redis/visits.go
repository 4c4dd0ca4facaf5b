package redis

import (
	"bytes"
	"context"
	_ "embed" // the scripts
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"moonbear/internal/kv"
)

//go:embed join.lua
var joinLua string

//go:embed push.lua
var pushLua string

var (
	joinScript = rueidis.NewLuaScript(joinLua)
	pushScript = rueidis.NewLuaScript(pushLua)

	visitTimeout   = millis(kv.VisitTimeout)
	visitRetention = millis(kv.Retention)
)

const (
	// pushAtOnce is how many visits Redis is told in one go: half a
	// millisecond, in which nobody else is answered.
	pushAtOnce = 100
	// maxUntold bounds what is noted to be told; beyond it, all is.
	maxUntold = 500_000
	// moved is what a visit leaves under its old key.
	moved = "moved"
)

// Visits is kv.Visits in Redis, and in a memory that knows all this replica
// has seen of them.
//
// Each Join takes along what memory knows, so that whoever stays on a replica
// keeps his visit to the millisecond, whatever Redis forgot or wasn't told.
// Only somebody who changes replica before Redis was told has his visit split.
type Visits struct {
	r      *Redis
	prefix string
	mem    *kv.Memory

	// untold are the visits Redis must be told of: memory answered.
	mu     sync.Mutex
	untold map[kv.VisitKey]struct{}
	some   atomic.Bool // there are any
	all    atomic.Bool // Redis must be told of everything
	since  int64       // from when on it knew nothing then; Unix milliseconds
}

// Visits shares the open visits, with mem for this replica's part.
func (r *Redis) Visits(mem *kv.Memory) *Visits {
	v := &Visits{r: r, prefix: r.prefix + "v:", mem: mem, untold: map[kv.VisitKey]struct{}{}}
	r.shares = append(r.shares, v)
	return v
}

// Join implements kv.Visits.
func (v *Visits) Join(ctx context.Context, key, previous kv.VisitKey, fresh kv.Visit, now int64, external bool) (joined kv.Visit, opened bool, err error) {
	begun := time.Now()
	mine, isPrevious, known := v.mem.Peek(key, previous)
	args := []string{pack(&fresh)[:16], string(fresh.Entry), strconv.FormatInt(now, 10), "", "", "1", visitTimeout, visitRetention}
	if external {
		args[3] = "1"
	}
	if known {
		args[4] = pack(&mine)
	}
	if isPrevious {
		args[5] = "2"
	}
	var was string // the ID of the visit that was open in Redis
	err = v.r.ask(ctx, v.r.soon, func(ctx context.Context) (err error) {
		joined, opened, was, err = v.join(ctx, v.keys(key, previous), args)
		return err
	})
	if !errors.Is(err, errAway) {
		v.r.metrics.join.Observe(time.Since(begun).Seconds())
	}
	if err != nil {
		v.r.metrics.byMemory.WithLabelValues("visits").Inc()
		v.note(key)
		return v.mem.Join(ctx, key, previous, fresh, now, external)
	}
	if opened {
		fresh.Start, fresh.Last, fresh.Entry = now, now, bytes.Clone(fresh.Entry)
		joined = fresh
	}
	own := v.isUntold(key)
	if known && was != "" && was != args[4][:8] && (joined.ID == mine.ID || own) {
		v.r.metrics.splits.Inc()
		v.forgive(key) // or it would be counted again when it is told
	}
	return v.mem.Put(key, previous, joined, own), opened, nil
}

func (v *Visits) join(ctx context.Context, keys, args []string) (joined kv.Visit, opened bool, was string, err error) {
	res, err := joinScript.Exec(ctx, v.r.client, keys, args).AsStrSlice()
	if err != nil {
		return joined, false, "", err
	}
	if len(res) != 2 {
		return joined, false, "", fmt.Errorf("%d answers of a script, want 2", len(res))
	}
	if res[0] == "" {
		return joined, true, res[1], nil
	}
	joined, err = unpack(res[0])
	return joined, false, res[1], err
}

// Latest implements kv.Visits.
func (v *Visits) Latest(ctx context.Context, key, previous kv.VisitKey, since int64) (latest kv.Visit, ok bool, err error) {
	err = v.r.ask(ctx, v.r.soon, func(ctx context.Context) error {
		latest, ok, err = v.latest(ctx, key, previous)
		return err
	})
	if err != nil {
		v.r.metrics.byMemory.WithLabelValues("visits").Inc()
		return v.mem.Latest(ctx, key, previous, since)
	}
	if !ok || latest.Last < since {
		return kv.Visit{}, false, nil
	}
	return latest, true, nil
}

// latest is the later one of what Redis and memory know, under key or else
// under previous.
func (v *Visits) latest(ctx context.Context, key, previous kv.VisitKey) (kv.Visit, bool, error) {
	found, err := v.r.client.Do(ctx, v.r.client.B().Mget().Key(v.keys(key, previous)...).Build()).AsStrSlice()
	if err != nil {
		return kv.Visit{}, false, err
	}
	for i, k := range []kv.VisitKey{key, previous}[:len(found)] {
		if found[i] == moved {
			continue
		}
		latest, _, known := v.mem.Peek(k, kv.VisitKey{})
		if found[i] != "" {
			there, err := unpack(found[i])
			if err != nil {
				return kv.Visit{}, false, err
			}
			if !known || there.Last >= latest.Last {
				latest, known = there, true
			}
		}
		if known {
			return latest, true, nil
		}
	}
	return kv.Visit{}, false, nil
}

// Restore puts back a visit that this replica knew before a start. Redis isn't
// told: it knows it, or will when its visitor comes.
func (v *Visits) Restore(key kv.VisitKey, visit kv.Visit) { v.mem.Restore(key, visit) }

// Expire forgets this replica's visits past their time; Redis does by itself.
func (v *Visits) Expire(now int64) int { return v.mem.Expire(now) }

// note has Redis told of what memory knows of key.
func (v *Visits) note(key kv.VisitKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.untold) >= maxUntold {
		clear(v.untold)
		v.all.Store(true)
	}
	v.untold[key] = struct{}{}
	v.some.Store(true)
}

// isUntold says whether memory answered for key and Redis wasn't told yet.
func (v *Visits) isUntold(key kv.VisitKey) bool {
	if !v.some.Load() {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.untold[key]
	return ok
}

func (v *Visits) forgive(key kv.VisitKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.untold, key)
}

func (v *Visits) lost(since time.Time) {
	if !v.all.Load() {
		v.since = since.UnixMilli()
	}
	v.all.Store(true)
}

// push tells Redis what memory answered, and what Redis lost.
func (v *Visits) push(ctx context.Context) (err error) {
	var told map[kv.VisitKey]struct{}
	if v.some.Load() {
		if told, err = v.pushUntold(ctx); err != nil {
			return err
		}
	}
	if v.all.Load() {
		return v.pushAll(ctx, told)
	}
	return nil
}

func (v *Visits) pushUntold(ctx context.Context) (untold map[kv.VisitKey]struct{}, err error) {
	v.mu.Lock()
	untold = v.untold
	v.untold = map[kv.VisitKey]struct{}{}
	v.some.Store(false)
	v.mu.Unlock()
	var b batch
	for key := range untold {
		if visit, _, ok := v.mem.Peek(key, kv.VisitKey{}); ok {
			b.add(v.key(key), &visit)
		}
		if len(b.keys) == pushAtOnce && err == nil {
			err = v.tell(ctx, &b, 0)
		}
	}
	if err == nil {
		err = v.tell(ctx, &b, 0)
	}
	if err != nil {
		v.noteAll(untold)
	}
	return untold, err
}

func (v *Visits) noteAll(keys map[kv.VisitKey]struct{}) {
	for key := range keys {
		v.note(key)
	}
}

// pushAll tells Redis of all but what it was told just now.
func (v *Visits) pushAll(ctx context.Context, told map[kv.VisitKey]struct{}) (err error) {
	v.all.Store(false) // what is said meanwhile counts again
	var b batch
	v.mem.Each(func(key kv.VisitKey, visit kv.Visit) bool {
		if _, ok := told[key]; ok {
			return true
		}
		if b.add(v.key(key), &visit); len(b.keys) == pushAtOnce {
			err = v.tell(ctx, &b, v.since)
		}
		return err == nil && ctx.Err() == nil
	})
	if err == nil {
		err = v.tell(ctx, &b, v.since)
	}
	if err != nil {
		v.all.Store(true)
	}
	return err
}

// batch is visits on their way to Redis.
type batch struct{ keys, args []string }

func (b *batch) add(key string, v *kv.Visit) {
	b.keys, b.args = append(b.keys, key), append(b.args, pack(v))
}

// tell empties b into Redis. Other visits of the same visitors that it finds
// there, begun at since or later, are splits.
func (v *Visits) tell(ctx context.Context, b *batch, since int64) error {
	if len(b.keys) == 0 {
		return nil
	}
	args := append([]string{visitTimeout, visitRetention, strconv.FormatInt(since, 10)}, b.args...)
	err := v.r.ask(ctx, time.Second, func(ctx context.Context) error {
		splits, err := pushScript.Exec(ctx, v.r.client, b.keys, args).AsInt64()
		v.r.metrics.splits.Add(float64(splits))
		return err
	})
	if err != nil {
		return err
	}
	v.r.metrics.pushed.WithLabelValues("visits").Add(float64(len(b.keys)))
	b.keys, b.args = b.keys[:0], b.args[:0]
	return nil
}

func (v *Visits) keys(key, previous kv.VisitKey) []string {
	if previous == (kv.VisitKey{}) {
		return []string{v.key(key)}
	}
	return []string{v.key(key), v.key(previous)}
}

func (v *Visits) key(k kv.VisitKey) string {
	b := make([]byte, 0, 64)
	b = append(b, v.prefix...)
	b = binary.BigEndian.AppendUint64(b, uint64(k.Site))
	return string(binary.BigEndian.AppendUint64(b, uint64(k.Visitor)))
}

// pack writes a visit as the scripts read it.
func pack(v *kv.Visit) string {
	b := make([]byte, 0, 32+len(v.Entry))
	b = binary.BigEndian.AppendUint64(b, uint64(v.ID))
	b = binary.BigEndian.AppendUint64(b, v.Origin)
	b = binary.BigEndian.AppendUint64(b, uint64(v.Start))
	b = binary.BigEndian.AppendUint64(b, uint64(v.Last))
	return string(append(b, v.Entry...))
}

func unpack(s string) (kv.Visit, error) {
	if len(s) < 32 {
		return kv.Visit{}, fmt.Errorf("a visit of %d bytes in redis", len(s))
	}
	b := []byte(s)
	v := kv.Visit{
		ID: int64(binary.BigEndian.Uint64(b)), Origin: binary.BigEndian.Uint64(b[8:]),
		Start: int64(binary.BigEndian.Uint64(b[16:])), Last: int64(binary.BigEndian.Uint64(b[24:])),
		Entry: b[32:],
	}
	if v.Last < 0 || v.Last > math.MaxInt64/2 {
		return kv.Visit{}, errors.New("a visit without a time in redis")
	}
	return v, nil
}
