package browsertest

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	patience = time.Minute           // for one step, on a busy machine
	interval = 20 * time.Millisecond // between two looks at a condition
)

// Tab is one tab of a Browser. Its methods fail the test when they can't do
// what they say.
type Tab struct {
	t   testing.TB
	b   *Browser
	ctx context.Context
	id  target.ID

	mu       sync.Mutex
	url      string // of the page that is shown
	problems []string
}

// watch keeps the page's address, what pages throw, and what Chromium puts
// into their console about them.
func (tab *Tab) watch() error {
	return chromedp.Listen(tab.ctx, func(event any) {
		var problem, url string
		switch e := event.(type) {
		case *page.EventFrameNavigated:
			if e.Frame.ParentID == "" {
				url = e.Frame.URL + e.Frame.URLFragment
			}
		case *page.EventNavigatedWithinDocument:
			url = e.URL
		case *runtime.EventExceptionThrown:
			problem = thrown(e.ExceptionDetails)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				problem = e.Entry.Text + " " + e.Entry.URL
			}
		}
		tab.mu.Lock()
		defer tab.mu.Unlock()
		if url != "" {
			tab.url = url
		}
		if problem != "" {
			tab.problems = append(tab.problems, problem)
		}
	})
}

// Problems are the errors and warnings of the pages the tab has shown.
func (tab *Tab) Problems() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.problems)
}

// call sends one command of the DevTools protocol to a tab.
func call[P, R any](tab *Tab, what string, command cdp.Command[P, R], params P) R {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		tab.t.Fatalf("%s: %v", what, err)
	}
	return result
}

// evaluate runs JavaScript in whatever page the tab shows at that moment.
func (tab *Tab) evaluate(script string) (result []byte, exception string, err error) {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	yes := true
	r, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: script, ReturnByValue: &yes, AwaitPromise: &yes,
	})
	if err != nil {
		return nil, "", err
	}
	if r.ExceptionDetails != nil {
		return nil, thrown(r.ExceptionDetails), nil
	}
	return r.Result.Value, "", nil
}

// thrown says what was thrown and where.
func thrown(e *runtime.ExceptionDetails) string {
	text := e.Text
	if e.Exception != nil {
		text += " " + e.Exception.Description
	}
	return text + " " + e.URL
}

// Eval runs JavaScript in the page, awaits it if it gives a promise, and
// decodes the result into out, a pointer, unless that is nil.
func (tab *Tab) Eval(script string, out any) {
	tab.t.Helper()
	result, exception, err := tab.evaluate(script)
	switch {
	case err != nil:
		tab.t.Fatalf("run %s: %v", script, err)
	case exception != "":
		tab.t.Fatalf("run %s: %s", script, exception)
	case out == nil:
		return
	}
	if err := json.Unmarshal(result, out); err != nil {
		tab.t.Fatalf("run %s: it gave %s: %v", script, result, err)
	}
}

// Until returns when a JavaScript condition holds.
func (tab *Tab) Until(condition string) {
	tab.t.Helper()
	tab.until(condition, func() bool {
		result, exception, err := tab.evaluate("!!(" + condition + ")")
		return err == nil && exception == "" && string(result) == "true"
	})
}

func (tab *Tab) until(what string, holds func() bool) {
	tab.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			tab.t.Fatalf("after %v it still doesn't hold: %s", patience, what)
		}
	}
}

// Navigate opens url as if it were typed, and returns when it has loaded.
func (tab *Tab) Navigate(url string) {
	tab.t.Helper()
	tab.Start(url)
	tab.Loaded(url)
}

// Start opens url as if it were typed, and doesn't wait for it.
func (tab *Tab) Start(url string) {
	tab.t.Helper()
	r := call(tab, "navigate to "+url, page.Navigate, page.NavigateParams{URL: url})
	if r.ErrorText != "" {
		tab.t.Fatalf("navigate to %s: %s", url, r.ErrorText)
	}
}

// Loaded returns when url is the address of the page and it has loaded.
//
// Until the browser says that it is, nothing is evaluated: that could meet the
// page before on its way into the back-forward cache, and throw it out.
func (tab *Tab) Loaded(url string) {
	tab.t.Helper()
	tab.until("the page is "+url, func() bool {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		return tab.url == url
	})
	tab.Until("document.readyState == 'complete'")
}

// Back goes one back in history, and returns when that page is there, url
// being its address.
func (tab *Tab) Back(url string) {
	tab.t.Helper()
	h := call(tab, "read the history", page.GetNavigationHistory, cdp.Empty{})
	if h.CurrentIndex < 1 {
		tab.t.Fatalf("go back: this is the first page")
	}
	call(tab, "go back", page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: h.Entries[h.CurrentIndex-1].ID})
	tab.Loaded(url)
}

// Button is a mouse button.
type Button = input.MouseButton

// The buttons a visitor may click with.
const (
	Left   = input.MouseButtonLeft
	Middle = input.MouseButtonMiddle
	Right  = input.MouseButtonRight
)

// Click clicks the middle of an element, as a mouse does.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.ClickWith(Left, selector)
}

// ClickWith clicks the middle of an element with a button.
func (tab *Tab) ClickWith(button Button, selector string) {
	tab.t.Helper()
	var at struct{ X, Y float64 }
	tab.Eval(`(() => {
		const e = document.querySelector(`+quote(selector)+`);
		e.scrollIntoViewIfNeeded();
		const r = e.getBoundingClientRect();
		return {X: r.x + r.width / 2, Y: r.y + r.height / 2};
	})()`, &at)
	buttons := map[Button]int64{Left: 1, Right: 2, Middle: 4}[button]
	for _, event := range []input.DispatchMouseEventParams{
		{Type: input.DispatchMouseEventTypeMousePressed, Buttons: buttons},
		{Type: input.DispatchMouseEventTypeMouseReleased},
	} {
		event.X, event.Y, event.Button, event.ClickCount = at.X, at.Y, button, 1
		call(tab, "click "+selector, input.DispatchMouseEvent, event)
	}
}

// Press types one character at whatever has the focus.
func (tab *Tab) Press(key string) {
	tab.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		call(tab, "press "+key, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: key, Text: key})
	}
}

// Hide brings another tab to the front, and returns when the page knows.
func (tab *Tab) Hide() {
	tab.t.Helper()
	tab.b.activate(tab.b.blank)
	tab.Until("document.hidden")
}

// Show brings the tab to the front, and returns when the page knows.
func (tab *Tab) Show() {
	tab.t.Helper()
	tab.b.activate(tab.id)
	tab.Until("!document.hidden")
}

func (b *Browser) activate(id target.ID) {
	b.t.Helper()
	if _, err := chromedp.CallBrowser(b.ctx, target.ActivateTarget, target.ActivateTargetParams{TargetID: id}); err != nil {
		b.t.Fatalf("bring a tab to the front: %v", err)
	}
}

// quote writes s as JavaScript does.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // any string can be written as JSON
	}
	return string(b)
}
