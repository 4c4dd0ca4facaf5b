package browsertest

import (
	"strings"

	"github.com/chromedp/cdproto/input"
)

// Modifiers a visitor holds down while clicking or typing, as the protocol
// numbers them.
var modifiers = map[string]int64{"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}

// keyCodes are the keys that do something instead of writing a letter: the
// number that Windows gave them, which the protocol goes by.
var keyCodes = map[string]int64{
	"Backspace": 8, "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36,
	"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Delete": 46,
}

// Keys presses keys one after another at whatever has the focus: "Tab",
// "Shift+Tab", "Enter", "ArrowLeft", "a".
func (tab *Tab) Keys(keys ...string) {
	tab.t.Helper()
	for _, name := range keys {
		held := int64(0)
		key := name
		for {
			modifier, rest, ok := strings.Cut(key, "+")
			if !ok || modifiers[modifier] == 0 {
				break
			}
			held, key = held|modifiers[modifier], rest
		}
		p := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Code: key, Modifiers: held, WindowsVirtualKeyCode: keyCodes[key]}
		switch {
		case key == "Enter":
			p.Text = "\r"
		case key == " ":
			p.Text, p.Code = " ", "Space"
		case keyCodes[key] == 0:
			p.Text, p.Code = key, ""
		default:
			p.Type = input.DispatchKeyEventTypeRawKeyDown
		}
		call(tab, "press "+name, input.DispatchKeyEvent, p)
		p.Type, p.Text = input.DispatchKeyEventTypeKeyUp, ""
		call(tab, "let go of "+name, input.DispatchKeyEvent, p)
	}
}

// Type writes text into whatever has the focus.
func (tab *Tab) Type(text string) {
	tab.t.Helper()
	call(tab, "type "+text, input.InsertText, input.InsertTextParams{Text: text})
}

// point is a place in an element, as shares of its width and height from the
// top left corner, in the window's pixels. The element is scrolled into view.
func (tab *Tab) point(selector string, across, down float64) (x, y float64) {
	tab.t.Helper()
	var box struct{ X, Y, W, H float64 }
	tab.Eval(`(() => {
		const e = document.querySelector(`+quote(selector)+`);
		e.scrollIntoViewIfNeeded();
		const r = e.getBoundingClientRect();
		return {X: r.x, Y: r.y, W: r.width, H: r.height};
	})()`, &box)
	return box.X + box.W*across, box.Y + box.H*down
}

func (tab *Tab) mouse(what string, p input.DispatchMouseEventParams) {
	tab.t.Helper()
	call(tab, what, input.DispatchMouseEvent, p)
}

// ClickOn clicks the element that a JavaScript expression finds in the page:
// ClickOn("[...document.links].find(a => a.textContent === 'Next')").
func (tab *Tab) ClickOn(expression string) {
	tab.t.Helper()
	tab.Click(tab.mark(expression))
}

// mark makes the element that a JavaScript expression finds selectable, as soon
// as it is there: of a page that is still coming in, only the beginning is.
func (tab *Tab) mark(expression string) (selector string) {
	tab.t.Helper()
	tab.Until(`(() => {
		for (const e of document.querySelectorAll("[data-marked]")) e.removeAttribute("data-marked");
		const found = document.readyState === "complete" && (` + expression + `);
		found?.setAttribute?.("data-marked", "");
		return !!found;
	})()`)
	return "[data-marked]"
}

// ClickOnHolding does the same while a modifier is held.
func (tab *Tab) ClickOnHolding(modifier, expression string) {
	tab.t.Helper()
	tab.ClickHolding(modifier, tab.mark(expression))
}

// ClickHolding clicks the middle of an element while a modifier is held.
func (tab *Tab) ClickHolding(modifier, selector string) {
	tab.t.Helper()
	tab.press(selector, modifiers[modifier], 1)
}

// DoubleClick clicks the middle of an element twice.
func (tab *Tab) DoubleClick(selector string) {
	tab.t.Helper()
	tab.press(selector, 0, 1)
	tab.press(selector, 0, 2)
}

func (tab *Tab) press(selector string, held, count int64) {
	tab.t.Helper()
	x, y := tab.point(selector, .5, .5)
	p := input.DispatchMouseEventParams{X: x, Y: y, Button: Left, Modifiers: held, ClickCount: count}
	p.Type, p.Buttons = input.DispatchMouseEventTypeMousePressed, 1
	tab.mouse("press "+selector, p)
	p.Type, p.Buttons = input.DispatchMouseEventTypeMouseReleased, 0
	tab.mouse("let go of "+selector, p)
}

// Hover moves the mouse over an element, so many shares across it.
func (tab *Tab) Hover(selector string, across float64) {
	tab.t.Helper()
	x, y := tab.point(selector, across, .5)
	tab.mouse("point at "+selector, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: x, Y: y})
}

// Drag presses the mouse in an element, moves it across and lets go; from and
// to are shares of its width.
func (tab *Tab) Drag(selector string, from, to float64) {
	tab.t.Helper()
	x, y := tab.point(selector, from, .5)
	end, _ := tab.point(selector, to, .5)
	p := input.DispatchMouseEventParams{X: x, Y: y}
	p.Type = input.DispatchMouseEventTypeMouseMoved
	tab.mouse("point at "+selector, p)
	p.Type, p.Button, p.Buttons, p.ClickCount = input.DispatchMouseEventTypeMousePressed, Left, 1, 1
	tab.mouse("press "+selector, p)
	for step := 1.0; step <= 5; step++ { // a hand passes what lies between
		p.Type, p.X = input.DispatchMouseEventTypeMouseMoved, x+(end-x)*step/5
		tab.mouse("drag over "+selector, p)
	}
	p.Type, p.Buttons = input.DispatchMouseEventTypeMouseReleased, 0
	tab.mouse("let go of "+selector, p)
}

// Tap touches the middle of an element with a finger. The tab must be a
// phone's, by Size.
func (tab *Tab) Tap(selector string) {
	tab.t.Helper()
	x, y := tab.point(selector, .5, .5)
	touch := input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: []*input.TouchPoint{{X: x, Y: y}}}
	call(tab, "touch "+selector, input.DispatchTouchEvent, touch)
	touch = input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}}
	call(tab, "lift the finger off "+selector, input.DispatchTouchEvent, touch)
}
