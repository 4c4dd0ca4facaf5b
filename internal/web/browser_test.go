package web

import (
	"testing"
	"time"

	"moonbear/internal/event"
)

// TestPagesInABrowser presses what the script looks after, in a real browser.
func TestPagesInABrowser(t *testing.T) {
	w := newWorld(t, base)
	b := w.open(t)
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	home, start := sitePath(owner.site), sitePath(owner.site)+"/start"
	b.signIn(owner)

	b.Navigate(base + start)
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

	b.Navigate(base + home + "?period=today")
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
