package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// front is what clients are connected to, for as long as the process lives. The
// server behind it can be replaced by another: requests that come between the
// two wait, and no connection is refused or cut.
type front struct {
	mu     sync.RWMutex
	turn   *turn         // of the server that answers; nil between two
	turned chan struct{} // closed when there is one

	srv      *http.Server
	listener net.Listener
	failed   chan error
}

// turn is one server's time at the front.
type turn struct {
	handler  http.Handler
	requests sync.WaitGroup
	over     context.Context // ends what is left of them
	end      context.CancelFunc
}

func newFront() *front { return &front{turned: make(chan struct{}), failed: make(chan error, 1)} }

// listen opens the address, unless it is open.
func (f *front) listen(addr string) (err error) {
	if f.listener == nil {
		f.listener, err = net.Listen("tcp", addr)
	}
	return err
}

// ServeHTTP hands a request to whoever's turn it is.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		f.mu.RLock()
		t, turned := f.turn, f.turned
		if t != nil {
			t.requests.Add(1)
		}
		f.mu.RUnlock()
		if t != nil {
			defer t.requests.Done()
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(t.over, cancel)()
			t.handler.ServeHTTP(w, r.WithContext(ctx))
			return
		}
		select {
		case <-turned:
		case <-r.Context().Done():
			return
		}
	}
}

// serve answers with a server's handler until ctx ends. Then the front stays if
// another server follows, and else is closed when the requests under way have
// ended.
func (f *front) serve(srv *http.Server, follows func() bool) func(context.Context) error {
	return func(ctx context.Context) error {
		t := f.begin(srv)
		select {
		case err := <-f.failed:
			return err
		case <-ctx.Done():
		}
		if follows() {
			f.leave(t)
			return nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopServing)
		defer cancel()
		err := f.srv.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return f.srv.Close() // a request that doesn't end
		}
		return err
	}
}

// begin lets a server answer. The first one's settings are those of all.
func (f *front) begin(srv *http.Server) *turn {
	t := &turn{handler: srv.Handler}
	t.over, t.end = context.WithCancel(context.Background())
	f.mu.Lock()
	f.turn = t
	close(f.turned)
	f.mu.Unlock()
	if f.srv == nil {
		srv.Handler = f
		f.srv = srv
		go func() { f.failed <- srv.Serve(f.listener) }()
	}
	return t
}

// leave takes a server from the front when what it was asked is answered. Those
// who wait for hours (the live view) are sent away soon: everybody else waits
// for the next server meanwhile.
func (f *front) leave(t *turn) {
	f.mu.Lock()
	f.turn, f.turned = nil, make(chan struct{})
	f.mu.Unlock()
	const patience = 2 * time.Second
	timer := time.AfterFunc(patience, t.end)
	defer timer.Stop()
	t.requests.Wait()
	t.end()
}

// close ends it, whoever still waits.
func (f *front) close() error {
	switch {
	case f.srv != nil:
		return f.srv.Close()
	case f.listener != nil:
		return f.listener.Close()
	}
	return nil
}
