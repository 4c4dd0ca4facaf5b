package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	nethtml "golang.org/x/net/html"

	"moonbear/internal/account"
	"moonbear/internal/event"
	"moonbear/internal/stats"
)

// TestFirstRun goes the whole trip: claim, snippet, refusal, remedy, first
// pageview, dashboard.
func TestFirstRun(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	p := &person{w: w}
	if res := p.get("/"); res.Header().Get("Location") != "/setup" {
		t.Fatalf("a fresh server leads to %q", res.Header().Get("Location"))
	}
	has(t, p.get("/setup").Body.String(), `data-test="code"`, `data-test="password"`, `value="UTC"`)
	p = w.claim("owner@example.com", "Shop.com", "Asia/Seoul")
	start := sitePath(p.site) + "/start"
	body := p.get(start).Body.String()
	has(t, body, "&lt;script async src=&#34;https://stats.example.com/analytics.js?site="+p.site.PublicID, `data-test="waiting"`, `http-equiv="refresh"`)

	at := time.Now().Truncate(time.Minute)
	w.put(nil, []event.Drop{{Site: p.site.ID, Time: at.UnixMilli(), Reason: "hostname", Detail: "www.shop.com", Count: 2}})
	body = p.get(start+"/status", fragment).Body.String()
	has(t, body, `data-test="refused"`, `value="www.shop.com"`, "Count www.shop.com too")
	if strings.Contains(body, "<html") {
		t.Error("the fragment is a whole page")
	}
	res := p.post(sitePath(p.site)+"/hostnames", url.Values{"hostname": {"www.shop.com"}, "return": {start}})
	if res.Code != http.StatusSeeOther || res.Header().Get("Location") != start {
		t.Fatalf("allowing answered %d to %q", res.Code, res.Header().Get("Location"))
	}
	if body = p.get(start + "/status").Body.String(); strings.Contains(body, "www.shop.com") {
		t.Error("what is allowed is still shown as refused")
	}

	w.put([]event.Event{view(p.site, time.Now(), "/hello", 7)}, nil)
	body = p.get(start + "/status").Body.String()
	has(t, body, `data-test="arrived"`, "/hello", "?period=today")
	if strings.Contains(body, "data-poll") {
		t.Error("the wait goes on after the arrival")
	}
	body = p.get(sitePath(p.site)).Body.String()
	has(t, body, `data-test="value-visitors">1<`, `data-test="value-pageviews">1<`, "/hello", "Naver", "South Korea", `data-test="chart"`, ">1 now<")
}

func TestSetupSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	code, err := w.accounts.SetupCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := url.Values{"code": {code}, "email": {"a@example.com"}, "password": {password}, "domain": {"example.com"}, "time_zone": {"UTC"}}
	for _, c := range []struct {
		name, field, value, errorAt string
	}{
		{"code", "code", "AAAAA-AAAAA", "error-code"},
		{"e-mail", "email", "nobody", "error-email"},
		{"short password", "password", "short", "error-password"},
		{"domain", "domain", "not a domain", "error-domain"},
		{"time zone", "time_zone", "Mars/Olympus", "error-time_zone"},
	} {
		for _, lang := range []string{"en", "ko"} {
			t.Run(c.name+" "+lang, func(t *testing.T) {
				w.accounts = account.New(w.db, account.Options{}) // whose throttle has seen nothing yet
				w.serve(nil)
				form := url.Values{}
				for k, v := range good {
					form[k] = v
				}
				form.Set(c.field, c.value)
				res := (&person{w: w}).post("/setup", form, func(r *http.Request) { r.Header.Set("Accept-Language", lang) })
				body := res.Body.String()
				if res.Code/100 != 4 {
					t.Fatalf("got %d", res.Code)
				}
				has(t, body, `data-test="`+c.errorAt+`"`)
				if strings.Count(body, `data-test="error-`) != 1 {
					t.Error("more than one field is called wrong")
				}
				for name := range form {
					kept := strings.Contains(body, `value="`+form.Get(name)+`"`)
					if kept != (name != "password") {
						t.Errorf("%s kept: %v", name, kept)
					}
				}
			})
		}
	}
	t.Run("all at once", func(t *testing.T) {
		form := url.Values{"code": {code}, "email": {"x"}, "password": {"x"}, "domain": {""}, "time_zone": {"UTC"}}
		has(t, (&person{w: w}).post("/setup", form).Body.String(), "error-email", "error-password", "error-domain")
	})
	if claimed, err := w.accounts.Claimed(t.Context()); claimed || err != nil {
		t.Errorf("claimed by a wrong form: %v %v", claimed, err)
	}
}

func TestLogin(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	owner := w.claim("owner@example.com", "example.com", "UTC")
	p := &person{w: w}
	res := p.get(sitePath(owner.site) + "?period=7d")
	next := res.Header().Get("Location")
	if next != "/login?next="+url.QueryEscape(sitePath(owner.site)+"?period=7d") {
		t.Fatalf("sent to %q", next)
	}
	res = p.post("/login", url.Values{"email": {"owner@example.com"}, "password": {"wrong"}, "next": {"/sites"}})
	if res.Code != http.StatusUnauthorized {
		t.Errorf("a wrong password is answered with %d", res.Code)
	}
	has(t, res.Body.String(), `data-test="problem"`, `value="owner@example.com"`, `value="/sites"`)
	res = p.post("/login", url.Values{"email": {"owner@example.com"}, "password": {password}, "next": {"/sites?a=b"}})
	if res.Code != http.StatusSeeOther || res.Header().Get("Location") != "/sites?a=b" {
		t.Fatalf("the right one with %d to %q", res.Code, res.Header().Get("Location"))
	}
	has(t, p.get("/sites").Body.String(), "example.com", "owner@example.com")
	if res := p.get("/"); res.Header().Get("Location") != sitePath(owner.site) {
		t.Errorf("the only site isn't the start: %q", res.Header().Get("Location"))
	}
	kept := *p
	if res := p.post("/logout", nil); res.Header().Get("Clear-Site-Data") == "" || res.Code != http.StatusSeeOther {
		t.Errorf("signing out answered %d", res.Code)
	}
	if res := kept.get("/sites"); res.Code != http.StatusSeeOther {
		t.Errorf("the old cookie still opens pages: %d", res.Code)
	}
}

func TestLoginLink(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	owner := w.claim("owner@example.com", "example.com", "UTC")
	link, err := w.accounts.LoginLink(t.Context(), owner.user)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{w: w}
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Purpose": "prefetch;prerender"} {
		looked := p.get("/login/link/"+link+"?next=/sites", func(r *http.Request) { r.Header.Set(name, value) })
		has(t, looked.Body.String(), `action="/login/link/`+link+`?next=%2Fsites"`)
	}
	if p.cookie != "" {
		t.Error("looking at a link signed in")
	}
	if res := p.post("/login/link/"+link, nil); res.Code != http.StatusSeeOther || p.get("/sites").Code != 200 {
		t.Errorf("the link answered %d and does not sign in", res.Code)
	}
	if link, err = w.accounts.LoginLink(t.Context(), owner.user); err != nil {
		t.Fatal(err)
	}
	opened := &person{w: w}
	if res := opened.get("/login/link/" + link + "?next=/sites?q=x"); res.Header().Get("Location") != "/sites?q=x" || opened.get("/sites").Code != 200 {
		t.Errorf("an opened link answered %d to %q and does not sign in", res.Code, res.Header().Get("Location"))
	}
	res := (&person{w: w}).post("/login/link/"+link, nil)
	if res.Code != http.StatusUnauthorized {
		t.Errorf("a spent link answered %d", res.Code)
	}
	has(t, res.Body.String(), `data-test="link-spent"`)
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{
		"/sites": "/sites", "/sites?a=b&c=d": "/sites?a=b&c=d", "": "/", "sites": "/", "//evil.example": "/", "/\\evil.example": "/",
		"https://evil.example/": "/", "javascript:alert(1)": "/", "/\t/evil.example": "/", "/%0d%0aSet-Cookie:x": "/%0d%0aSet-Cookie:x", "///evil.example": "/",
	} {
		if got := localPath(in, "/"); got != want {
			t.Errorf("localPath(%q) = %q, want %q", in, got, want)
		}
	}
}

// failing fails the questions a test says, and answers the others.
type failing struct {
	Asker
	when func(stats.Query) bool
}

var errBroken = errors.New("the disk is on fire")

func (f failing) Run(ctx context.Context, q stats.Query) (*stats.Result, error) {
	if f.when(q) {
		return nil, errBroken
	}
	return f.Asker.Run(ctx, q)
}

// TestFailures looks at what is shown when a question fails: one panel in its
// place, or the page; each with a reference that finds the log line.
func TestFailures(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	owner := w.claim("owner@example.com", "example.com", "UTC")
	w.put(w.one(owner.site), nil)
	asker := w.asker
	reference := regexp.MustCompile(`<code(?: data-test="reference")?>([0-9A-Z]{4}-[0-9A-Z]{4})</code>`)
	for _, c := range []struct {
		name, path string
		when       func(stats.Query) bool
		change     []func(*http.Request)
		status     int
		want       []string
	}{
		{"one panel", sitePath(owner.site), func(q stats.Query) bool { return len(q.Dimensions) > 0 && q.Dimensions[0] == stats.Country }, nil, 200,
			[]string{`data-test="value-visitors">1<`, "/pricing", "panel-problem", `data-fragment="/sites/`}},
		{"a panel by itself", sitePath(owner.site) + "/panels/places", func(q stats.Query) bool { return len(q.Dimensions) > 0 }, []func(*http.Request){fragment}, 200,
			[]string{"panel-problem", "Try again"}},
		{"the totals", sitePath(owner.site), func(q stats.Query) bool { return q.Shape() == stats.Totals }, nil, 500,
			[]string{"<html", "Something went wrong", `data-test="problem-page"`}},
		{"the wait", sitePath(owner.site) + "/start/status", func(stats.Query) bool { return true }, []func(*http.Request){fragment}, 500,
			[]string{`data-test="problem"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			w.asker = failing{asker, c.when}
			w.serve(slog.New(slog.NewTextHandler(&log, nil)))
			res := owner.get(c.path, c.change...)
			body := res.Body.String()
			if res.Code != c.status {
				t.Fatalf("got %d, want %d: %s", res.Code, c.status, body)
			}
			has(t, body, c.want...)
			if strings.Contains(body, "fire") {
				t.Error("the page tells what is inside")
			}
			m := reference.FindStringSubmatch(body)
			if m == nil {
				t.Fatalf("no reference in %s", body)
			}
			if line := log.String(); !strings.Contains(line, m[1]) || !strings.Contains(line, "fire") {
				t.Errorf("reference %s finds nothing in the log:\n%s", m[1], line)
			}
			if wantsPage := len(c.change) == 0; wantsPage != strings.Contains(body, "<html") {
				t.Error("a page where a fragment was asked for, or the other way round")
			}
		})
	}
}

func TestPanicIsAnswered(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	owner := w.claim("owner@example.com", "example.com", "UTC")
	var log bytes.Buffer
	w.asker = failing{w.asker, func(stats.Query) bool { panic("no such luck") }}
	w.serve(slog.New(slog.NewTextHandler(&log, nil)))
	res := owner.get(sitePath(owner.site) + "/start")
	if res.Code != 500 || !strings.Contains(res.Body.String(), "Something went wrong") {
		t.Errorf("got %d", res.Code)
	}
	if !strings.Contains(log.String(), "no such luck") || !strings.Contains(log.String(), "reference=") {
		t.Errorf("the log says %s", log.String())
	}
}

func TestPreferences(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	w.claim("owner@example.com", "example.com", "UTC")
	p := &person{w: w}
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		want   string
	}{
		{"nothing said", func(*http.Request) {}, `<html lang="en" data-theme="">`},
		{"the browser's first", func(r *http.Request) { r.Header.Set("Accept-Language", "fr, ko;q=0.8, en;q=0.5") }, `<html lang="ko"`},
		{"the cookie wins", func(r *http.Request) {
			r.Header.Set("Accept-Language", "ko")
			r.Header.Set("Cookie", "language=en; theme=dark")
		}, `<html lang="en" data-theme="dark">`},
		{"a made-up cookie", func(r *http.Request) { r.Header.Set("Cookie", "language=xx; theme=\"><script>") }, `<html lang="en" data-theme="">`},
	} {
		if body := p.get("/login", c.change).Body.String(); !strings.Contains(body, c.want) {
			t.Errorf("%s: no %s in %.200s", c.name, c.want, body)
		}
	}
	res := p.post("/preferences", url.Values{"language": {"ko"}, "return": {"/login?next=%2Fsites"}})
	if c := res.Header().Get("Set-Cookie"); res.Header().Get("Location") != "/login?next=%2Fsites" || !strings.Contains(c, "language=ko") || !strings.Contains(c, "Secure") {
		t.Errorf("got %v", res.Header())
	}
	if res := p.post("/preferences", url.Values{"language": {"xx"}}); res.Code != 400 {
		t.Errorf("a made-up language: %d", res.Code)
	}
}

func TestWrongQuestion(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	owner := w.claim("owner@example.com", "example.com", "UTC")
	for lang, title := range map[string]string{"en": "That can&#39;t be done as asked", "ko": "요청하신 대로 처리할 수 없습니다"} {
		res := owner.get(sitePath(owner.site)+"?period=99d", func(r *http.Request) { r.Header.Set("Accept-Language", lang) })
		if res.Code != http.StatusBadRequest {
			t.Errorf("%s: answered with %d", lang, res.Code)
		}
		has(t, res.Body.String(), title, "99d")
	}
}

func TestCompression(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	p := &person{w: w}
	for _, path := range []string{"/setup", w.server.assets.URL("style.css"), w.server.assets.URL("main.js")} {
		plain := p.get(path).Body.String()
		res := p.get(path, func(r *http.Request) { r.Header.Set("Accept-Encoding", "br;q=1, gzip;q=0.5") })
		if res.Header().Get("Content-Encoding") != "gzip" || res.Body.Len() > len(plain)/2 {
			t.Errorf("%s: %d bytes of %d, %v", path, res.Body.Len(), len(plain), res.Header())
		}
		z, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if unzipped, err := io.ReadAll(z); err != nil || len(unzipped) != len(plain) {
			t.Errorf("%s: unzips to %d bytes, want %d (%v)", path, len(unzipped), len(plain), err)
		}
	}
	if res := p.get("/setup", func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip;q=0") }); res.Header().Get("Content-Encoding") != "" {
		t.Error("gzip where it was refused")
	}
	for path, want := range map[string]int{w.server.assets.URL("style.css"): 200, "/assets/style.css": 404, "/assets/..%2fassets.go": 404} {
		if res := p.get(path); res.Code != want {
			t.Errorf("%s: %d, want %d", path, res.Code, want)
		}
	}
}

// TestEveryPage renders every page in both languages, full and empty, and
// checks what a person who can't see the page, or a strict browser, would trip
// over.
func TestEveryPage(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	stranger := &person{w: w}
	pages := map[string]*person{"/setup": stranger}
	check := func(lang string) {
		for path, p := range pages {
			t.Run(lang+" "+path, func(t *testing.T) {
				res := p.get(path, func(r *http.Request) { r.Header.Set("Accept-Language", lang) })
				if !strings.HasPrefix(res.Header().Get("Content-Type"), "text/html") || res.Code >= 500 {
					t.Fatalf("got %d, %s", res.Code, res.Header().Get("Content-Type"))
				}
				inspect(t, res.Body.String())
			})
		}
	}
	check("en")
	check("ko")
	owner := w.claim("owner@example.com", "hallacoffee.example", "Asia/Seoul")
	w.traffic(owner.site, time.Now().Add(-20*24*time.Hour), time.Now(), 60)
	empty, refused, first := w.addSite(owner, "new.example"), w.addSite(owner, "xn--hq1bm8jm9l.com"), w.addSite(owner, "first.example")
	w.refuse(refused)
	w.put(w.one(first), nil)
	home := sitePath(owner.site)
	pages = map[string]*person{"/login": stranger, "/login/link/x": stranger, "/nowhere": stranger, "/sites": owner,
		sitePath(empty): owner, sitePath(empty) + "/start": owner, sitePath(refused) + "/start": owner, sitePath(first) + "/start": owner, sitePath(first): owner,
		home + "/all/source": owner, home + "/all/path?q=shop&sort=visits&period=4w": owner, home + "/all/country?q=nowhere": owner,
		home + "?f=eq,path,/nowhere": owner, home + "?period=12m&f=eq,country,KR&f=contains,path,shop": owner,
		home + "/panels/now": owner, home + "/panels/dropped": owner, home + "/panels/sources?sources=utm_campaign": owner,
	}
	for _, period := range stats.PeriodNames() {
		pages[home+"?period="+period] = owner
	}
	for _, m := range (ask{}).headline() {
		pages[home+"?period=7d&interval=hour&compare=year&metric="+string(m)] = owner
	}
	check("en")
	check("ko")
}

// inspect parses a page and finds what must not be in it.
func inspect(t *testing.T, body string) {
	t.Helper()
	doc, err := nethtml.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	ids, labelled := map[string]bool{}, map[string]bool{}
	var inputs []string
	for n := range doc.Descendants() {
		if n.Type == nethtml.TextNode && (strings.Contains(n.Data, "%!") || strings.Contains(n.Data, "NaN")) {
			t.Errorf("badly formatted: %q", n.Data)
		}
		if n.Type != nethtml.ElementNode {
			continue
		}
		a := map[string]string{}
		for _, at := range n.Attr {
			a[at.Key] = at.Val
			if at.Key == "style" || strings.HasPrefix(at.Key, "on") {
				t.Errorf("<%s %s>: the content security policy stops it", n.Data, at.Key)
			}
			if strings.Contains(at.Val, "%!") || strings.Contains(at.Val, "NaN") {
				t.Errorf("<%s %s=%q>", n.Data, at.Key, at.Val)
			}
			if (at.Key == "href" || at.Key == "action") && at.Val == "" {
				t.Errorf("<%s> leads nowhere", n.Data)
			}
		}
		if id := a["id"]; id != "" {
			if ids[id] {
				t.Errorf("two elements have the id %q", id)
			}
			ids[id] = true
		}
		switch n.Data {
		case "label":
			labelled[a["for"]] = true
		case "input", "select":
			if a["type"] != "hidden" && a["aria-label"] == "" && n.Parent.Data != "label" {
				inputs = append(inputs, a["id"])
			}
		case "script":
			if a["src"] == "" {
				t.Error("an inline script")
			}
		case "svg":
			if a["aria-hidden"] != "true" && a["aria-label"] == "" && n.Parent.Data != "svg" {
				t.Error("a picture without words")
			}
		case "a", "button", "summary":
			if a["aria-label"] == "" && strings.TrimSpace(text(n)) == "" {
				t.Errorf("<%s> without words", n.Data)
			}
		}
	}
	for _, id := range inputs {
		if id == "" || !labelled[id] {
			t.Errorf("the input %q has no label", id)
		}
	}
}

func text(n *nethtml.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == nethtml.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func fragment(r *http.Request) { r.Header.Set(fragmentHeader, "1") }

func has(t *testing.T, body string, want ...string) {
	t.Helper()
	for _, s := range want {
		if !strings.Contains(body, s) {
			t.Errorf("%q is not in %s", s, body)
		}
	}
}
