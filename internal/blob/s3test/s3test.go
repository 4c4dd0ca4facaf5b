// Package s3test gives tests a real S3 server of their own: Versity's gateway
// over a directory.
package s3test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Who the server knows.
const (
	KeyID  = "moonbear-test"
	Secret = "a-secret-for-tests"
	Bucket = "moonbear"
)

// Server is an S3 server with one empty bucket.
type Server struct {
	addr string
	dir  string // Bucket is in it
	t    testing.TB
	cmd  *exec.Cmd
}

// Start starts a server that ends with the test. It is built first: without
// TEST_LONG the test is skipped where it was never built, as that takes minutes.
func Start(t testing.TB) *Server {
	t.Helper()
	if _, err := program(); errors.Is(err, errAbsent) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{addr: l.Addr().String(), dir: t.TempDir(), t: t}
	l.Close()
	if err := os.Mkdir(filepath.Join(s.dir, Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// URL is a place in the bucket, as in BACKUP_URL.
func (s *Server) URL(prefix string) string {
	return "s3://" + Bucket + "/" + prefix + "?region=us-east-1&endpoint=http://" + s.addr
}

// Env are the settings of who uses it.
func (s *Server) Env(prefix string) []string {
	return []string{"BACKUP_URL=" + s.URL(prefix), "AWS_ACCESS_KEY_ID=" + KeyID, "AWS_SECRET_ACCESS_KEY=" + Secret}
}

// File is where the server keeps an object.
func (s *Server) File(name string) string {
	return filepath.Join(s.dir, Bucket, filepath.FromSlash(name))
}

// Restart starts the server again, after Kill.
func (s *Server) Restart() {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(path, "--port", s.addr, "--quiet", "posix", s.dir)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+KeyID, "ROOT_SECRET_KEY="+Secret)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = cmd
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if res, err := http.Get("http://" + s.addr + "/"); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			return
		}
		if time.Since(begun) > 20*time.Second {
			s.t.Fatal("the S3 server does not answer")
		}
	}
}

// Kill ends the server at once; its objects stay.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Pause has the server answer nobody, and Resume again.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	client := http.Client{Timeout: 50 * time.Millisecond}
	for { // until it has stopped, which the signal doesn't wait for
		res, err := client.Get("http://" + s.addr + "/")
		if err != nil {
			return
		}
		res.Body.Close()
	}
}

// Resume undoes Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// errAbsent says that the server wasn't built and isn't to be now.
var errAbsent = errors.New("the S3 server isn't in .cache: TEST_LONG=1 builds it, as make test does")

const command = "github.com/versity/versitygw/cmd/versitygw"

// program is the server's, built once for each version of the module in server/.
var program = sync.OnceValues(func() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	source := filepath.Join(root, "internal", "blob", "s3test", "server")
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version())
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", err
		}
		h.Write(b)
	}
	cache := filepath.Join(root, ".cache", "s3")
	path := filepath.Join(cache, "versitygw-"+hex.EncodeToString(h.Sum(nil)[:8]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if os.Getenv("TEST_LONG") == "" {
		return "", errAbsent
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	// go test runs packages beside each other.
	lock, err := os.Create(filepath.Join(cache, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	old, err := filepath.Glob(filepath.Join(cache, "versitygw-*"))
	if err != nil {
		return "", err
	}
	for _, o := range old {
		_ = os.Remove(o) // whoever runs one keeps it until it ends
	}
	cmd := exec.Command("go", "build", "-o", path+".new", command)
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the S3 server: %w\n%s", err, out)
	}
	return path, os.Rename(path+".new", path)
})

// moduleRoot is the directory of moonbear's go.mod: tests run in their package's.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "moonbear").Output()
	if err != nil {
		return "", fmt.Errorf("find moonbear's module: %w", err)
	}
	return string(out[:len(out)-1]), nil
}
