package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// replica is one server of the service.
type replica struct {
	t    *testing.T
	bin  string
	dir  string
	addr string
	env  []string
	log  logged
	cmd  *exec.Cmd
}

// logged is what a process says; the end of it is shown when the test fails.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.b.Bytes()
	return string(b[max(0, len(b)-4000):])
}

// count is how often it said what.
func (l *logged) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.b.Bytes(), []byte(what))
}

func newReplica(t *testing.T, bin, dir string, stores ...string) *replica {
	r := &replica{t: t, bin: bin, dir: dir, addr: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	r.env = append(append(os.Environ(), stores...), "DATA_DIR="+dir, "LISTEN_ADDR="+r.addr, "METRICS_ADDR=off",
		"TRUSTED_PROXIES=127.0.0.1", "ENV=development", "GOMAXPROCS=1")
	t.Cleanup(func() {
		r.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(dir), r.log.tail())
		}
	})
	return r
}

// start starts it and waits until it is ready.
func (r *replica) start() {
	r.t.Helper()
	r.launch()
	r.ready()
}

func (r *replica) launch() {
	r.t.Helper()
	r.cmd = exec.Command(r.bin, "serve")
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = r.env, &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) ready() {
	r.t.Helper()
	until(r.t, time.Minute, filepath.Base(r.dir)+" is ready", func() bool {
		res, err := http.Get("http://" + r.addr + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

func (r *replica) end(sig syscall.Signal) {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Signal(sig)
	_ = r.cmd.Wait()
	r.cmd = nil
}

func (r *replica) kill() { r.end(syscall.SIGKILL) }
func (r *replica) stop() { r.end(syscall.SIGTERM) }

// setup claims the service and makes its site.
func (r *replica) setup() (site string) {
	r.t.Helper()
	cmd := exec.Command(r.bin, "setup", "--email", "chaos@example.com", "--password", "correct horse battery", "--domain", "chaos.example")
	cmd.Env = r.env
	out, err := cmd.Output()
	var made struct {
		SiteID string `json:"site_id"`
	}
	if err == nil {
		err = json.Unmarshal(out, &made)
	}
	if err != nil {
		r.t.Fatalf("setup: %v %s", err, out)
	}
	return made.SiteID
}
