package web

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/web/html"
)

// TestSlowestListing: all rows, those measured too rarely only when asked for.
func TestSlowestListing(t *testing.T) {
	w, owner, events := perfWorld(t)
	midnight := time.Date(2026, 11, 15, 15, 0, 0, 0, time.UTC)
	is := during(midnight, w.now().Add(time.Hour), nil)
	lists := measured(events, "fcp", func(e *event.Event) (string, bool) { _, ok := is(e); return e.Path, ok })
	views := map[string]int{}
	for i := range events {
		if _, ok := is(&events[i]); ok && events[i].Name == event.Pageview {
			views[events[i].Path]++
		}
	}
	rare := 0
	for _, list := range lists {
		if len(list) < 10 {
			rare++
		}
	}
	if rare == 0 {
		t.Fatal("every page was measured often: nothing is left out")
	}
	en := html.Language("en")
	path := sitePath(owner.site) + "/slowest/path?period=7d&performance=fcp&percentile=95"
	for more, want := range map[string]int{"": len(lists) - rare, "&few=1": len(lists), "&few=1&q=shop%2F": -1} {
		doc := owner.document(t, path+more)
		slower, n := math.Inf(1), 0
		for tr := range doc.Descendants() {
			if tr.Data != "tr" || tr.Parent.Data != "tbody" {
				continue
			}
			n++
			var cells []string
			for c := range tr.ChildNodes() {
				cells = append(cells, wordsIn(c))
			}
			list := lists[cells[0]]
			p := func(percent int) string { return en.Fine(rank("fcp", list, percent), html.Milliseconds) }
			if want := []string{cells[0], p(50), p(75), p(95), strconv.Itoa(len(list)), strconv.Itoa(views[cells[0]])}; !slices.Equal(cells, want) {
				t.Errorf("got %q, want %q", cells, want)
			}
			if v := rank("fcp", list, 95); v > slower {
				t.Errorf("%s is slower than the one before it", cells[0])
			} else {
				slower = v
			}
			if strings.Contains(more, "q=") && !strings.Contains(cells[0], "shop/") {
				t.Errorf("%s doesn't match the search", cells[0])
			}
		}
		if want >= 0 && n != want || n == 0 {
			t.Errorf("%q: %d rows, want %d", more, n, want)
		}
	}
	file := owner.get(sitePath(owner.site) + "/slowest/path/csv?period=7d&performance=fcp&few=1").Body.String()
	if rows := strings.Count(file, "\r\n"); rows != len(lists)+1 || !strings.HasPrefix(file, "path,fcp_p50,fcp_p75,fcp_p95,fcp_count,pageviews\r\n") {
		t.Errorf("the file has %d lines for %d pages: %.80s", rows, len(lists), file)
	}
	for _, wrong := range []string{"/slowest/city", "/slowest/path?performance=speed", "/slowest/path?percentile=99"} {
		if res := owner.get(sitePath(owner.site) + wrong); res.Code/100 != 4 {
			t.Errorf("%s answers %d", wrong, res.Code)
		}
	}
}
