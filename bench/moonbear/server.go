// Package moonbear runs the binary as it ships, for whoever measures it.
package moonbear

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"moonbear/bench/process"
)

// Server is a Moonbear that runs.
type Server struct {
	Addr    string        // host and port
	Base    string        // its address as a URL, without a path
	Metrics string        // where /metrics and /debug/pprof are, likewise
	Ready   time.Duration // from its start until /readyz said 200

	cmd *exec.Cmd
	log log
}

// Start runs `moonbear serve` on free addresses of the loopback, with env added
// to this process's environment, and waits until it is ready.
func Start(ctx context.Context, bin string, env ...string) (*Server, error) {
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	metrics, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: addr, Base: "http://" + addr, Metrics: "http://" + metrics, cmd: exec.Command(bin, "serve")}
	s.cmd.Env = append(append(os.Environ(), "LISTEN_ADDR="+addr, "BASE_URL="+s.Base, "METRICS_ADDR="+metrics,
		"LOG_LEVEL=warn", "TRUSTED_PROXIES=127.0.0.1"), env...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(begun) < time.Minute && ctx.Err() == nil {
		res, err := http.Get(s.Base + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				s.Ready = time.Since(begun)
				return s, nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.Kill()
	return nil, errors.Join(ctx.Err(), fmt.Errorf("the server did not come up:\n%s", s.Said()))
}

// Stop ends it as an operator would. An error has what it said.
func (s *Server) Stop() error {
	if err := s.end(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the server did not stop well: %w\n%s", err, s.Said())
	}
	return nil
}

// Kill ends it as a power cut would.
func (s *Server) Kill() { _ = s.end(syscall.SIGKILL) }

func (s *Server) end(sig os.Signal) error {
	_ = s.cmd.Process.Signal(sig)
	return s.cmd.Wait()
}

// PID is its process's number.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Said is what it has logged.
func (s *Server) Said() string { return s.log.String() }

// Made is what Setup made.
type Made struct {
	SiteID string `json:"site_id"`
	Token  string `json:"token"`
}

// Setup claims a fresh service and makes its first site, with `moonbear setup`.
func Setup(ctx context.Context, bin, domain string, env ...string) (m Made, err error) {
	cmd := exec.CommandContext(ctx, bin, "setup", "--email", "bench@"+domain, "--password", "a long bench password", "--domain", domain)
	var said bytes.Buffer
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), &said
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil {
		return m, fmt.Errorf("moonbear setup: %w\n%s%s", err, out, &said)
	}
	return m, nil
}

// Pageviews asks the stats API how many pageviews the last 24 hours have.
func (s *Server) Pageviews(m Made) (int64, error) {
	q := fmt.Sprintf(`{"site_id":%q,"aggregate":["pageviews"],"period":"24h"}`, m.SiteID)
	req, err := http.NewRequest(http.MethodPost, s.Base+"/v1/stats/aggregation", strings.NewReader(q))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+m.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	var a struct {
		Data struct {
			Pageviews struct {
				Value float64 `json:"value"`
			} `json:"pageviews"`
		} `json:"data"`
	}
	if err := json.Unmarshal(b, &a); err != nil || res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("stats answered %d %s", res.StatusCode, b)
	}
	return int64(a.Data.Pageviews.Value), nil
}

// Count reads one of its metrics that has no labels.
func (s *Server) Count(name string) (float64, error) {
	res, err := http.Get(s.Metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("/metrics has no %s", name)
}

// Watch takes a CPU profile of so many seconds into dir; "" takes none. The
// function it gives waits for its end.
func (s *Server) Watch(dir, name string, seconds int) func() error {
	if dir == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		res, err := http.Get(s.Metrics + "/debug/pprof/profile?seconds=" + strconv.Itoa(seconds))
		if err != nil {
			done <- err
			return
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".pprof"), b, 0o644)
		}
		done <- err
	}()
	return func() error { return <-done }
}

// log is what a process says, safe to read while it does.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
