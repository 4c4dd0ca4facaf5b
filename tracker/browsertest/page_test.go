package browsertest_test

import (
	"testing"
	"time"
)

func TestStaticPage(t *testing.T) {
	w := newWorld(t)
	w.page("/", snippet, filler)
	w.page("/next", snippet, filler)
	tab := w.browser.Open(shop + "/?utm_source=letter&utm_term=shoes#part")
	view := w.hits.WaitEvent(t, "pageview", 1)
	for field, want := range map[string]any{
		"pid":           "SITE",
		"url":           shop + "/?utm_source=letter&utm_term=shoes",
		"referrer":      "",
		"screen_width":  float64(800),
		"user_language": "en-US",
	} {
		if got := view.Fields[field]; got != want {
			t.Errorf("%s = %v, want %v", field, got, want)
		}
	}
	if view.Text("timezone") == "" || view.Text("connection_speed") == "" {
		t.Errorf("no time zone or connection speed: %s", view.Raw)
	}
	if got := view.Header.Get("Content-Type"); got != "text/plain;charset=UTF-8" {
		t.Errorf("Content-Type %q would be preflighted", got)
	}
	if got := view.Header.Get("Cookie"); got != "" {
		t.Errorf("a cookie was sent: %q", got)
	}
	vitalsThere(tab)
	stay(tab, 300*time.Millisecond)
	tab.Navigate(shop + "/next")
	read := w.hits.WaitEvent(t, "engagement", 1)
	if got, want := read.Text("url"), view.Text("url"); got != want {
		t.Errorf("engagement is of %q, want %q", got, want)
	}
	if ms, _ := read.Number("engagement_time"); ms < 300 || ms > 10_000 {
		t.Errorf("engagement_time = %v ms", ms)
	}
	if depth, _ := read.Number("scroll_depth"); depth != 100 {
		t.Errorf("scroll_depth = %v of a page without scroll bars", depth)
	}
	for _, field := range []string{"lcp", "fcp", "cls", "vital_ttfb", "dns", "connect", "ssl", "ttfb", "download", "dom_content_loaded", "render", "page_load", "transfer_size"} {
		if n, ok := read.Number(field); !ok || n < 0 {
			t.Errorf("%s is not measured: %s", field, read.Raw)
		}
	}
	second := w.hits.WaitEvent(t, "pageview", 2)
	if got := second.Text("url"); got != shop+"/next" {
		t.Errorf("second pageview of %q", got)
	}
	w.quiet(tab)
}
