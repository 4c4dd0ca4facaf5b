package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"moonbear/bench/moonbear"
	"moonbear/bench/process"
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
	name string
	addr string
	pid  int
	said func() string
	stop func() error
}

// path is where all of them take hits.
const path = "/event"

// cpu is the processor time the server has used.
func (s *server) cpu() (time.Duration, error) { return process.CPU(s.pid) }

// startBare runs this program again as the bare handler.
func startBare(name, mode string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	var log bytes.Buffer
	cmd := exec.Command(self, "-serve", mode, "-addr", addr)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{name: name, addr: addr, pid: cmd.Process.Pid, said: log.String}
	s.stop = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return cmd.Wait()
	}
	for range 200 {
		res, err := http.Post("http://"+addr+path, "text/plain", strings.NewReader("{}"))
		if err == nil {
			res.Body.Close()
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("%s did not come up on %s: %w\n%s", name, addr, s.stop(), &log)
}

// measured is the Moonbear under load.
type measured struct {
	*server
	moonbear *moonbear.Server
	made     moonbear.Made
}

// startMoonbear sets up a fresh instance in a directory of its own and serves it.
func startMoonbear(ctx context.Context, bin, metrics string) (*measured, error) {
	dir, err := os.MkdirTemp("", "moonbear-bench-")
	if err != nil {
		return nil, err
	}
	environ := []string{"DATA_DIR=" + filepath.Join(dir, "data"), "METRICS_ADDR=" + metrics, "COLLECT_RATE=0"}
	made, err := moonbear.Setup(ctx, bin, "bench.example", environ...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s, err := moonbear.Start(ctx, bin, environ...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop := func() error { return errors.Join(s.Stop(), os.RemoveAll(dir)) }
	return &measured{&server{"moonbear", s.Addr, s.PID(), s.Said, stop}, s, made}, nil
}

// pageviews is how many the stats API counts.
func (m *measured) pageviews() (int64, error) { return m.moonbear.Pageviews(m.made) }
