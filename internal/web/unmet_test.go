package web

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
)

// TestGoalNobodyMetAnyMore: a goal that was met last week and not in this one
// has fallen to nothing, which an owner must see.
func TestGoalNobodyMetAnyMore(t *testing.T) {
	w := newWorld(t, base)
	w.noon()
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	for _, path := range []string{"/thanks", "/never"} {
		if _, err := w.sites.AddGoal(t.Context(), site.Goal{Site: owner.site.ID, Name: "Goal " + path, Rule: site.Rule{Path: path}}); err != nil {
			t.Fatal(err)
		}
	}
	week := 7 * 24 * time.Hour
	w.put([]event.Event{view(owner.site, w.now().Add(-week-time.Hour), "/thanks", 5), view(owner.site, w.now().Add(-time.Hour), "/", 6)}, nil)
	body := said(owner.get(sitePath(owner.site) + "/panels/goals?period=7d").Body.String())
	has(t, body, "Goal /never Conversions 0 Rate 0.0% Goal /thanks Conversions 0 Rate 0.0% ▼ 100%")
}

type nobodyCounts struct{ Asker }

func (nobodyCounts) Online(context.Context, int64) (int64, error) { return 0, errBroken }

// TestDashboardWithoutNow: that nobody can say who is there now costs the page
// one number.
func TestDashboardWithoutNow(t *testing.T) {
	w := newWorld(t, base)
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	w.put(w.one(owner.site), nil)
	w.asker = nobodyCounts{w.asker}
	w.serve(slog.New(slog.DiscardHandler))
	res := owner.get(sitePath(owner.site))
	if res.Code != 200 {
		t.Fatalf("got %d", res.Code)
	}
	has(t, res.Body.String(), `data-test="value-visitors">1<`, "– now")
}
