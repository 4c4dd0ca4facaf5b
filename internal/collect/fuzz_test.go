package collect

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"moonbear/internal/event"
)

var nameRule = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_\-. ]{0,63}$`)

// judged holds whatever comes of a body to what must be so of every answer and
// every stored event.
func judged(t *testing.T, w *world, l *log, r *http.Request) {
	t.Helper()
	w.t, l.records = t, l.records[:0]
	status, answer := w.send(r)
	switch status {
	case 202, 400, 402, 403, 404:
	default:
		t.Fatalf("%d %s", status, answer)
	}
	if status != 202 && !strings.HasPrefix(answer, `{"message":"`) {
		t.Fatalf("%d %s", status, answer)
	}
	var b event.Batch
	for _, record := range l.records {
		if err := b.Decode(record); err != nil {
			t.Fatalf("a record that cannot be read was stored: %v", err)
		}
	}
	if status != 202 && len(b.Events) != 0 {
		t.Fatalf("%d, and yet %d events are stored", status, len(b.Events))
	}
	for i := range b.Events {
		sound(t, &b.Events[i])
	}
}

func sound(t *testing.T, e *event.Event) {
	t.Helper()
	if !nameRule.MatchString(e.Name) || !strings.HasPrefix(e.Path, "/") || e.Hostname == "" || len(e.Path) > maxPath || len(e.Props) > maxProps {
		t.Fatalf("event %+v", e)
	}
	texts := []string{e.Name, e.Path, e.Hostname, e.ConnectionSpeed, e.Currency}
	for _, p := range e.Props {
		texts = append(texts, p.Key, p.Value)
		if p.Key == "" || utf8.RuneCountInString(p.Key) > maxPropKey || utf8.RuneCountInString(p.Value) > maxPropValue {
			t.Fatalf("property %q: %q", p.Key, p.Value)
		}
	}
	v := reflect.ValueOf(e.Entry)
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.String {
			texts = append(texts, v.Field(i).String())
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("text %q of %+v", s, e)
		}
	}
	if e.ScreenWidth%100 != 0 || e.Measures[event.ScrollDepth] > event.Measured(100) {
		t.Fatalf("screen %d, scrolled %d", e.ScreenWidth, e.Measures[event.ScrollDepth])
	}
}

func fuzzed(f *testing.F) (*world, *log) {
	l := &log{}
	return newWorld(f, "", func(o *Options) { o.Spool = l }), l
}

func FuzzMoonbear(f *testing.F) {
	f.Add(pv("https://example.com/a%ED%95%9C?utm_source=x%zz&gclid=1#f", `,"event":"a","props":{"k":"v\u0000","n":1,"b":true},"value":1e3,"currency":"KRW","include_url_fragment":true`))
	f.Add(pv("http://[::1]:8080//", `,"event":"engagement","lcp":1234.5,"cls":0.01,"scroll_depth":250,"engagement_time":-1`))
	f.Add(pv("https://한국.kr", `,"referrer":"android-app://com.google.android.gm/","user_language":"zh-hant-tw","timezone":"Asia/Seoul","connection_speed":"4g"`))
	f.Add(pv("https://\xff/", `,"override_ip":"1.1.1.1","override_user_agent":"x","override_country_code":"kr"`))
	w, l := fuzzed(f)
	f.Fuzz(func(t *testing.T, body string) {
		judged(t, w, l, request("/event", body))
		judged(t, w, l, request("/event", body, "Authorization", "Bearer "+goodToken, "Accept-Language", body))
	})
}

func FuzzPlausible(f *testing.F) {
	f.Add(`{"n":"pageview","u":"https://example.com/","d":"example.com","r":null,"p":"{\"a\":[1]}","$":{"amount":"1.5","currency":"USD"},"i":false}`)
	f.Add(`{"name":"a: b::c","url":"https://example.com/","domain":"example.com, b","meta":{"x":{"y":1}},"revenue":"{\"amount\":1e9}","e":1,"sd":2,"h":1}`)
	w, l := fuzzed(f)
	f.Fuzz(func(t *testing.T, body string) { judged(t, w, l, request("/api/event", body)) })
}

func FuzzBatch(f *testing.F) {
	f.Add(list(`{"url":"https://example.com/","timestamp":1772420000,"visitor_id":7}`, `{"event":"engagement","url":"https://example.com/","visitor_id":"7"}`), "k")
	f.Add(`[{"site":"`+siteID+`","url":"https://example.com/","timestamp":"2026-03-02T02:50:00Z","override_ip":"1.1.1.1","override_user_agent":"Mozilla/5.0"}]`, "")
	f.Add(`{"site_id":"`+siteID+`","url":"https://example.com/","timestamp":1e308}`, "")
	w, l := fuzzed(f)
	f.Fuzz(func(t *testing.T, body, key string) {
		r := request("/v1/events", body, auth...)
		r.Header["Idempotency-Key"] = []string{key + body} // or every second one would be a mismatch
		judged(t, w, l, r)
	})
}

// What net/url takes for an http address with a sound host is one here, with
// the same host and, read back, the same path.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"https://example.com/a?b#c", "HTTP://A.b:1/%ED%95%9C%2F", "https://u:p@h/\\x", "http://[::1]/", "https://h?q", "https://h#f", "//h/", "https://", "https://한국.kr/가 나"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(s)
		if err != nil {
			return
		}
		if a.hostname == "" || a.hostname != strings.ToLower(a.hostname) || !strings.HasPrefix(a.path, "/") || len(a.path) > maxPath || strings.ContainsAny(a.path, "?#") {
			t.Fatalf("%q is %+v", s, a)
		}
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil || len(a.path) > maxPath-utf8.UTFMax || strings.ContainsAny(s, "\\\x7f\ufffd") || !utf8.ValidString(s) {
			return
		}
		if ascii, err := parseHost(u.Host); err != nil || ascii != a.hostname {
			t.Fatalf("%q has host %q, net/url says %q (%v)", s, a.hostname, u.Host, err)
		}
		back, err := url.PathUnescape(a.path)
		if err != nil {
			t.Fatalf("%q: path %q cannot be read back: %v", s, a.path, err)
		}
		if want := "/" + strings.TrimPrefix(u.Path, "/"); tidy(back) != tidy(want) {
			t.Fatalf("%q: path %q, net/url says %q", s, back, want)
		}
	})
}
