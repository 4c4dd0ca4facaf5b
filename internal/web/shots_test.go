package web

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

var (
	shots     = flag.String("shots", "", "photograph every page into this folder, to look at them")
	shotsOnly = flag.String("shots-only", "", "only pictures whose name contains this")
)

// TestShots photographs every page at phone, desk and wall width, light and dark,
// in both languages, full and empty:
// go test ./internal/web -run TestShots -shots /tmp/shots
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("for eyes; see -shots")
	}
	w := newWorld(t, "https://stats.example.com")
	stranger := &person{w: w}
	srv := httptest.NewServer(w.server.Handler())
	defer srv.Close()
	b := newBrowser(t, srv.URL)
	b.shoot("setup", stranger, "/setup?code=7KQ2M-X9RTB", "")
	owner := w.claim("owner@example.com", "hallacoffee.example", "Asia/Seoul")
	w.traffic(owner.site, time.Now().Add(-75*24*time.Hour), time.Now(), 420)
	empty, refused, arrived := w.addSite(owner, "new-shop.example"), w.addSite(owner, "xn--hq1bm8jm9l.com"), w.addSite(owner, "first.example")
	w.refuse(refused)
	w.put(append(w.one(arrived), w.one(arrived)...), nil)
	home := sitePath(owner.site)
	b.shoot("login", stranger, "/login", "")
	b.shoot("link", stranger, "/login/link/abc", "")
	b.shoot("sites", owner, "/sites", "")
	b.shoot("dashboard", owner, home+"?period=4w", "")
	b.shoot("filtered", owner, home+"?period=today&f=eq,country,KR&f=contains,path,journal&metric=bounce_rate&sources=channel&pages=entry_page", "")
	b.shoot("first-day", owner, sitePath(arrived), "")
	b.shoot("menu", owner, home+"?period=7d", `document.querySelector('[data-test=period]').open=true;document.querySelector('[data-plot]').focus();document.querySelector('[data-plot]').dispatchEvent(new KeyboardEvent('keydown',{key:'ArrowLeft'}))`)
	b.shoot("filter-form", owner, home+"?period=12m", `document.querySelector('[data-test=add-filter]').parentElement.open=true`)
	b.shoot("about", owner, home, `document.querySelector('.number-name').click()`)
	b.shoot("no-hits", owner, sitePath(empty), "")
	b.shoot("no-match", owner, home+"?f=eq,path,/nowhere", "")
	b.shoot("start", owner, sitePath(empty)+"/start", "")
	b.shoot("start-refused", owner, sitePath(refused)+"/start", "")
	b.shoot("start-arrived", owner, sitePath(arrived)+"/start", "")
	b.shoot("listing", owner, home+"/all/path", "")
	b.shoot("not-found", owner, "/nowhere", "")
}

type browser struct {
	t    *testing.T
	base string
	ctx  context.Context
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return &browser{t, base, ctx}
}

func (b *browser) shoot(name string, p *person, path, script string) {
	b.t.Helper()
	for _, width := range []int64{390, 1440, 1920} {
		for _, scheme := range []string{"light", "dark"} {
			for _, lang := range []string{"en", "ko"} {
				file := fmt.Sprintf("%s-%d-%s-%s.png", name, width, scheme, lang)
				if !strings.Contains(file, *shotsOnly) {
					continue
				}
				if err := b.one(file, p, path, script, width, scheme, lang); err != nil {
					b.t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
}

func (b *browser) one(file string, p *person, path, script string, width int64, scheme, lang string) error {
	headers := network.Headers{"Cookie": "language=" + lang + "; theme=" + scheme + "; " + p.cookie}
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if _, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers}); err != nil {
		return err
	}
	size := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 600}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, size); err != nil {
		return err
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(b.base+path)); err != nil {
		return err
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64](script+";document.documentElement.scrollWidth"))
	if err != nil {
		return err
	}
	if int64(wide) > width {
		b.t.Errorf("%s: the page is %v px wide", file, wide)
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*shots, file), png, 0o644)
}
