package chaos

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event/clickhouse"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/kv/redistest"
)

var brief = flag.Bool("brief", false, "break each thing for three seconds")

var whole = flag.Bool("whole", false, "break each thing for as long as docs/reliability.md says")

// lasts is how long something stays broken.
func lasts(long time.Duration) time.Duration {
	if *whole {
		return long
	}
	return min(long, 3*time.Second)
}

// service is the replicas and what they stand on.
type service struct {
	t        *testing.T
	postgres *postgres
	redis    *redistest.Server
	events   *chtest.Server
	wire     *wire // to events
	store    *clickhouse.Store
	proxy    *proxy
	replicas []*replica
	env      []string
	load     *load
}

func newService(t *testing.T, n int) *service {
	t.Helper()
	s := &service{t: t, postgres: startPostgres(t), redis: redistest.Start(t), events: chtest.Start(t), proxy: newProxy(t)}
	direct := s.events.Database(t)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	s.wire = newWire(t, u.Host)
	u.Host = s.wire.addr
	s.env = []string{"DATABASE_URL=" + s.postgres.url(), "EVENTS_URL=clickhouse+" + u.String(), "REDIS_URL=" + s.redis.URL}
	if s.store, err = clickhouse.Open(t.Context(), clickhouse.Options{URL: direct}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	bin := build(t)
	for i := range n {
		dir := filepath.Join(t.TempDir(), fmt.Sprintf("replica-%d", i+1))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		r := newReplica(t, bin, dir, s.env...)
		s.replicas = append(s.replicas, r)
		r.start()
	}
	s.load = newLoad(t, s.proxy.url, s.replicas[0].setup())
	// Until every replica knows the site.
	for _, r := range s.replicas {
		r.stop()
		r.start()
	}
	s.serve(s.replicas...)
	return s
}

// build makes the binary as it ships, but for static linking.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "moonbear")
	if out, err := exec.Command("go", "build", "-o", bin, "moonbear/cmd/moonbear").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// serve has the proxy send hits to these replicas.
func (s *service) serve(rs ...*replica) {
	var addrs []string
	for _, r := range rs {
		addrs = append(addrs, r.addr)
	}
	s.proxy.set(addrs...)
}

// breaks are what happens to a service, one at a time. Each leaves it whole.
var breaks = []struct {
	name string
	do   func(s *service)
}{
	{"nothing", func(*service) { time.Sleep(lasts(10 * time.Second)) }},
	{"SIGKILL of a replica", func(s *service) {
		s.replicas[1].kill()
		time.Sleep(lasts(10 * time.Second))
		s.replicas[1].start()
	}},
	{"a replica told to stop, and started again", func(s *service) {
		s.replicas[2].stop()
		time.Sleep(lasts(5 * time.Second))
		s.replicas[2].start()
	}},
	{"SIGSTOP of the event store", func(s *service) {
		s.events.Freeze(s.t)
		time.Sleep(lasts(2 * time.Minute))
		s.events.Thaw(s.t)
	}},
	{"SIGKILL of the event store", func(s *service) {
		s.events.Kill(s.t)
		time.Sleep(lasts(time.Minute))
		s.events.Restart(s.t)
	}},
	{"SIGKILL of Redis, which comes back empty", func(s *service) {
		s.redis.Kill()
		time.Sleep(lasts(time.Minute))
		s.redis.Restart()
	}},
	{"a restart of PostgreSQL", func(s *service) {
		s.postgres.stop()
		time.Sleep(lasts(20 * time.Second))
		s.postgres.start()
	}},
	{"connections to the event store cut in mid-batch", func(s *service) {
		for end := time.Now().Add(lasts(30 * time.Second)); time.Now().Before(end); time.Sleep(70 * time.Millisecond) {
			s.wire.cut()
		}
	}},
	{"a replica started while all stores are down", func(s *service) {
		s.replicas[0].stop()
		s.postgres.stop()
		s.redis.Kill()
		s.events.Kill(s.t)
		s.replicas[0].start()
		time.Sleep(lasts(time.Minute))
		s.events.Restart(s.t)
		s.redis.Restart()
		s.postgres.start()
	}},
}

// TestChaos breaks one thing after the other under load.
func TestChaos(t *testing.T) {
	if !*whole && !*brief {
		t.Skip("breaks things for minutes: make chaos runs it, or -brief")
	}
	s := newService(t, 3)
	var table strings.Builder
	table.WriteString("| what broke | hits sent | acknowledged, stored once | connections cut | level after |\n|---|---|---|---|---|\n")
	before := verdict{}
	for _, b := range breaks {
		s.load.during(func() { b.do(s) })
		v := s.load.settled(b.name, s.store)
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %d s |\n", v.name, v.sent-before.sent, v.acked-before.acked, v.cut-before.cut, v.recovery)
		if t.Failed() {
			break
		}
		before = v
	}
	t.Logf("\n%s", &table)
}
