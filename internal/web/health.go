package web

import (
	"context"
	"io"
	"net/http"
	"time"
)

// healthz says that the process answers: GET /healthz
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

// readyz says that the process can do its work: GET /readyz. The reason is in
// the log and not in the answer, which anybody can read.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.o.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := s.o.Ready(ctx); err != nil {
			s.log.WarnContext(ctx, "not ready", "error", err)
			plain(w, http.StatusServiceUnavailable, "not ready\n")
			return
		}
	}
	plain(w, http.StatusOK, "ready\n")
}

// robots keeps search engines out of everything but the script, which they
// load when they draw a customer's page: GET /robots.txt
func (s *Server) robots(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "User-agent: *\nAllow: "+s.o.ScriptPath+"\nDisallow: /\n")
}

func plain(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the asker has gone; there is nobody to tell
}

// favicon sends whoever insists on the old name to the icon: GET /favicon.ico
func (s *Server) favicon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	http.Redirect(w, r, s.assets.URL("icon.svg"), http.StatusFound)
}

// asset sends a built file: GET /assets/{file}
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	s.assets.Serve(w, r, r.PathValue("file"))
}
