package browsertest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"moonbear/tracker/browsertest"
)

func TestClicks(t *testing.T) {
	tests := []struct {
		name   string
		body   string
		button browsertest.Button
		event  string // "" for none
		url    string
	}{
		{name: "another host", body: `<a href="https://other.test/page?id=7#part">x</a>`, event: "Outbound Link", url: "https://other.test/page"},
		{name: "inside the link", body: `<a href="https://other.test/"><b><i>x</i></b></a>`, event: "Outbound Link", url: "https://other.test/"},
		{name: "in a shadow root", body: `<span id=host></span><script>host.attachShadow({mode: "open"}).innerHTML = '<a href="https://other.test/s">x</a>'</script>`, event: "Outbound Link", url: "https://other.test/s"},
		{name: "propagation stopped", body: `<a href="https://other.test/" onclick="event.stopPropagation(); event.preventDefault()">x</a>`, event: "Outbound Link", url: "https://other.test/"},
		{name: "middle button", body: `<a href="https://other.test/">x</a>`, button: browsertest.Middle, event: "Outbound Link", url: "https://other.test/"},
		{name: "right button", body: `<a href="https://other.test/">x</a>`, button: browsertest.Right},
		{name: "a file", body: `<a href="/list.PDF?v=2">x</a>`, event: "File Download", url: shop + "/list.PDF"},
		{name: "a file elsewhere", body: `<a href="https://other.test/a.tar.gz">x</a>`, event: "File Download", url: "https://other.test/a.tar.gz"},
		{name: "Hangul document", body: `<a href="/form.hwpx">x</a>`, event: "File Download", url: shop + "/form.hwpx"},
		{name: "own page", body: `<a href="/next">x</a>`},
		{name: "looks like a file", body: `<a href="/next?file=a.pdf#b.zip">x</a>`},
		{name: "mail", body: `<a href="mailto:a@b.test">x</a>`},
		{name: "no link", body: `<a>x</a><button>x</button>`},
		{name: "drawing", body: `<svg width=50 height=50><a href="/next"><rect width=50 height=50 /></a></svg>`},
	}
	w := newWorld(t)
	tab := w.browser.Open("about:blank")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// Nothing is left, so that each page hears only its own click.
			w.page("/", stub+snippet, filler+test.body+`<script>addEventListener("click", e => e.preventDefault()); addEventListener("auxclick", e => e.preventDefault())</script>`)
			tab.Navigate(shop + "/")
			tab.Until("moonbear.loaded")
			before := len(w.hits.Hits())
			button := test.button
			if button == "" {
				button = browsertest.Left
			}
			tab.ClickWith(button, "#host, a, button, svg")
			marks := len(w.hits.Events("Mark"))
			tab.Eval(`moonbear("track", "Mark")`, nil)
			w.hits.WaitEvent(t, "Mark", marks+1)
			stay(tab, 50*time.Millisecond)
			var got []string
			for _, h := range w.hits.Hits()[before:] {
				if e := h.Text("event"); e == "Outbound Link" || e == "File Download" {
					got = append(got, e+" "+h.Prop("url"))
				}
			}
			want := ""
			if test.event != "" {
				want = test.event + " " + test.url
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// The click that takes the visitor away is told.
func TestClickAway(t *testing.T) {
	w := newWorld(t)
	w.page("/", snippet, filler+`<a href="https://other.test/there">out</a>`)
	w.page("/there", "", filler)
	tab := w.browser.Open(shop + "/")
	tab.Until("window.moonbear && moonbear.loaded")
	stay(tab, 100*time.Millisecond)
	tab.Click("a")
	tab.Loaded("https://other.test/there")
	w.hits.WaitEvent(t, "Outbound Link", 1)
	w.hits.WaitEvent(t, "engagement", 1)
}

func TestNotFound(t *testing.T) {
	w := newWorld(t)
	w.serve("/gone", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte("<!doctype html><title>not found</title>" + snippet + filler))
	})
	tab := w.browser.Open(shop + "/gone?from=mail")
	event := w.hits.WaitEvent(t, "Not Found", 1)
	if event.Prop("path") != "/gone" || event.Fields["interactive"] != false {
		t.Errorf("%s", event.Raw)
	}
	if n := len(w.hits.Events("pageview")); n != 1 {
		t.Errorf("%d pageviews, want 1", n)
	}
	tab.Eval(`moonbear("track", "Done")`, nil)
	w.hits.WaitEvent(t, "Done", 1)
	if n := len(w.hits.Events("Not Found")); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestScrollDepth(t *testing.T) {
	w := newWorld(t)
	w.page("/", snippet, `<style>body { margin: 0 }</style><div style="height: 4000px; background: linear-gradient(red, blue)"></div>`)
	tab := w.browser.Open(shop + "/")
	w.hits.WaitEvent(t, "pageview", 1)
	var height float64
	tab.Eval("innerHeight", &height)
	tab.Eval("new Promise(done => { scrollTo(0, 2000 - innerHeight); setTimeout(() => { scrollTo(0, 0); setTimeout(done, 200) }, 200) })", nil)
	tab.Hide()
	if depth, _ := w.hits.WaitEvent(t, "engagement", 1).Number("scroll_depth"); depth != 50 {
		t.Errorf("scroll_depth = %v, want 50", depth)
	}
	// Coming back goes on where it was: time is a new stretch, depth is kept.
	tab.Show()
	stay(tab, 200*time.Millisecond)
	tab.Eval("new Promise(done => { scrollTo(0, 99999); setTimeout(done, 200) })", nil)
	tab.Hide()
	again := w.hits.WaitEvent(t, "engagement", 2)
	if depth, _ := again.Number("scroll_depth"); depth != 100 {
		t.Errorf("scroll_depth = %v, want 100", depth)
	}
	if ms, _ := again.Number("engagement_time"); ms < 400 || ms > 5000 {
		t.Errorf("engagement_time = %v ms of the second stretch", ms)
	}
	if _, told := again.Number("page_load"); told {
		t.Errorf("told twice: %s", again.Raw)
	}
}

// A hit stays far below the 16 KiB the server takes.
func TestLongAddress(t *testing.T) {
	w := newWorld(t)
	w.page("/", snippet, filler)
	w.browser.Open(shop + "/?q=" + strings.Repeat("x", 30_000))
	view := w.hits.WaitEvent(t, "pageview", 1)
	if len(view.Raw) > 8<<10 || len(view.Text("url")) != 4000 {
		t.Errorf("%d bytes, a URL of %d", len(view.Raw), len(view.Text("url")))
	}
}
