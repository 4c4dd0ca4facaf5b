package web

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"moonbear/internal/web/pagetest"
)

// floor is the least score of a page in each of Lighthouse's categories.
const floor = 95

// private is the audit that every page must miss: it asks not to be indexed,
// the documentation too, which every server has alike.
const private = "is-crawlable"

// TestLighthouse has the pages judged by Lighthouse.
func TestLighthouse(t *testing.T) {
	long(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "http://"+listener.Addr().String())
	srv := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.Handler().ServeHTTP(rw, r) })}}
	srv.Start()
	defer srv.Close()
	owner := w.claim("owner@example.com", "hallacoffee.example", "Asia/Seoul")
	w.traffic(owner.site, w.now().Add(-30*24*time.Hour), w.now(), 200)
	for _, path := range []string{"/login", "/sites", sitePath(owner.site) + "?period=4w", sitePath(owner.site) + "/all/path?period=4w", "/docs"} {
		cookie := owner.cookie
		if path == "/login" || path == "/docs" {
			cookie = "language=en"
		}
		got := pagetest.Lighthouse(t, srv.URL+path, cookie, private)
		t.Logf("%s: %v", path, got.Scores)
		for _, category := range []string{"performance", "accessibility", "best-practices", "seo"} {
			if score, ok := got.Scores[category]; !ok || score < floor {
				t.Errorf("%s: %s is %d, want %d: %v", path, category, score, floor, got.Missed[category])
			}
		}
	}
}
