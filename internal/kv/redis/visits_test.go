package redis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moonbear/internal/kv"
	"moonbear/internal/kv/redistest"
)

// inTurn asks several replicas, one after the other.
type inTurn struct {
	of   []*Visits
	turn atomic.Int64
}

func (i *inTurn) next() *Visits { return i.of[int(i.turn.Add(1))%len(i.of)] }

func (i *inTurn) Join(ctx context.Context, key, previous kv.VisitKey, fresh kv.Visit, now int64, external bool) (kv.Visit, bool, error) {
	return i.next().Join(ctx, key, previous, fresh, now, external)
}

func (i *inTurn) Latest(ctx context.Context, key, previous kv.VisitKey, since int64) (kv.Visit, bool, error) {
	return i.next().Latest(ctx, key, previous, since)
}

func visitor(n int64) kv.VisitKey { return kv.VisitKey{Site: 1, Visitor: n} }

// hit joins a visitor's visit now.
func (r *replica) hit(t testing.TB, n, id int64) kv.Visit {
	t.Helper()
	v, _, err := r.visits.Join(t.Context(), visitor(n), kv.VisitKey{}, kv.Visit{ID: id, Entry: []byte(fmt.Sprint("entry of ", id))}, time.Now().UnixMilli(), false)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVisitorChangesReplica(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL, ""), start(t, s.URL, "")
	first := a.hit(t, 1, 11)
	second := b.hit(t, 1, 12)
	third := a.hit(t, 1, 13)
	if second.ID != 11 || third.ID != 11 || string(third.Entry) != "entry of 11" {
		t.Errorf("visits %d, %d, %d with the facts %q", first.ID, second.ID, third.ID, third.Entry)
	}
	if third.Last <= second.Last || second.Last <= first.Last {
		t.Errorf("times %d, %d, %d", first.Last, second.Last, third.Last)
	}
	if v, ok, err := b.visits.Latest(t.Context(), visitor(2), visitor(1), 0); !ok || v.ID != 11 || err != nil {
		t.Errorf("the latest visit elsewhere: %d, %v, %v", v.ID, ok, err)
	}
}

// A visit that moved to a new key by another replica isn't brought back under
// the old one by what this one remembers.
func TestMovedByAnotherReplica(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL, ""), start(t, s.URL, "")
	a.hit(t, 1, 11)
	now := time.Now().UnixMilli()
	moved, opened, err := b.visits.Join(t.Context(), visitor(2), visitor(1), kv.Visit{ID: 12}, now, false)
	if err != nil || opened || moved.ID != 11 {
		t.Fatalf("over midnight: visit %d, opened %v, %v", moved.ID, opened, err)
	}
	if v, ok, err := a.visits.Latest(t.Context(), visitor(1), kv.VisitKey{}, 0); ok || err != nil {
		t.Errorf("still under the old key: %d, %v", v.ID, err)
	}
	if late := a.hit(t, 1, 13); late.ID != 13 {
		t.Errorf("a late hit under the old key joined %d", late.ID)
	}
}

// While Redis is away every replica goes on by itself, and nobody waits. When it
// is back, empty, whoever changes replica then finds his visit.
func TestRedisKilledAndEmpty(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL, ""), start(t, s.URL, "")
	for n := range int64(300) {
		a.hit(t, n, 1000+n)
	}
	s.Kill()
	for n := range int64(400) {
		begun := time.Now()
		if v := a.hit(t, n, 2000+n); n < 300 && v.ID != 1000+n || n >= 300 && v.ID != 2000+n {
			t.Fatalf("visitor %d has visit %d", n, v.ID)
		}
		if took := time.Since(begun); took > time.Second {
			t.Fatalf("visitor %d waited %v", n, took)
		}
	}
	if v := b.hit(t, 399, 3399); v.ID != 3399 { // the one who changes replica just now
		t.Errorf("visit %d", v.ID)
	}
	if a.value(t, "moonbear_redis_up") != 0 || a.value(t, "moonbear_redis_answered_by_memory_total") == 0 {
		t.Error("the metrics don't say that Redis is away")
	}
	s.Restart()
	until(t, "in step", func() bool { return a.inStep() && b.inStep() })
	for n := range int64(399) {
		want := 1000 + n
		if n >= 300 {
			want = 2000 + n
		}
		if v := b.hit(t, n, 4000+n); v.ID != want || string(v.Entry) != fmt.Sprint("entry of ", want) {
			t.Fatalf("visitor %d on the other replica has visit %d, want %d", n, v.ID, want)
		}
	}
	if got := a.value(t, "moonbear_visits_split_total") + b.value(t, "moonbear_visits_split_total"); got != 1 {
		t.Errorf("%v visits were split, want the one", got)
	}
	one, other := a.hit(t, 399, 5001), b.hit(t, 399, 5002)
	if one.ID != other.ID {
		t.Errorf("afterwards there are two visits still, %d and %d", one.ID, other.ID)
	}
}

// Redis is empty, and a visitor changes replica before it was told: his visit is
// split, and counted so.
func TestSplitAfterRedisWasLost(t *testing.T) {
	s := redistest.Start(t)
	a, b := unwatched(t, s.URL, ""), unwatched(t, s.URL, "")
	a.hit(t, 1, 11)
	a.hit(t, 2, 21)
	b.hit(t, 2, 22) // changes replica in time
	s.Kill()
	s.Restart()
	until(t, "the first connection is known to be gone", func() bool { return a.dropped.Load() && b.dropped.Load() })
	if v := b.hit(t, 1, 12); v.ID != 12 {
		t.Fatalf("visit %d", v.ID)
	}
	a.run(t)
	b.run(t)
	split := func() float64 {
		return a.value(t, "moonbear_visits_split_total") + b.value(t, "moonbear_visits_split_total")
	}
	until(t, "counted", func() bool { return split() > 0 })
	until(t, "in step", func() bool { return a.inStep() && b.inStep() })
	if n := split(); n != 1 {
		t.Errorf("%v visits were split, want 1", n)
	}
	if one, two := a.hit(t, 1, 13), b.hit(t, 1, 14); one.ID != two.ID {
		t.Errorf("afterwards there are two visits still, %d and %d", one.ID, two.ID)
	}
	if v := b.hit(t, 2, 23); v.ID != 21 {
		t.Errorf("visit %d", v.ID)
	}
}

// A Redis that doesn't answer costs 20 ms a few times, then nothing.
func TestRedisPaused(t *testing.T) {
	s := redistest.Start(t)
	a := hurried(t, s.URL)
	a.hit(t, 1, 11)
	s.Pause()
	begun := time.Now()
	for n := range int64(1000) {
		if v := a.hit(t, 1, 100+n); v.ID != 11 {
			t.Fatalf("hit %d opened visit %d", n, v.ID)
		}
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("1000 hits took %v", took)
	}
	s.Resume()
	until(t, "up and told", func() bool { return a.isUp(t)() && a.inStep() })
	last := a.hit(t, 1, 12)
	b := start(t, s.URL, "")
	if v := b.hit(t, 1, 13); v.ID != 11 || v.Last <= last.Last {
		t.Errorf("on another replica: visit %d at %d, after %d", v.ID, v.Last, last.Last)
	}
	if n := a.value(t, "moonbear_visits_split_total"); n != 0 {
		t.Errorf("%v visits were split", n)
	}
}

// Thousands of requests at once must not wait for each other when Redis stops.
func TestManyWhenRedisPauses(t *testing.T) {
	s := redistest.Start(t)
	a := hurried(t, s.URL)
	a.hit(t, 1, 11)
	s.Pause()
	defer s.Resume()
	var wg sync.WaitGroup
	var slowest atomic.Int64
	for n := range int64(4000) {
		wg.Go(func() {
			begun := time.Now()
			if _, _, err := a.visits.Join(t.Context(), visitor(n), kv.VisitKey{}, kv.Visit{ID: n + 100}, begun.UnixMilli(), false); err != nil {
				t.Error(err)
			}
			for took := int64(time.Since(begun)); ; {
				if was := slowest.Load(); took <= was || slowest.CompareAndSwap(was, took) {
					return
				}
			}
		})
	}
	wg.Wait()
	if slowest := time.Duration(slowest.Load()); slowest > 2*time.Second {
		t.Errorf("one of 4000 waited %v", slowest)
	}
}

// A replica may start while Redis is away.
func TestStartWithoutRedis(t *testing.T) {
	s := redistest.Start(t)
	s.Kill()
	a := start(t, s.URL, "")
	a.hit(t, 1, 11)
	s.Restart()
	until(t, "up and told", func() bool { return a.isUp(t)() && a.inStep() })
	b := start(t, s.URL, "")
	if v := b.hit(t, 1, 12); v.ID != 11 {
		t.Errorf("visit %d", v.ID)
	}
}

// Redis was emptied while everybody is connected.
func TestRedisFlushed(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL, ""), start(t, s.URL, "")
	a.hit(t, 1, 11)
	told := a.value(t, "moonbear_redis_pushed_total")
	if err := a.client.Do(t.Context(), a.client.B().Flushall().Build()).Error(); err != nil {
		t.Fatal(err)
	}
	until(t, "told again", func() bool { return a.value(t, "moonbear_redis_pushed_total") > told })
	if v := b.hit(t, 1, 12); v.ID != 11 {
		t.Errorf("visit %d", v.ID)
	}
}

// Whoever stays on a replica has, hit by hit, what one process alone would have
// given him, whatever happens to Redis.
func TestWhoStaysIsExact(t *testing.T) {
	s := redistest.Start(t)
	replicas := []*replica{hurried(t, s.URL), hurried(t, s.URL)}
	stop := make(chan struct{})
	var trouble sync.WaitGroup
	trouble.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
			if i%2 == 0 {
				s.Pause()
				time.Sleep(70 * time.Millisecond)
				s.Resume()
			} else {
				s.Kill()
				time.Sleep(70 * time.Millisecond)
				s.Restart()
			}
		}
	})
	hits := compare(t, func(n int64) *replica { return replicas[n%2] })
	close(stop)
	trouble.Wait()
	if n := replicas[0].value(t, "moonbear_redis_answered_by_memory_total"); n == 0 {
		t.Error("Redis was there all the time")
	}
	t.Logf("%d hits, %v of them answered by memory", hits, replicas[0].value(t, "moonbear_redis_answered_by_memory_total")+replicas[1].value(t, "moonbear_redis_answered_by_memory_total"))
}

// Whoever changes replica all the time, too, as long as Redis is there.
func TestWhoChangesIsExact(t *testing.T) {
	s := redistest.Start(t)
	replicas := []*replica{start(t, s.URL, ""), start(t, s.URL, ""), start(t, s.URL, "")}
	hits := compare(t, func(int64) *replica { return replicas[rand.IntN(3)] })
	for _, r := range replicas {
		if n := r.value(t, "moonbear_visits_split_total"); n != 0 {
			t.Errorf("%v of the visits of %d hits were split", n, hits)
		}
	}
}

// compare sends random hits for three seconds, a visitor's to the replica on
// says, and holds each answer to that of one process's memory.
func compare(t *testing.T, on func(visitor int64) *replica) (hits int64) {
	t.Helper()
	oracle := kv.NewMemory(100_000)
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Now().UnixMilli()
	id := int64(0)
	for begun := time.Now(); time.Since(begun) < 3*time.Second; {
		id++
		n := random.Int64N(50)
		now += random.Int64N(200_000) // 50 visitors: some come back after half an hour
		key, previous := visitor(n), visitor(1000+n)
		fresh := kv.Visit{ID: id, Origin: random.Uint64N(3), Entry: []byte(fmt.Sprint(id))}
		external := random.IntN(4) == 0
		want, opens, _ := oracle.Join(t.Context(), key, previous, fresh, now, external)
		got, opened, err := on(n).visits.Join(t.Context(), key, previous, fresh, now, external)
		if err != nil || opened != opens || got.ID != want.ID || got.Start != want.Start || got.Last != want.Last || string(got.Entry) != string(want.Entry) {
			t.Fatalf("hit %d of visitor %d: visit %d from %d to %d, opened %v, %v; want %d from %d to %d, %v",
				id, n, got.ID, got.Start, got.Last, opened, err, want.ID, want.Start, want.Last, opens)
		}
	}
	return id
}

// One visitor's requests come in at once while Redis comes and goes: still no
// two events of his have one time.
func TestTimesNeverTie(t *testing.T) {
	s := redistest.Start(t)
	a := hurried(t, s.URL)
	var mu sync.Mutex
	times := map[int64]bool{}
	const each, senders = 300, 8
	now := time.Now().UnixMilli()
	var wg sync.WaitGroup
	for n := range int64(senders) {
		wg.Go(func() {
			for i := range int64(each) {
				v, _, err := a.visits.Join(t.Context(), visitor(1), kv.VisitKey{}, kv.Visit{ID: 1 + n*each + i}, now, false)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				times[v.Last] = true
				if n := len(times); n%400 == 200 {
					a.away.Store(true)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(times) != each*senders {
		t.Errorf("%d times of %d events", len(times), each*senders)
	}
}
