package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/load"
	"moonbear/internal/spool"
)

// childEnv holds the data directory when this program is to be the server.
const childEnv = "MOONBEAR_CRASH_CHILD"

// child is a server of nothing but the spool, the loader and the store. It
// prints its address once it is ready, and stops at SIGTERM.
func child(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	store, err := duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(dir, "events.duckdb"), Memory: 128 << 20, Log: log})
	if err != nil {
		return err
	}
	s, err := spool.Open(spool.Options{Dir: filepath.Join(dir, "spool"), MaxBytes: 16 << 20, SegmentBytes: 1 << 20, Log: log})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	loader := load.New(load.Options{Spool: s, Store: store, Log: log})
	spoolCtx, stopSpool := context.WithCancel(context.Background())
	loadCtx, stopLoad := context.WithCancel(context.Background())
	ran, loaded := make(chan error, 1), make(chan error, 1)
	go func() { ran <- s.Run(spoolCtx) }()
	go func() { loaded <- loader.Run(loadCtx) }()
	err = serve(ctx, s)
	stopSpool()
	err = errors.Join(err, <-ran)
	stopLoad()
	return errors.Join(err, <-loaded, s.Close(), store.Close())
}

// serve answers hits until ctx ends: POST /ID stores an event of that path.
func serve(ctx context.Context, s *spool.Spool) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pad, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		e := event.Event{Site: 1, Time: time.Now().UnixMilli(), Name: event.Pageview, Visitor: 1, Visit: 1, Path: r.URL.Path,
			Props: []event.Prop{{Key: "pad", Value: string(pad)}}}
		if err := s.Append(r.Context(), event.AppendEvent(nil, &e)); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	if _, err := fmt.Println(l.Addr()); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}
