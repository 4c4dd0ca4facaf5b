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
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"moonbear/internal/event/duckdb"
)

// hit is one request that is to be stored once.
type hit struct {
	url    string
	body   []byte
	header map[string]string
}

// target is what is being killed.
type target interface {
	command(ctx context.Context) *exec.Cmd
	// address is where it listens; line is what it printed first.
	address(ctx context.Context, line func() (string, error)) (string, error)
	hit(addr, id, pad string) hit
	// batch is several hits in one request that may be sent again under its
	// key until it is answered; ok is false when the target has no such thing.
	batch(addr, key string, ids []string) (h hit, ok bool)
}

func newTarget(ctx context.Context, server, dir string) (target, error) {
	if server == "" {
		return childTarget{dir}, nil
	}
	return newServer(ctx, server, dir)
}

// childTarget is this program again: spool, loader and store, and no more.
type childTarget struct{ dir string }

func (t childTarget) command(context.Context) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+t.dir)
	return cmd
}

func (t childTarget) address(_ context.Context, line func() (string, error)) (string, error) {
	return line()
}

func (t childTarget) hit(addr, id, pad string) hit {
	return hit{url: "http://" + addr + "/" + id, body: []byte(pad)}
}

func (t childTarget) batch(string, string, []string) (hit, bool) { return hit{}, false }

// server is the real thing, claimed by its own setup command.
type server struct {
	binary, dir, addr, site, token string
}

func newServer(ctx context.Context, binary, dir string) (*server, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{binary: binary, dir: dir, addr: l.Addr().String()}
	if err := l.Close(); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, "setup", "--email", "crash@example.com",
		"--password", "correct horse battery staple", "--domain", "crash.example")
	cmd.Env = s.env()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("set the server up: %w\n%s", err, stderrOf(err))
	}
	var res struct {
		SiteID string `json:"site_id"`
		Token  string `json:"token"`
	}
	if err := json.Unmarshal(out, &res); err != nil || res.SiteID == "" || res.Token == "" {
		return nil, fmt.Errorf("setup printed %q: %w", out, err)
	}
	s.site, s.token = res.SiteID, res.Token
	return s, nil
}

func stderrOf(err error) []byte {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.Stderr
	}
	return nil
}

func (s *server) env() []string {
	return append(os.Environ(), "DATA_DIR="+s.dir, "LISTEN_ADDR="+s.addr, "METRICS_ADDR=off",
		"EVENTS_MEMORY=128MiB", "SPOOL_MAX_BYTES=16MiB", "LOG_LEVEL=warn")
}

func (s *server) command(context.Context) *exec.Cmd {
	cmd := exec.Command(s.binary, "serve")
	cmd.Env = s.env()
	return cmd
}

// address waits until the server answers.
func (s *server) address(ctx context.Context, _ func() (string, error)) (string, error) {
	client := newClient(1)
	for deadline := time.Now().Add(30 * time.Second); ; sleep(ctx, 10*time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/analytics.js?site="+s.site, nil)
		if err != nil {
			return "", err
		}
		res, err := client.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s.addr, nil
			}
			err = fmt.Errorf("status %d", res.StatusCode)
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("the server does not answer: %w", err)
		}
	}
}

func (s *server) hit(addr, id, pad string) hit {
	m := map[string]any{"pid": s.site, "event": "pageview", "url": "https://crash.example/" + id}
	if pad != "" {
		props := map[string]string{}
		for i := 0; len(pad) > 0; i++ {
			n := min(len(pad), 1900)
			props[fmt.Sprintf("k%d", i)], pad = pad[:n], pad[n:]
		}
		m["event"], m["props"] = "crash", props
	}
	body, err := json.Marshal(m)
	if err != nil {
		panic(err) // maps of strings
	}
	return hit{url: "http://" + addr + "/event", body: body}
}

func (s *server) batch(addr, key string, ids []string) (hit, bool) {
	events := make([]map[string]any, len(ids))
	for i, id := range ids {
		events[i] = map[string]any{"event": "pageview", "url": "https://crash.example/" + id, "visitor_id": key}
	}
	body, err := json.Marshal(map[string]any{"site_id": s.site, "events": events})
	if err != nil {
		panic(err) // maps of strings
	}
	return hit{"http://" + addr + "/v1/events", body, map[string]string{
		"Authorization": "Bearer " + s.token, "Idempotency-Key": key}}, true
}

// process is a started server.
type process struct {
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
	exited chan struct{}
	err    error
}

func start(ctx context.Context, t target) (*process, error) {
	p := &process{cmd: t.command(ctx), exited: make(chan struct{})}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(out)
	p.cmd.Stdout, p.cmd.Stderr = in, &p.stderr
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, in.Close()
}

// ready waits until the server can be sent hits.
func (p *process) ready(ctx context.Context, t target) (addr string, err error) {
	addr, err = t.address(ctx, func() (string, error) {
		line, err := p.stdout.ReadString('\n')
		return strings.TrimSpace(line), err
	})
	if err != nil {
		p.kill()
		return "", fmt.Errorf("start: %w\n%s", err, &p.stderr)
	}
	go func() { _, _ = io.Copy(io.Discard, p.stdout) }() // ends with the process
	return addr, nil
}

// kill ends the process without a word of warning.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // gone already is as good
	<-p.exited
}

// stop ends it as a service manager does, and wants it to end well.
func (p *process) stop(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	t := time.NewTimer(time.Minute)
	defer t.Stop()
	select {
	case <-p.exited:
	case <-t.C:
		return errors.New("it does not stop within a minute")
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.err != nil {
		return fmt.Errorf("it did not stop well: %w\n%s", p.err, &p.stderr)
	}
	return nil
}

// browser is a user agent that no list takes for a bot.
const browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

func newClient(connections int) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
}

// post sends a hit; status is 0 when there was no answer.
func post(ctx context.Context, client *http.Client, h hit) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(h.body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", browser)
	for k, v := range h.header {
		req.Header.Set(k, v)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body) // the status has been said
	return res.StatusCode, res.Body.Close()
}

// readStore counts the stored events by hit.
func readStore(ctx context.Context, path string) (_ map[string]int, err error) {
	store, err := duckdb.Open(ctx, duckdb.Options{Path: path, Memory: 256 << 20})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	rows, err := store.Select(ctx, "select path, count(*) from events where path <> '' group by path")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stored := map[string]int{}
	for rows.Next() {
		var path string
		var n int
		if err := rows.Scan(&path, &n); err != nil {
			return nil, err
		}
		stored[strings.TrimPrefix(path, "/")] = n
	}
	return stored, rows.Err()
}
