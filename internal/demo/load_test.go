package demo

import (
	"slices"
	"testing"

	"moonbear/internal/event"
)

// TestLoadsLookReal holds a week of pages to what a browser could have
// measured, and to what makes the panel of performance worth reading: phones,
// far places and heavy pages are slower, and not every browser knows all.
func TestLoadsLookReal(t *testing.T) {
	events, _ := traffic().Window(epoch.AddDate(0, 0, 20), epoch.AddDate(0, 0, 27))
	loads := map[string][]int32{}
	for i := range events {
		e := &events[i]
		ms := func(i int) int32 { v, _ := e.Measures[i].Value(); return v }
		known := func(i int) bool { _, ok := e.Measures[i].Value(); return ok }
		switch e.Name {
		case event.Pageview:
			sum := ms(event.DNS) + ms(event.Connect) + ms(event.TTFBTiming) + ms(event.DownloadTiming) + ms(event.Render)
			if sum > ms(event.PageLoad) || ms(event.TLS) > ms(event.Connect) || ms(event.DOMContentLoaded) > ms(event.PageLoad) {
				t.Fatalf("the phases are longer than the load: %v", e.Measures)
			}
			if first := e.Time == e.VisitStart; first != (ms(event.Connect) > 0) {
				t.Fatalf("a first page connects, a later one doesn't: %v", e.Measures)
			}
			for _, key := range []string{e.Device, e.Country, e.Path} {
				loads[key] = append(loads[key], ms(event.PageLoad))
			}
		case event.Engagement:
			if ms(event.TTFB) > ms(event.FCP) || known(event.LCP) && ms(event.FCP) > ms(event.LCP) {
				t.Fatalf("painted before the answer came: %v", e.Measures)
			}
			if known(event.CLS) && (e.Browser == "Safari" || e.Browser == "Firefox") {
				t.Fatalf("%s measures no CLS", e.Browser)
			}
		}
	}
	p75 := func(key string) int32 {
		l := loads[key]
		slices.Sort(l)
		if len(l) < 20 {
			t.Fatalf("%s was loaded %d times", key, len(l))
		}
		return l[len(l)*3/4]
	}
	for _, c := range []struct{ slow, fast string }{{"mobile", "desktop"}, {"IN", "KR"}, {"/journal/grinders-compared", "/journal/brew-guide"}} {
		if s, f := p75(c.slow), p75(c.fast); s < f*5/4 {
			t.Errorf("p75 of %s is %d ms, of %s %d ms: want it clearly slower", c.slow, s, c.fast, f)
		}
	}
	if v := p75("KR"); v < 500 || v > 4000 {
		t.Errorf("p75 in Korea is %d ms", v)
	}
}
