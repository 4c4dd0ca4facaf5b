package app

import (
	"crypto/tls"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"moonbear/internal/db/dbtest"
)

// found is the finding of a part, the first of several.
func found(t *testing.T, c Checkup, part string) Finding {
	t.Helper()
	for _, f := range c.Findings {
		if f.Part == part {
			return f
		}
	}
	t.Fatalf("nothing is said of the %s: %+v", part, c.Findings)
	return Finding{}
}

// TestDoctor examines an instance that is stopped and one that runs.
func TestDoctor(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	for _, runs := range []bool{false, true} {
		if runs {
			r := start(t, cfg, ServeOptions{Version: "v1"})
			made, err := Setup(t.Context(), cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
			if err != nil {
				t.Fatal(err)
			}
			r.view(made.SiteID, "https://example.com/")
			until(t, "the hit is counted", func() bool { return r.metric(made, "pageviews") == 1 })
		}
		c, err := Doctor(t.Context(), cfg, "v1")
		if err != nil {
			t.Fatal(err)
		}
		database, events := "SQLite 3.", "events: 0"
		if dbtest.Postgres() {
			database = "PostgreSQL "
		}
		if runs {
			events = "events: 1"
		}
		for part, want := range map[string]string{"program": "moonbear v1", "control database": database, "event store": events, "disk": "free of", "spool": "everything"} {
			if f := found(t, c, part); !strings.Contains(f.Facts, want) || f.State == Broken && part != "disk" {
				t.Errorf("running %v: %+v, want %q", runs, f, want)
			}
		}
		var b strings.Builder
		if err := c.Write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "it doesn't run") == runs {
			t.Errorf("running %v:\n%s", runs, b.String())
		}
		for _, f := range c.Findings {
			if f.State != Well && f.Remedy == "" {
				t.Errorf("%+v has no remedy", f)
			}
		}
	}
}

// TestDoctorSettings: what is set in a way that will hurt is named with what
// would be right.
func TestDoctorSettings(t *testing.T) {
	for _, tt := range []struct{ env, part, remedy string }{
		{"BASE_URL=http://stats.example.com", "address", "BASE_URL=https://"},
		{"BASE_URL=https://stats.example.com", "address", "TRUSTED_PROXIES=127.0.0.1"},
		{"METRICS_ADDR=0.0.0.0:9090", "metrics", "127.0.0.1"},
	} {
		cfg, err := ReadConfig([]string{"DATA_DIR=" + t.TempDir(), "ENV=production", tt.env})
		if err != nil {
			t.Fatal(err)
		}
		c := Checkup{newServer(cfg, nil).examineSettings(t.Context())}
		if f := found(t, c, tt.part); f.State != Warning || !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s: %+v", tt.env, f)
		}
	}
}

// TestDoctorBroken: a database that isn't there is found, and nothing secret is
// shown.
func TestDoctorBroken(t *testing.T) {
	c, err := Doctor(t.Context(), testConfig(t, t.TempDir(), "DATABASE_URL=postgres://moonbear:hunter2@127.0.0.1:1/moonbear"), "v1")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	if c.Worst() != Broken || found(t, c, "control database").State != Broken || strings.Contains(b.String(), "hunter2") {
		t.Errorf("%s", b.String())
	}
}

// TestDoctorCertificate: one that nobody trusts is told of.
func TestDoctorCertificate(t *testing.T) {
	ts := httptest.NewUnstartedServer(nil)
	ts.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	ts.StartTLS()
	defer ts.Close()
	cfg := testConfig(t, t.TempDir(), "BASE_URL="+ts.URL)
	fs := newServer(cfg, nil).examineTLS(t.Context())
	if len(fs) != 1 || fs[0].State != Broken || !strings.Contains(fs[0].Facts, "certificate") {
		t.Errorf("%+v", fs)
	}
	if fs := newServer(testConfig(t, t.TempDir()), nil).examineTLS(t.Context()); fs != nil {
		t.Errorf("without TLS: %+v", fs)
	}
}

func TestDoctorWords(t *testing.T) {
	for got, want := range map[string]string{
		size(20 << 30): "20 GiB", size(300 << 20): "300 MiB", size(1): "1 KiB", duration(12.4): "12 days", duration(1000): "3 years",
		when(time.Time{}): "never", millis(1500 * time.Microsecond): "1.5 ms",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
