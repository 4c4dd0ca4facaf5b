package web

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"moonbear/internal/event"
	"moonbear/tracker/browsertest"
)

// TestPagesInABrowser presses what the script looks after, in a real browser.
func TestPagesInABrowser(t *testing.T) {
	browsertest.ChromiumPath(t) // or skip, but not where it counts
	w := newWorld(t, "https://stats.example.com")
	srv := httptest.NewServer(w.server.Handler())
	defer srv.Close()
	b := newBrowser(t, srv.URL)
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	home, start := sitePath(owner.site), sitePath(owner.site)+"/start"
	name, value, _ := strings.Cut(owner.cookie, "=")
	if _, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: srv.URL}); err != nil {
		t.Fatal(err)
	}

	b.open(start)
	b.until("the copy button shows", `!document.querySelector('[data-test=copy]').hidden`)
	b.until("it waits", `!!document.querySelector('[data-test=waiting]')`)
	w.put(nil, []event.Drop{{Site: owner.site.ID, Time: time.Now().Truncate(time.Minute).UnixMilli(), Reason: dropHostname, Detail: "www.shop.example", Count: 1}})
	b.until("the refusal shows by itself", `!!document.querySelector('[data-test=allow]')`)
	b.do(`document.querySelector('[data-test=allow]').click()`)
	b.until("allowing comes back to the wait", `!document.querySelector('[data-test=allow]') && location.pathname.endsWith('/start')`)
	now := time.Now()
	var events []event.Event
	for i := range 3 {
		events = append(events, view(owner.site, now, []string{"/", "/", "/pricing"}[i], int64(i+1)))
	}
	w.put(events, nil)
	b.until("the first pageview shows by itself", `!!document.querySelector('[data-test=arrived]')`)

	b.open(home + "?period=today")
	b.do(`window.here = true`)
	b.do(`[...document.querySelectorAll('#panel-pages .row-label')].find(a => a.textContent === '/pricing').click()`)
	b.until("a row filters", `document.querySelector('[data-test=filters]')?.textContent.includes('/pricing') && document.querySelector('[data-test=value-visitors]').textContent === '1'`)
	b.until("in place, with the address", `window.here && location.search.includes('pricing')`)
	b.do(`history.back()`)
	b.until("Back takes it off", `!document.querySelector('[data-test=filters]') && document.querySelector('[data-test=value-visitors]').textContent === '3'`)
	b.do(`[...document.querySelectorAll('#panel-pages .row-label')].find(a => a.textContent === '/pricing').dispatchEvent(new MouseEvent('click', {altKey: true, bubbles: true, cancelable: true}))`)
	b.until("Alt excludes", `location.search.includes('neq') && document.querySelector('[data-test=value-visitors]').textContent === '2'`)
	b.do(`history.back()`)
	b.until("and Back again", `document.querySelector('[data-test=value-visitors]').textContent === '3'`)
	b.do(`[...document.querySelectorAll('#panel-sources .tabs a')].find(a => a.textContent === 'Channels').click()`)
	b.until("a tab changes its panel", `document.querySelector('#panel-sources .row-label').textContent === 'Organic Search' && location.search.includes('sources=channel')`)
	b.do(`document.querySelector('[data-test=value-pageviews]').click()`)
	b.until("and is kept by the next press", `location.search.includes('metric=pageviews') && document.querySelector('#panel-sources .row-label').textContent === 'Organic Search'`)
	b.do(`document.querySelector('[data-plot]').dispatchEvent(new KeyboardEvent('keydown', {key: 'Home'}))`)
	b.until("arrow keys read the chart", `!document.querySelector('[data-tip]').hidden && document.querySelector('[data-said]').textContent.includes('Pageviews')`)
	b.until("all of it without leaving the page", `window.here`)
}

func (b *browser) open(path string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(b.base+path)); err != nil {
		b.t.Fatalf("%s: %v", path, err)
	}
}

func (b *browser) do(script string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("(() => {"+script+"; return true})()")); err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
}

// until polls a condition of the page; 20 s is for a machine that is busy.
func (b *browser) until(what, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if ok && err == nil {
			return
		}
		if time.Now().After(deadline) {
			html, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + ' ' + document.body.innerText.slice(0, 800)"))
			b.t.Fatalf("%s: never (%v)\n%s", what, err, html)
		}
		<-time.After(20 * time.Millisecond)
	}
}
