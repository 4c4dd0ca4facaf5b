package browsertest_test

import (
	"strings"
	"testing"
	"time"

	"moonbear/tracker/browsertest"
)

// paths gives what the events named name are of, in order.
func paths(hits []browsertest.Hit) string {
	var all []string
	for _, h := range hits {
		all = append(all, strings.TrimPrefix(h.Text("url"), shop))
	}
	return strings.Join(all, " ")
}

func TestSinglePageApp(t *testing.T) {
	tests := []struct {
		name   string
		config string   // in the page's head, before the snippet
		steps  []string // JavaScript, each followed by a stay of 100 ms
		views  string   // the addresses of the pageviews
		left   string   // the addresses of the engagements, once the tab is hidden
	}{
		{
			name:  "history",
			steps: []string{`history.pushState({}, "", "/a")`, `history.replaceState({}, "", "/b?x=1")`, `history.back()`},
			views: "/app /a /b?x=1 /app",
			left:  "/app /a /b?x=1 /app",
		}, {
			name:  "duplicates",
			steps: []string{`history.pushState({}, "", "/app")`, `history.replaceState({}, "", "/app?tab=2")`, `location.hash = "part"`, `moonbear("trackPageview")`},
			views: "/app",
			left:  "/app",
		}, {
			name:   "off",
			config: `<script>moonbear("config", {spaMode: "off"})</script>`,
			steps:  []string{`history.pushState({}, "", "/a")`, `history.back()`},
			views:  "/app",
			left:   "/app",
		}, {
			name:   "fragment",
			config: `<script>moonbear("config", {includeURLFragment: true})</script>`,
			steps:  []string{`location.hash = "/cart"`, `location.hash = "/cart"`, `history.back()`},
			views:  "/app /app#/cart /app",
			left:   "/app /app#/cart /app",
		}, {
			name:   "manual",
			config: `<script>moonbear("config", {autoTrack: false})</script>`,
			steps:  []string{`moonbear("trackPageview")`, `history.pushState({}, "", "/a")`, `history.pushState({}, "", "/b")`, `moonbear("trackPageview")`},
			views:  "/app /b",
			left:   "/app /b",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.page("/app", stub+test.config+snippet, filler)
			tab := w.browser.Open(shop + "/app")
			tab.Until("window.moonbear && moonbear.loaded")
			for _, step := range test.steps {
				stay(tab, 100*time.Millisecond)
				tab.Eval(step, nil)
			}
			stay(tab, 100*time.Millisecond)
			tab.Hide()
			want := strings.Count(test.left, " ") + 1
			w.hits.Wait(t, "engagements", func([]browsertest.Hit) bool { return len(w.hits.Events("engagement")) >= want })
			if got := paths(w.hits.Events("pageview")); got != test.views {
				t.Errorf("pageviews of %s, want %s", got, test.views)
			}
			if got := paths(w.hits.Events("engagement")); got != test.left {
				t.Errorf("engagements of %s, want %s", got, test.left)
			}
			for _, h := range w.hits.Hits() {
				if kept := h.Fields["include_url_fragment"] == true; kept != (test.name == "fragment") {
					t.Errorf("include_url_fragment: %s", h.Raw)
				}
			}
			for _, h := range w.hits.Events("engagement") {
				if ms, _ := h.Number("engagement_time"); ms < 100 || ms > 5000 {
					t.Errorf("engagement_time = %v ms of %s", ms, h.Text("url"))
				}
			}
			w.quiet(tab)
		})
	}
}

// The page before led to the next: with the search engine of the first one
// every further pageview would open a visit.
func TestSinglePageAppReferrer(t *testing.T) {
	w := newWorld(t)
	w.page("/app", stub+snippet, filler)
	w.page("/search", "", `<a id=go href="`+shop+`/app?utm_source=ad">go</a>`)
	tab := w.browser.Open("https://other.test/search")
	tab.Click("#go")
	tab.Loaded(shop + "/app?utm_source=ad")
	first := w.hits.WaitEvent(t, "pageview", 1)
	tab.Eval(`moonbear("track", "First")`, nil)
	tab.Eval(`history.pushState({}, "", "/a")`, nil)
	tab.Eval(`moonbear("track", "Second")`, nil)
	second := w.hits.WaitEvent(t, "pageview", 2)
	for _, test := range []struct{ got, want string }{
		{first.Text("referrer"), "https://other.test/"},
		{w.hits.WaitEvent(t, "First", 1).Text("referrer"), "https://other.test/"},
		{second.Text("referrer"), shop + "/app?utm_source=ad"},
		{w.hits.WaitEvent(t, "Second", 1).Text("referrer"), shop + "/app?utm_source=ad"},
	} {
		if test.got != test.want {
			t.Errorf("referrer %q, want %q", test.got, test.want)
		}
	}
}

// comeBack makes a page leave for /next, which comes back. What comes back says
// so if it was restored; if it was loaded anew, because something threw it out
// of the cache, it leaves again.
const comeBack = `<script>
	onload = () => setTimeout(() => location.href = "/next", 600)
	onpageshow = e => e.persisted && setTimeout(() => navigator.sendBeacon("https://stats.test/event", '{"event":"restored"}'), 200)
</script>`

const goBack = `<script>onload = () => setTimeout(() => history.back(), 200)</script>`

func TestBackForwardCache(t *testing.T) {
	long(t)
	w := newWorld(t)
	w.page("/", snippet, filler+comeBack)
	w.page("/next", snippet, filler+goBack)
	tab := w.browser.OpenAlone(shop + "/")
	w.hits.WaitEvent(t, "restored", 1)
	views, lefts := w.hits.Events("pageview"), w.hits.Events("engagement")
	if len(views)%2 != 1 || len(lefts) != len(views)-1 {
		t.Fatalf("a restored page is no pageview:\n%s", browsertest.Describe(w.hits.Hits()))
	}
	again := views[len(views)-1]
	if again.Text("url") != shop+"/" || again.Text("referrer") != shop+"/" {
		t.Errorf("restored: %s", again.Raw)
	}
	tab.Hide()
	left := w.hits.WaitEvent(t, "engagement", len(views))
	if got := left.Text("url"); got != shop+"/" {
		t.Errorf("engagement of %s", got)
	}
	if ttfb, ok := left.Number("vital_ttfb"); !ok || ttfb != 0 {
		t.Errorf("vital_ttfb after a restore: %s", left.Raw)
	}
	if _, sent := left.Number("page_load"); sent {
		t.Errorf("the load's timings are told twice: %s", left.Raw)
	}
	if ms, _ := left.Number("engagement_time"); ms < 200 || ms > 5000 {
		t.Errorf("engagement_time = %v ms: the time in the cache counts?", ms)
	}
}
