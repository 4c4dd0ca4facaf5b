package kv

import (
	"encoding/binary"
	"testing"
	"time"
)

// Who makes up keys without end costs no memory without end, nor lets somebody
// go who is kept out for long.
func TestLimitsAreBounded(t *testing.T) {
	l := NewMemoryLimits()
	l.perShard = 64
	now := time.Unix(1_700_000_000, 0)
	guesser := LimitKey{Of: "logins"}
	long := Rate{Every: time.Hour, Burst: 5}
	for range 5 {
		l.Take(t.Context(), guesser, long, now)
	}
	for i := range uint64(100_000) {
		key := LimitKey{Of: "hits"}
		binary.LittleEndian.PutUint64(key.Who[:], i)
		l.Take(t.Context(), key, Rate{Every: time.Second, Burst: 5}, now)
		l.Count(t.Context(), key, 1, 5, time.Minute, now)
	}
	known := 0
	for i := range l.shards {
		known += len(l.shards[i].paid) + len(l.shards[i].windows)
	}
	if known > 2*64*limitShards {
		t.Errorf("%d keys are known, in room for %d", known, 2*64*limitShards)
	}
	if wait := l.Take(t.Context(), guesser, long, now); wait == 0 {
		t.Error("the guesser starts over")
	}
	if l.Expire(now.Add(time.Hour).UnixMilli()); l.Take(t.Context(), guesser, long, now) == 0 {
		t.Error("what is owed was forgotten by the clock")
	}
	if l.Expire(now.Add(5 * time.Hour).UnixMilli()); len(l.shards[0].paid)+len(l.shards[1].windows) != 0 {
		t.Error("what is past stays")
	}
}
