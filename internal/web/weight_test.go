package web

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// heaviest is what a dashboard may weigh on its way to a browser that has
// nothing of it yet, headers included. (Headless, a browser doesn't ask for the
// icon, which is 0.4 KB more.)
const heaviest = 150 << 10 // bytes

// TestDashboardsWeight opens the dashboard in a browser that has never seen it
// and weighs all that came. Everything comes from this server.
func TestDashboardsWeight(t *testing.T) {
	long(t)
	w := newWorld(t, base)
	owner := w.claim("owner@example.com", "hallacoffee.example", "Asia/Seoul")
	w.traffic(owner.site, w.now().Add(-30*24*time.Hour), w.now(), 200)
	b := w.open(t)
	for _, l := range looks {
		// A filter and the finest time make the page longer.
		for _, path := range []string{sitePath(owner.site) + "?period=4w", sitePath(owner.site) + "?period=7d&interval=hour&f=eq,device,desktop"} {
			b.Navigate("about:blank")
			tr := b.Transfer(true)
			b.see(visit{who: owner, path: path}, l)
			tr.Wait(b.Tab)
			var kinds []string
			for _, r := range tr.Requests() {
				u, err := url.Parse(r.URL)
				if err != nil {
					t.Fatal(err)
				}
				if u.Scheme+"://"+u.Host != base {
					t.Errorf("%s asks another server: %s", path, r.URL)
				}
				if r.Failed != "" {
					t.Errorf("%s: %s does not come: %s", path, r.URL, r.Failed)
				}
				kinds = append(kinds, u.Path[strings.LastIndex(u.Path, ".")+1:])
			}
			for _, kind := range []string{"css", "js"} {
				if !slices.Contains(kinds, kind) {
					t.Errorf("%s came without its %s: this measures something else", path, kind)
				}
			}
			if tr.Bytes() > heaviest || tr.Bytes() < 10<<10 {
				t.Errorf("%s (%s, %s) weighs %d bytes, want 10 to 150 KB: %+v", path, l.lang, l.theme, tr.Bytes(), tr.Requests())
			}
			t.Logf("%s, %s: %.1f KB in %d requests", l.lang, l.theme, float64(tr.Bytes())/1024, len(tr.Requests()))
		}
	}
}
