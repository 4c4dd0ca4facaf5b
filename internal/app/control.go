package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"moonbear/internal/fault"
)

// atControl does what a subcommand asks of the control database of a data
// directory, whether a server runs on it (through its control socket, at path)
// or not (under the directory's lock).
func atControl[Q, A any](ctx context.Context, cfg Config, path string, ask Q, do func(*control, context.Context, Q) (A, error)) (answer A, err error) {
	dir, err := openDataDir(cfg.DataDir)
	if errors.Is(err, errRunning) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		return askSocket[Q, A](ctx, cfg.DataDir, path, ask)
	}
	if err != nil {
		return answer, err
	}
	defer dir.close()
	c, err := openControl(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return answer, err
	}
	defer c.db.Close()
	return do(c, ctx, ask)
}

// controlSocket answers subcommands of other processes; only this user can
// open it.
func (s *server) controlSocket(l net.Listener) func(context.Context) error {
	c, log, mux := s.control, s.log, http.NewServeMux()
	mux.Handle("POST /setup", onSocketOf(c, log, unlessHeld(s.moving, (*control).setup)))
	mux.Handle("POST /token", onSocketOf(c, log, unlessHeld(s.moving, (*control).makeToken)))
	mux.HandleFunc("POST /export", s.exportOnSocket)
	mux.Handle("POST /doctor", onSocketOf(s, log, (*server).examine))
	return func(ctx context.Context) error {
		s.imports.handles(mux, ctx, log)
		mux.HandleFunc("POST /move", s.moveOnSocket(ctx))
		return serveHTTP(&http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ConnContext: withConn}, handoverListener{l})(ctx)
	}
}

// onSocketOf makes a handler of a method of c that takes and gives JSON.
func onSocketOf[C, Q, A any](c C, log *slog.Logger, do func(C, context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var ask Q
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&ask)
		var answer A
		if err == nil {
			answer, err = do(c, r.Context(), ask)
		}
		if err != nil {
			tellSocket(w, r, log, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// tellSocket answers a subcommand with an error.
func tellSocket(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	status, message := http.StatusInternalServerError, "The server could not do it; its log says why."
	if f, ok := fault.From(err); ok {
		status, message = int(f.Kind), f.Message
	} else {
		log.ErrorContext(r.Context(), "asked from the command line", "route", r.Pattern, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// askSocket has the running server do it.
func askSocket[Q, A any](ctx context.Context, dir, path string, ask Q) (answer A, err error) {
	res, err := postSocket(ctx, dir, path, ask)
	if err != nil {
		return answer, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(b, &answer)
}

// postSocket asks the server that runs on a data directory. Any answer but 200
// is the error it tells.
func postSocket(ctx context.Context, dir, path string, ask any) (*http.Response, error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dialSocket(ctx, dir) },
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://moonbear"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("a server holds %s but does not answer: %w", dir, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, socketProblem(res)
	}
	return res, nil
}
