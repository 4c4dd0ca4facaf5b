package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"moonbear/bench/moonbear"
	"moonbear/bench/process"
)

// server is Moonbear on a data directory, and a browser signed in there.
type server struct {
	*moonbear.Server
	browser *http.Client
}

// start runs the server and waits until it says that it is ready.
func start(ctx context.Context, o options, d *dataset) (*server, error) {
	s, err := moonbear.Start(ctx, o.bin, d.environ(o)...)
	if err != nil {
		return nil, err
	}
	return &server{s, &http.Client{Jar: d.jar, Timeout: 2 * time.Minute}}, nil
}

// stop ends the server as an operator would.
func (s *server) stop() error {
	s.browser.CloseIdleConnections()
	return s.Stop()
}

// kill ends it as a power cut would.
func (s *server) kill() {
	s.browser.CloseIdleConnections()
	s.Kill()
}

// signIn opens a link that signs the browser in. The login outlives the server:
// it is in the control database and in the browser's cookie.
func (s *server) signIn(link string) error {
	res, err := s.browser.Get(s.Base + link + "?next=/docs")
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

// errUnanswered is the error of a question that the server gave up, or a panel
// of it, or that the browser did not wait for.
var errUnanswered = errors.New("no answer")

// get asks for a page and gives its text and how long it took to the last
// byte. A page that says a panel failed has a text and errUnanswered.
func (s *server) get(path string) (text string, took time.Duration, err error) {
	begun := time.Now()
	res, err := s.browser.Get(s.Base + path)
	var b []byte
	if err == nil {
		defer res.Body.Close()
		b, err = io.ReadAll(res.Body)
	}
	took = time.Since(begun)
	var failed *url.Error
	switch {
	case errors.As(err, &failed) && failed.Timeout():
		return "", took, fmt.Errorf("%s: %w after %v", path, errUnanswered, took)
	case err != nil:
		return "", took, fmt.Errorf("%s: %w", path, err)
	case res.StatusCode != http.StatusOK || strings.Contains(string(b), "panel-problem"):
		return string(b), took, fmt.Errorf("%s: %w, but %s after %v, a panel failing: %v", path, errUnanswered, res.Status, took, res.StatusCode == http.StatusOK)
	}
	return string(b), took, nil
}

// memory is a line of the server's /proc status in bytes.
func (s *server) memory(line string) (int64, error) { return process.Memory(s.PID(), line) }

// cpu is the processor time the server has used.
func (s *server) cpu() (time.Duration, error) { return process.CPU(s.PID()) }

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
