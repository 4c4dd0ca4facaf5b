package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// errRunning says that a server holds the data directory.
var errRunning = errors.New("another moonbear runs on this data directory")

// dataDir is the directory everything is kept in, held by one process at a
// time.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the directory if needed and takes its lock; errRunning if
// another process has it.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", path, errRunning)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &dataDir{path: path, lock: f}, nil
}

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

func (d *dataDir) close() error { return d.lock.Close() }

const socketName = "moonbear.sock"

// withSocketPath calls use with a path of the control socket that fits into a
// socket address: 107 bytes is the most there (unix(7)), and data directories
// may be deeper, so a long one is reached through an open descriptor.
func withSocketPath(dir string, use func(path string) error) error {
	path := filepath.Join(dir, socketName)
	if len(path) <= 100 {
		return use(path)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return use("/proc/self/fd/" + strconv.Itoa(int(d.Fd())) + "/" + socketName)
}

// listenSocket opens the control socket for this user alone. The caller holds
// the directory's lock, so a socket that is there was left by a killed process.
func (d *dataDir) listenSocket() (l net.Listener, err error) {
	if err := os.Remove(d.file(socketName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	err = withSocketPath(d.path, func(path string) error {
		if l, err = net.Listen("unix", path); err != nil {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return l, nil
}

// socketPatience is how long a server may take until it answers its socket:
// it holds the directory before it listens there, when it starts, stops or goes
// on with other stores.
const socketPatience = 10 * time.Second

// dialSocket reaches the server that runs on a data directory, which may be
// about to listen.
func dialSocket(ctx context.Context, dir string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, socketPatience)
	defer cancel()
	for {
		var c net.Conn
		err := withSocketPath(dir, func(path string) (err error) {
			c, err = net.Dial("unix", path)
			return err
		})
		if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
