package app

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"moonbear/tracker/browsertest"
)

// internet is a Moonbear at https://stats.test, customers' sites beside it,
// and a browser that can reach them.
type internet struct {
	t       *testing.T
	server  *running
	web     *browsertest.Web
	browser *browsertest.Browser
}

func newInternet(t *testing.T) *internet {
	t.Helper()
	return newInternetWith(t, ServeOptions{})
}

func newInternetWith(t *testing.T, o ServeOptions) *internet {
	t.Helper()
	n := &internet{t: t, web: browsertest.NewWeb(t)}
	n.server = start(t, testConfig(t, t.TempDir(), "BASE_URL=https://stats.test"), o)
	target, err := url.Parse(n.server.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	n.web.Handle("stats.test", proxy)
	// What headless Chromium says of itself by default is a bot's name.
	n.browser = browsertest.Start(t, n.web, browsertest.Flag("user-agent", browserUA))
	return n
}

// site serves one page under every path of hosts; what is below /stats/ it
// passes on to Moonbear, as a customer's own proxy does.
func (n *internet) site(head, body string, hosts ...string) {
	target, err := url.Parse(n.server.url)
	if err != nil {
		n.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/stats/", http.StripPrefix("/stats", httputil.NewSingleHostReverseProxy(target)))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><html lang=en><head><title>shop</title>%s</head><body>%s</body></html>", head, body)
	})
	for _, h := range hosts {
		n.web.Handle(h, mux)
	}
}

// fill types into a field of the page.
func fill(tab *browsertest.Tab, name, value string) {
	tab.Eval(fmt.Sprintf(`document.querySelector('main [name=%s]').value = %q`, name, value), nil)
}

// submit presses the page's main button.
func submit(tab *browsertest.Tab) { tab.Click(`main [data-test=submit]`) }

func (n *internet) claim(tab *browsertest.Tab) {
	n.t.Helper()
	var code string
	until(n.t, "the log shows the one-time code", func() bool {
		m := regexp.MustCompile(`code=(\S+)`).FindStringSubmatch(n.server.log.String())
		if m != nil {
			code = m[1]
		}
		return m != nil
	})
	fill(tab, "code", "WRONG-CODE0")
	fill(tab, "email", "owner@shop.test")
	fill(tab, "password", "correct horse battery")
	fill(tab, "domain", "shop.test")
	submit(tab)
	tab.Until(`document.querySelector('[name=code][aria-invalid=true]') && document.querySelector('[name=email]').value == 'owner@shop.test'`)
	fill(tab, "code", code)
	fill(tab, "password", "correct horse battery")
	submit(tab)
	tab.Until(`document.querySelector('[data-test=snippet]')`)
}

// An owner claims a fresh server, pastes the snippet, is told of a hostname
// that is not on the list and allows it, and sees the first visit.
func TestFirstRunInABrowser(t *testing.T) {
	n := newInternet(t)
	owner := n.browser.Open("https://stats.test/setup")
	n.claim(owner)

	var snippet, start string
	owner.Eval(`document.querySelector('[data-test=snippet]').innerText`, &snippet)
	owner.Eval(`location.href`, &start)
	snippet = html.UnescapeString(strings.TrimSpace(snippet))
	if !strings.Contains(snippet, `<script async src="https://stats.test/analytics.js?site=`) {
		t.Fatalf("the snippet is %q", snippet)
	}
	n.site(snippet, "<h1>Coffee</h1>", "shop.test", "www.shop.test")
	if !strings.HasSuffix(start, "/start") {
		t.Fatalf("setup led to %s, want the page that waits for the first hit", start)
	}

	visitor := n.browser.Open("https://www.shop.test/basket?size=large")
	owner.Show()
	owner.Until(`document.querySelector('[data-test=refused]')?.innerText.includes('www.shop.test')`)
	owner.Click(`[data-test=allow]`)
	owner.Until(`!document.querySelector('[data-test=refused]')?.innerText.includes('www.shop.test')`)

	visitor.Show()
	visitor.Navigate("https://www.shop.test/beans?size=small")
	owner.Show()
	owner.Until(`document.querySelector('[data-test=arrived]')`)
	owner.Navigate(strings.TrimSuffix(start, "/start") + "?period=today")
	owner.Until(`document.querySelector('[data-test=panel-pages]')?.innerText.includes('/beans')`)
	var page string
	owner.Eval(`document.querySelector('main').innerText`, &page)
	if strings.Contains(page, "size=small") {
		t.Errorf("the dashboard shows a query string:\n%s", page)
	}
	for _, p := range append(owner.Problems(), visitor.Problems()...) {
		if !strings.Contains(p, "403") { // the wrong code's answer
			t.Errorf("a page complained: %s", p)
		}
	}

	// Nobody else may claim it: the page is gone.
	owner.Start("https://stats.test/setup")
	owner.Until(`location.pathname != '/setup' && !document.querySelector('[data-test=setup]')`)
}

// Every client that may send to Moonbear, unmodified, from a real page to the
// numbers.
func TestClientsInABrowser(t *testing.T) {
	n := newInternet(t)
	made, err := Setup(t.Context(), n.server.cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	panelbear := browsertest.Bundle(t, fmt.Sprintf(`
		import * as Panelbear from '@panelbear/panelbear-js';
		Panelbear.load(%q, {scriptSrc: 'https://stats.test/analytics.js', analyticsHost: 'https://stats.test'});
		Panelbear.trackPageview();
		Panelbear.track('NewsletterSignup');`, made.SiteID))
	plausible := browsertest.Bundle(t, `
		import {init, track} from '@plausible-analytics/tracker';
		init({domain: 'shop.test', endpoint: 'https://stats.test/api/event'});
		track('Purchase', {props: {roast: 'dark'}, revenue: {amount: 12.5, currency: 'USD'}});`)
	spa := `<script>setTimeout(() => history.pushState({}, '', '/spa/second'), 200)</script>`

	var pageviews, events float64
	for _, tt := range []struct {
		name, head, body, path string
		views, customs         float64
	}{
		{"our script on a static page", `<script async src="https://stats.test/analytics.js?site=` + made.SiteID + `"></script>`, "", "/static", 1, 0},
		{"through a proxied path", `<script async src="/stats/analytics.js?site=` + made.SiteID + `"></script>`, "", "/proxied", 1, 0},
		{"in a single-page app", `<script async src="https://stats.test/analytics.js?site=` + made.SiteID + `"></script>`, spa, "/spa/first", 2, 0},
		{"@panelbear/panelbear-js", "", "<script>" + panelbear + "</script>", "/panelbear", 1, 1},
		{"@plausible-analytics/tracker", "", "<script>" + plausible + "</script>", "/plausible", 1, 1},
	} {
		n.site(tt.head, tt.body, "shop.test")
		tab := n.browser.Open("https://shop.test" + tt.path)
		pageviews, events = pageviews+tt.views, events+tt.customs
		until(t, tt.name+" is counted", func() bool {
			return n.server.metric(made, "pageviews") == pageviews && n.server.metric(made, "events") == pageviews+events
		})
		if p := tab.Problems(); len(p) > 0 {
			t.Errorf("%s: the page complained: %v", tt.name, p)
		}
	}
	if r := n.server.metric(made, "revenue"); r != 12.5 {
		t.Errorf("revenue is %v, want 12.5", r)
	}
	if v := n.server.metric(made, "visitors"); v != 1 {
		t.Errorf("%v visitors, want 1: one browser", v)
	}
}
