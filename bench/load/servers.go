package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"moonbear/internal/spool"
)

// serveBare is the yardstick: an http.Handler that reads the body and answers
// 202. With durable it is the same handler, waiting for a group-committed fsync
// of the body before it answers.
func serveBare(ctx context.Context, addr string, durable bool) error {
	keep := func(context.Context, []byte) error { return nil }
	if durable {
		dir, err := os.MkdirTemp("", "moonbear-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s, err := spool.Open(spool.Options{Dir: dir, MaxBytes: 64 << 30, SegmentBytes: 64 << 20})
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		defer func() { <-done; _ = s.Close() }()
		keep = s.Append
	}
	srv := &http.Server{Addr: addr, ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 16<<10))
		if err == nil {
			err = keep(r.Context(), body)
		}
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// A server is a child process under load.
type server struct {
	name  string
	addr  string
	path  string
	cmd   *exec.Cmd
	log   bytes.Buffer
	dir   string
	site  string
	token string
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// startBare runs this program again as the bare handler.
func startBare(name, mode string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s := &server{name: name, addr: addr, path: "/event", cmd: exec.Command(self, "-serve", mode, "-addr", addr)}
	return s, s.start("/event")
}

// startMoonbear sets up a fresh instance in a directory of its own and serves it.
func startMoonbear(bin, metrics string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "moonbear-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{name: "moonbear", addr: addr, path: "/event", dir: dir}
	environ := append(os.Environ(), "DATA_DIR="+filepath.Join(dir, "data"), "LISTEN_ADDR="+addr, "METRICS_ADDR="+metrics,
		"TRUSTED_PROXIES=127.0.0.1", "LOG_LEVEL=warn", "COLLECT_RATE=0")
	setup := exec.Command(bin, "setup", "--email", "bench@bench.example", "--password", "a long bench password", "--domain", "bench.example")
	setup.Env, setup.Stderr = environ, &s.log
	out, err := setup.Output()
	if err != nil {
		return s, fmt.Errorf("moonbear setup: %w\n%s", err, &s.log)
	}
	var made struct {
		SiteID string `json:"site_id"`
		Token  string `json:"token"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return s, fmt.Errorf("moonbear setup answered %q: %w", out, err)
	}
	s.site, s.token = made.SiteID, made.Token
	s.cmd = exec.Command(bin, "serve")
	s.cmd.Env = environ
	return s, s.start("/readyz")
}

func (s *server) start(ready string) error {
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 200 {
		res, err := http.Post("http://"+s.addr+ready, "text/plain", strings.NewReader("{}"))
		if err == nil {
			res.Body.Close()
			if res.StatusCode < 500 {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s did not come up on %s:\n%s", s.name, s.addr, &s.log)
}

func (s *server) stop() error {
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	err := s.cmd.Wait()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
	return err
}

// cpu is the processor time the server has used, user and system.
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, err
	}
	// The name may hold spaces; fields count from after its ")". utime and
	// stime are fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc stat has %d fields", len(f))
	}
	var ticks int64
	for _, field := range f[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// pageviews asks the stats API how many pageviews the last 24 hours have.
func (s *server) pageviews() (int64, error) {
	q := fmt.Sprintf(`{"site_id":%q,"aggregate":["pageviews"],"period":"24h"}`, s.site)
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/v1/stats/aggregation", strings.NewReader(q))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
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
