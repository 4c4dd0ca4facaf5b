package salt

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/kv/redis"
	"moonbear/internal/kv/redistest"
)

// service is what the replicas of a test have in common.
type service struct {
	t           *testing.T
	url, prefix string
	now         time.Time
}

// onReplica is the salts of one replica, whose way to Redis can be cut.
type onReplica struct {
	*Salts
	path string
	cut  atomic.Bool
	reg  *prometheus.Registry
}

func newService(t *testing.T, now string) *service {
	s := &service{t: t, now: at(t, now)}
	s.url, s.prefix = redistest.URL(t)
	return s
}

func (s *service) replica() *onReplica {
	s.t.Helper()
	return s.replicaAt(filepath.Join(s.t.TempDir(), "salts"), false)
}

func (s *service) replicaAt(path string, cut bool) *onReplica {
	s.t.Helper()
	r, err := redis.Open(s.t.Context(), s.url, redis.Options{Prefix: s.prefix})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = r.Close() })
	o := &onReplica{path: path, reg: prometheus.NewRegistry()}
	o.cut.Store(cut)
	if o.Salts, err = Open(path, func() time.Time { return s.now }); err != nil {
		s.t.Fatal(err)
	}
	agree := func(ctx context.Context, name string, value []byte, ttl time.Duration) ([]byte, error) {
		if o.cut.Load() {
			return nil, errors.New("cut")
		}
		return r.Agree(ctx, name, value, ttl)
	}
	if err := o.Share(s.t.Context(), Sharing{Agree: agree, Metrics: o.reg}); err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s *service) pair(o *onReplica) (today, previous Salt) {
	s.t.Helper()
	return pair(s.t, o.Salts, "Asia/Seoul", s.now)
}

func (s *service) sync(o *onReplica) {
	s.t.Helper()
	if err := o.Sync(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// Replicas that start a day at the same moment have one salt, which is in each
// one's file.
func TestReplicasRaceForASalt(t *testing.T) {
	s := newService(t, "2026-11-22T12:00:00Z")
	var replicas []*onReplica
	for range 4 {
		replicas = append(replicas, s.replica())
	}
	got := make([]Salt, len(replicas))
	for range 20 { // days
		s.now = s.now.Add(24 * time.Hour)
		var wg sync.WaitGroup
		for i, o := range replicas {
			wg.Go(func() {
				today, _, err := o.Pair(time.UTC, "UTC", s.now)
				if err != nil {
					t.Error(err)
				}
				got[i] = today
			})
		}
		wg.Wait()
		for i := range got {
			if got[i] != got[0] || got[i] == (Salt{}) {
				t.Fatalf("replicas 0 and %d have different salts", i)
			}
		}
	}
	for _, o := range replicas {
		if today, _ := pair(t, open(t, o.path, s.now), "UTC", s.now); today != got[0] {
			t.Error("the file has another salt")
		}
	}
}

// A replica that is new today knows the salt of yesterday, for visits over
// midnight, and destroys it when it is due.
func TestNewReplicaKnowsYesterday(t *testing.T) {
	s := newService(t, "2026-11-22T12:00:00Z")
	a := s.replica()
	yesterday, _ := s.pair(a)
	s.now = s.now.Add(24 * time.Hour)
	today, _ := s.pair(a)
	b := s.replica()
	if gotToday, gotYesterday := s.pair(b); gotToday != today || gotYesterday != yesterday {
		t.Error("the new replica has other salts")
	}
	if n, err := b.Destroy(s.now.Add(24 * time.Hour)); n != 1 || err != nil {
		t.Errorf("48 hours after the first was made %d were destroyed, %v", n, err)
	}
}

// Redis lost the salts: their holders publish them again.
func TestSaltsArePublishedAgain(t *testing.T) {
	s := newService(t, "2026-11-22T12:00:00Z")
	a := s.replica()
	today, _ := s.pair(a)
	s.prefix += "emptied"
	again := s.replicaAt(a.path, false)
	s.sync(again)
	b := s.replica()
	if got, _ := s.pair(b); got != today {
		t.Error("the salt was not there")
	}
}

// Redis is away when a day begins: each replica makes a salt. Afterwards all
// have the one that was in Redis first, the others are on no disk any more, and
// visits that are open under them can be found for half an hour.
func TestSaltsConverge(t *testing.T) {
	s := newService(t, "2026-11-22T12:00:00Z")
	a, b := s.replica(), s.replica()
	s.pair(a)
	s.pair(b)
	s.now = at(t, "2026-11-22T15:00:00Z") // midnight in Seoul
	a.cut.Store(true)
	b.cut.Store(true)
	ofA, yesterday := s.pair(a)
	ofB, _ := s.pair(b)
	if ofA == ofB {
		t.Fatal("they have one salt without having agreed")
	}
	s.sync(a) // changes nothing
	a.cut.Store(false)
	b.cut.Store(false)
	s.sync(b)
	s.sync(a)
	for _, o := range []*onReplica{a, b} {
		if today, previous := s.pair(o); today != ofB || previous != yesterday {
			t.Error("the replicas have different salts afterwards")
		}
	}
	if f, ok := a.Former("Asia/Seoul"); !ok || f != ofA {
		t.Error("the salt that gave way is forgotten at once")
	}
	if _, ok := b.Former("Asia/Seoul"); ok {
		t.Error("a salt gave way to itself")
	}
	s.now = s.now.Add(formerly)
	s.pair(a)
	if _, ok := a.Former("Asia/Seoul"); ok {
		t.Error("half an hour later it is still known")
	}
	if today, _ := pair(t, open(t, a.path, s.now), "Asia/Seoul", s.now); today != ofB {
		t.Error("the file has another salt")
	}
	for o, want := range map[*onReplica]float64{a: 1, b: 0} {
		if got := o.counted(t, "moonbear_salts_gave_way_total"); got != want {
			t.Errorf("%v salts gave way, want %v", got, want)
		}
		if got := o.counted(t, "moonbear_salts_made_alone_total"); got != 1 {
			t.Errorf("%v salts were made alone, want 1", got)
		}
	}
}

func (o *onReplica) counted(t *testing.T, name string) float64 {
	t.Helper()
	all, err := o.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.Metric[0].Counter.GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// Salts of imports are a replica's own.
func TestWhatIsNotShared(t *testing.T) {
	s := newService(t, "2026-11-22T12:00:00Z")
	a, b := s.replica(), s.replica()
	date := at(t, "2015-06-01T00:00:00Z")
	one, _, err := a.Past("Asia/Seoul", date)
	if err != nil {
		t.Fatal(err)
	}
	s.sync(a)
	s.sync(b)
	other, _, err := b.Past("Asia/Seoul", date)
	if err != nil {
		t.Fatal(err)
	}
	if one == other {
		t.Error("an import's salt was shared")
	}
}

// Run agrees as soon as it is told that the others can be asked again.
func TestRunAgain(t *testing.T) {
	s := newService(t, "2026-11-22T12:00:00Z")
	a := s.replica()
	a.cut.Store(true)
	today, _ := s.pair(a)
	a.cut.Store(false)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	a.Again()
	b := s.replica()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		got, ok, err := b.agree(t.Context(), entry{zone: "Asia/Seoul", date: "2026-11-22"})
		if err != nil {
			t.Fatal(err)
		}
		if ok && got.salt == today {
			break
		}
		if time.Since(begun) > 4*time.Second {
			t.Fatal("the salt wasn't published at once")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
