package app

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"moonbear/internal/db/dbtest"
	"moonbear/internal/wiretest"
)

// TestControlDatabaseAway: a server collects while its control database is away,
// when it is started meanwhile too, and the rest comes back by itself.
func TestControlDatabaseAway(t *testing.T) {
	if !dbtest.Postgres() {
		t.Skip("SQLite is never away; with TEST_POSTGRES_URL this runs")
	}
	u, err := url.Parse(dbtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	w := wiretest.New(t, u.Host)
	u.Host = w.Addr()
	cfg := testConfig(t, t.TempDir(), "DATABASE_URL="+u.String())

	r := start(t, cfg, ServeOptions{})
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	r.view(made.SiteID, "https://example.com/before")
	w.Cut()
	r.view(made.SiteID, "https://example.com/meanwhile")
	if status, body := r.get("/sites"); status < 500 || strings.Contains(body, "panic") {
		t.Errorf("a page without a database was answered %d %s", status, body)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}

	r = start(t, cfg, ServeOptions{})
	r.view(made.SiteID, "https://example.com/after")
	if status, _ := r.post("/event", `{"pid":"nobodysSite","event":"pageview","url":"https://example.com/"}`); status != http.StatusNotFound {
		t.Errorf("a hit of an unknown site was answered %d", status)
	}
	if status, _ := r.get("/readyz"); status != http.StatusOK {
		t.Errorf("a server that takes hits says it isn't ready: %d", status)
	}
	w.Mend()
	until(t, "pages are answered again", func() bool {
		status, _ := r.get("/login")
		return status == http.StatusOK
	})
	until(t, "all three hits are counted", func() bool { return r.metric(made, "pageviews") == 3 })
}

// A server that never knew a site says that it needs the database.
func TestControlDatabaseNeverThere(t *testing.T) {
	cfg := testConfig(t, t.TempDir(), "DATABASE_URL=postgres://moonbear:hunter2@127.0.0.1:1/moonbear")
	err := Serve(t.Context(), cfg, ServeOptions{Log: io.Discard, Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "would have to know the sites") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// TestDrains: a server that was told to stop says so before it refuses anybody.
func TestDrains(t *testing.T) {
	r := start(t, testConfig(t, t.TempDir(), "DRAIN_DELAY=400ms"), ServeOptions{})
	if status, _ := r.get("/readyz"); status != http.StatusOK {
		t.Fatalf("not ready: %d", status)
	}
	begun := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	until(t, "it says it isn't ready", func() bool {
		status, _ := r.get("/readyz")
		return status == http.StatusServiceUnavailable
	})
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 400*time.Millisecond {
		t.Errorf("it was gone after %v", took)
	}
}

// get asks for a page; the status is 0 where nobody answers.
func (r *running) get(path string) (int, string) {
	r.t.Helper()
	res, err := http.Get(r.url + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}
