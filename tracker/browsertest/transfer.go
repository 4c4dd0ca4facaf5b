package browsertest

import (
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Request is one thing a page asked for.
type Request struct {
	URL    string
	Bytes  int64  // that came over the network for it, headers and redirects included
	Failed string // why nothing came, or ""

	redirects int64 // of Bytes
}

// Transfer is what the pages of a tab asked for since it was made.
type Transfer struct {
	mu    sync.Mutex
	order []network.RequestID
	byID  map[network.RequestID]*Request
	ended map[network.RequestID]bool
}

// Transfer begins to count what the tab's pages ask for. Nothing comes from
// the browser's cache meanwhile when cold.
func (tab *Tab) Transfer(cold bool) *Transfer {
	tab.t.Helper()
	tr := &Transfer{byID: map[network.RequestID]*Request{}, ended: map[network.RequestID]bool{}}
	if err := chromedp.Listen(tab.ctx, tr.note); err != nil {
		tab.t.Fatalf("listen to the network: %v", err)
	}
	call(tab, "watch the network", network.Enable, network.EnableParams{})
	call(tab, "switch the cache", network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: cold})
	return tr
}

func (tr *Transfer) note(event any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if strings.HasPrefix(e.Request.URL, "data:") {
			return // written in the page itself
		}
		if _, redirected := tr.byID[e.RequestID]; !redirected {
			tr.order = append(tr.order, e.RequestID)
			tr.byID[e.RequestID] = &Request{}
		} else if e.RedirectResponse != nil {
			r := tr.byID[e.RequestID]
			r.redirects += int64(e.RedirectResponse.EncodedDataLength)
			r.Bytes = r.redirects
		}
		tr.byID[e.RequestID].URL = e.Request.URL
		tr.ended[e.RequestID] = e.Type == network.ResourceTypeEventSource // it never ends
	case *network.EventDataReceived:
		// What streams (the live view) never ends: its bytes count as they come.
		if r := tr.byID[e.RequestID]; r != nil {
			r.Bytes += e.EncodedDataLength
		}
	case *network.EventLoadingFinished:
		if r := tr.byID[e.RequestID]; r != nil {
			r.Bytes = r.redirects + int64(e.EncodedDataLength)
			tr.ended[e.RequestID] = true
		}
	case *network.EventLoadingFailed:
		if r := tr.byID[e.RequestID]; r != nil {
			r.Failed = e.ErrorText
			tr.ended[e.RequestID] = true
		}
	}
}

// Requests are what was asked for, in order.
func (tr *Transfer) Requests() []Request {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var rs []Request
	for _, id := range tr.order {
		rs = append(rs, *tr.byID[id])
	}
	return slices.Clip(rs)
}

// Bytes is what everything asked for weighs together.
func (tr *Transfer) Bytes() (sum int64) {
	for _, r := range tr.Requests() {
		sum += r.Bytes
	}
	return sum
}

// Wait returns when everything asked for has come, but for what streams.
func (tr *Transfer) Wait(tab *Tab) {
	tab.t.Helper()
	tab.until("everything asked for has come", func() bool {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return !slices.ContainsFunc(tr.order, func(id network.RequestID) bool { return !tr.ended[id] })
	})
}
