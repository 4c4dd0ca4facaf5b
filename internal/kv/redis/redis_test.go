package redis

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"moonbear/internal/kv"
	"moonbear/internal/kv/kvtest"
	"moonbear/internal/kv/redistest"
)

// replica is a process of a service that shares a Redis.
type replica struct {
	*Redis
	visits  *Visits
	keys    *Keys
	limits  *Limits
	metrics *prometheus.Registry
}

// unwatched makes a replica whose Run nobody calls.
func unwatched(t testing.TB, url, prefix string) *replica {
	t.Helper()
	r := &replica{metrics: prometheus.NewRegistry()}
	var err error
	if r.Redis, err = Open(t.Context(), url, Options{Prefix: prefix, Metrics: r.metrics}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	// A busy machine isn't what is tested.
	r.soon, r.patience = 10*time.Second, 10*time.Second
	r.visits, r.keys, r.limits = r.Visits(kv.NewMemory(100_000)), r.Keys(kv.NewMemoryKeys()), r.Limits()
	return r
}

func start(t testing.TB, url, prefix string) *replica {
	t.Helper()
	r := unwatched(t, url, prefix)
	r.run(t)
	return r
}

// hurried waits no longer than a real one.
func hurried(t testing.TB, url string) *replica {
	t.Helper()
	r := unwatched(t, url, "")
	r.soon, r.patience = soon, patience
	r.run(t)
	return r
}

func (r *replica) run(t testing.TB) {
	done := make(chan error, 1)
	ctx := t.Context() // ends before the cleanups
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// value adds up a metric.
func (r *replica) value(t testing.TB, name string) (sum float64) {
	t.Helper()
	all, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			switch f.GetType() {
			case dto.MetricType_GAUGE:
				sum += m.Gauge.GetValue()
			case dto.MetricType_COUNTER:
				sum += m.Counter.GetValue()
			}
		}
		return sum
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// until waits for what another process does, such as a Redis that comes back.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("after 20 seconds: not %s", what)
		}
	}
}

func (r *replica) isUp(t testing.TB) func() bool {
	return func() bool { return r.value(t, "moonbear_redis_up") == 1 }
}

// inStep says whether Redis was told everything.
func (r *replica) inStep() bool {
	return !r.away.Load() && !r.dropped.Load() && !r.visits.all.Load() && !r.visits.some.Load()
}

func TestVisits(t *testing.T) {
	url, prefix := redistest.URL(t)
	r := unwatched(t, url, prefix)
	kvtest.Visits(t, func(*testing.T) kv.Visits {
		v := r.Redis.Visits(kv.NewMemory(100_000))
		v.prefix += rand.Text()
		return v
	})
	for _, name := range []string{"moonbear_redis_answered_by_memory_total", "moonbear_visits_split_total"} {
		if n := r.value(t, name); n != 0 {
			t.Errorf("%s is %v", name, n)
		}
	}
}

// Another replica gives the same answers, though it has seen nothing itself.
func TestVisitsOverTwoReplicas(t *testing.T) {
	url, prefix := redistest.URL(t)
	a, b := unwatched(t, url, prefix), unwatched(t, url, prefix)
	kvtest.Visits(t, func(*testing.T) kv.Visits {
		fresh := rand.Text()
		two := &inTurn{of: []*Visits{a.Redis.Visits(kv.NewMemory(100_000)), b.Redis.Visits(kv.NewMemory(100_000))}}
		for _, v := range two.of {
			v.prefix += fresh
		}
		return two
	})
	for _, r := range []*replica{a, b} {
		if n := r.value(t, "moonbear_visits_split_total"); n != 0 {
			t.Errorf("%v visits were split", n)
		}
	}
}

func TestKeys(t *testing.T) {
	url, prefix := redistest.URL(t)
	r := start(t, url, prefix)
	kvtest.Keys(t, func(*testing.T) kv.Keys {
		k := &Keys{r: r.Redis, prefix: prefix + rand.Text(), mem: kv.NewMemoryKeys(), me: rand.Text()[:8], untold: map[[16]byte]struct{}{}}
		return k
	})
}

func TestLimits(t *testing.T) {
	url, prefix := redistest.URL(t)
	r := start(t, url, prefix)
	kvtest.Limits(t, func(*testing.T) kv.Limits {
		l := r.Redis.Limits()
		l.prefix += rand.Text()
		return l
	})
	if n := r.value(t, "moonbear_redis_answered_by_memory_total"); n != 0 {
		t.Errorf("%v of the answers were memory's", n)
	}
}

func TestCheck(t *testing.T) {
	for url, ok := range map[string]bool{
		"redis://127.0.0.1:6379/0": true, "rediss://u:secret@cache.internal:6380": true, "unix:///run/redis.sock": true,
		"127.0.0.1:6379": false, "http://127.0.0.1": false, "redis://:secret@[::1": false, "redis://u:secret@host/x": false,
		"redis://a:1?addr=b:1": false, "redis://a:1?master_set=m": false,
	} {
		err := Check(url)
		if (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in %v", url, err)
		}
	}
}
