package collect

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"moonbear/internal/kv"
)

func TestClient(t *testing.T) {
	trusting, plain := &Collector{}, &Collector{}
	var o Options
	proxied(&o)
	trusting.proxies = o.TrustedProxies
	for name, tc := range map[string]struct {
		peer      string
		forwarded []string
		cf        string
		want      string // "": none
		untrusted string // what it is when no proxy is trusted
	}{
		"direct":                          {"203.0.113.9:1", nil, "", "203.0.113.9", ""},
		"direct, with made-up headers":    {"203.0.113.9:1", []string{"1.1.1.1"}, "2.2.2.2", "203.0.113.9", ""},
		"one proxy":                       {"127.0.0.1:1", []string{"203.0.113.9"}, "", "203.0.113.9", "127.0.0.1"},
		"made-up hops before":             {"127.0.0.1:1", []string{"1.1.1.1, 2.2.2.2, 203.0.113.9"}, "", "203.0.113.9", "127.0.0.1"},
		"two proxies":                     {"127.0.0.1:1", []string{"1.1.1.1,203.0.113.9, 10.1.2.3"}, "", "203.0.113.9", "127.0.0.1"},
		"two headers":                     {"127.0.0.1:1", []string{"203.0.113.9", "10.1.2.3"}, "", "203.0.113.9", "127.0.0.1"},
		"with ports":                      {"127.0.0.1:1", []string{"203.0.113.9:443, 10.1.2.3:80"}, "", "203.0.113.9", "127.0.0.1"},
		"IPv6":                            {"[::1]:1", []string{"2001:db8::9"}, "", "2001:db8::9", "::1"},
		"IPv6 in brackets, with a port":   {"[::1]:1", []string{"[2001:db8::9]:443"}, "", "2001:db8::9", "::1"},
		"IPv6 in brackets":                {"[::1]:1", []string{"[2001:db8::9]"}, "", "2001:db8::9", "::1"},
		"IPv4 in IPv6":                    {"[::ffff:127.0.0.1]:1", []string{"::ffff:203.0.113.9"}, "", "203.0.113.9", "127.0.0.1"},
		"a zone":                          {"[fe80::1%eth0]:1", nil, "", "fe80::1", ""},
		"garbage before":                  {"127.0.0.1:1", []string{"<script>, 203.0.113.9"}, "", "203.0.113.9", "127.0.0.1"},
		"garbage at the proxy's place":    {"127.0.0.1:1", []string{"203.0.113.9, unknown"}, "", "127.0.0.1", "127.0.0.1"},
		"garbage behind a proxy":          {"127.0.0.1:1", []string{"unknown, 10.0.0.5"}, "", "10.0.0.5", "127.0.0.1"},
		"an empty hop":                    {"127.0.0.1:1", []string{"203.0.113.9,"}, "", "203.0.113.9", "127.0.0.1"},
		"an empty header":                 {"127.0.0.1:1", []string{""}, "", "127.0.0.1", "127.0.0.1"},
		"all trusted":                     {"127.0.0.1:1", []string{"10.0.0.5, 10.0.0.6"}, "", "10.0.0.5", "127.0.0.1"},
		"cloudflare, all trusted":         {"127.0.0.1:1", []string{"10.0.0.5"}, "203.0.113.9", "203.0.113.9", "127.0.0.1"},
		"cloudflare alone":                {"10.0.0.5:1", nil, "203.0.113.9", "203.0.113.9", "10.0.0.5"},
		"cloudflare's header, made up":    {"127.0.0.1:1", []string{"203.0.113.9"}, "9.9.9.9", "203.0.113.9", "127.0.0.1"},
		"cloudflare's header, no address": {"10.0.0.5:1", nil, "me", "10.0.0.5", "10.0.0.5"},
		"a Unix socket":                   {"@", []string{"203.0.113.9"}, "", "", ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/event", nil)
		r.RemoteAddr = tc.peer
		r.Header["X-Forwarded-For"] = tc.forwarded
		if tc.cf != "" {
			r.Header.Set("CF-Connecting-IP", tc.cf)
		}
		show := func(ip netip.Addr) string {
			if !ip.IsValid() {
				return ""
			}
			return ip.String()
		}
		if got := show(trusting.client(r)); got != tc.want {
			t.Errorf("%s: client %q, want %q", name, got, tc.want)
		}
		if tc.untrusted == "" {
			tc.untrusted = tc.want
		}
		if got := show(plain.client(r)); got != tc.untrusted {
			t.Errorf("%s, trusting nobody: client %q, want %q", name, got, tc.untrusted)
		}
	}
}

// Whatever a client writes into the header, the hop its proxy added behind it
// decides.
func FuzzForwardedFor(f *testing.F) {
	f.Add("1.1.1.1, 2.2.2.2")
	f.Add(",,:,[::1]:0,%,\x00")
	var o Options
	proxied(&o)
	c := &Collector{proxies: o.TrustedProxies}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodPost, "/event", nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("CF-Connecting-IP", header)
		r.Header["X-Forwarded-For"] = []string{header + ",203.0.113.9"}
		if got := c.client(r); got != netip.MustParseAddr("203.0.113.9") {
			t.Fatalf("client %v", got)
		}
		r.Header["X-Forwarded-For"] = []string{header}
		if ip := c.client(r); !ip.IsValid() || ip.Is4In6() || ip.Zone() != "" {
			t.Fatalf("client %v", ip)
		}
	})
}

func TestLimiter(t *testing.T) {
	l := newLimiter(nil, 60)
	now := time.Unix(1_700_000_000, 0)
	a, b := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("203.0.113.10")
	for i := range 60 {
		if _, ok := l.take(t.Context(), a, now); !ok {
			t.Fatalf("hit %d of 60 a minute was refused", i+1)
		}
	}
	if wait, ok := l.take(t.Context(), a, now); ok || wait != time.Second {
		t.Errorf("the 61st at once: %v, wait %v; want to wait a second", ok, wait)
	}
	if _, ok := l.take(t.Context(), b, now); !ok {
		t.Error("another client was refused")
	}
	if _, ok := l.take(t.Context(), a, now.Add(time.Second)); !ok {
		t.Error("a second later the next was refused")
	}
	if _, ok := l.take(t.Context(), a, now.Add(time.Second)); ok {
		t.Error("a second later two were let through")
	}
	if n := l.limits.(*kv.MemoryLimits).Expire(now.Add(30 * time.Second).UnixMilli()); n != 1 {
		t.Errorf("%d clients forgotten, want the one that owes nothing", n)
	}
	first, second, third := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:2"), netip.MustParseAddr("2001:db8:0:1::1")
	for range 60 {
		l.take(t.Context(), first, now)
	}
	if _, ok := l.take(t.Context(), second, now); ok {
		t.Error("an IPv6 client gets around the limit within its /64")
	}
	if _, ok := l.take(t.Context(), third, now); !ok {
		t.Error("the next /64 was refused")
	}
	if _, ok := newLimiter(nil, 0).take(t.Context(), a, now); !ok {
		t.Error("no limit refused a hit")
	}
}

// A server whose clock was ahead and is set back must not keep its clients out
// until the old time comes round.
func TestLimiterAfterTheClockWasSetBack(t *testing.T) {
	l := newLimiter(nil, 60)
	now := time.Unix(1_700_000_000, 0)
	a := netip.MustParseAddr("203.0.113.9")
	for range 60 {
		l.take(t.Context(), a, now)
	}
	now = now.Add(-3 * time.Hour)
	for i := range 60 {
		if wait, ok := l.take(t.Context(), a, now); !ok {
			t.Fatalf("hit %d after the clock was set back has to wait %v", i+1, wait)
		}
	}
	if wait, ok := l.take(t.Context(), a, now); ok || wait != time.Second {
		t.Errorf("the 61st at once: %v, wait %v; want to wait a second", ok, wait)
	}
}

// Every visitor with IPv6 has a /64 to choose addresses from: guesses at a
// password must not start over with each of them.
func TestClientIsAnIPv6Network(t *testing.T) {
	c := &Collector{}
	of := func(peer string) string {
		r := httptest.NewRequest(http.MethodPost, "/login", nil)
		r.RemoteAddr = peer
		return c.Client(r)
	}
	if a, b := of("[2001:db8::1]:1"), of("[2001:db8::ffff:2]:1"); a != b || a == "" {
		t.Errorf("two addresses of one /64 are the clients %q and %q", a, b)
	}
	if a, b := of("[2001:db8::1]:1"), of("[2001:db8:0:1::1]:1"); a == b {
		t.Errorf("two networks are one client, %q", a)
	}
	if a, b := of("203.0.113.9:1"), of("203.0.113.10:1"); a == b || a != "203.0.113.9" || of("@") != "" {
		t.Errorf("clients %q, %q and %q", a, b, of("@"))
	}
}

func TestRateLimit(t *testing.T) {
	w := newWorld(t, "", func(o *Options) { o.RatePerMinute = 2 })
	for range 2 {
		w.hit("/event", pv("https://example.com/", ""))
	}
	a := recorder(w, request("/event", pv("https://example.com/", "")))
	if a.Code != http.StatusTooManyRequests || a.Header().Get("Retry-After") != "30" || !strings.Contains(a.Body.String(), "Too many") {
		t.Errorf("%d, Retry-After %q, %s", a.Code, a.Header().Get("Retry-After"), a.Body)
	}
	w.clock.add(30 * time.Second)
	w.hit("/event", pv("https://example.com/", ""))
}

// What a browser needs to see, for each way a page can send.
func TestCrossOrigin(t *testing.T) {
	w := newWorld(t, "")
	body := pv("https://example.com/", "")
	for name, tc := range map[string]struct {
		method, origin, body string
		ask                  string // Access-Control-Request-Headers
		status               int
		allow, credentials   string
		headers              string
	}{
		"fetch or beacon with a text":     {"POST", "https://example.com", body, "", 202, "https://example.com", "true", ""},
		"from a sandboxed frame":          {"POST", "null", body, "", 202, "null", "true", ""},
		"from the same origin":            {"POST", "", body, "", 202, "*", "", ""},
		"a fault is readable, too":        {"POST", "https://example.com", "{", "", 400, "https://example.com", "true", ""},
		"beacon with JSON asks first":     {"OPTIONS", "https://example.com", "", "content-type", 204, "https://example.com", "true", "content-type"},
		"a monitoring tool's headers":     {"OPTIONS", "https://example.com", "", "content-type,traceparent", 204, "https://example.com", "true", "content-type,traceparent"},
		"options of nobody in particular": {"OPTIONS", "", "", "", 204, "*", "", ""},
		"reading is not for this route":   {"GET", "https://example.com", "", "", 405, "https://example.com", "true", ""},
	} {
		for _, path := range []string{"/event", "/api/event"} {
			r := request(path, strings.Replace(tc.body, `"pid"`, map[string]string{"/event": `"pid"`, "/api/event": `"d"`}[path], 1))
			r.Method = tc.method
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
			}
			if tc.ask != "" {
				r.Header.Set("Access-Control-Request-Method", "POST")
				r.Header.Set("Access-Control-Request-Headers", tc.ask)
			}
			a := httptest.NewRecorder()
			if path == "/event" {
				w.Hit(a, r)
			} else {
				w.PlausibleHit(a, r)
			}
			h := a.Header()
			if a.Code != tc.status || h.Get("Access-Control-Allow-Origin") != tc.allow ||
				h.Get("Access-Control-Allow-Credentials") != tc.credentials || h.Get("Access-Control-Allow-Headers") != tc.headers {
				t.Errorf("%s, %s: %d %v", name, path, a.Code, h)
			}
			if tc.origin != "" && h.Get("Vary") != "Origin" {
				t.Errorf("%s, %s: an answer for one origin may be kept for another: %v", name, path, h)
			}
			if tc.method == "OPTIONS" && (a.Body.Len() > 0 || h.Get("Access-Control-Allow-Methods") == "" || h.Get("Access-Control-Max-Age") == "") {
				t.Errorf("%s, %s: preflight %v %q", name, path, h, a.Body)
			}
			if h.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
				t.Errorf("%s, %s: a page that isolates itself may not read the answer: %v", name, path, h)
			}
			if tc.status == 405 && h.Get("Allow") == "" {
				t.Errorf("%s: no Allow", name)
			}
		}
	}
}
