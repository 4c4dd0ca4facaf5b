package main

import (
	"bytes"
	"context"
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

	"golang.org/x/sys/unix"
)

// server is Moonbear on a data directory, and a browser signed in there.
type server struct {
	cmd     *exec.Cmd
	log     bytes.Buffer
	base    string
	metrics string
	browser *http.Client
	ready   time.Duration // from its start to its first 202 or 200 of /readyz
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start runs the server and waits until it says that it is ready.
func start(ctx context.Context, o options, d *dataset) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	metrics, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s := &server{base: "http://" + addr, metrics: "http://" + metrics, browser: &http.Client{Jar: d.jar, Timeout: 2 * time.Minute}}
	s.cmd = exec.Command(o.bin, "serve")
	s.cmd.Env = append(os.Environ(), "DATA_DIR="+d.dir, "LISTEN_ADDR="+addr, "METRICS_ADDR="+metrics, "BASE_URL="+s.base,
		"EVENTS_MEMORY="+o.memory, "LOG_LEVEL=warn", "ENV=production", "TRUSTED_PROXIES=127.0.0.1")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(begun) < time.Minute && ctx.Err() == nil {
		res, err := http.Get(s.base + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				s.ready = time.Since(begun)
				return s, nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, fmt.Errorf("the server did not come up: %w\n%s", s.stop(), &s.log)
}

// stop ends the server as an operator would.
func (s *server) stop() error { return s.end(syscall.SIGTERM) }

// kill ends it as a power cut would.
func (s *server) kill() { _ = s.end(syscall.SIGKILL) }

func (s *server) end(sig os.Signal) error {
	s.browser.CloseIdleConnections()
	_ = s.cmd.Process.Signal(sig)
	return s.cmd.Wait()
}

// signIn opens a link that signs the browser in. The login outlives the server:
// it is in the control database and in the browser's cookie.
func (s *server) signIn(link string) error {
	res, err := s.browser.Get(s.base + link + "?next=/docs")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.Request.URL.Path != "/docs" {
		return fmt.Errorf("signing in ended at %s with %s", res.Request.URL.Path, res.Status)
	}
	return nil
}

// get asks for a page and gives its text and how long it took to the last
// byte. A panel that says it failed is an error.
func (s *server) get(path string) (text string, took time.Duration, err error) {
	begun := time.Now()
	res, err := s.browser.Get(s.base + path)
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	took = time.Since(begun)
	if err != nil {
		return "", took, fmt.Errorf("%s: %w", path, err)
	}
	if res.StatusCode != http.StatusOK || strings.Contains(string(b), "panel-problem") {
		return "", took, fmt.Errorf("%s answered %s after %v, a panel failing: %v", path, res.Status, took, res.StatusCode == http.StatusOK)
	}
	return string(b), took, nil
}

// memory is a line of the server's /proc status in bytes: VmRSS is what it has
// now, VmHWM the most it had.
func (s *server) memory(line string) (int64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, line+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc status has no %s", line)
}

// cpu is the processor time the server has used, on all its threads, those that
// have ended too. Its clock is clock_getcpuclockid(3)'s, in nanoseconds, where
// /proc has ticks of ten milliseconds.
func (s *server) cpu() (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^s.cmd.Process.Pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("the server's processor time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// forget takes a directory's files out of the page cache, so that what is asked
// next comes from the disk. Files that are still open elsewhere stay.
func forget(dir string) error {
	return filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		_ = unix.Fsync(int(f.Fd()))
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
}

// resetPeak makes VmHWM begin again at what is used now.
func (s *server) resetPeak() error {
	return os.WriteFile("/proc/"+strconv.Itoa(s.cmd.Process.Pid)+"/clear_refs", []byte("5"), 0)
}

// watch takes a CPU profile while something is done.
func (s *server) watch(dir, name string, seconds int) func() error {
	if dir == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		res, err := http.Get(s.metrics + "/debug/pprof/profile?seconds=" + strconv.Itoa(seconds))
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
