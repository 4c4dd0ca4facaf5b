package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium with a profile of its own.
type Browser struct {
	t     testing.TB
	ctx   context.Context // of the first tab, which keeps the browser alive
	blank target.ID       // an empty tab, brought to the front to hide the others
}

// Option changes how Chromium is started.
type Option = chromedp.ExecAllocatorOption

// Flag adds a command line switch.
func Flag(name string, value any) Option { return chromedp.Flag(name, value) }

// ChromiumPath finds Chromium: CHROMIUM if it is set, else what is in PATH
// under a usual name. Without one the test is skipped, but fails when CI is
// set: there a proof that is skipped is no proof.
func ChromiumPath(t testing.TB) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	if set := os.Getenv("CHROMIUM"); set != "" {
		names = []string{set}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "no Chromium was found (tried %q): install Debian's chromium, or set CHROMIUM to its path", names)
	return ""
}

// missing skips a test for want of a tool, or fails it where CI is set.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Start starts Chromium, every host name leading to web, until the test ends.
func Start(t testing.TB, web *Web, options ...Option) *Browser {
	t.Helper()
	path := ChromiumPath(t)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append([]Option{
		chromedp.ExecPath(path),
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Headless,
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.WindowSize(1280, 800),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute), // a loaded machine starts it slowly
		Flag("disable-background-networking", true),
		Flag("disable-component-update", true),
		Flag("disable-sync", true),
		Flag("disable-dev-shm-usage", true),
		Flag("ignore-certificate-errors", true),
		Flag("host-resolver-rules", "MAP * "+web.Addr()),
		// Without it navigator.webdriver is true, and nothing is sent.
		Flag("disable-blink-features", "AutomationControlled"),
	}, options...)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{t: t, ctx: ctx, blank: chromedp.FromContext(ctx).Target.TargetID}
}

// Open opens url in a new tab in front of the others, and returns when it has
// loaded.
func (b *Browser) Open(url string) *Tab {
	b.t.Helper()
	tab := b.tab("about:blank", false)
	tab.Show()
	tab.Navigate(url)
	return tab
}

// OpenHidden opens url in a new tab behind the one in front.
func (b *Browser) OpenHidden(url string) *Tab {
	b.t.Helper()
	return b.tab(url, true)
}

// Alone is a tab that nobody drives: only the page's own scripts do something
// there. A driven page is never prerendered, and often thrown out of the
// back-forward cache, because the driver's messages meet it there.
type Alone struct {
	b  *Browser
	id target.ID
}

// OpenAlone opens url in a new tab in front of the others, without driving it.
func (b *Browser) OpenAlone(url string) *Alone {
	b.t.Helper()
	return &Alone{b: b, id: b.create(url, false)}
}

// Hide brings another tab to the front.
func (a *Alone) Hide() {
	a.b.t.Helper()
	a.b.activate(a.b.blank)
}

func (b *Browser) create(url string, background bool) target.ID {
	b.t.Helper()
	made, err := chromedp.CallBrowser(b.ctx, target.CreateTarget, target.CreateTargetParams{URL: url, Background: &background})
	if err != nil {
		b.t.Fatalf("open a tab: %v", err)
	}
	return made.TargetID
}

// tab makes a tab and attaches to it.
func (b *Browser) tab(url string, background bool) *Tab {
	b.t.Helper()
	id := b.create(url, background)
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
	b.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatalf("attach to the tab: %v", err)
	}
	tab := &Tab{t: b.t, b: b, ctx: ctx, id: id}
	if err := tab.watch(); err != nil {
		b.t.Fatalf("listen to the tab: %v", err)
	}
	return tab
}

// File writes a page to a disk and gives its address.
func File(t testing.TB, html string) (url string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}
