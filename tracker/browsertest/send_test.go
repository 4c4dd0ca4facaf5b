package browsertest_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/tracker/browsertest"
)

// stub is the queue as the documentation gives it.
const stub = `<script>window.moonbear = window.moonbear || function () { (window.moonbearQ = window.moonbearQ || []).push(arguments) }</script>`

func TestNotSent(t *testing.T) {
	long(t)
	tests := []struct {
		name    string
		options []browsertest.Option
		url     string
		head    string
		before  string // JavaScript run before any of the page's
	}{
		{name: "localhost", url: "https://localhost/"},
		{name: "loopback address", url: "https://127.0.0.1/"},
		{name: "webdriver", options: []browsertest.Option{browsertest.Flag("disable-blink-features", false), browsertest.Flag("enable-automation", true)}},
		{name: "do not track", head: `<script>Object.defineProperty(navigator, "doNotTrack", {value: "1"}); moonbear("config", {honorDNT: true})</script>`},
		{name: "disabled", head: `<script>moonbear("config", {enabled: false})</script>`},
		{name: "opted out", url: shop + "/?moonbear=off"},
		{name: "dropped by undefined", head: `<script>moonbear("config", {beforeSend: () => {}})</script>`},
		{name: "dropped by null", head: `<script>moonbear("config", {beforeSend: () => null})</script>`},
		{name: "beforeSend throws", head: `<script>moonbear("config", {beforeSend: () => { throw 1 }})</script>`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, test.options...)
			w.page("/", stub+test.head+snippet, filler+`<a id=out href="https://other.test/file.pdf" target=_blank>out</a>`)
			url := test.url
			if url == "" {
				url = shop + "/"
			}
			tab := w.browser.Open(url)
			tab.Until("moonbear.loaded")
			tab.Eval(`moonbear("track", "Event"); moonbear("trackPageview"); history.pushState({}, "", "/next")`, nil)
			stay(tab, 100*time.Millisecond)
			w.quiet(tab)
			w.none(tab, test.name)
		})
	}
}

// A page on a disk has no host, and nothing to count.
func TestNotSentFromFile(t *testing.T) {
	w := newWorld(t)
	tab := w.browser.Open(browsertest.File(t, "<!doctype html>"+stub+snippet+filler))
	tab.Until("moonbear.loaded")
	w.none(tab, "file")
}

func TestSent(t *testing.T) {
	long(t)
	tests := []struct {
		name string
		url  string
		head string
	}{
		{name: "debug on localhost", url: "https://localhost/", head: `<script>moonbear("config", {debug: true})</script>`},
		{name: "do not track, not honoured", head: `<script>Object.defineProperty(navigator, "doNotTrack", {value: "1"})</script>`},
		{name: "honoured, nothing asked", head: `<script>moonbear("config", {honorDNT: true})</script>`},
		{name: "a host named like localhost", url: "https://other.test/"},
		{name: "no storage", head: `<script>Object.defineProperty(window, "localStorage", {get() { throw new Error("denied") }})</script>`},
		{name: "no beacon", head: `<script>navigator.sendBeacon = undefined</script>`},
		{name: "full beacon", head: `<script>navigator.sendBeacon = () => false</script>`},
		{name: "an element with its name", head: `<meta id=moonbear><meta id=panelbear>`},
		{name: "undefined options", head: `<script>moonbear("config", {beforeSend: undefined, analyticsHost: undefined})</script>`},
		{name: "included twice", head: snippet},
		{name: "another command", head: `<script>moonbear("identify", {id: 7})</script>`},
		{name: "enabled later", head: `<script>moonbear("config", {enabled: false}); setTimeout(() => { moonbear("config", {enabled: true}); moonbear("trackPageview") }, 200)</script>`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			head := stub + test.head
			if strings.Contains(test.head, "id=moonbear") {
				head = test.head
			}
			w.page("/", head+snippet, filler)
			url := test.url
			if url == "" {
				url = shop + "/"
			}
			tab := w.browser.Open(url)
			view := w.hits.WaitEvent(t, "pageview", 1)
			if view.Text("url") != url || view.Text("pid") != "SITE" {
				t.Errorf("pageview %s", view.Raw)
			}
			if got := view.Header.Get("Content-Type"); got != "text/plain;charset=UTF-8" {
				t.Errorf("Content-Type %q would be preflighted", got)
			}
			tab.Until("moonbear.loaded")
			stay(tab, 200*time.Millisecond)
			tab.Hide()
			w.hits.WaitEvent(t, "engagement", 1)
			if n := len(w.hits.Events("pageview")); n != 1 {
				t.Errorf("%d pageviews, want 1", n)
			}
			w.quiet(tab)
		})
	}
}

func TestOptOut(t *testing.T) {
	w := newWorld(t)
	w.page("/", snippet, filler)
	tab := w.browser.Open(shop + "/?moonbear=off")
	tab.Until("window.moonbear && moonbear.loaded")
	keys := func() (all []string) {
		tab.Eval(`[...Object.keys(localStorage), ...Object.keys(sessionStorage), ...document.cookie.split(";").filter(Boolean)]`, &all)
		return all
	}
	if got := keys(); len(got) != 1 || got[0] != "moonbear" {
		t.Errorf("stored: %q", got)
	}
	tab.Navigate(shop + "/")
	tab.Until("window.moonbear && moonbear.loaded")
	if hits := w.hits.Hits(); len(hits) > 0 {
		t.Errorf("opted out, and still:\n%s", browsertest.Describe(hits))
	}
	tab.Navigate(shop + "/?moonbear=on")
	w.hits.WaitEvent(t, "pageview", 1)
	if got := keys(); len(got) != 0 {
		t.Errorf("stored after opting in: %q", got)
	}
}

// Opting out holds for tabs that are open already.
func TestOptOutElsewhere(t *testing.T) {
	w := newWorld(t)
	w.page("/", snippet, filler)
	w.page("/other", snippet, filler)
	tab := w.browser.Open(shop + "/")
	w.hits.WaitEvent(t, "pageview", 1)
	other := w.browser.Open(shop + "/other?moonbear=off")
	other.Until("window.moonbear && moonbear.loaded")
	sent := len(w.hits.Hits())
	tab.Show()
	tab.Eval(`history.pushState({}, "", "/a"); moonbear("track", "Event")`, nil)
	other.Navigate(shop + "/?moonbear=on")
	w.hits.WaitEvent(t, "pageview", 2)
	if hits := w.hits.Hits(); len(hits) != sent+1 {
		t.Errorf("sent while opted out:\n%s", browsertest.Describe(hits[sent:]))
	}
}

func TestQueue(t *testing.T) {
	w := newWorld(t)
	w.page("/", stub+`<script>
		moonbear("track", "Before", {props: {plan: "basic", seats: 3, trial: true}, value: 12.5, currency: "EUR"})
		moonbear("config", {beforeSend: hit => ({...hit, url: hit.url + "?changed"})})
	</script>`+snippet, filler)
	tab := w.browser.Open(shop + "/")
	event := w.hits.WaitEvent(t, "Before", 1)
	tab.Eval(`moonbear("track", "After", {interactive: false})`, nil)
	after := w.hits.WaitEvent(t, "After", 1)
	if hits := w.hits.Hits(); hits[0].Text("event") != "pageview" {
		t.Errorf("the event came before its pageview:\n%s", browsertest.Describe(hits))
	}
	if event.Prop("plan") != "basic" || !strings.Contains(string(event.Raw), `"props":{"plan":"basic","seats":3,"trial":true},"value":12.5,"currency":"EUR"`) {
		t.Errorf("the event lost something: %s", event.Raw)
	}
	if after.Text("url") != shop+"/?changed" || after.Fields["interactive"] != false {
		t.Errorf("beforeSend didn't change it: %s", after.Raw)
	}
	w.quiet(tab)
}

func TestPrerender(t *testing.T) {
	w := newWorld(t)
	w.prerendered("/next", stub+snippet, filler+`<script>
		const was = document.prerendering
		moonbear("track", "Prerendered", {props: {was}})
	</script>`)
	w.page("/", snippet, filler+w.prerender("/next"))
	w.browser.OpenAlone(shop + "/")
	event := w.hits.WaitEvent(t, "Prerendered", 1)
	if !strings.Contains(string(event.Raw), `"was":true`) {
		t.Fatalf("the page was not prerendered: %s", event.Raw)
	}
	// It was there 300 ms before it was gone to: time enough to speak early.
	hits := w.hits.Hits()
	going := slices.IndexFunc(hits, func(h browsertest.Hit) bool { return h.Text("event") == "going" })
	spoke := slices.IndexFunc(hits, func(h browsertest.Hit) bool { return h.Text("url") == shop+"/next" })
	if going < 0 || spoke < going || paths(w.hits.Events("pageview")) != "/ /next" {
		t.Errorf("the prerendered page spoke before it was seen:\n%s", browsertest.Describe(hits))
	}
}

// prerendered makes a page that says when it was prerendered and has loaded.
func (w *world) prerendered(path, head, body string) {
	ready := make(chan struct{})
	var once sync.Once
	w.page(path, head, body+`<script>onload = () => setTimeout(() => fetch("`+path+`/loaded"), 300)</script>`)
	w.serve(path+"/loaded", func(http.ResponseWriter, *http.Request) { once.Do(func() { close(ready) }) })
	w.serve(path+"/ready", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-ready:
		case <-r.Context().Done():
		}
	})
}

// prerender gives what prerenders a page, and goes there when it has loaded.
func (w *world) prerender(path string) string {
	return `<script type=speculationrules>{"prerender": [{"source": "list", "urls": ["` + path + `"], "eagerness": "immediate"}]}</script>
		<script>fetch("` + path + `/ready").then(() => {
			navigator.sendBeacon("https://stats.test/event", '{"event":"going"}')
			location.href = "` + path + `"
		})</script>`
}
