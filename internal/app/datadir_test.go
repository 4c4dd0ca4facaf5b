package app

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"testing"
	"time"
)

// TestSocketWaits: a command waits for a server that is about to listen, as one
// is that goes on with other stores, and no longer than it is asked to.
func TestSocketWaits(t *testing.T) {
	d, err := openDataDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dialSocket(short, d.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a server: %v", err)
	}
	type reached struct {
		net.Conn
		err error
	}
	found := make(chan reached)
	go func() {
		c, err := dialSocket(t.Context(), d.path)
		found <- reached{c, err}
	}()
	time.Sleep(150 * time.Millisecond) // it has looked once, or will find it at once
	l, err := d.listenSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := <-found
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.Close()
}
