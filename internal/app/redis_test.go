package app

import (
	"strings"
	"testing"

	"moonbear/internal/kv/redistest"
)

// A server that shares through Redis takes hits while that is killed, and
// started again, and what it says of it names nobody.
func TestServesWithoutItsRedis(t *testing.T) {
	redis := redistest.Start(t)
	dir := t.TempDir()
	cfg := testConfig(t, dir, "REDIS_URL="+redis.URL)
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@example.com", Password: "correct horse battery", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, cfg, ServeOptions{})
	r.view(made.SiteID, "https://example.com/one")
	for _, dump := range redis.Dump() {
		if strings.Contains(dump, "127.0.0.1") || strings.Contains(dump, "Mozilla") {
			t.Errorf("a visitor's address or browser is in Redis: %q", dump)
		}
	}
	redis.Kill()
	r.view(made.SiteID, "https://example.com/two")
	until(t, "the log says that Redis is away", func() bool { return strings.Contains(r.log.String(), "redis is away") })
	r.view(made.SiteID, "https://example.com/three")
	redis.Restart()
	until(t, "the log says that Redis is back", func() bool { return strings.Contains(r.log.String(), "redis is back") })
	r.view(made.SiteID, "https://example.com/four")
	until(t, "all four are one visit", func() bool {
		return r.metric(made, "pageviews") == 4 && r.metric(made, "visits") == 1 && r.metric(made, "visitors") == 1
	})
	if err := r.stop(); err != nil {
		t.Error(err)
	}

	// It starts without Redis, too, and knows the visit from its own store.
	redis.Kill()
	again := start(t, cfg, ServeOptions{})
	again.view(made.SiteID, "https://example.com/five")
	until(t, "still one visit", func() bool {
		return again.metric(made, "pageviews") == 5 && again.metric(made, "visits") == 1
	})
}
