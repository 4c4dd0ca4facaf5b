// Package redistest gives tests a real Redis: one of their own, that they may
// kill, or the one that TEST_REDIS_URL names.
package redistest

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// URL is a running Redis and a prefix for the test's keys, because others may
// use it too.
func URL(t testing.TB) (url, prefix string) {
	t.Helper()
	if url = os.Getenv("TEST_REDIS_URL"); url == "" {
		url = Start(t).URL
	}
	return url, "test " + rand.Text() + " "
}

// Server is a Redis of a test's own, empty at the start and after each. Nothing
// of it is kept on disk.
type Server struct {
	URL  string
	t    testing.TB
	port int
	dir  string
	cmd  *exec.Cmd
}

// Start starts a Redis that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed (apt-get install redis-server), so nothing was tested over Redis")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, port: l.Addr().(*net.TCPAddr).Port, dir: t.TempDir()}
	l.Close()
	s.URL = fmt.Sprintf("redis://127.0.0.1:%d/0", s.port)
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// Restart starts the server again, after Kill.
func (s *Server) Restart() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", s.dir, "--loglevel", "warning")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if answers(s.port) {
			return
		}
		if time.Since(begun) > 20*time.Second {
			s.t.Fatal("redis-server does not answer")
		}
	}
}

// Kill ends the server at once; what is in it is lost.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Pause has the server answer nobody, and Resume again.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume undoes Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func answers(port int) bool {
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	defer c.Close()
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "+PONG")
}

// Dump is every key in the server with its value.
func (s *Server) Dump() (all []string) {
	s.t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	// One script, so that there is one answer to read.
	const script = `local all = {} for _, k in ipairs(redis.call('keys', '*')) do
		all[#all + 1] = k all[#all + 1] = redis.call('get', k) end return all`
	fmt.Fprintf(c, "*3\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n0\r\n", len(script), script)
	r := bufio.NewReader(c)
	for range s.number(r, '*') / 2 {
		text := ""
		for range 2 {
			b := make([]byte, s.number(r, '$')+2)
			if _, err := io.ReadFull(r, b); err != nil {
				s.t.Fatal(err)
			}
			text += string(b[:len(b)-2]) + "\n"
		}
		all = append(all, text)
	}
	return all
}

func (s *Server) number(r *bufio.Reader, kind byte) int {
	s.t.Helper()
	line, err := r.ReadString('\n')
	if err != nil || line[0] != kind {
		s.t.Fatalf("redis answered %q, %v", line, err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
