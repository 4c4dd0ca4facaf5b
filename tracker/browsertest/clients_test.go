package browsertest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"moonbear/tracker/browsertest"
)

// A customer's own server proxies the script and "event" beside it, under
// names of its own: the browser talks to one origin only.
func TestProxied(t *testing.T) {
	w := newWorld(t)
	w.page("/", `<script async src="/stats/m.js?site=SITE"></script>`, filler)
	tab := w.browser.Open(shop + "/")
	view := w.hits.WaitEvent(t, "pageview", 1)
	if view.Text("pid") != "SITE" || view.Header.Get("X-Forwarded-For") == "" && view.Host != "stats.test" {
		t.Errorf("pageview %s to %s", view.Raw, view.Host)
	}
	var addresses []string
	tab.Until(`performance.getEntriesByType("resource").some(e => e.name.endsWith("?vitals") && e.responseEnd)`)
	tab.Eval(`performance.getEntriesByType("resource").map(e => e.name)`, &addresses)
	for _, a := range addresses {
		if !strings.HasPrefix(a, shop+"/") {
			t.Errorf("another origin was asked: %s", a)
		}
	}
	stay(tab, 100*time.Millisecond)
	tab.Hide()
	if _, ok := w.hits.WaitEvent(t, "engagement", 1).Number("lcp"); !ok {
		t.Error("no vitals through the proxy")
	}
	w.quiet(tab)
}

func TestAnalyticsHost(t *testing.T) {
	w := newWorld(t)
	w.web.Handle("collect.test", http.StripPrefix("/in", w.hits))
	w.page("/", stub+`<script>moonbear("config", {site: "OTHER", analyticsHost: "https://collect.test/in"})</script>`+snippet, filler)
	w.browser.Open(shop + "/")
	view := w.hits.WaitEvent(t, "pageview", 1)
	if view.Host != "collect.test" || view.Path != "/event" || view.Text("pid") != "OTHER" {
		t.Errorf("%s%s %s", view.Host, view.Path, view.Raw)
	}
}

// The published client of Panelbear, unmodified, by its options alone.
func TestPanelbearClient(t *testing.T) {
	w := newWorld(t)
	w.script("/app.js", browsertest.Bundle(t, `
		import * as panelbear from "@panelbear/panelbear-js"
		panelbear.load("SITE", {scriptSrc: "https://stats.test/analytics.js", analyticsHost: "https://stats.test"})
		panelbear.trackPageview()
		panelbear.track("Signed up")
		window.client = panelbear
	`))
	// An element of that name once broke the client.
	w.page("/", "", `<div id=panelbear></div>`+filler+`<script src=/app.js></script>`)
	w.page("/plain", "", filler+`<script src=/app.js></script>`)
	tab := w.browser.Open(shop + "/plain")
	view := w.hits.WaitEvent(t, "pageview", 1)
	if view.Text("pid") != "SITE" || view.Text("url") != shop+"/plain" {
		t.Errorf("pageview %s", view.Raw)
	}
	w.hits.WaitEvent(t, "Signed up", 1)
	tab.Until("panelbear.loaded")
	tab.Eval(`client.track("Later"); history.pushState({}, "", "/a")`, nil)
	w.hits.WaitEvent(t, "Later", 1)
	tab.Eval(`client.trackPageview()`, nil)
	if second := w.hits.WaitEvent(t, "pageview", 2); second.Text("url") != shop+"/a" {
		t.Errorf("second pageview %s", second.Raw)
	}
	tab.Eval(`client.trackPageview(); client.track("Last")`, nil)
	w.hits.WaitEvent(t, "Last", 1)
	if n := len(w.hits.Events("pageview")); n != 2 {
		t.Errorf("%d pageviews, want 2", n)
	}
	w.quiet(tab)
}

// The published client of Plausible, unmodified, with another endpoint.
func TestPlausibleClient(t *testing.T) {
	w := newWorld(t)
	w.script("/app.js", browsertest.Bundle(t, `
		import { init, track } from "@plausible-analytics/tracker"
		init({domain: "shop.test", endpoint: "https://stats.test/api/event", outboundLinks: true, fileDownloads: true})
		track("Signed up", {props: {plan: "basic"}, revenue: {currency: "EUR", amount: 12.5}, interactive: false})
	`))
	w.page("/", "", filler+`<script src=/app.js></script>`)
	tab := w.browser.Open(shop + "/")
	var view, event *browsertest.Hit
	w.hits.Wait(t, "pageview and event", func(hits []browsertest.Hit) bool {
		for _, h := range hits {
			switch h.Text("n") {
			case "pageview":
				view = &h
			case "Signed up":
				event = &h
			}
		}
		return view != nil && event != nil
	})
	if view.Path != "/api/event" || view.Text("d") != "shop.test" || view.Text("u") != shop+"/" {
		t.Errorf("pageview %s%s %s", view.Host, view.Path, view.Raw)
	}
	if raw := string(event.Raw); !strings.Contains(raw, `"p":{"plan":"basic"}`) || !strings.Contains(raw, `"i":false`) || !strings.Contains(raw, `"amount":12.5`) {
		t.Errorf("event %s", raw)
	}
	if got := view.Header.Get("Content-Type"); got != "text/plain" {
		t.Errorf("Content-Type %q", got)
	}
	w.quiet(tab)
}

// A page whose policy allows one nonce and nothing evaluated.
func TestContentSecurityPolicy(t *testing.T) {
	for _, policy := range []string{
		"default-src 'none'; script-src https://stats.test; connect-src https://stats.test",
		"default-src 'none'; script-src 'nonce-abc'; connect-src https://stats.test",
		"default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; connect-src https://stats.test; require-trusted-types-for 'script'",
	} {
		t.Run(policy, func(t *testing.T) {
			w := newWorld(t)
			w.serve("/", func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "text/html")
				rw.Header().Set("Content-Security-Policy", policy)
				rw.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
				_, _ = fmt.Fprint(rw, "<!doctype html><title>strict</title><link rel=icon href='data:,'>"+strings.Replace(snippet, "async", "async nonce=abc", 1)+filler)
			})
			tab := w.browser.Open(shop + "/")
			w.hits.WaitEvent(t, "pageview", 1)
			vitalsThere(tab)
			stay(tab, 100*time.Millisecond)
			tab.Hide()
			if left := w.hits.WaitEvent(t, "engagement", 1); left.Fields["lcp"] == nil {
				t.Errorf("no vitals: %s", left.Raw)
			}
			for _, p := range tab.Problems() {
				if !strings.Contains(p, "img-src") && !strings.Contains(p, "favicon") && !strings.Contains(p, "data:,") {
					t.Errorf("the page complains: %s", p)
				}
			}
		})
	}
}
