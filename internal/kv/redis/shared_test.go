package redis

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"moonbear/internal/kv"
	"moonbear/internal/kv/redistest"
)

var (
	batchKey, body, otherBody = [16]byte{1}, [16]byte{2}, [16]byte{3}
	client                    = kv.LimitKey{Of: "hits", Who: [16]byte{203, 0, 113, 9}}
	fiveAMinute               = kv.Rate{Every: 12 * time.Second, Burst: 5}
)

// wantClaim claims batchKey on a replica.
func (r *replica) wantClaim(t *testing.T, body [16]byte, want kv.Claim) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if got, err := r.keys.Claim(ctx, batchKey, body, time.Now().UnixMilli()); got != want || err != nil {
		t.Errorf("claim: %v, %v; want %v", got, err, want)
	}
}

func (r *replica) keep(t *testing.T) {
	t.Helper()
	if err := r.keys.Keep(t.Context(), batchKey); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAcrossReplicas(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL, ""), start(t, s.URL, "")
	a.wantClaim(t, body, kv.Claimed)
	b.wantClaim(t, otherBody, kv.Mismatch)
	stored := make(chan struct{})
	go func() {
		defer close(stored)
		b.wantClaim(t, body, kv.Stored) // waits
	}()
	time.Sleep(3 * claimAsked)
	select {
	case <-stored:
		t.Error("the other replica did not wait")
	default:
	}
	a.keep(t)
	<-stored
	c := start(t, s.URL, "")
	c.wantClaim(t, body, kv.Stored)
	c.wantClaim(t, otherBody, kv.Mismatch)
}

// The batch that failed on one replica may be stored by another.
func TestReleasedAcrossReplicas(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL, ""), start(t, s.URL, "")
	a.wantClaim(t, body, kv.Claimed)
	if err := a.keys.Release(t.Context(), batchKey); err != nil {
		t.Fatal(err)
	}
	b.wantClaim(t, otherBody, kv.Claimed)
	// Only the holder frees a key.
	if err := a.keys.Release(t.Context(), batchKey); err != nil {
		t.Fatal(err)
	}
	a.wantClaim(t, body, kv.Mismatch)
}

// A holder that dies keeps others waiting until its claim expires; one that
// starts again and finds the batch in its spool tells them that it is stored.
func TestHolderDies(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL, ""), start(t, s.URL, "")
	a.wantClaim(t, body, kv.Claimed)
	ttl, err := b.client.Do(t.Context(), b.client.B().Pttl().Key(b.keys.key(batchKey)).Build()).AsInt64()
	if err != nil || ttl <= 0 || ttl > claimHolds.Milliseconds() {
		t.Errorf("a claim holds for %d ms, %v", ttl, err)
	}
	again := start(t, s.URL, "")
	again.keys.Restore(batchKey, body, time.Now().UnixMilli())
	b.wantClaim(t, body, kv.Stored)

	// The claim of one that isn't back is gone by itself.
	if err := b.client.Do(t.Context(), b.client.B().Del().Key(b.keys.key(batchKey)).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	start(t, s.URL, "").wantClaim(t, otherBody, kv.Claimed)
}

// Keys of batches that were stored while Redis was away, or that it lost, are
// told to it when it is back.
func TestKeysWhileRedisIsAway(t *testing.T) {
	s := redistest.Start(t)
	a := start(t, s.URL, "")
	a.wantClaim(t, body, kv.Claimed)
	a.keep(t)
	s.Kill()
	a.wantClaim(t, body, kv.Stored)
	other := [16]byte{9}
	if got, err := a.keys.Claim(t.Context(), other, body, time.Now().UnixMilli()); got != kv.Claimed || err != nil {
		t.Errorf("while Redis is away: %v, %v", got, err)
	}
	if err := a.keys.Keep(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	until(t, "told", func() bool { return a.value(t, "moonbear_redis_pushed_total") >= 2 })
	b := start(t, s.URL, "")
	b.wantClaim(t, body, kv.Stored)
	if got, err := b.keys.Claim(t.Context(), other, otherBody, time.Now().UnixMilli()); got != kv.Mismatch || err != nil {
		t.Errorf("on another replica: %v, %v", got, err)
	}
}

// A limit is one for all replicas, and each replica's own while Redis is away.
func TestLimitsAcrossReplicas(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL, ""), start(t, s.URL, "")
	now := time.Now()
	through := func(r *replica) (n int) {
		for range 10 {
			if r.limits.Take(t.Context(), client, fiveAMinute, now) == 0 {
				n++
			}
		}
		return n
	}
	if got, more := through(a), through(b); got != 5 || more != 0 {
		t.Errorf("%d went through and %d more on another replica, want 5 and 0", got, more)
	}
	if left, ok := a.limits.Count(t.Context(), client, 4, 5, time.Minute, now); left != 1 || !ok {
		t.Errorf("%d left, %v", left, ok)
	}
	if left, ok := b.limits.Count(t.Context(), client, 4, 5, time.Minute, now); left != 1 || ok {
		t.Errorf("%d left on another replica, %v", left, ok)
	}
	s.Kill()
	if got, more := through(a), through(b); got != 5 || more != 5 {
		t.Errorf("without Redis %d and %d went through, want 5 on each", got, more)
	}
	s.Restart()
	until(t, "up", func() bool { return a.isUp(t)() && b.isUp(t)() })
	if got, more := through(b), through(a); got != 5 || more != 0 {
		t.Errorf("afterwards %d and %d went through, want 5 and 0", got, more)
	}
}

// What one replica changed the others hear of at once, and none of its own;
// what they may have missed they hear of when Redis is back.
func TestChanges(t *testing.T) {
	s := redistest.Start(t)
	var toldA, toldB atomic.Int64
	var mayMiss atomic.Bool
	a, b := unwatched(t, s.URL, ""), unwatched(t, s.URL, "")
	a.OnChange("sites", func() { toldA.Add(1) })
	b.OnChange("sites", func() { toldB.Add(1) })
	b.OnChange("tokens", func() {
		if !mayMiss.Load() {
			t.Error("told of what didn't change")
		}
	})
	a.run(t)
	b.run(t)
	for n := range int64(5) {
		a.Changed(t.Context(), "sites")
		until(t, "told", func() bool { return toldB.Load() == n+1 })
	}
	if n := toldA.Load(); n != 0 {
		t.Errorf("told %d times of its own changes", n)
	}
	mayMiss.Store(true)
	s.Kill()
	a.Changed(t.Context(), "sites") // nobody hears that
	until(t, "away", func() bool { return b.away.Load() })
	s.Restart()
	until(t, "told after it was back", func() bool { return toldB.Load() >= 6 && toldA.Load() >= 1 })
}

// How soon another replica hears of a change.
func TestChangesAreHeardAtOnce(t *testing.T) {
	s := redistest.Start(t)
	a, b := unwatched(t, s.URL, ""), unwatched(t, s.URL, "")
	heard := make(chan time.Time, 100)
	b.OnChange("sites", func() { heard <- time.Now() })
	a.run(t)
	b.run(t)
	a.Changed(t.Context(), "sites")
	<-heard
	var slowest time.Duration
	for range 20 {
		begun := time.Now()
		a.Changed(t.Context(), "sites")
		slowest = max(slowest, (<-heard).Sub(begun))
	}
	t.Logf("the slowest of 20 was heard after %v", slowest)
}

func TestAgree(t *testing.T) {
	url, prefix := redistest.URL(t)
	a, b := start(t, url, prefix), start(t, url, prefix)
	ctx := t.Context()
	if got, err := a.Agree(ctx, "x", nil, time.Hour); got != nil || err != nil {
		t.Errorf("nothing is there: %q, %v", got, err)
	}
	for _, r := range []*replica{a, b} {
		if got, err := r.Agree(ctx, "x", []byte("first\x00"), time.Hour); string(got) != "first\x00" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if got, err := r.Agree(ctx, "x", []byte("second"), time.Hour); string(got) != "first\x00" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}
