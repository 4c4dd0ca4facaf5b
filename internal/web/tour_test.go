package web

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
	"moonbear/tracker/browsertest"
)

// long skips a test that takes five seconds or more, but where everything is
// tested: make test sets TEST_LONG, so that go test ./... stays a short loop.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
}

// base is where the world's pages are for a browser.
const base = "https://stats.example.com"

// visit is a page as somebody sees it.
type visit struct {
	name   string // of a picture of it
	who    *person
	path   string
	script string // JavaScript that opens what is closed at first, or ""
}

// tour is what is done with every page, as soon as it can be seen.
type tour func(visit)

func (b tour) shoot(name string, who *person, path, script string) {
	b(visit{name, who, path, script})
}

// everyPage shows every page, full and empty, to b; perDay are the visits of
// the full ones' site. A route of a page that is
// not among them fails TestEveryPageIsSeen.
func everyPage(w *world, perDay float64, b tour) {
	stranger := &person{w: w}
	b.shoot("setup", stranger, "/setup?code=7KQ2M-X9RTB", "")
	owner := w.claim("owner@example.com", "hallacoffee.example", "Asia/Seoul")
	w.traffic(owner.site, w.now().Add(-75*24*time.Hour), w.now(), perDay)
	empty, refused, arrived := w.addSite(owner, "new-shop.example"), w.addSite(owner, "xn--hq1bm8jm9l.com"), w.addSite(owner, "first.example")
	w.refuse(refused)
	w.put(append(w.one(arrived), w.one(arrived)...), nil)
	home := sitePath(owner.site)
	b.shoot("login", stranger, "/login", "")
	b.shoot("link", stranger, "/login/link/abc", "")
	b.shoot("sites", owner, "/sites", "")
	b.shoot("dashboard", owner, home+"?period=4w", "")
	b.shoot("filtered", owner, home+"?period=today&f=eq,country,KR&f=contains,path,journal&metric=bounce_rate&sources=channel&pages=entry_page", "")
	b.shoot("first-day", owner, sitePath(arrived), "")
	b.shoot("menu", owner, home+"?period=7d", `document.querySelector('[data-test=period]').open=true;document.querySelector('[data-plot]').focus();document.querySelector('[data-plot]').dispatchEvent(new KeyboardEvent('keydown',{key:'ArrowLeft'}))`)
	b.shoot("filter-form", owner, home+"?period=12m", `document.querySelector('[data-test=add-filter]').parentElement.open=true`)
	b.shoot("about", owner, home, `document.querySelector('.number-name').click()`)
	b.shoot("no-hits", owner, sitePath(empty), "")
	b.shoot("no-match", owner, home+"?f=eq,path,/nowhere", "")
	b.shoot("start", owner, sitePath(empty)+"/start", "")
	b.shoot("start-refused", owner, sitePath(refused)+"/start", "")
	b.shoot("start-arrived", owner, sitePath(arrived)+"/start", "")
	b.goalPages(w, owner, arrived)
	w.imported(owner.site.ID, "access.log.1.gz", false)
	w.imported(owner.site.ID, "plausible.zip", true)
	b.shoot("transfer", owner, home+"/transfer", "")
	b.shoot("transfer-empty", owner, sitePath(empty)+"/transfer", "")
	b.shoot("transfer-wrong", owner, home+"/transfer?from=2026-03-02&to=2026-03-01", "")
	b.shoot("listing", owner, home+"/all/path", "")
	b.shoot("dropped", owner, home+"/dropped?period=4w", "")
	b.shoot("dropped-reason", owner, home+"/dropped?period=4w&reason=bot", "")
	b.shoot("dropped-none", owner, sitePath(empty)+"/dropped", "")
	b.shoot("perf-listing", owner, home+"/slowest/path?performance=lcp", "")
	b.shoot("perf-vital", owner, home+"?performance=lcp&slowest=country&percentile=95&period=3m", "")
	b.shoot("live", owner, home+"/live", "")
	b.shoot("live-nobody", owner, sitePath(empty)+"/live", "")
	b.shoot("not-found", owner, "/nowhere", "")
	b.shoot("docs", stranger, "/docs", "")
	for _, name := range html.DocNames() {
		b.shoot("docs-"+name, stranger, html.DocURL(name), "")
	}
	w.breakPanels(func() { b.shoot("panel-failed", owner, home+"?period=7d", "") })
}

// breakPanels makes the questions of the panels by place fail meanwhile.
func (w *world) breakPanels(meanwhile func()) {
	asker := w.asker
	w.asker = failing{asker, func(q stats.Query) bool { return len(q.Dimensions) > 0 && q.Dimensions[0] == stats.Country }}
	w.serve(nil)
	meanwhile()
	w.asker = asker
	w.serve(nil)
}

// notPages are GET routes of the class page that show no page of their own,
// each with the reason.
var notPages = map[string]string{
	"GET /{$}":                                  "leads on",
	"GET /sites/{site}/filter":                  "leads on, to the dashboard with one more filter",
	"GET /sites/{site}/panels/{panel}":          "a part of the dashboard, seen there",
	"GET /sites/{site}/values":                  "values for the filter form to offer",
	"GET /sites/{site}/panels/{panel}/csv":      "a file",
	"GET /sites/{site}/all/{dimension}/csv":     "a file",
	"GET /sites/{site}/transfer/events":         "a file",
	"GET /sites/{site}/start/status":            "a part of the start page, seen there",
	"GET /sites/{site}/live/now":                "a part of the live view, seen there",
	"GET /sites/{site}/slowest/{dimension}/csv": "a file",
}

// TestEveryPageIsSeen fails when a page's route is not on the tour, which is
// what axe, the cameras and the scales go by.
func TestEveryPageIsSeen(t *testing.T) {
	w := newWorld(t, base)
	seen := map[string]bool{}
	everyPage(w, 5, func(v visit) {
		r, err := http.NewRequest(http.MethodGet, v.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, pattern := w.server.handler.Handler(r)
		seen[pattern] = true
		if why, ok := notPages[pattern]; ok {
			t.Errorf("%s is on the tour, but %s says of its route: %s", v.path, pattern, why)
		}
		if res := v.who.get(v.path); res.Code >= 300 && v.name != "not-found" && v.name != "link" && v.name != "transfer-wrong" {
			t.Errorf("%s answers %d", v.path, res.Code)
		}
	})
	known := map[string]bool{}
	for _, rt := range w.server.routes() {
		known[rt.pattern] = true
		if rt.class != page || strings.HasPrefix(rt.pattern, http.MethodPost+" ") || notPages[rt.pattern] != "" {
			continue
		}
		if !seen[rt.pattern] {
			t.Errorf("%s is not on the tour: add it to everyPage, or to notPages with the reason", rt.pattern)
		}
	}
	for pattern := range notPages {
		if !known[pattern] {
			t.Errorf("notPages names %s, which is no route", pattern)
		}
	}
}

// window is a browser at the world's pages.
type window struct {
	*browsertest.Tab
	web *browsertest.Web
}

// open opens a browser that can reach the world's pages.
func (w *world) open(t testing.TB) *window {
	t.Helper()
	web := browsertest.NewWeb(t)
	web.Handle("stats.example.com", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.Handler().ServeHTTP(rw, r) }))
	tab := browsertest.Start(t, web, browsertest.Flag("hide-scrollbars", true)).Open("about:blank")
	return &window{tab, web}
}

// signIn gives the browser a person's login.
func (b *window) signIn(p *person) {
	name, value, _ := strings.Cut(p.cookie, "=")
	b.Cookie(base, name, value)
}

// do runs JavaScript in the page.
func (b *window) do(script string) { b.Eval("(() => {"+script+"})()", nil) }

// until waits for a condition of the page, and says what it is for if it never
// comes.
func (b *window) until(what, condition string) {
	b.Until("document.readyState === 'complete' && (" + condition + ") /* " + what + " */")
}

// look is how a page is seen.
type look struct{ lang, theme string }

// looks are the ways every page is seen.
var looks = []look{{"en", "light"}, {"en", "dark"}, {"ko", "light"}, {"ko", "dark"}}

// see opens a page as its visitor, in a language and a theme.
func (b *window) see(v visit, l look) {
	b.Headers("Cookie", "language="+l.lang+"; theme="+l.theme+"; "+v.who.cookie)
	b.Navigate(base + v.path)
	if v.script != "" {
		b.Eval(v.script, nil)
	}
}

// widths of a phone and a desk.
var widths = []int64{390, 1440}
