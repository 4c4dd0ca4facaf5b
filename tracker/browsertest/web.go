// Package browsertest drives a real Chromium over pages on loopback, so that
// tests can say what a visitor's browser does with the tracker, and an owner's
// with the pages.
//
//	Browser ── https://shop.test/ ──▶ Web ── by host name ──▶ any http.Handler
//	        ── POST …/event       ──▶ Web ──▶ Recorder, or the real server
//
// Every host name leads to one listener, which takes both http and https, so
// pages have real names and a secure context without a line in /etc/hosts.
package browsertest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Web is all the hosts a browser can reach.
type Web struct {
	listener *sniffer

	mu    sync.Mutex
	hosts map[string]http.Handler
}

// NewWeb listens on loopback until the test ends.
func NewWeb(t testing.TB) *Web {
	t.Helper()
	cert, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Web{hosts: map[string]http.Handler{}}
	w.listener = newSniffer(l, &tls.Config{Certificates: []tls.Certificate{cert}})
	server := &http.Server{Handler: http.HandlerFunc(w.serve), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(w.listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return w
}

// Addr is where every host name leads, as host:port.
func (w *Web) Addr() string { return w.listener.Addr().String() }

// Handle serves a host name ("shop.test", without a port) by h.
func (w *Web) Handle(host string, h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts[host] = h
}

func (w *Web) serve(rw http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	w.mu.Lock()
	h := w.hosts[host]
	w.mu.Unlock()
	if h == nil {
		http.Error(rw, "no such host: "+host, http.StatusBadGateway)
		return
	}
	h.ServeHTTP(rw, r)
}

// sniffer is a listener that takes TLS and plain connections on one port: a
// TLS record starts with the byte 22, an HTTP request with a letter.
type sniffer struct {
	net.Listener
	config *tls.Config
	conns  chan net.Conn
	done   chan struct{}
	once   sync.Once
}

func newSniffer(l net.Listener, config *tls.Config) *sniffer {
	s := &sniffer{Listener: l, config: config, conns: make(chan net.Conn), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *sniffer) run() {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			return
		}
		// Browsers open connections ahead of need and stay silent on them.
		go s.sort(c)
	}
}

func (s *sniffer) sort(c net.Conn) {
	p := &peeked{Conn: c, r: bufio.NewReader(c)}
	first, err := p.r.Peek(1)
	if err != nil {
		_ = c.Close()
		return
	}
	var sorted net.Conn = p
	if first[0] == 22 {
		sorted = tls.Server(p, s.config)
	}
	select {
	case s.conns <- sorted:
	case <-s.done:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (s *sniffer) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *sniffer) Close() error {
	s.once.Do(func() { close(s.done) })
	return s.Listener.Close()
}

// peeked is a connection whose first bytes were looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// selfSigned makes a certificate for no name at all: the browser is told to
// believe any.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
