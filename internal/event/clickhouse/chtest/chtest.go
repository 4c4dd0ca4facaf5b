package chtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Server is a ClickHouse for the tests of one process.
type Server struct {
	url     *url.URL // without a database
	process *process // nil: a server that was there before
}

// Start starts a server that ends with the test, and its files too. A test that
// kills or stops it wants one of its own; others do with Shared.
func Start(t testing.TB) *Server {
	t.Helper()
	if u := os.Getenv("TEST_CLICKHOUSE_URL"); u != "" {
		s, err := existing(u)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	p := newProcess(t, t.TempDir(), false)
	t.Cleanup(func() {
		if err := p.death(); err != nil {
			t.Error(err)
		}
		p.kill()
		if t.Failed() && p.log.String() != "" {
			t.Logf("the server said:\n%s", p.log.String())
		}
	})
	return &Server{url: p.url(), process: p}
}

// Open starts a server for a program that isn't a test, on the files in dir,
// which stay when Close has ended it. Like Start it takes the server that
// TEST_CLICKHOUSE_URL names instead.
func Open(dir string) (*Server, error) {
	if u := os.Getenv("TEST_CLICKHOUSE_URL"); u != "" {
		return existing(u)
	}
	paths, err := install()
	if err != nil {
		return nil, err
	}
	p, err := run(paths[0], paths[1], dir, false)
	if err != nil {
		return nil, err
	}
	return &Server{url: p.url(), process: p}, nil
}

// Close ends the server of Open.
func (s *Server) Close() error {
	if s.process == nil {
		return nil
	}
	return s.process.stop()
}

// PID is the number of the server's process; 0 for a server that was there
// before.
func (s *Server) PID() int {
	if s.process == nil {
		return 0
	}
	return s.process.pid()
}

var shared struct {
	sync.Mutex
	server *Server
}

// Shared is one server for all tests of the process. It ends when the process
// does, however that ends.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server
	}
	if u := os.Getenv("TEST_CLICKHOUSE_URL"); u != "" {
		s, err := existing(u)
		if err != nil {
			t.Fatal(err)
		}
		shared.server = s
		return s
	}
	dir, err := os.MkdirTemp("", "moonbear-chserver-")
	if err != nil {
		t.Fatal(err)
	}
	p := newProcess(t, dir, true)
	shared.server = &Server{url: p.url(), process: p}
	return shared.server
}

// existing is the server that TEST_CLICKHOUSE_URL names.
func existing(u string) (*Server, error) {
	parsed, err := url.Parse(u)
	if err != nil {
		return nil, fmt.Errorf("TEST_CLICKHOUSE_URL: %w", err)
	}
	return &Server{url: parsed}, nil
}

var databases atomic.Int64

// Database makes an empty database, which is gone after the test, and gives its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("moonbear_test_%d_%d", os.Getpid(), databases.Add(1))
	if _, err := s.Ask("create database " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = s.Ask("drop database if exists " + name) // it may have been killed
	})
	return s.URL(name)
}

// URL is where a database is.
func (s *Server) URL(database string) string {
	u := *s.url
	u.Path = "/" + database
	return u.String()
}

// Ask runs one statement beside the store under test; the answer is tab separated.
func (s *Server) Ask(query string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	u := *s.url
	u.Path = "/"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(query))
	if err != nil {
		return "", err
	}
	if u.User != nil {
		password, _ := u.User.Password()
		req.SetBasicAuth(u.User.Username(), password)
		req.URL.User = nil
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if s.process != nil {
			err = errors.Join(s.process.death(), err)
		}
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", query, strings.TrimSpace(string(b)))
	}
	return strings.TrimRight(string(b), "\n"), nil
}

// Directory is where the server's files are; "" for a server that was there before.
func (s *Server) Directory() string {
	if s.process == nil {
		return ""
	}
	return s.process.dir
}

// own skips a test that a server which was there before can't be used for.
func (s *Server) own(t testing.TB) *process {
	t.Helper()
	if s.process == nil {
		t.Skip("the server of TEST_CLICKHOUSE_URL is not ours to kill")
	}
	return s.process
}

// Kill ends the server as a crash does.
func (s *Server) Kill(t testing.TB) { s.own(t).kill() }

// Restart starts it again with the files and the address it had, killing it
// first if it runs.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	p := s.own(t)
	p.kill()
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
}

// Freeze stops the server without ending it: it keeps its connections and
// answers nothing until Thaw.
func (s *Server) Freeze(t testing.TB) { s.own(t).freeze(t) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw(t testing.TB) { s.own(t).thaw(t) }
