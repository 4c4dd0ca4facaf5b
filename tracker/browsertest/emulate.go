package browsertest

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// phone is the widest window that behaves as a phone does: touch, overlay
// scrollbars, the viewport tag obeyed.
const phone = 600

// Size makes the tab a window of so many CSS pixels; up to 600 wide it is a
// phone's, with a finger for a pointer.
func (tab *Tab) Size(width, height int64) {
	tab.t.Helper()
	call(tab, "size the window", emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width <= phone,
	})
	call(tab, "choose the pointer", emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: width <= phone, MaxTouchPoints: 1})
}

// Prefer says what the visitor's device prefers: Prefer("prefers-color-scheme",
// "dark", "prefers-reduced-motion", "reduce"). It replaces what was said before.
func (tab *Tab) Prefer(features ...string) {
	tab.t.Helper()
	var p emulation.SetEmulatedMediaParams
	for i := 0; i+1 < len(features); i += 2 {
		p.Features = append(p.Features, &emulation.MediaFeature{Name: features[i], Value: features[i+1]})
	}
	call(tab, "set preferences", emulation.SetEmulatedMedia, p)
}

// NoScript stops the scripts of the pages opened from now on, or lets them run
// again.
func (tab *Tab) NoScript(off bool) {
	tab.t.Helper()
	call(tab, "switch scripts", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
}

// Cookie gives the browser a cookie of url's host, for all its tabs.
func (tab *Tab) Cookie(url, name, value string) {
	tab.t.Helper()
	cookie := network.SetCookieParams{Name: name, Value: value, URL: url, Path: "/"}
	call(tab, "set the cookie "+name, network.SetCookie, cookie)
}

// Picture photographs the page, all of it or the window alone, as PNG.
func (tab *Tab) Picture(whole bool) []byte {
	tab.t.Helper()
	// The driver takes longer than the other steps when the page is long.
	ctx, cancel := context.WithTimeout(tab.ctx, 2*time.Minute)
	defer cancel()
	var p page.CaptureScreenshotParams
	// A page's own width is the picture's: a bar that scrolls would cut it.
	call(tab, "hide the scroll bars", emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
	if whole {
		var size struct{ Width, Height float64 }
		tab.Eval(`({Width: document.documentElement.scrollWidth, Height: document.documentElement.scrollHeight})`, &size)
		p.Clip = &page.Viewport{Width: size.Width, Height: size.Height, Scale: 1}
		p.CaptureBeyondViewport = &whole
	}
	r, err := chromedp.Call(ctx, page.CaptureScreenshot, p)
	if err != nil {
		tab.t.Fatalf("photograph the page: %v", err)
	}
	return r.Data
}

// Headers sends headers with everything the tab asks for from now on:
// Headers("Cookie", "theme=dark"). They replace those of the call before.
func (tab *Tab) Headers(names ...string) {
	tab.t.Helper()
	h := network.Headers{}
	for i := 0; i+1 < len(names); i += 2 {
		h[names[i]] = names[i+1]
	}
	call(tab, "watch the network", network.Enable, network.EnableParams{})
	call(tab, "set headers", network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: h})
}
