package browsertest_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/tracker"
	"moonbear/tracker/browsertest"
)

const (
	shop    = "https://shop.test"
	snippet = `<script async src="https://stats.test/analytics.js?site=SITE"></script>`
	filler  = `<p>A line of text, so that there is something to paint.</p>`
)

// world is a stats server of another origin, a shop that includes its script,
// and a browser.
type world struct {
	t       *testing.T
	hits    *browsertest.Recorder
	web     *browsertest.Web
	browser *browsertest.Browser

	mu    sync.Mutex
	pages map[string]http.HandlerFunc
}

func newWorld(t *testing.T, options ...browsertest.Option) *world {
	t.Helper()
	w := &world{t: t, hits: browsertest.NewRecorder(), web: browsertest.NewWeb(t), pages: map[string]http.HandlerFunc{}}
	script, err := tracker.Handler()
	if err != nil {
		t.Fatal(err)
	}
	stats := http.NewServeMux()
	stats.Handle("GET /analytics.js", script)
	stats.Handle("GET /m.js", script)
	stats.Handle("/event", w.hits)
	stats.Handle("/api/event", w.hits)
	w.web.Handle("stats.test", stats)

	own := http.NewServeMux()
	own.HandleFunc("/", w.servePage)
	// As a customer's own server proxies the script: any name, any path.
	target := &url.URL{Scheme: "http", Host: w.web.Addr()}
	own.Handle("/stats/", http.StripPrefix("/stats", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = "stats.test"
	}}))
	for _, host := range []string{"shop.test", "www.shop.test", "other.test", "localhost", "127.0.0.1"} {
		w.web.Handle(host, own)
	}
	w.browser = browsertest.Start(t, w.web, options...)
	return w
}

func (w *world) servePage(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	page := w.pages[r.URL.Path]
	w.mu.Unlock()
	if page == nil {
		http.NotFound(rw, r)
		return
	}
	page(rw, r)
}

// serve answers a path of the shop.
func (w *world) serve(path string, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[path] = h
}

// page makes a page of the shop: head goes into its head, body into its body.
func (w *world) page(path, head, body string) {
	w.serve(path, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(rw, "<!doctype html><html lang=en><head><title>%s</title>%s</head><body>%s</body></html>", path, head, body)
	})
}

// script serves JavaScript.
func (w *world) script(path, source string) {
	w.serve(path, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = rw.Write([]byte(source))
	})
}

// quiet fails the test if a page complained.
func (w *world) quiet(tab *browsertest.Tab) {
	w.t.Helper()
	for _, p := range tab.Problems() {
		if strings.Contains(p, "favicon.ico") {
			continue
		}
		w.t.Errorf("the page complains: %s", p)
	}
}

// none fails the test when a hit comes that shouldn't. A page that says
// nothing can't be waited for, so another one that surely speaks is opened
// after it, and hits come in order.
func (w *world) none(tab *browsertest.Tab, why string) {
	w.t.Helper()
	w.page("/witness", `<script>navigator.sendBeacon("https://stats.test/event", '{"event":"witness"}')</script>`, "")
	before := len(w.hits.Events("witness"))
	tab.Navigate("https://other.test/witness")
	w.hits.WaitEvent(w.t, "witness", before+1)
	for _, h := range w.hits.Hits() {
		if h.Text("event") != "witness" {
			w.t.Errorf("%s: a hit came: %s", why, h.Raw)
		}
	}
}

// stay lets the page be seen for a while.
func stay(tab *browsertest.Tab, d time.Duration) {
	tab.Eval(fmt.Sprintf("new Promise(done => setTimeout(done, %d))", d.Milliseconds()), nil)
}

// vitalsThere returns when the page has fetched the second file.
func vitalsThere(tab *browsertest.Tab) {
	tab.Until(`performance.getEntriesByType("resource").some(e => e.name.endsWith("?vitals") && e.responseEnd)`)
	stay(tab, 50*time.Millisecond) // and has run it
}
