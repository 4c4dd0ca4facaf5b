package web

import (
	"strings"
	"testing"

	"moonbear/internal/web/pagetest"
)

// TestAxe runs every rule of axe over every page, in both languages, both
// themes, on a phone and at a desk. None may be broken, nothing may be wider
// than the window, and no page may complain in the console.
func TestAxe(t *testing.T) {
	long(t)
	w := newWorld(t, base)
	b := w.open(t)
	checker := pagetest.NewChecker(t)
	everyPage(w, 420, func(v visit) {
		if !strings.Contains(v.name, *shotsOnly) {
			return
		}
		for _, l := range looks {
			b.see(v, l)
			for _, width := range widths {
				b.Size(width, 900)
				broken, tried := checker.Axe(b.Tab)
				if tried < 90 {
					t.Fatalf("%s: axe tried only %d rules", v.name, tried)
				}
				for _, x := range broken {
					t.Errorf("%s (%s, %s, %d px): %s", v.name, l.lang, l.theme, width, x)
				}
				if wide := b.widest(); wide > width {
					t.Errorf("%s (%s, %s): at %d px the page is %d px wide", v.name, l.lang, l.theme, width, wide)
				}
			}
		}
	})
	for _, p := range b.Problems() {
		if !strings.Contains(p, "status of 40") { // the pages that are not found
			t.Errorf("a page complained: %s", p)
		}
	}
}
