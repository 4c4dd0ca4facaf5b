package browsertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Hit is one message a page sent.
type Hit struct {
	Method string
	Host   string // it was sent to
	Path   string
	Header http.Header
	Raw    []byte
	Fields map[string]any // nil if Raw isn't a JSON object
	At     time.Time
}

// Text gives a field that is text, or "".
func (h Hit) Text(field string) string {
	s, _ := h.Fields[field].(string)
	return s
}

// Number gives a field that is a number, and whether it is there.
func (h Hit) Number(field string) (float64, bool) {
	n, ok := h.Fields[field].(float64)
	return n, ok
}

// Prop gives a property that is text, or "".
func (h Hit) Prop(key string) string {
	props, _ := h.Fields["props"].(map[string]any)
	s, _ := props[key].(string)
	return s
}

// Recorder stands in for the server: it keeps every message and answers 202.
type Recorder struct {
	mu      sync.Mutex
	hits    []Hit
	changed chan struct{} // closed, and made anew, with each hit
}

// NewRecorder is empty.
func NewRecorder() *Recorder { return &Recorder{changed: make(chan struct{})} }

// ServeHTTP records any request.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h := Hit{Method: req.Method, Host: req.Host, Path: req.URL.Path, Header: req.Header.Clone(), Raw: raw, At: time.Now()}
	if json.Unmarshal(raw, &h.Fields) != nil {
		h.Fields = nil
	}
	r.mu.Lock()
	r.hits = append(r.hits, h)
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	w.Header().Set("Access-Control-Allow-Origin", "*")
	// A page that isolates itself (COEP) would complain of an answer without.
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.WriteHeader(http.StatusAccepted)
}

// Hits gives what came so far, in the order it came.
func (r *Recorder) Hits() []Hit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Hit(nil), r.hits...)
}

// Events gives the hits whose event is name.
func (r *Recorder) Events(name string) []Hit {
	var found []Hit
	for _, h := range r.Hits() {
		if h.Text("event") == name {
			found = append(found, h)
		}
	}
	return found
}

// Wait returns when enough says so of what came so far, and fails the test if
// it doesn't within 20 s.
func (r *Recorder) Wait(t testing.TB, what string, enough func([]Hit) bool) []Hit {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		r.mu.Lock()
		hits, changed := append([]Hit(nil), r.hits...), r.changed
		r.mu.Unlock()
		if enough(hits) {
			return hits
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("no %s within 20 s; %d messages came:\n%s", what, len(hits), Describe(hits))
		}
	}
}

// WaitEvent returns the nth (from 1) hit whose event is name.
func (r *Recorder) WaitEvent(t testing.TB, name string, n int) Hit {
	t.Helper()
	r.Wait(t, fmt.Sprintf("%d. %q", n, name), func([]Hit) bool { return len(r.Events(name)) >= n })
	return r.Events(name)[n-1]
}

// Describe lists hits, one a line, for a test's message.
func Describe(hits []Hit) string {
	var b strings.Builder
	for _, h := range hits {
		fmt.Fprintf(&b, "  %s %s%s %s\n", h.Method, h.Host, h.Path, h.Raw)
	}
	return b.String()
}
