// Package wiretest gives tests a TCP line to cut.
package wiretest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Wire carries connections to a server, until it is cut.
type Wire struct {
	listener net.Listener
	behind   string

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

// New lays a wire to the address behind; it ends with the test.
func New(t testing.TB, behind string) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{listener: l, behind: behind}
	t.Cleanup(func() { l.Close(); w.Cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.join(c)
		}
	}()
	return w
}

// Addr is where the wire begins: host and port.
func (w *Wire) Addr() string { return w.listener.Addr().String() }

func (w *Wire) join(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		c.Close()
		return
	}
	b, err := net.Dial("tcp", w.behind)
	if err != nil {
		c.Close()
		return
	}
	w.conns = append(w.conns, c, b)
	go func() { _, _ = io.Copy(b, c); b.Close() }()
	go func() { _, _ = io.Copy(c, b); c.Close() }()
}

// Drop ends every connection there is, in the middle of whatever is being sent;
// new ones are let through.
func (w *Wire) Drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop()
}

// Cut does as Drop does, and lets no new one through until Mend.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	w.drop()
}

// Mend undoes Cut.
func (w *Wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

func (w *Wire) drop() {
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}
