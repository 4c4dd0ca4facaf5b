package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// eventsMemory is EVENTS_MEMORY of the servers, but for the small one's, which
// finds its own.
const eventsMemory = 512 << 20

// server is a Moonbear over a data directory.
type server struct {
	bin, dir, addr, metrics string
	token                   string
	sites                   []string
	events                  int64
	env                     []string // more of it
	group                   *group   // where it is to live; nil: anywhere

	cmd  *exec.Cmd
	done chan error
	log  bytes.Buffer
	http *http.Client
}

func newServer(bin, dir string) (*server, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	s := &server{bin: bin, dir: dir, http: &http.Client{Jar: jar, Timeout: 3 * time.Minute}}
	for _, addr := range []*string{&s.addr, &s.metrics} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		*addr = l.Addr().String()
		l.Close()
	}
	return s, nil
}

func (s *server) environ() []string {
	return append(append(os.Environ(), "DATA_DIR="+s.dir, "LISTEN_ADDR="+s.addr, "METRICS_ADDR="+s.metrics,
		"TRUSTED_PROXIES=127.0.0.1", "LOG_LEVEL=info", "EVENTS_MEMORY="+strconv.Itoa(eventsMemory)), s.env...)
}

// command runs a subcommand and reads what it prints.
func (s *server) command(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, s.bin, args...)
	var log bytes.Buffer
	cmd.Env, cmd.Stderr = s.environ(), &log
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("moonbear %s: %w\n%s", args[0], err, &log)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(out, into)
}

// start starts it and waits until it acknowledges a hit.
func (s *server) start(ctx context.Context) error {
	s.log.Reset()
	s.cmd, s.done = exec.Command(s.bin, "serve"), make(chan error, 1)
	if s.group != nil {
		s.cmd = s.group.command(s.bin, "serve")
	}
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.environ(), &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	cmd, done := s.cmd, s.done
	go func() { done <- cmd.Wait() }()
	return s.until(ctx, time.Minute, func() bool { return s.acknowledges(ctx) })
}

// acknowledges says whether a hit is taken: one that is counted for nobody, as
// its site isn't known, is answered 404 once collecting works.
func (s *server) acknowledges(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/event",
		strings.NewReader(`{"pid":"nobodyknowsit","event":"pageview","url":"https://x.example/"}`))
	if err != nil {
		return false
	}
	req.Header.Set("User-Agent", agent)
	res, err := s.http.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusNotFound
}

// until waits for a condition, or for the server's end.
func (s *server) until(ctx context.Context, most time.Duration, holds func() bool) error {
	for end := time.Now().Add(most); !holds(); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-s.done:
			s.done <- err
			return fmt.Errorf("the server ended: %w\n%s", err, &s.log)
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within %v", most)
		}
	}
	return nil
}

// end stops the server, if it runs, as a service manager does.
func (s *server) end() error { return s.signal(syscall.SIGTERM) }

// kill ends it without a warning.
func (s *server) kill() error {
	if err := s.signal(syscall.SIGKILL); err != nil && !strings.Contains(err.Error(), "killed") {
		return err
	}
	return nil
}

func (s *server) signal(sig os.Signal) error {
	if s.cmd == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(sig) // gone already is as good
	err := <-s.done
	s.cmd = nil
	return err
}

// api asks the API and reads its answer.
func (s *server) api(ctx context.Context, method, path string, ask, into any) error {
	var body io.Reader
	if ask != nil {
		b, err := json.Marshal(ask)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.addr+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		return errors.Join(err, fmt.Errorf("%s %s answered %d %s", method, path, res.StatusCode, b))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(b, into)
}

// signIn gets the cookie that pages want.
func (s *server) signIn(ctx context.Context) error {
	form := url.Values{"email": {owner}, "password": {password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.Request.URL.Path == "/login" {
		return fmt.Errorf("signing in answered %d", res.StatusCode)
	}
	return nil
}

// page fetches a page whole, and says how long that took.
func (s *server) page(ctx context.Context, path string) (time.Duration, error) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+path, nil)
	if err != nil {
		return 0, err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return 0, errors.Join(err, fmt.Errorf("GET %s answered %d", path, res.StatusCode))
	}
	if bytes.Contains(b, []byte(`class="panel-problem`)) {
		return 0, fmt.Errorf("GET %s: a panel failed", path)
	}
	return time.Since(began), nil
}

// resident is the server's memory now and at most so far, bytes.
func (s *server) resident() (now, most int64, err error) {
	f, err := os.Open("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		if len(fields) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			now = n << 10
		case "VmHWM:":
			most = n << 10
		}
	}
	return now, most, nil
}

// cpu is the processor time the server has used.
func (s *server) cpu() time.Duration {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if err != nil || len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64) // utime and stime of proc_pid_stat(5)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// forgetMost lets resident's most begin anew.
func (s *server) forgetMost() error {
	return os.WriteFile("/proc/"+strconv.Itoa(s.cmd.Process.Pid)+"/clear_refs", []byte("5"), 0)
}

// metric reads one of the server's figures.
func (s *server) metric(name string) float64 {
	res, err := http.Get("http://" + s.metrics + "/metrics")
	if err != nil {
		return -1
	}
	defer res.Body.Close()
	for sc := bufio.NewScanner(res.Body); sc.Scan(); {
		if v, ok := strings.CutPrefix(sc.Text(), name+" "); ok {
			n, _ := strconv.ParseFloat(v, 64)
			return n
		}
	}
	return -1
}
