package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/db/dbtest"
)

const browserUA = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// patience bounds every wait for a condition; it is long because tests run
// beside others, and nothing waits longer than it has to.
const patience = time.Minute

// running is a server as `moonbear serve` runs it, on a port of its own.
type running struct {
	t    *testing.T
	cfg  Config
	url  string
	log  *syncBuffer
	stop func() error // ends it as SIGTERM does; its error
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func testConfig(t *testing.T, dir string, more ...string) Config {
	t.Helper()
	if dbtest.Postgres() && !slices.ContainsFunc(more, func(s string) bool { return strings.HasPrefix(s, "DATABASE_URL=") }) {
		more = append(more, "DATABASE_URL="+databaseOf(t, dir))
	}
	cfg, err := ReadConfig(append([]string{
		"DATA_DIR=" + dir, "LISTEN_ADDR=127.0.0.1:0", "METRICS_ADDR=off", "EVENTS_MEMORY=256MiB", "ENV=development", "LOG_LEVEL=debug",
	}, more...))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// databases are those on PostgreSQL, by data directory.
var databases sync.Map

func databaseOf(t *testing.T, dir string) string {
	t.Helper()
	if u, ok := databases.Load(dir); ok {
		return u.(string)
	}
	u := dbtest.URL(t)
	databases.Store(dir, u)
	return u
}

// start serves until the test ends, or stop is called.
func start(t *testing.T, cfg Config, o ServeOptions) *running {
	t.Helper()
	r := &running{t: t, cfg: cfg, log: &syncBuffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	listening := make(chan string, 1)
	o.Log = r.log
	if o.Out == nil {
		o.Out = io.Discard
	}
	o.Listening = func(addr string) { listening <- addr }
	go func() { done <- Serve(ctx, cfg, o) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
		if t.Failed() {
			t.Logf("log of the server:\n%s", r.log)
		}
	})
	select {
	case addr := <-listening:
		r.url = "http://" + addr
	case err := <-done:
		done <- err
		t.Fatalf("serve ended: %v", err)
	case <-time.After(patience):
		t.Fatal("serve does not listen")
	}
	return r
}

// post sends a body and returns the status and the answer.
func (r *running) post(path, body string, header ...string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("User-Agent", browserUA)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// view sends one pageview in our own dialect.
func (r *running) view(site, url string) {
	r.t.Helper()
	if status, b := r.post("/event", fmt.Sprintf(`{"pid":%q,"event":"pageview","url":%q}`, site, url)); status != http.StatusAccepted {
		r.t.Fatalf("a hit was answered with %d %s", status, b)
	}
}

// metric asks the API for one number of the last 24 hours.
func (r *running) metric(made SetupResult, name string) float64 {
	r.t.Helper()
	status, b := r.post("/v1/stats/aggregation", fmt.Sprintf(`{"site_id":%q,"aggregate":[%q],"period":"24h"}`, made.SiteID, name),
		"Authorization", "Bearer "+made.Token)
	var a struct {
		Data map[string]struct{ Value float64 }
	}
	if err := json.Unmarshal([]byte(b), &a); err != nil || status != http.StatusOK {
		r.t.Fatalf("stats answered %d %s (%v)", status, b, err)
	}
	return a.Data[name].Value
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v it still does not hold: %s", patience, what)
		}
	}
}

func TestHitIsCountedOnceAcrossRestarts(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, cfg, ServeOptions{})
	for i := range 7 {
		s.view(made.SiteID, fmt.Sprintf("https://shop.test/page-%d?secret=canary", i))
	}
	// Stopped at once: what was acknowledged and not yet loaded must still be
	// counted after the next start.
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = start(t, cfg, ServeOptions{})
	s.view(made.SiteID, "https://shop.test/after")
	until(t, "8 pageviews", func() bool { return s.metric(made, "pageviews") == 8 })
	if v, n := s.metric(made, "visitors"), s.metric(made, "visits"); v != 1 || n != 1 {
		t.Errorf("%v visitors and %v visits, want one of each: the visit goes on after a restart", v, n)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	noCanary(t, cfg.DataDir, "canary", "Mozilla/5.0", s.log.String())
}

// noCanary looks for what must never be stored in every file of the data
// directory and in the log.
func noCanary(t *testing.T, dir, query, agent, log string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, c := range []string{query, agent} {
			if bytes.Contains(b, []byte(c)) {
				t.Errorf("%s holds %q", path, c)
			}
		}
		return nil
	})
	if err != nil || files < 4 {
		t.Fatalf("looked into %d files: %v", files, err)
	}
	for _, c := range []string{query, agent, "127.0.0.1:"} {
		for line := range strings.Lines(log) {
			if strings.Contains(line, c) && !strings.Contains(line, "msg=serving") {
				t.Errorf("the log holds %q: %s", c, line)
			}
		}
	}
}

func TestSetupStoppedAndRunning(t *testing.T) {
	request := SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test", TimeZone: "Asia/Seoul"}
	for _, tt := range []struct {
		name  string
		serve bool
		deep  bool
	}{
		{"stopped", false, false},
		{"running", true, false},
		{"running, in a directory too deep for a socket's address", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.deep {
				dir = filepath.Join(dir, strings.Repeat("deep/", 30))
			}
			cfg := testConfig(t, dir)
			if tt.serve {
				start(t, cfg, ServeOptions{})
			}
			made, err := Setup(t.Context(), cfg, request)
			if err != nil {
				t.Fatal(err)
			}
			if made.SiteID == "" || !strings.HasPrefix(made.Token, "mb_") {
				t.Errorf("got %+v", made)
			}
			again, err := Setup(t.Context(), cfg, request)
			if err == nil {
				t.Fatalf("the server was claimed twice: %+v", again)
			}
			if !strings.Contains(err.Error(), "Sign in") {
				t.Errorf("the second claim was refused with %q, which does not say what to do", err)
			}
		})
	}
}

func TestSetupNamesTheFault(t *testing.T) {
	good := SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"}
	for _, tt := range []struct {
		change func(*SetupRequest)
		names  string
	}{
		{func(r *SetupRequest) { r.Email = "nobody" }, "email"},
		{func(r *SetupRequest) { r.Password = "short" }, "assword"},
		{func(r *SetupRequest) { r.Domain = "not a domain" }, "domain"},
		{func(r *SetupRequest) { r.TimeZone = "Mars/Olympus" }, "time zone"},
	} {
		r := good
		tt.change(&r)
		_, err := Setup(t.Context(), testConfig(t, t.TempDir()), r)
		if err == nil || !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%+v: got %v, want an error that names %q", r, err, tt.names)
		}
	}
}

func TestOneServerPerDataDir(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	start(t, cfg, ServeOptions{})
	err := Serve(t.Context(), cfg, ServeOptions{Out: io.Discard, Log: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "another moonbear") {
		t.Errorf("a second server on the same directory: %v", err)
	}
}

func TestDemoOpensSignedIn(t *testing.T) {
	if testing.Short() {
		t.Skip("fills 60 days of traffic")
	}
	cfg := testConfig(t, t.TempDir())
	var out syncBuffer
	s := start(t, cfg, ServeOptions{Demo: true, Out: &out})
	until(t, "the link is printed", func() bool { return strings.Contains(out.String(), "/login/link/") })
	_, path, _ := strings.Cut(out.String(), "/login/link/")
	path, _, _ = strings.Cut(path, "\n")
	body := openLink(t, s.url+"/login/link/"+path)
	if !strings.Contains(body, "hallacoffee.example") || !strings.Contains(body, "/shop/halla-blend") {
		t.Errorf("the link does not open the demo's dashboard:\n%.2000s", body)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	start(t, cfg, ServeOptions{Demo: true, Out: &out})
	until(t, "the second start prints a new link", func() bool { return strings.Count(out.String(), "/login/link/") == 2 })
}
