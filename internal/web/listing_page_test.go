package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// TestPagesThereAreNot asks every list for pages that it doesn't have: the
// first is shown, also where the place of the page's rows would overflow.
func TestPagesThereAreNot(t *testing.T) {
	w := newWorld(t, base)
	w.noon()
	p := w.claim("owner@example.com", "example.com", "UTC")
	at := w.now().Add(-time.Hour)
	slow := view(p.site, at, "/docs", 1)
	slow.Measures[event.PageLoad] = event.Measured(900)
	w.put([]event.Event{slow}, []event.Drop{{Site: p.site.ID, Time: at.Truncate(time.Minute).UnixMilli(), Reason: "bot", Detail: "docs", Count: 1}})
	home := sitePath(p.site)
	for _, list := range []string{home + "/all/path?q=docs", home + "/all/path?", home + "/slowest/path?few=1&q=docs", home + "/slowest/path?few=1", home + "/dropped?reason=bot", "/sites?q=example"} {
		for _, page := range []string{"2", "1000000", "1000001", "9223372036854775807", "9223372036854775808", "-1", "x"} {
			res := p.get(list + "&page=" + page)
			if body := res.Body.String(); res.Code != http.StatusOK || !strings.Contains(body, "docs") && !strings.Contains(body, "example.com") {
				t.Errorf("%s, page %s: %d, or its row is not there", list, page, res.Code)
			} else if strings.Contains(list, "/all/") && !strings.Contains(body, "1–1 of 1") {
				t.Errorf("%s, page %s: the range isn't that of its one row", list, page)
			} else if strings.Contains(body, `rel="prev"`) {
				t.Errorf("%s, page %s: the first page has one before it", list, page)
			}
		}
	}
}

// A hostname or a bot's name is a stranger's text, in a file too.
func TestDroppedFileIsHarmless(t *testing.T) {
	w := newWorld(t, base)
	p := w.claim("owner@example.com", "example.com", "UTC")
	w.put(nil, []event.Drop{{Site: p.site.ID, Time: w.now().Truncate(time.Minute).UnixMilli(), Reason: "bot", Detail: "=1+1", Count: 3}})
	file := p.get(sitePath(p.site) + "/panels/dropped/csv?period=24h").Body.String()
	if !strings.Contains(file, "bot,'=1+1,3,") {
		t.Errorf("a spreadsheet would run what is in the file:\n%s", file)
	}
}

// Who closes a page before it has come is no failure to log.
func TestPanelOfNobody(t *testing.T) {
	w := newWorld(t, base)
	p := w.claim("owner@example.com", "example.com", "UTC")
	var log bytes.Buffer
	w.serve(slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	a, err := parseAsk(url.Values{}, p.site, w.now())
	if err != nil {
		t.Fatal(err)
	}
	b := &board{s: w.server, t: html.Language("en"), a: a}
	w.server.o.Stats = failing{w.asker, func(stats.Query) bool { return true }}
	b.box(ctx, panels()[0])
	if !strings.Contains(log.String(), "request failed") {
		t.Fatal("a panel that fails is not logged")
	}
	log.Reset()
	cancel()
	b.box(ctx, panels()[0])
	if log.Len() > 0 {
		t.Errorf("it is logged: %s", log.String())
	}
}

// The live view's period is none of the menu's, but a URL may have it.
func TestDashboardOfHalfAnHour(t *testing.T) {
	w := newWorld(t, base)
	w.noon()
	p := w.claim("owner@example.com", "example.com", "UTC")
	w.put([]event.Event{view(p.site, w.now().Add(-time.Minute), "/", 1)}, nil)
	has(t, p.get(sitePath(p.site)+"?period=30m").Body.String(), "Last 30 minutes", " 11:31 – ")
}
