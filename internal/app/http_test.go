package app

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener over connections in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// Connections cost memory and descriptors: whoever keeps one without using it
// must not have it for ever.
func TestIdleClientsAreLetGo(t *testing.T) {
	for name, said := range map[string]string{
		"nothing":             "",
		"half a header":       "POST /event HTTP/1.1\r\nHost: a",
		"half a body":         "POST /event HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{",
		"and reads no answer": "GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{log: slog.New(slog.DiscardHandler)}
				mux := http.NewServeMux()
				mux.HandleFunc("POST /event", func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.ReadAll(r.Body)
				})
				mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
				})
				srv, l := s.httpServer(mux), make(pipes, 1)
				gone := make(chan struct{})
				srv.ConnState = func(_ net.Conn, st http.ConnState) {
					if st == http.StateClosed {
						close(gone)
					}
				}
				served := make(chan error)
				go func() { served <- srv.Serve(l) }()
				here, there := net.Pipe()
				l <- there
				if _, err := io.WriteString(here, said); err != nil {
					t.Fatal(err)
				}
				select {
				case <-gone:
				case <-time.After(5 * time.Minute):
					t.Error("the connection is still open after five minutes")
				}
				here.Close()
				close(l)
				<-served
				_ = srv.Close()
			})
		})
	}
}
