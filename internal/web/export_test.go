package web

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// file reads a CSV answer as a spreadsheet would.
func (p *person) file(t *testing.T, path string) (name string, rows [][]string) {
	t.Helper()
	res := p.get(path)
	if res.Code != http.StatusOK || !strings.HasPrefix(res.Header().Get("Content-Type"), "text/csv") {
		t.Fatalf("%s answered %d %s", path, res.Code, res.Header().Get("Content-Type"))
	}
	body := res.Body.String()
	if strings.Count(body, "\n") != strings.Count(body, "\r\n") {
		t.Errorf("%s: RFC 4180 ends lines with CRLF", path)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	_, name, _ = strings.Cut(res.Header().Get("Content-Disposition"), `filename="`)
	return strings.TrimSuffix(name, `"`), rows
}

// TestFiles holds the files against counts made beside the events.
func TestFiles(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w.now = func() time.Time { return noon }
	w.serve(nil)
	p := w.claim("owner@example.com", "example.com", "UTC")
	want := map[string]int{}
	var events []event.Event
	for i := range 40 {
		path := "/p/" + strconv.Itoa(i%30)
		switch i {
		case 7:
			path = "=HYPERLINK(\"http://evil.example\")"
		case 8:
			path = "/커피, \"hot\""
		}
		want[path]++
		events = append(events, view(p.site, noon.Add(-time.Duration(i)*time.Minute), path, int64(1000+i)))
	}
	w.put(events, nil)
	home := sitePath(p.site)
	name, rows := p.file(t, home+"/panels/pages/csv?period=today")
	if name != "example.com-pages-path-2026-11-22-2026-11-22.csv" {
		t.Errorf("the file is called %q", name)
	}
	if strings.Join(rows[0], ",") != "path,pageviews" || len(rows)-1 != len(want) {
		t.Errorf("%d rows under %v, want %d: all, not only those the panel shows", len(rows)-1, rows[0], len(want))
	}
	for _, r := range rows[1:] {
		if strings.HasPrefix(r[0], "=") {
			t.Errorf("a spreadsheet would run %q", r[0])
		}
		if n := want[strings.TrimPrefix(r[0], "'")]; strconv.Itoa(n) != r[1] {
			t.Errorf("%s has %s, want %d", r[0], r[1], n)
		}
	}
	_, rows = p.file(t, home+"/panels/chart/csv?period=today&compare=none")
	if rows[0][0] != "ts" || len(rows) != 1+13 || rows[13][0] != "2026-11-22T12:00:00Z" || rows[12][3] != "39" {
		t.Errorf("the chart's file: %v", rows)
	}
	_, rows = p.file(t, home+"/panels/headline/csv?period=today")
	if strings.Join(rows[0], ",") != "metric,value,previous" || strings.Join(rows[3], ",") != "pageviews,40,0" {
		t.Errorf("the headline's file: %v", rows)
	}
	_, rows = p.file(t, home+"/all/path/csv?period=today&q=P%2F2&sort=path&compare=none")
	if len(rows) != 1+11 || rows[1][0] != "/p/2" || rows[2][0] != "/p/20" || rows[0][1] != "pageviews" {
		t.Errorf("the listing's file: %v", rows)
	}
	for _, path := range []string{"/panels/nothing/csv", "/panels/now/csv", "/panels/pages/csv?part=x", "/all/nothing/csv"} {
		if res := p.get(home + path); res.Code != http.StatusNotFound {
			t.Errorf("%s answered %d", path, res.Code)
		}
	}
}

// TestListing looks for what is shown, sorts both ways, and knows every
// dimension.
func TestListing(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	w.noon() // today has a minute ago
	p := w.claim("owner@example.com", "example.com", "UTC")
	at := w.now().Add(-time.Minute)
	w.put([]event.Event{view(p.site, at, "/Docs", 1), view(p.site, at, "/docs/a", 2), view(p.site, at, "/docs/a", 3), view(p.site, at, "/x", 4)}, nil)
	home := sitePath(p.site)
	body := p.get(home + "/all/path?period=today&q=DOCS&sort=pageviews").Body.String()
	has(t, body, "1–2 of 2", `aria-sort="ascending"`, "/docs/a", "/Docs")
	if strings.Index(body, ">/Docs<") > strings.Index(body, ">/docs/a<") || strings.Contains(body, ">/x<") {
		t.Error("the rows aren't those found, the fewest first")
	}
	has(t, p.get(home+"/all/country?period=today&q=korea").Body.String(), "South Korea", "1–1 of 1")
	has(t, p.get(home+"/all/path?period=today&q=zzz").Body.String(), "zzz”")
	for _, d := range append(stats.Dimensions(), stats.Prop("plan"), stats.Prop("a/b c")) {
		if d == "goal" {
			continue // this site has none, and is told so
		}
		for _, lang := range []string{"en", "ko"} {
			res := p.get(home+"/all/"+url.PathEscape(string(d))+"?period=today", func(r *http.Request) { r.Header.Set("Accept-Language", lang) })
			if res.Code != http.StatusOK {
				t.Errorf("%s answered %d", d, res.Code)
			}
		}
	}
	body = p.get(home + "/panels/sources?period=today&sources=utm_medium").Body.String()
	has(t, body, `class="subs"`, "Campaign term")
	if strings.Count(body, `aria-current="true"`) != 2 {
		t.Errorf("not one tab and one part of it are chosen: %s", body)
	}
	has(t, p.get(home+"/panels/devices?period=today&f=eq,browser,Chrome").Body.String(), ">Unknown<")
}

func TestHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"/docs": "/docs", "": "", "=1+1": "'=1+1", "+1": "+1", "-0.5": "-0.5", "-1+cmd": "'-1+cmd", "@sum": "'@sum", "\tx": "'\tx", "＝1": "'＝1", "a=b": "a=b",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := fileName("xn--a.com", "prop:a/b\"\r\n;", "2026"); got != "xn--a.com-prop-a-b-----2026" {
		t.Errorf("got %q", got)
	}
}

// FuzzCurl has a shell read the command back: whatever a filter holds, it is
// one word, the words are the same, and nothing else runs.
func FuzzCurl(f *testing.F) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("no shell")
	}
	for _, s := range []string{"/docs", "it's", "$(touch /tmp/x)", "`id`", "a\\'b", "\n'", "한국", "\u202eevil", "\x1b[31m", "𝕏\U000E0001"} {
		f.Add(s)
	}
	st := &site.Site{PublicID: "abc", Location: time.UTC}
	f.Fuzz(func(t *testing.T, value string) {
		q := stats.Query{Site: st, Period: stats.Period{Name: "7d"}, Filter: stats.Is(stats.Path, stats.Eq, value)}.By(stats.Path, 10, stats.Visitors)
		if q.Validate(askNow, stats.Names{}) != nil {
			return // no page would ask it
		}
		body := apiBody(q)
		for _, r := range body {
			if r != '\n' && (r < ' ' || r == 0x7f || r == 0x202e) {
				t.Fatalf("%q acts on a terminal", body)
			}
		}
		script := "curl() { printf '%s\\n' \"$@\"; }\n" + curl("https://stats.example.com", q)
		out, err := exec.Command(shell, "-c", script).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		want := "https://stats.example.com/v1/stats/breakdown\n-H\nAuthorization: Bearer \n-H\nContent-Type: application/json\n-d\n" + body + "\n"
		if string(out) != want {
			t.Fatalf("the shell read\n%s\nwant\n%s", out, want)
		}
		got, err := stats.ParseFilter([]byte(body[strings.Index(body, "\"filter\": ")+len("\"filter\": ") : len(body)-2]))
		if err != nil || len(got.Values) != 1 || got.Values[0] != value {
			t.Fatalf("%q came back as %q (%v)", value, got.Values, err)
		}
	})
}
