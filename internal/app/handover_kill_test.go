package app

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonbear/internal/blob/s3test"
)

// childEnv says that this process is a replica that is there to be killed.
const childEnv = "MOONBEAR_TEST_REPLICA"

// TestReplicaProcess is a replica of its own process, for tests that kill it.
func TestReplicaProcess(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("runs as a process of another test")
	}
	cfg, err := ReadConfig(os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err = Serve(ctx, cfg, ServeOptions{Out: os.Stderr, Log: os.Stderr, adoptEvery: time.Second,
		Listening: func(addr string) { fmt.Println("listening on", addr) }})
	if err != nil {
		t.Fatal(err)
	}
}

// process is a replica that can be killed.
type process struct {
	running
	cmd *exec.Cmd
}

func (s *scaled) process(dir string, more ...string) *process {
	s.t.Helper()
	p := &process{running: running{t: s.t, log: &syncBuffer{}}, cmd: exec.Command(os.Args[0], "-test.run=^TestReplicaProcess$")}
	p.cmd.Env = append(append(os.Environ(), childEnv+"=1", "DATA_DIR="+dir, "LISTEN_ADDR=127.0.0.1:0", "METRICS_ADDR=off", "ENV=development",
		"DATABASE_URL="+s.database, "EVENTS_URL="+s.events, "REDIS_URL="+s.redis), more...)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Logf("%s said:\n%s", filepath.Base(dir), p.log)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		s.t.Fatalf("it doesn't listen: %q, %v\n%s", line, err, p.log)
	}
	p.url = "http://" + addr
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()
}

// TestHandOverKilled: a replica is killed while it hands over to S3, and again
// told to stop; the one that adopts it is killed in the middle. Each event is
// stored once.
func TestHandOverKilled(t *testing.T) {
	long(t)
	s := newScaled(t)
	storage := s3test.Start(t)
	env := append(storage.Env(""), "DRAIN_TIMEOUT=300ms")
	dir := t.TempDir()
	gone := s.process(dir, env...)
	made, err := Setup(t.Context(), s.config(dir), SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it knows the site", func() bool {
		status, _ := gone.post("/event", fmt.Sprintf(`{"pid":%q,"event":"pageview","url":"https://example.com/"}`, made.SiteID))
		return status == http.StatusAccepted
	})
	count := func(what string) int {
		t.Helper()
		name := s.events[strings.LastIndexByte(s.events, '/')+1:]
		answer, err := s.ch.Ask("select " + what + " from " + name + ".events where name like 'e%'")
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(answer)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	until(t, "the store is made", func() bool { return gone.metric(made, "pageviews") == 1 })

	s.ch.Kill(t)
	const batches, each = 24, 250 // 90 MB, six segments
	for i := range batches {
		var b strings.Builder
		fmt.Fprintf(&b, `{"site_id":%q,"events":[`, made.SiteID)
		for j := range each {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"event":"e%d","url":"https://example.com/","visitor_id":"v%d","props":{`, i*each+j, j)
			for k := range 8 {
				if k > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, `"p%d":"%d %s"`, k, i*each+j, strings.Repeat("x", 1900))
			}
			b.WriteString(`}}`)
		}
		b.WriteString(`]}`)
		if status, answer := gone.post("/v1/events", b.String(), "Authorization", "Bearer "+made.Token); status != http.StatusAccepted {
			t.Fatalf("a batch was answered %d %s", status, answer)
		}
	}

	objects := func(pattern string) int {
		t.Helper()
		names, err := filepath.Glob(storage.File("spool/*/*/" + pattern))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	term := func(p *process) {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	soon := func(what string, holds func() bool) {
		t.Helper()
		for begun := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
			if time.Since(begun) > patience {
				t.Fatalf("it still does not hold: %s", what)
			}
		}
	}
	term(gone)
	soon("something is uploaded", func() bool { return objects("*.seg") > 1 })
	gone.kill()
	if objects("complete.json") > 0 {
		t.Fatal("it was killed too late to try anything")
	}
	gone = s.process(dir, env...)
	term(gone)
	if err := gone.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, gone.log)
	}
	if objects("complete.json") != 1 || objects("*.seg") < 5 {
		t.Fatalf("%d objects are there, %d markers\n%s", objects("*.seg"), objects("complete.json"), gone.log)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}

	s.ch.Restart(t)
	victim := s.process(t.TempDir(), env...)
	soon("some of it is adopted", func() bool { return count("count()") > 0 })
	victim.kill()
	if n := count("count()"); n == batches*each {
		t.Fatal("the adopter was killed too late to try anything")
	} else {
		t.Logf("killed with %d of %d events stored", n, batches*each)
	}
	if objects("complete.json") != 1 {
		t.Error("its marker is gone, and not all of it is stored")
	}
	other := s.process(t.TempDir(), env...)
	until(t, "another adopts the rest", func() bool { return objects("*") == 0 })
	if n, unique := count("count()"), count("uniqExact(name)"); n != batches*each || unique != n {
		t.Errorf("%d events are stored, %d of them different, want %d\n%s", n, unique, batches*each, other.log)
	}
}
