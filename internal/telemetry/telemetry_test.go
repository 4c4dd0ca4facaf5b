package telemetry

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestLogHidesPersonalAttributes(t *testing.T) {
	for _, json := range []bool{false, true} {
		var b bytes.Buffer
		log, err := NewLog(&b, "info", json)
		if err != nil {
			t.Fatal(err)
		}
		log.With("email", "ann@example.com").WithGroup("req").Info("seen", "IP", "203.0.113.9", "user_agent", "Mozilla", "rows", 7, "took", 1500*time.Millisecond)
		got := b.String()
		for _, leak := range []string{"ann@", "203.0.113.9", "Mozilla"} {
			if strings.Contains(got, leak) {
				t.Errorf("json=%v: %q leaked into %s", json, leak, got)
			}
		}
		for _, fact := range []string{"7", "1.5s"} {
			if !strings.Contains(got, fact) {
				t.Errorf("json=%v: the fact %q is missing from %s", json, fact, got)
			}
		}
	}
}

func TestLogLevel(t *testing.T) {
	if _, err := NewLog(&bytes.Buffer{}, "loud", false); err == nil || !strings.Contains(err.Error(), "warn") {
		t.Errorf("got %v, want an error that lists the levels", err)
	}
}

func TestHandler(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(NewMetrics()).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(w.Body.String(), "go_goroutines") {
		t.Errorf("the process's own figures are missing:\n%s", w.Body)
	}
}
