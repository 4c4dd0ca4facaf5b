package app

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"moonbear/tracker/browsertest"
)

// long skips a test that takes five seconds or more, but where everything is
// tested: make test sets TEST_LONG, so that go test ./... stays a short loop.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
}

// ownersTab is the demo's owner at their dashboard.
type ownersTab struct {
	*browsertest.Tab
	t    *testing.T
	n    *internet
	home string // the dashboard's address, without a question
}

// newOwner starts a demo and signs its owner in by the link it prints.
func newOwner(t *testing.T) *ownersTab {
	t.Helper()
	var out syncBuffer
	n := newInternetWith(t, ServeOptions{Demo: true, Out: &out})
	var link string
	until(t, "the link is printed", func() bool {
		link = regexp.MustCompile(`https://stats\.test/login/link/\S+`).FindString(out.String())
		return link != ""
	})
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	tab := n.browser.Open("about:blank")
	tab.Start(link)
	tab.Loaded("https://stats.test" + u.Query().Get("next"))
	home, _, _ := strings.Cut("https://stats.test"+u.Query().Get("next"), "?")
	return &ownersTab{tab, t, n, home}
}

// must returns when a condition of the page holds.
func (o *ownersTab) must(what, condition string) {
	o.t.Helper()
	o.Until("document.readyState === 'complete' && (" + condition + ") /* " + what + " */")
}

// number reads a headline number, exactly as its title says it.
func (o *ownersTab) number(metric string) (n int) {
	o.t.Helper()
	var text string
	o.Eval(fmt.Sprintf(`(e => e.title || e.textContent)(document.querySelector('[data-test=value-%s]'))`, metric), &text)
	n, err := strconv.Atoi(regexp.MustCompile(`\D`).ReplaceAllString(text, ""))
	if err != nil {
		o.t.Fatalf("%s is %q", metric, text)
	}
	return n
}

// rows of a panel: labels and exact numbers.
type row struct {
	Label string
	Count int
}

func (o *ownersTab) rows(panel string) (rows []row) {
	o.t.Helper()
	o.Eval(fmt.Sprintf(`[...document.querySelectorAll('#panel-%s .row')].map(r => ({
		Label: r.querySelector('.row-label').textContent.trim(),
		Count: Number((r.querySelector('.row-value').title || r.querySelector('.row-value').textContent).replace(/\D/g, '')),
	}))`, panel), &rows)
	if len(rows) == 0 {
		o.t.Fatalf("the panel %s has no rows", panel)
	}
	return rows
}

// label is the JavaScript that finds a row's button in a panel by its words.
func label(panel, words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#panel-%s .row-label')].find(a => a.textContent.trim() === %q)`, panel, words)
}

const chips = `document.querySelectorAll('[data-test=filters] .chip').length`

// TestOwnersTrip is what an owner does in the morning, in a real browser, at
// the real server full of a shop's traffic.
func TestOwnersTrip(t *testing.T) {
	long(t)
	o := newOwner(t)
	for _, leg := range []struct {
		name string
		walk func(*ownersTab)
	}{
		{"a hit is on the page", (*ownersTab).seesHit},
		{"rows filter, Alt excludes, chips come off", (*ownersTab).filters},
		{"the chart is read and zoomed", (*ownersTab).zooms},
		{"periods and comparisons, back and forward", (*ownersTab).goesBack},
		{"the keyboard alone", (*ownersTab).types},
		{"dark, and Korean", (*ownersTab).changesLooks},
		{"a phone", (*ownersTab).holdsPhone},
	} {
		t.Log(leg.name)
		o.Navigate(o.home + "?period=4w")
		leg.walk(o)
	}
	for _, p := range o.Problems() {
		t.Errorf("a page complained: %s", p)
	}
}

// seesHit sends a hit as a visitor's browser does, and finds it on the page.
func (o *ownersTab) seesHit() {
	o.n.server.view(o.home[strings.LastIndex(o.home, "/")+1:], "https://hallacoffee.example/a-page-of-this-morning")
	o.must("the hit is stored", `fetch(location.pathname + '/all/path?period=today&q=this-morning').then(r => r.text()).then(s => s.includes('/a-page-of-this-morning'))`)
	o.Navigate(o.home + "/all/path?period=today&q=this-morning")
	o.ClickOn(`[...document.querySelectorAll('[data-test=listing] tbody a')].find(a => a.textContent.trim() === '/a-page-of-this-morning')`)
	o.must("the dashboard of that page", chips+` === 1 && document.querySelector('[data-test=value-pageviews]')`)
	if n := o.number("pageviews"); n < 1 {
		o.t.Errorf("%d pageviews of a page that was seen", n)
	}
}

func (o *ownersTab) filters() {
	o.Navigate(o.home + "?period=4w&places=country")
	everyone := o.number("visitors")
	first := o.rows("places")[0]
	o.Eval(`window.here = true`, nil)
	o.ClickOn(label("places", first.Label))
	o.must("a row filters in place", `window.here && `+chips+` === 1 && location.search.includes('country')`)
	if n := o.number("visitors"); n != first.Count {
		o.t.Errorf("the row said %d visitors, filtered by it there are %d", first.Count, n)
	}
	o.must("the focus is not lost", `document.activeElement !== document.body`)
	o.ClickOn(`document.querySelector('[data-test=filters] .chip-remove')`)
	o.must("the chip comes off", chips+` === 0`)
	o.must("everybody is back", fmt.Sprintf(`Number((e => e.title || e.textContent)(document.querySelector('[data-test=value-visitors]')).replace(/\D/g, '')) >= %d`, everyone))

	o.ClickOnHolding("Alt", label("places", first.Label))
	o.must("Alt excludes", chips+` === 1 && location.search.includes('neq')`)
	if n := o.number("visitors"); n < everyone-first.Count-5 || n > everyone-first.Count+50 { // the demo goes on meanwhile
		o.t.Errorf("%d visitors without %q, want about %d", n, first.Label, everyone-first.Count)
	}
	for _, r := range o.rows("places") {
		if r.Label == first.Label {
			o.t.Errorf("%q is excluded and still a row", r.Label)
		}
	}
	o.Back(o.home + "?period=4w&places=country")
	o.must("Back takes it off", chips+` === 0`)
}

func (o *ownersTab) zooms() {
	o.must("the chart", `document.querySelector('[data-plot]')`)
	days := `document.querySelectorAll('[data-points] tbody tr').length`
	o.must("all four weeks", days+` >= 28`)
	o.Hover("[data-plot]", .5)
	o.must("what is pointed at is said", `!document.querySelector('[data-tip]').hidden && document.querySelector('[data-tip]').textContent.trim()`)
	o.Drag("[data-plot]", .3, .6)
	o.must("dragging zooms", `location.search.includes('from=') && `+chips+` === 0 && !location.search.includes('period=')`)
	o.must("into fewer days", days+` < 28 && `+days+` > 1`)
	o.DoubleClick("[data-plot]")
	o.must("double-click leads out", `!location.search.includes('from=') && `+chips+` === 0`)
	o.Navigate(o.home + "?period=4w")
	o.Eval(`document.querySelector('[data-plot]').focus()`, nil)
	o.Keys("Home")
	o.must("the keyboard points", `document.querySelector('[data-said]').textContent`)
	var first, next string
	o.Eval(`document.querySelector('[data-said]').textContent`, &first)
	o.Keys("ArrowRight", "ArrowRight", "ArrowLeft")
	o.Eval(`document.querySelector('[data-said]').textContent`, &next)
	if first == next || next == "" {
		o.t.Errorf("the arrow keys say %q, then %q", first, next)
	}
	o.Keys("Escape")
	o.must("Escape lets go", `document.querySelector('[data-tip]').hidden`)
	o.Keys("End", "Enter")
	o.must("Enter zooms into the day", `location.search.includes('from=')`)
}

func (o *ownersTab) goesBack() {
	o.Eval(`window.here = true`, nil)
	was := o.number("visitors")
	o.Click("[data-test=period] > summary")
	o.ClickOn(`[...document.querySelectorAll('[data-test=period] a')].find(a => a.href.includes('period=7d'))`)
	o.must("another period", `location.search.includes('period=7d') && !document.querySelector('[data-test=period]').open`)
	if n := o.number("visitors"); n >= was {
		o.t.Errorf("%d visitors in a week, %d in four", n, was)
	}
	o.Click("[data-test=compare] > summary")
	o.ClickOn(`[...document.querySelectorAll('[data-test=compare] a')].find(a => a.href.includes('compare=none'))`)
	o.must("no comparison", `location.search.includes('compare=none') && !document.querySelector('.line-before')`)
	o.Eval(`history.back()`, nil)
	o.must("Back brings the comparison", `!location.search.includes('compare=none') && document.querySelector('.line-before')`)
	o.Eval(`history.back()`, nil)
	o.must("Back brings the period", `location.search.includes('period=4w')`)
	o.must("and its numbers", fmt.Sprintf(`Number((e => e.title || e.textContent)(document.querySelector('[data-test=value-visitors]')).replace(/\D/g, '')) >= %d`, was))
	o.Eval(`history.forward()`, nil)
	o.must("Forward goes on", `location.search.includes('period=7d') && document.querySelector('.line-before')`)
	o.must("all of it without leaving the page", `window.here`)
}

// focused is the JavaScript of what has the focus.
const focused = `document.activeElement`

// tabTo presses Tab until a condition on the focused element e holds. What is
// focused on the way must be seen to be.
func (o *ownersTab) tabTo(what, condition string) {
	o.t.Helper()
	for range 200 {
		o.Keys("Tab")
		var at struct {
			There, Seen bool
			What        string
		}
		o.Eval(`(e => {
			const style = getComputedStyle(e), box = e.getBoundingClientRect();
			const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none';
			const inside = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
			return {There: !!(`+condition+`), Seen: e === document.body || ring && inside, What: e.outerHTML.slice(0, 160)};
		})(`+focused+`)`, &at)
		if !at.Seen {
			o.t.Errorf("on the way to %s the focus is not seen on %s", what, at.What)
		}
		if at.There {
			return
		}
	}
	o.t.Fatalf("Tab never comes to %s", what)
}

func (o *ownersTab) types() {
	o.Keys("Tab")
	o.must("the first Tab offers to skip", focused+`.matches('.skip')`)
	o.Keys("Enter")
	o.must("and skips", `location.hash === '#content'`)
	o.tabTo("the period", `e.matches('[data-test=period] > summary')`)
	o.Keys("Enter")
	o.must("Enter opens it", `document.querySelector('[data-test=period]').open`)
	o.Keys("Escape")
	o.must("Escape closes it and keeps the focus", `!document.querySelector('[data-test=period]').open && `+focused+`.matches('[data-test=period] > summary')`)
	o.Keys("Enter")
	o.tabTo("a week", `e.matches('a[href*="period=7d"]')`)
	o.Keys("Enter")
	o.must("the period changes, the focus stays in the tools", `location.search.includes('period=7d') && `+focused+`.closest('[data-test=period]')`)
	o.tabTo("a number", `e.matches('[data-test=value-pageviews]')`)
	o.Keys("Enter")
	o.must("a number is chosen, and has the focus still", `location.search.includes('metric=pageviews') && `+focused+`.matches('[data-test=value-pageviews]')`)
	o.tabTo("the chart", `e.matches('[data-plot]')`)
	o.Keys("ArrowLeft")
	o.must("which the arrows read", `document.querySelector('[data-said]').textContent`)
	o.tabTo("a tab of a panel", `e.matches('#panel-pages .tabs a:not([aria-current])')`)
	o.Keys("Enter")
	o.must("the tab changes and has the focus", focused+`.matches('#panel-pages .tabs a[aria-current]') && location.search.includes('pages=')`)
	o.tabTo("a row", `e.matches('#panel-devices .row-label')`)
	o.Keys("Enter")
	o.must("the row filters, and the focus is near", chips+` === 1 && `+focused+` !== document.body`)
	// There is no trap: Tab comes round to the page's first link again.
	o.tabTo("the end and the beginning", `e === document.body || e.matches('.skip')`)
	o.Keys("Shift+Tab")
	o.tabTo("a chip", `e.matches('[data-test=filters] .chip-remove')`)
	o.Keys("Enter")
	o.must("the chip is off", chips+` === 0`)
}

func (o *ownersTab) changesLooks() {
	o.Prefer("prefers-color-scheme", "dark")
	paper := `getComputedStyle(document.documentElement).backgroundColor`
	var dark, light, chosen string
	o.Eval(paper, &dark)
	o.Prefer("prefers-color-scheme", "light")
	o.Eval(paper, &light)
	if dark == light {
		o.t.Errorf("the page is %s whatever the device prefers", light)
	}
	for range 3 { // light, dark, as the device prefers
		o.Eval(`window.before = true`, nil)
		o.Click("[data-test=theme]")
		o.must("the page comes again", `!window.before && document.readyState === 'complete'`)
		var theme string
		o.Eval(`document.documentElement.dataset.theme`, &theme)
		o.Eval(paper, &chosen)
		if want := map[string]string{"light": light, "dark": dark, "": light}[theme]; chosen != want {
			o.t.Errorf("the theme %q is %s, want %s", theme, chosen, want)
		}
	}
	o.Click("[data-test=language]")
	o.must("the page is Korean", `document.documentElement.lang === 'ko' && /[가-힣]/.test(document.querySelector('[data-test=headline]').textContent)`)
	o.must("and where it was", `location.search === '?period=4w'`)
	o.Click("[data-test=language]")
	o.must("and English again", `document.documentElement.lang === 'en'`)
	o.Prefer()
}

func (o *ownersTab) holdsPhone() {
	o.Size(390, 844)
	o.Prefer("prefers-reduced-motion", "reduce")
	o.Navigate(o.home + "?period=7d")
	fits := func(when string) {
		o.t.Helper()
		var wide int
		o.Eval(`document.documentElement.scrollWidth`, &wide)
		if wide > 390 {
			o.t.Errorf("%s the page is %d px wide", when, wide)
		}
	}
	fits("at first")
	var moving int
	o.Eval(`[...document.querySelectorAll('*')].filter(e => ['transitionDuration', 'animationDuration'].some(p => getComputedStyle(e)[p].split(',').some(d => parseFloat(d) > 0.01))).length`, &moving)
	if moving > 0 {
		o.t.Errorf("%d elements move for whoever asked for less motion", moving)
	}
	o.Tap("[data-test=period] > summary")
	o.must("a finger opens a menu", `document.querySelector('[data-test=period]').open`)
	fits("with the menu open")
	o.Tap("h1, .span")
	o.must("a finger beside closes it", `!document.querySelector('[data-test=period]').open`)
	o.Tap("[data-plot]")
	o.must("a finger reads the chart", `!document.querySelector('[data-tip]').hidden`)
	fits("with the chart's numbers")
	o.Tap("#panel-pages .row:nth-child(2) .row-label")
	o.must("a finger filters", chips+` === 1`)
	fits("filtered")
	o.Tap("[data-test=add-filter]")
	o.must("a finger opens the form of filters", `document.querySelector('.filter-form').closest('details').open`)
	fits("with the form of filters")
	o.Tap("[data-test=add-filter]")
	o.must("and closes it", `!document.querySelector('.filter-form').closest('details').open`)
	o.Tap("[data-test=filters] .chip-remove")
	o.must("and takes it off", chips+` === 0`)
	o.Size(1280, 800)
	o.Prefer()
}
