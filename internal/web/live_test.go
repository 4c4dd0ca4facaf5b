package web

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// minutes of a site: events i seconds apart, three visitors on four pages.
func lately(w *world, p *person) []event.Event {
	var events []event.Event
	for i := range 90 {
		at := w.now().Add(-time.Duration(i*i/2) * time.Second) // up to 66 minutes back, denser now
		e := view(p.site, at, fmt.Sprintf("/page-%d", i%4), int64(i%13+1))
		e.Visit, e.Country, e.Source = int64(i%13+1), []string{"KR", "DE", ""}[i%3], []string{"Naver", ""}[i%2]
		if i%5 == 4 {
			e.Name = "signup"
		}
		events = append(events, e)
	}
	return events
}

// TestLiveNumbers counts the last thirty minutes by plain loops.
func TestLiveNumbers(t *testing.T) {
	w := newWorld(t, base)
	p := w.claim("owner@example.com", "example.com", "UTC")
	at := time.Date(2026, 11, 22, 15, 0, 20, 0, time.UTC)
	w.now = func() time.Time { return at }
	events := lately(w, p)
	w.put(events, nil)
	from := at.Truncate(time.Minute).Add(-29 * time.Minute)
	everybody, now := map[int64]bool{}, map[int64]bool{}
	byMinute := make([]map[int64]bool, 30)
	byPath := map[string]map[int64]bool{}
	views, signups := 0, 0
	for _, e := range events {
		when := time.UnixMilli(e.Time)
		if when.Before(from) {
			continue
		}
		everybody[e.Visitor] = true
		if !when.Before(at.Add(-5 * time.Minute)) {
			now[e.Visitor] = true
		}
		m := int(when.Sub(from) / time.Minute)
		if byMinute[m] == nil {
			byMinute[m] = map[int64]bool{}
		}
		byMinute[m][e.Visitor] = true
		if e.Name == "signup" {
			signups++
			continue
		}
		views++
		if byPath[e.Path] == nil {
			byPath[e.Path] = map[int64]bool{}
		}
		byPath[e.Path][e.Visitor] = true
	}
	body := p.get(sitePath(p.site)+"/live/now", fragment).Body.String()
	var said []string
	for _, m := range byMinute {
		said = append(said, strconv.Itoa(len(m)))
	}
	has(t, body, fmt.Sprintf(`data-test="live-visitors">%d<`, len(everybody)), fmt.Sprintf(`data-test="live-pageviews">%d<`, views),
		fmt.Sprintf(`</span>%d</dd>`, len(now)), "until now: "+strings.Join(said, ", ")+`"`)
	if got := strings.Count(body, `class="live-bar`); got != 30 {
		t.Errorf("%d bars, want 30", got)
	}
	for path, visitors := range byPath {
		row := regexp.MustCompile(`(?s)data-test="live-pages".*?>` + path + `</a>.*?row-value"[^>]*>(\d+)<`).FindStringSubmatch(body)
		if row == nil || row[1] != strconv.Itoa(len(visitors)) {
			t.Errorf("%s has %v, want %d", path, row, len(visitors))
		}
	}
	row := regexp.MustCompile(`(?s)data-test="live-events".*?>signup</a>.*?row-value"[^>]*>(\d+)<`).FindStringSubmatch(body)
	if row == nil || row[1] != strconv.Itoa(signups) {
		t.Errorf("signups are %v, want %d", row, signups)
	}
	stream := body[strings.Index(body, `data-test="live-moments"`):]
	if got := strings.Count(stream, "<li>"); got != liveMoments {
		t.Errorf("%d newest events, want %d", got, liveMoments)
	}
	has(t, stream, "just now", "8 s ago", "1 min ago", "South Korea · Naver", "Germany · ", "<b>signup</b>")
	if strings.Contains(body, "<html") {
		t.Error("the fragment is a whole page")
	}
}

// TestLivePage works without a script and for a site nobody is on.
func TestLivePage(t *testing.T) {
	w := newWorld(t, base)
	p := w.claim("owner@example.com", "example.com", "UTC")
	page := p.get(sitePath(p.site) + "/live").Body.String()
	has(t, page, `http-equiv="refresh" content="5"`, `data-test="live-empty"`, `data-poll="`+sitePath(p.site)+`/live/now"`, `data-live-pause`)
	has(t, p.get(sitePath(p.site)+"/panels/now").Body.String(), `href="`+sitePath(p.site)+`/live"`)
	asker := w.asker
	w.asker = failing{asker, func(q stats.Query) bool { return len(q.Dimensions) > 0 && q.Dimensions[0] == stats.Device }}
	w.serve(nil)
	if res := p.get(sitePath(p.site) + "/live/now"); res.Code != http.StatusInternalServerError {
		t.Errorf("a question that fails answers %d", res.Code)
	}
}

func TestLiveAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Minute: "just now", 4 * time.Second: "just now", 59900 * time.Millisecond: "59 s ago", time.Minute: "1 min ago", 29*time.Minute + 59*time.Second: "29 min ago"} {
		if got := liveAgo(html.Language("en"), d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// TestLiveInABrowser: the view looks again by itself, keeps the focus, and
// stands still while it is paused.
func TestLiveInABrowser(t *testing.T) {
	long(t)
	w := newWorld(t, base)
	b := w.open(t)
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	b.signIn(owner)
	w.put([]event.Event{view(owner.site, time.Now(), "/first", 1)}, nil)
	b.Navigate(base + sitePath(owner.site) + "/live")
	b.do(`[...document.querySelectorAll('.row-label')].find(a => a.textContent === '/first').focus()`)
	w.put([]event.Event{view(owner.site, time.Now(), "/second", 2)}, nil)
	b.until("it shows by itself", `document.querySelector('[data-test=live-visitors]').textContent === '2' && document.body.textContent.includes('/second')`)
	b.until("the focus stays", `document.activeElement.textContent === '/first'`)
	b.do(`document.querySelector('[data-test=live-pause]').click(); window.seen = document.querySelector('#live')`)
	b.until("it says that it is paused", `document.querySelector('[data-live-state]').textContent === 'Paused'`)
	w.put([]event.Event{view(owner.site, time.Now(), "/third", 3)}, nil)
	before := 0
	b.Eval(`performance.getEntriesByType('resource').length`, &before)
	b.do(`window.late = false; setTimeout(() => { window.late = true }, 6000)`)
	b.until("six seconds pass", `window.late`)
	b.until("nothing was asked", fmt.Sprintf(`performance.getEntriesByType('resource').length === %d && !document.body.textContent.includes('/third')`, before))
	b.do(`document.querySelector('[data-test=live-pause]').click()`)
	b.until("it goes on", `document.body.textContent.includes('/third')`)
}
