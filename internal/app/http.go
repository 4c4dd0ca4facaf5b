package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// stopServing bounds how long requests under way may take to end: longer than
// the slowest page, shorter than the 30 s that process managers wait before
// they kill.
const stopServing = 10 * time.Second

// serveHTTP runs a server on a listener until its context ends, then lets the
// requests under way finish.
func serveHTTP(srv *http.Server, l net.Listener) func(context.Context) error {
	return func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() { failed <- srv.Serve(l) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopServing)
		defer cancel()
		err := srv.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			// A page that streams (the live wait) never ends by itself.
			return srv.Close()
		}
		return err
	}
}
