package web

import (
	"net/http"
	"testing"
)

// TestFailuresInABrowser goes on with a page while parts of the server fail.
func TestFailuresInABrowser(t *testing.T) {
	w := newWorld(t, base)
	w.noon()
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	w.thirty(owner)
	b := w.open(t)
	b.signIn(owner)
	home := base + sitePath(owner.site) + "?period=7d"
	w.breakPanels(func() {
		b.Navigate(home)
		b.until("one panel failed, the others are there", visitors(30)+` && document.querySelector('#panel-places .panel-problem code') && document.querySelector('#panel-pages .row')`)
		b.do(`window.here = true; window.failed = document.querySelector('#panel-places')`)
		b.ClickOn(`document.querySelector('#panel-places .panel-problem a')`)
		b.until("trying again too early fails again, in the panel", `window.here && !window.failed.isConnected && document.querySelector('#panel-places .panel-problem')`)
	})
	b.ClickOn(`document.querySelector('#panel-places .panel-problem a')`)
	b.until("trying again fills the panel", `window.here && document.querySelector('#panel-places').innerHTML.includes('country%2CCA') && !document.querySelector('.panel-problem')`)

	// The server goes away while the page is looked at.
	there := b.web
	there.Handle("stats.example.com", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	b.ClickOn(link("#panel-pages", "/pricing"))
	b.until("what was known stays, and a word of it", `window.here && `+visitors(30)+` && !document.querySelector('[data-offline]').hidden`)
	there.Handle("stats.example.com", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.Handler().ServeHTTP(rw, r) }))
	b.ClickOn(`document.querySelector('[data-offline] button')`)
	b.until("trying again goes where it was meant to", `window.here && `+visitors(10)+` && document.querySelector('[data-offline]').hidden`)
}
