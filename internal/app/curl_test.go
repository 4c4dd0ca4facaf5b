package app

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// login signs a client in as the owner.
func (r *running) login() *http.Client {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	res, err := c.PostForm(r.url+"/login", url.Values{"email": {"owner@shop.test"}, "password": {"a long enough password"}})
	if err != nil {
		r.t.Fatal(err)
	}
	_ = res.Body.Close()
	return c
}

func (r *running) page(c *http.Client, path string) string {
	r.t.Helper()
	res, err := c.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		r.t.Fatalf("%s answered %d (%v): %.500s", path, res.StatusCode, err, b)
	}
	return string(b)
}

// exported finds a panel's file and its command on a page.
var exported = regexp.MustCompile(`(?s)href="([^"]+/csv[^"]*)"[^>]*>.{0,400}?<pre id="(curl-[^"]+)"[^>]*>(.*?)</pre>`)

// Every command on the dashboard is one that a shell reads and the API
// answers, with the numbers of the file beside it.
func TestEveryCurlIsAnswered(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	cfg := testConfig(t, t.TempDir())
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, cfg, ServeOptions{})
	for _, path := range []string{"/", "/it's", "/$(id)", "/it's"} {
		s.view(made.SiteID, "https://shop.test"+path)
	}
	until(t, "4 pageviews", func() bool { return s.metric(made, "pageviews") == 4 })
	c := s.login()
	site := "/sites/" + made.SiteID
	for _, query := range []string{"?period=today", "?period=7d&compare=year&interval=hour&sources=utm_term", "?period=4w&f=neq,path,/%27x%27&f=in,path,/,/it%27s&compare=none",
		"?period=24h&filter=" + url.QueryEscape(`{"or":[{"dimension":"path","operator":"eq","value":"/it's"},{"not":{"dimension":"country","operator":"is_set"}}]}`)} {
		found := exported.FindAllStringSubmatch(s.page(c, site+query)+s.page(c, site+"/all/path"+query+"&q=it"), -1)
		if len(found) < 6 {
			t.Fatalf("%s: only %d commands", query, len(found))
		}
		for _, f := range found {
			file, command := html.UnescapeString(f[1]), html.UnescapeString(f[3])
			out, err := exec.Command(shell, "-c", "curl() { printf '%s\\0' \"$@\"; }\n"+command).Output()
			words := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
			if err != nil || len(words) != 7 || !strings.HasPrefix(words[0], cfg.BaseURL+"/v1/stats/") {
				t.Fatalf("%s: a shell reads %q (%v)", command, words, err)
			}
			status, answer := s.post(strings.TrimPrefix(words[0], cfg.BaseURL), words[6], "Authorization", "Bearer "+made.Token)
			if status != http.StatusOK {
				t.Errorf("%s%s: the API answered %d %s to\n%s", f[2], query, status, answer, command)
				continue
			}
			sameNumbers(t, fmt.Sprintf("%s %s", f[2], query), answer, s.page(c, file))
		}
	}
}

// sameNumbers compares the API's rows with a file's.
func sameNumbers(t *testing.T, what, answer, file string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	text := func(v any) string {
		switch v := v.(type) {
		case nil:
			return ""
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return fmt.Sprint(v)
	}
	if rows[0][0] == "metric" {
		var totals map[string]map[string]any
		if err := json.Unmarshal(got.Data, &totals); err != nil || len(totals) != len(rows)-1 {
			t.Fatalf("%s: %d totals, the file has %d (%v)", what, len(totals), len(rows)-1, err)
		}
		for _, r := range rows[1:] {
			if text(totals[r[0]]["value"]) != r[1] {
				t.Errorf("%s: %s is %v, the file says %s", what, r[0], totals[r[0]]["value"], r[1])
			}
		}
		return
	}
	var list []map[string]any
	if err := json.Unmarshal(got.Data, &list); err != nil || len(list) != len(rows)-1 {
		t.Errorf("%s: the API has %d rows, the file %d (%v)", what, len(list), len(rows)-1, err)
		return
	}
	for i, r := range rows[1:] {
		for j, name := range rows[0] {
			if want, now := text(list[i][name]), !strings.HasPrefix(name, "previous_"); now && want != strings.TrimPrefix(r[j], "'") {
				t.Errorf("%s: row %d: %s is %q, the file says %q", what, i, name, want, r[j])
			}
		}
	}
}
