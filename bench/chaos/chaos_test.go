package chaos

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/event/clickhouse"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/kv/redistest"
	"moonbear/internal/wiretest"
)

var whole = flag.Bool("whole", false, "break each thing for as long as docs/reliability.md says, not for two seconds")

// lasts is how long something stays broken.
func lasts(long time.Duration) time.Duration {
	if *whole {
		return long
	}
	return min(long, 2*time.Second)
}

// service is the replicas and what they stand on.
type service struct {
	t        *testing.T
	postgres *postgres
	redis    *redistest.Server
	events   *chtest.Server
	wire     *wiretest.Wire // to events
	store    *clickhouse.Store
	proxy    *proxy
	bin      string
	dir      string
	env      []string
	replicas []*replica
	disk     *disk // of the second replica's spool; nil: it is no other than everything's
	load     *load
}

func newService(t *testing.T, n int) *service {
	t.Helper()
	s := &service{t: t, postgres: startPostgres(t), redis: redistest.Start(t), events: chtest.Start(t), proxy: newProxy(t), dir: t.TempDir()}
	direct := s.events.Database(t)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	s.wire = wiretest.New(t, u.Host)
	u.Host = s.wire.Addr()
	s.env = []string{"DATABASE_URL=" + s.postgres.url(), "EVENTS_URL=clickhouse+" + u.String(), "REDIS_URL=" + s.redis.URL,
		"BACKUP_URL=file://" + t.TempDir(), "DRAIN_DELAY=500ms", fmt.Sprint("DRAIN_TIMEOUT=", lasts(10*time.Second))}
	if s.store, err = clickhouse.Open(t.Context(), clickhouse.Options{URL: direct}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.bin = build(t)
	s.more(n)
	s.load = newLoad(t, s.proxy.url, s.replicas[0].setup())
	// Until every replica knows the site.
	stop(s.replicas)
	start(s.replicas)
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

// more starts n more replicas.
func (s *service) more(n int) {
	s.t.Helper()
	young := len(s.replicas)
	for range n {
		dir := filepath.Join(s.dir, fmt.Sprintf("replica-%d", len(s.replicas)+1))
		if err := os.Mkdir(dir, 0o700); err != nil {
			s.t.Fatal(err)
		}
		if len(s.replicas) == 1 {
			s.disk = mountSmall(s.t, filepath.Join(dir, "spool"))
		}
		s.replicas = append(s.replicas, newReplica(s.t, s.bin, dir, s.env...))
	}
	start(s.replicas[young:])
}

// serve has the proxy send hits to these replicas.
func (s *service) serve(rs ...*replica) {
	var addrs []string
	for _, r := range rs {
		addrs = append(addrs, r.addr)
	}
	s.proxy.set(addrs...)
}

// said is how often replicas have said something.
func (s *service) said(what string) (n int) {
	for _, r := range s.replicas {
		n += r.log.count(what)
	}
	return n
}

// breaks are what happens to a service, one at a time. Each leaves it whole.
var breaks = []struct {
	name string
	do   func(s *service)
}{
	{"nothing", func(*service) { time.Sleep(lasts(10 * time.Second)) }},
	{killed, func(s *service) {
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
		before := s.said("loading failed")
		for end := time.Now().Add(lasts(30 * time.Second)); time.Now().Before(end); time.Sleep(70 * time.Millisecond) {
			s.wire.Drop()
		}
		if s.said("loading failed") == before {
			s.t.Error("no batch was cut")
		}
	}},
	{"a full spool disk", (*service).fillDisk},
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
	{"from 8 replicas to 2 while the event store is away", (*service).shrink},
}

// fillDisk takes the room of one replica's spool: first what the disk has left,
// which nobody notices, then what the spool holds in advance, too.
func (s *service) fillDisk() {
	s.t.Helper()
	if s.disk == nil {
		s.t.Log("mounting a small disk needs Linux and root: none was filled")
		return
	}
	r := s.replicas[1]
	s.disk.fill()
	took, refused := s.proxy.took(r.addr), s.proxy.refused(r.addr)
	until(s.t, time.Minute, "a replica whose disk has just filled up takes hits", func() bool { return s.proxy.took(r.addr) > took+perSecond/4 })
	r.stop()
	if err := os.Remove(filepath.Join(r.dir, "spool", "spare")); err != nil {
		s.t.Error(err)
	}
	r.launch()
	until(s.t, time.Minute, "a replica without room refuses hits", func() bool { return s.proxy.refused(r.addr) > refused })
	until(s.t, time.Minute, "it says that it isn't ready", func() bool { return !s.proxy.ready(r.addr) })
	time.Sleep(lasts(30 * time.Second))
	took = s.proxy.took(r.addr)
	s.disk.free()
	until(s.t, time.Minute, "a replica that has room again takes hits", func() bool { return s.proxy.took(r.addr) > took+10 })
}

// shrink leaves two replicas of eight. What the others hold can't be stored when
// they end, and is handed over. In short they come back on their volumes
// before another looks for it; else their volumes are gone, too.
func (s *service) shrink() {
	s.t.Helper()
	s.more(8 - len(s.replicas))
	s.serve(s.replicas...)
	time.Sleep(time.Second)
	s.events.Kill(s.t)
	time.Sleep(lasts(20 * time.Second))
	leaving := s.replicas[2:]
	stop(leaving)
	s.serve(s.replicas[:2]...)
	for _, r := range leaving {
		if r.log.count("handed over: another server counts it") == 0 {
			s.t.Errorf("%s ended and handed nothing over", filepath.Base(r.dir))
		}
	}
	time.Sleep(lasts(10 * time.Second))
	s.events.Restart(s.t)
	if !*whole {
		start(leaving)
		stop(leaving)
		return
	}
	for _, r := range leaving {
		if err := os.RemoveAll(r.dir); err != nil {
			s.t.Error(err)
		}
	}
}

// start starts all at once, and waits until they are ready.
func start(rs []*replica) {
	for _, r := range rs {
		r.launch()
	}
	for _, r := range rs {
		r.ready()
	}
}

// stop tells all to stop at once, and waits until they have.
func stop(rs []*replica) {
	var wg sync.WaitGroup
	for _, r := range rs {
		wg.Go(r.stop)
	}
	wg.Wait()
}

// killed is the one break that may cut connections of hits.
const killed = "SIGKILL of a replica"

// TestChaos breaks one thing after the other under load.
func TestChaos(t *testing.T) {
	if !*whole && os.Getenv("TEST_LONG") == "" {
		t.Skip("a minute and more: TEST_LONG=1 runs it, as make test does, and make chaos breaks things for longer")
	}
	s := newService(t, 3)
	var table strings.Builder
	table.WriteString("| what broke | for | sent | acknowledged | of these stored once | 5xx | connections cut | level after |\n|---|---|---|---|---|---|---|---|\n")
	var before verdict
	for _, b := range breaks {
		begun := time.Now()
		s.load.during(func() { b.do(s) })
		all := s.load.settled(b.name, s.store)
		v := all.since(before)
		fmt.Fprintf(&table, "| %s | %.0f s | %d | %d | %d | %d | %d | %.1f s |\n", b.name, v.broken.Seconds(), v.sent, v.acked, v.stored, v.errors, v.cut, v.level.Seconds())
		t.Logf("%v: %s: %+v", time.Since(begun).Round(time.Second/10), b.name, v)
		if v.cut > 0 && b.name != killed {
			t.Errorf("%s: %d connections were cut", b.name, v.cut)
		}
		if v.acked < perSecond {
			t.Errorf("%s: only %d hits were acknowledged: too few to mean anything", b.name, v.acked)
		}
		if t.Failed() {
			break
		}
		before = all
	}
	t.Logf("\n%s", &table)
}
