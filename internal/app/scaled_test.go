package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"moonbear/internal/db/dbtest"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/kv/redistest"
)

// scaled is the configuration of a replica on shared stores.
type scaled struct {
	t                       *testing.T
	database, events, redis string
	ch                      *chtest.Server
}

func newScaled(t *testing.T) *scaled {
	t.Helper()
	if !dbtest.Postgres() {
		t.Skip("needs a PostgreSQL: with TEST_POSTGRES_URL this runs")
	}
	ch := chtest.Start(t)
	return &scaled{t: t, database: dbtest.URL(t), events: "clickhouse+" + ch.Database(t), redis: redistest.Start(t).URL, ch: ch}
}

func (s *scaled) config(dir string, more ...string) Config {
	s.t.Helper()
	return testConfig(s.t, dir, append(more, "DATABASE_URL="+s.database, "EVENTS_URL="+s.events, "REDIS_URL="+s.redis)...)
}

// TestReplicas: two replicas on PostgreSQL, ClickHouse and Redis are one
// service: a visitor who changes between them has one visit, each counts what
// both collected, and what one is told of sites the other knows.
func TestReplicas(t *testing.T) {
	s := newScaled(t)
	one := start(t, s.config(t.TempDir()), ServeOptions{})
	two := start(t, s.config(t.TempDir()), ServeOptions{})
	made, err := Setup(t.Context(), one.cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the other replica knows the site", func() bool {
		status, _ := two.post("/event", fmt.Sprintf(`{"pid":%q,"event":"pageview","url":"https://example.com/0"}`, made.SiteID))
		return status == http.StatusAccepted
	})
	for i := range 5 {
		one.view(made.SiteID, fmt.Sprintf("https://example.com/%d", 2*i+1))
		two.view(made.SiteID, fmt.Sprintf("https://example.com/%d", 2*i+2))
	}
	for _, r := range []*running{one, two} {
		until(t, "all hits are counted", func() bool { return r.metric(made, "pageviews") == 11 })
		if visits, visitors := r.metric(made, "visits"), r.metric(made, "visitors"); visits != 1 || visitors != 1 {
			t.Errorf("%v visits of %v visitors, want one of one", visits, visitors)
		}
	}
}

// TestRoles: processes of one role each are together what one of all is.
func TestRoles(t *testing.T) {
	s := newScaled(t)
	collects := start(t, s.config(t.TempDir(), "ROLES=collect"), ServeOptions{})
	pages := start(t, s.config(t.TempDir(), "ROLES=web,jobs"), ServeOptions{})
	made, err := Setup(t.Context(), pages.cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	hit := fmt.Sprintf(`{"pid":%q,"event":"pageview","url":"https://example.com/"}`, made.SiteID)
	until(t, "the collecting process knows the site", func() bool {
		status, _ := collects.post("/event", hit)
		return status == http.StatusAccepted
	})
	until(t, "the hit is counted", func() bool { return pages.metric(made, "pageviews") == 1 })
	if status, body := collects.post("/v1/events", fmt.Sprintf(`{"site_id":%q,"events":[{"name":"signup","visitor_id":"v"}]}`, made.SiteID), "Authorization", "Bearer "+made.Token); status >= 300 && status != http.StatusBadRequest {
		t.Errorf("a batch was answered %d %s", status, body)
	}
	for _, tt := range []struct {
		r      *running
		path   string
		status int
	}{
		{collects, "/healthz", http.StatusOK},
		{collects, "/readyz", http.StatusOK},
		{collects, "/analytics.js", http.StatusOK},
		{collects, "/login", http.StatusNotFound},
		{collects, "/sites", http.StatusNotFound},
		{pages, "/healthz", http.StatusOK},
		{pages, "/login", http.StatusOK},
		{pages, "/analytics.js", http.StatusNotFound},
	} {
		if status, _ := tt.r.get(tt.path); status != tt.status {
			t.Errorf("%s: %s was answered %d, want %d", strings.Join(tt.r.cfg.Roles, ","), tt.path, status, tt.status)
		}
	}
	if status, _ := pages.post("/event", hit); status != http.StatusNotFound {
		t.Errorf("a hit at a process that doesn't collect was answered %d", status)
	}
}
