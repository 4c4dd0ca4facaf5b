package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	nethtml "golang.org/x/net/html"

	"moonbear/internal/event"
)

// thirty puts thirty visitors of one page each into a site at noon of the
// world's day: ten on "/", ten on "/pricing", ten on "/journal"; every second
// from Korea, the others from Canada.
func (w *world) thirty(p *person) {
	at := w.now().Add(-time.Hour)
	var events []event.Event
	for i := range 30 {
		e := view(p.site, at, []string{"/", "/pricing", "/journal"}[i%3], int64(i+1))
		e.Entry.Country = []string{"KR", "CA"}[i%2]
		events = append(events, e)
	}
	w.put(events, nil)
}

// noon stops the world's clock, so that no test meets midnight.
func (w *world) noon() {
	at := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	w.now = func() time.Time { return at }
}

// link is the JavaScript that finds a link or button within a part of the page
// by its words.
func link(within, words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].find(e => e.textContent.trim() === %q)`, within+" a, "+within+" button, "+within+" summary", words)
}

// visitors is the JavaScript condition that the dashboard shows so many.
func visitors(n int) string {
	return fmt.Sprintf(`document.querySelector('[data-test=value-visitors]')?.textContent.trim() === '%d'`, n)
}

// TestWithoutScripts goes an owner's way with scripts switched off.
func TestWithoutScripts(t *testing.T) {
	w := newWorld(t, base)
	w.noon()
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	w.thirty(owner)
	b := w.open(t)
	b.NoScript(true)
	b.Start(base + "/sites")
	b.until("whoever isn't signed in is led to it", `location.pathname === '/login'`)
	b.Click("[name=email]")
	b.Type("owner@example.com")
	b.Click("[name=password]")
	b.Type(password)
	b.Keys("Enter")
	b.until("and comes to where they wanted", `location.pathname === '/sites' && document.querySelector('[data-test=sites]')`)
	b.ClickOn(link("[data-test=sites]", "shop.example"))
	b.until("the dashboard", `location.pathname === '`+sitePath(owner.site)+`'`)
	b.Navigate(base + sitePath(owner.site) + "?period=7d")
	b.until("answers whole", visitors(30)+` && document.querySelectorAll('[data-panel]').length >= 5`)

	b.do(`window.here = true`)
	b.ClickOn(link("#panel-pages", "/pricing"))
	b.until("a row filters, by a page of its own", visitors(10)+` && !window.here && location.search.includes('%2Fpricing')`)
	b.ClickOn(`document.querySelector('[data-test=filters] .chip-remove')`)
	b.until("a chip is taken off", visitors(30)+` && !location.search.includes('pricing')`)

	b.Click("[data-test=period] summary")
	b.ClickOn(`document.querySelector('[data-test=period] a[href*="period=24h"]')`)
	b.until("another period", `location.search.includes('period=24h') && `+visitors(30))
	b.Click("[data-test=compare] summary")
	b.ClickOn(`[...document.querySelectorAll('[data-test=compare] a')].find(a => a.href.includes('compare=year'))`)
	b.until("another comparison", `location.search.includes('compare=year')`)
	b.ClickOn(`[...document.querySelectorAll('#panel-sources .tabs a')].find(a => !a.hasAttribute('aria-current'))`)
	b.until("another tab", `location.search.includes('sources=') && document.querySelector('h1')`)
	b.ClickOn(`document.querySelector('[data-test=value-pageviews]')`)
	b.until("another metric", `location.search.includes('metric=pageviews') && location.search.includes('sources=')`)

	b.Click("[data-test=add-filter]")
	b.Eval(`document.querySelector('.filter-form [name=dimension]').value = 'country'`, nil)
	b.Click(".filter-form [name=value]")
	b.Type("CA")
	b.Keys("Enter")
	b.until("a filter is written", visitors(15)+` && location.search.includes('country')`)

	b.Navigate(base + sitePath(owner.site) + "/all/path?period=7d")
	b.Click("[type=search]")
	b.Type("pri")
	b.Keys("Enter")
	b.until("the listing searches", `document.querySelectorAll('[data-test=listing] tbody tr').length === 1`)
	b.ClickOn(`[...document.querySelectorAll('[data-test=listing] thead a')].at(-1)`)
	b.until("and sorts", `location.search.includes('sort=') && location.search.includes('q=pri')`)
	b.ClickOn(`document.querySelector('[data-test=listing] tbody a')`)
	b.until("and filters", visitors(10)+` && location.pathname === '`+sitePath(owner.site)+`'`)

	b.Click("[data-test=theme]")
	b.until("the theme follows", `document.documentElement.dataset.theme === 'light' && `+visitors(10))
	b.Click("[data-test=language]")
	b.until("the language follows", `document.documentElement.lang === 'ko' && `+visitors(10))
	b.Click("[data-test=account]")
	b.Click("[data-test=logout]")
	b.until("and out", `location.pathname === '/login'`)
}

// TestEveryLinkIsAPage asks for every link of the dashboard as a plain page:
// whoever has no scripts gets a whole answer everywhere.
func TestEveryLinkIsAPage(t *testing.T) {
	w := newWorld(t, base)
	w.noon()
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	w.thirty(owner)
	here := sitePath(owner.site) + "?period=7d&f=neq,path,/nowhere&sources=channel"
	links, forms := reachable(t, owner.get(here).Body.String())
	if len(links) < 40 || len(forms) < 3 {
		t.Fatalf("only %d links and %d forms were found", len(links), len(forms))
	}
	for _, l := range links {
		if strings.HasPrefix(l, "http") || strings.HasPrefix(l, "#") {
			continue // the measured site's own pages; this page
		}
		l, _, _ := strings.Cut(l, "#")
		res := owner.get(l)
		file := strings.HasPrefix(res.Header().Get("Content-Type"), "text/csv")
		if res.Code != http.StatusOK || !file && !strings.Contains(res.Body.String(), "</html>") {
			t.Errorf("%s answers %d and no whole page", l, res.Code)
		}
	}
	for _, f := range forms {
		if r, err := http.NewRequest(http.MethodPost, f, nil); err != nil {
			t.Errorf("a form leads to %q: %v", f, err)
		} else if _, pattern := w.server.handler.Handler(r); pattern == "/" {
			r.Method = http.MethodGet
			if _, pattern := w.server.handler.Handler(r); pattern == "/" {
				t.Errorf("a form leads to %q, where there is nothing", f)
			}
		}
	}
}

// reachable gives the addresses that a page's links and forms lead to.
func reachable(t *testing.T, body string) (links, forms []string) {
	t.Helper()
	doc, err := nethtml.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if seen[n.Data+a.Val] || a.Key != "href" && a.Key != "action" {
				continue
			}
			seen[n.Data+a.Val] = true
			if _, err := url.Parse(a.Val); err != nil {
				t.Errorf("no address: %q", a.Val)
			}
			switch n.Data {
			case "a":
				links = append(links, a.Val)
			case "form":
				forms = append(forms, a.Val)
			}
		}
	}
	return links, forms
}
