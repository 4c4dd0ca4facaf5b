package collect

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"moonbear/internal/event"
)

// pv is a pageview of the Korean site with more members.
func pv(url, more string) string {
	return fmt.Sprintf(`{"pid":%q,"url":%q%s}`, siteID, url, more)
}

func measures(m map[int]int64) (out [event.MeasureCount]event.Measure) {
	for i, v := range m {
		out[i] = event.Measured(v)
	}
	return out
}

// What becomes of a hit: table of what is sent and what of the event must be
// so. Fields named in want are compared, all others must be as in base.
func TestEventFacts(t *testing.T) {
	base := func(e *event.Event) {
		e.Site, e.Name, e.Path, e.Hostname = 1, event.Pageview, "/", "example.com"
		e.EntryPath, e.Channel = "/", "Direct"
		e.Browser, e.BrowserVersion, e.OS, e.OSVersion, e.Device = "Chrome", "131", "Windows", "10", "desktop"
	}
	type headers []string
	for name, tc := range map[string]struct {
		path, body string
		headers    headers
		want       func(e *event.Event)
	}{
		"the least":         {"/event", pv("https://example.com/", ""), nil, func(*event.Event) {}},
		"site by its alias": {"/event", `{"site":"` + siteID + `","url":"https://example.com/"}`, nil, func(*event.Event) {}},
		"a site's domain":   {"/event", `{"site":"Example.com","url":"https://example.com/"}`, nil, func(*event.Event) {}},
		"panelbear's client": {"/event", `{"pid":"` + siteID + `","event":"pageview","url":"https://example.com/pricing","screen_width":1440,
			"user_language":"ko-KR","timezone":"Asia/Seoul","referrer":"https://www.google.com/","utm_source":"","utm_campaign":"spring","utm_medium":"cpc",
			"dns":1,"connect":2,"ssl":3,"ttfb":4.4,"download":5.5,"dom_content_loaded":6,"render":7,"page_load":8,"transfer_size":12345,"connection_speed":"4g"}`, nil,
			func(e *event.Event) {
				e.Path, e.EntryPath = "/pricing", "/pricing"
				e.ScreenWidth, e.Language, e.TimeZone = 1400, "ko-KR", "Asia/Seoul"
				e.Referrer, e.Source, e.Channel = "google.com", "Google", "Paid Search"
				e.UTMCampaign, e.UTMMedium, e.ConnectionSpeed = "spring", "cpc", "4g"
				e.Measures = measures(map[int]int64{event.DNS: 1, event.Connect: 2, event.TLS: 3, event.TTFBTiming: 4, event.DownloadTiming: 6,
					event.DOMContentLoaded: 6, event.Render: 7, event.PageLoad: 8, event.TransferSize: 12345})
			}},
		"query and fragment go": {"/event", pv("https://EXAMPLE.com:8443/a/b?q=secret#also", ""), nil, func(e *event.Event) {
			e.Path, e.EntryPath = "/a/b", "/a/b"
		}},
		"a fragment that tells pages apart": {"/event", pv("https://example.com/app?x=1#/cart", `,"include_url_fragment":true`), nil, func(e *event.Event) {
			e.Path, e.EntryPath = "/app#/cart", "/app#/cart"
		}},
		"no path": {"/event", pv("https://example.com", ""), nil, func(*event.Event) {}},
		"a Korean path": {"/event", pv("https://example.com/%ED%95%9C%EA%B8%80%2F%20%zz%ff", ""), nil, func(e *event.Event) {
			e.Path, e.EntryPath = "/한글%2F%20%zz%ff", "/한글%2F%20%zz%ff"
		}},
		"a Korean host name":    {"/event", pv("https://한국.kr/", ""), nil, func(e *event.Event) { e.Hostname = "xn--3e0b707e.kr" }},
		"a user in the address": {"/event", pv("https://me:pass@example.com/", ""), nil, func(*event.Event) {}},
		"campaign from the query": {"/event", pv("https://example.com/?utm_source=news+letter&utm_medium=email&utm_campaign=%EB%B4%84&utm_content=top&utm_term=a%26b&token=t", ""), nil,
			func(e *event.Event) {
				e.UTMSource, e.UTMMedium, e.UTMCampaign, e.UTMContent, e.UTMTerm = "news letter", "email", "봄", "top", "a&b"
				e.Source, e.Channel = "news letter", "Email"
			}},
		"fields before query": {"/event", pv("https://example.com/?utm_source=query", `,"utm_source":"field"`), nil, func(e *event.Event) {
			e.UTMSource, e.Source, e.Channel = "field", "field", "Referral"
		}},
		"ref names the source": {"/event", pv("https://example.com/?ref=producthunt.com", ""), nil, func(e *event.Event) {
			e.Source, e.Channel = "Product Hunt", "Organic Social"
		}},
		"a click ID": {"/event", pv("https://example.com/?gclid=secret", ""), nil, func(e *event.Event) {
			e.Source, e.Channel = "Google", "Paid Search"
		}},
		"referrer without query": {"/event", pv("https://example.com/", `,"referrer":"https://news.ycombinator.com/item?id=1#x"`), nil, func(e *event.Event) {
			e.Referrer, e.Source, e.Channel = "news.ycombinator.com/item", "Hacker News", "Organic Social"
		}},
		"own page as referrer": {"/event", pv("https://example.com/b", `,"referrer":"https://www.example.com/a"`), nil, func(e *event.Event) {
			e.Path, e.EntryPath = "/b", "/b"
		}},
		"own subdomain as referrer": {"/event", pv("https://example.com/", `,"referrer":"https://blog.example.com/a"`), nil, func(*event.Event) {}},
		"KakaoTalk's own browser": {"/event", pv("https://example.com/", ""), headers{"User-Agent", kakao}, func(e *event.Event) {
			e.Source, e.Channel = "KakaoTalk", "Organic Social"
			e.Browser, e.BrowserVersion, e.OS, e.OSVersion, e.Device = "KakaoTalk", "10", "iOS", "17.4", "mobile"
		}},
		"language of the header": {"/event", pv("https://example.com/", ""), headers{"Accept-Language", "ko_kr;q=0.9,en"}, func(e *event.Event) { e.Language = "ko-KR" }},
		"nonsense facts are not known": {"/event", pv("https://example.com/", `,"user_language":"<b>","timezone":"../etc","connection_speed":"fast","screen_width":-5,"dns":-1,"page_load":1e300`), nil,
			func(*event.Event) {}},
		"null is not sent": {"/event", pv("https://example.com/", `,"event":null,"referrer":null,"screen_width":null,"dns":null,"props":null,"value":null,"interactive":null,"utm_source":null`), nil,
			func(*event.Event) {}},
		"unknown fields are left alone": {"/event", pv("https://example.com/", `,"new":{"a":[1]},"x":"y"`), nil, func(*event.Event) {}},
		"numbers as texts": {"/event", pv("https://example.com/", `,"screen_width":"1024","dns":"3"`), nil, func(e *event.Event) {
			e.ScreenWidth, e.Measures = 1000, measures(map[int]int64{event.DNS: 3})
		}},
		"a custom event": {"/event", pv("https://example.com/", `,"event":"Sign up-2.0_x","props":{"plan":"pro","n":1.50,"ok":true,"none":null,"b":"\u0007x"},"value":12.5,"currency":"eur"`), nil,
			func(e *event.Event) {
				e.Name, e.EntryPath, e.Interactive = "Sign up-2.0_x", "", true
				e.Props = []event.Prop{{Key: "b", Value: "x"}, {Key: "n", Value: "1.50"}, {Key: "ok", Value: "true"}, {Key: "plan", Value: "pro"}}
				e.Revenue, e.Currency = 12500, "EUR"
			}},
		"the last of a key twice": {"/event", pv("https://example.com/", `,"event":"a","props":{"k":"1","j":"0","k":"2"}`), nil, func(e *event.Event) {
			e.Name, e.EntryPath, e.Interactive = "a", "", true
			e.Props = []event.Prop{{Key: "j", Value: "0"}, {Key: "k", Value: "2"}}
		}},
		"revenue in the site's currency": {"/event", pv("https://example.com/", `,"event":"buy","value":-0.0015`), nil, func(e *event.Event) {
			e.Name, e.EntryPath, e.Interactive, e.Revenue, e.Currency = "buy", "", true, -2, "KRW"
		}},
		"not interactive": {"/event", pv("https://example.com/", `,"event":"Not Found","interactive":false`), nil, func(e *event.Event) {
			e.Name, e.EntryPath = event.NotFound, ""
		}},
		"overrides without a token": {"/event", pv("https://example.com/", `,"override_ip":"`+korean+`","override_user_agent":"`+iphone+`","override_country_code":"FR"`), nil,
			func(*event.Event) {}},
		"overrides with a token": {"/event", pv("https://example.com/", `,"override_ip":"`+korean+`","override_user_agent":"`+iphone+`"`), headers{"Authorization", "Bearer " + goodToken},
			func(e *event.Event) {
				e.Country = "KR"
				e.Browser, e.BrowserVersion, e.OS, e.OSVersion, e.Device = "Safari", "17.4", "iOS", "17.4", "mobile"
			}},
		"a country with a token": {"/event", pv("https://example.com/", `,"override_country_code":"fr"`), headers{"Authorization", "bearer " + goodToken},
			func(e *event.Event) { e.Country = "FR" }},
		"plausible, short names": {"/api/event", `{"n":"pageview","u":"https://example.com/p?utm_source=zine#f","d":"example.com","r":"https://duckduckgo.com/","v":27}`, nil, func(e *event.Event) {
			e.Path, e.EntryPath, e.Referrer, e.UTMSource, e.Source, e.Channel = "/p", "/p", "duckduckgo.com", "zine", "zine", "Referral"
		}},
		"plausible, long names": {"/api/event", `{"name":"Signup","url":"https://example.com/","domain":"` + siteID + `,other.example","props":"{\"a\":1,\"b\":\"\",\"c\":{\"d\":1},\"\":\"x\"}","revenue":{"amount":"10.29","currency":"USD"},"interactive":true}`, nil,
			func(e *event.Event) {
				e.Name, e.EntryPath, e.Interactive = "Signup", "", true
				e.Props = []event.Prop{{Key: "a", Value: "1"}}
				e.Revenue, e.Currency = 10290, "USD"
			}},
		"plausible, outbound link": {"/api/event", `{"n":"Outbound Link: Click","u":"https://example.com/","d":"example.com","p":{"url":"https://other.example/"},"$":"{\"amount\":1,\"currency\":\"EUR\"}","i":false}`, nil,
			func(e *event.Event) {
				e.Name, e.EntryPath = event.Outbound, ""
				e.Props = []event.Prop{{Key: "url", Value: "https://other.example/"}}
				e.Revenue, e.Currency = 1000, "EUR"
			}},
		"plausible, 404": {"/api/event", `{"n":"404","u":"https://example.com/x","d":"example.com","m":{"path":"/x"}}`, nil, func(e *event.Event) {
			e.Name, e.Path, e.EntryPath, e.Interactive, e.Props = event.NotFound, "/x", "", true, []event.Prop{{Key: "path", Value: "/x"}}
		}},
		"plausible, another colon": {"/api/event", `{"n":"Form: Submission","u":"https://example.com/","d":"example.com"}`, nil, func(e *event.Event) {
			e.Name, e.EntryPath, e.Interactive = "Form Submission", "", true
		}},
		"plausible, hash mode": {"/api/event", `{"n":"pageview","u":"https://example.com/#/a","d":"example.com","h":1}`, nil, func(e *event.Event) {
			e.Path, e.EntryPath = "/#/a", "/#/a"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.hit(tc.path, tc.body, tc.headers...)
			got := w.only()
			if got.Visitor == 0 || got.Visit%2 != 1 || got.VisitStart != got.Time || got.Time != w.clock.now().UnixMilli() {
				t.Errorf("visitor %d, visit %d, at %d, visit started %d", got.Visitor, got.Visit, got.Time, got.VisitStart)
			}
			want := event.Event{}
			base(&want)
			tc.want(&want)
			want.Visitor, want.Visit, want.Time, want.VisitStart = got.Visitor, got.Visit, got.Time, got.VisitStart
			same(t, got, want)
			expect := map[string]string{"/event": "", "/api/event": "ok"}[tc.path]
			if _, answer := w.send(request(tc.path, tc.body, tc.headers...)); answer != expect {
				t.Errorf("it is answered %q, not %q", answer, expect)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	props := func(n, key, value int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%s%d":"%s"`, strings.Repeat("k", key-len(fmt.Sprint(i))), i, strings.Repeat("가", value))
		}
		return `,"event":"a","props":{` + b.String()[1:] + `}`
	}
	url := "https://example.com/"
	w := newWorld(t, "")
	for name, tc := range map[string]struct {
		path, body string
		headers    []string
		status     int
		says       string // in the message
	}{
		"empty":                   {"/event", ``, nil, 400, "not a JSON object: byte 0: wanted '{'"},
		"a list":                  {"/event", `[]`, nil, 400, "not a JSON object"},
		"cut":                     {"/event", `{"pid":"a`, nil, 400, "a text does not end"},
		"more than one":           {"/event", `{}{}`, nil, 400, "something follows the end"},
		"too large":               {"/event", pv(url, `,"x":"`+strings.Repeat("a", maxHit)+`"`), nil, 400, "16 KiB"},
		"no site":                 {"/event", `{"url":"https://example.com/"}`, nil, 400, "site: it must be the site's ID"},
		"a site of a wrong type":  {"/event", `{"pid":5}`, nil, 400, "pid: it must be a text, not a number."},
		"an unknown site":         {"/event", `{"pid":"nobody","url":"https://example.com/"}`, nil, 404, "no site with this ID"},
		"no URL":                  {"/event", `{"pid":"` + siteID + `"}`, nil, 400, "url: it must be the page's full address"},
		"a path for a URL":        {"/event", pv("/pricing", ""), nil, 400, "url: it must"},
		"a file":                  {"/event", pv("file:///etc/passwd", ""), nil, 400, "neither http:// nor https://"},
		"no host":                 {"/event", pv("https:///x", ""), nil, 400, "host name is missing"},
		"a bad host":              {"/event", pv("https://exa mple.com/", ""), nil, 400, "host name is not one"},
		"a name with a digit":     {"/event", pv(url, `,"event":"1st"`), nil, 400, "event: a name begins with a letter"},
		"a name with a slash":     {"/event", pv(url, `,"event":"a/b"`), nil, 400, "event: a name"},
		"a Korean name":           {"/event", pv(url, `,"event":"가입"`), nil, 400, "event: a name"},
		"a name of 65":            {"/event", pv(url, `,"event":"`+strings.Repeat("a", 65)+`"`), nil, 400, "event: a name"},
		"31 properties":           {"/event", pv(url, props(31, 2, 1)), nil, 400, "props: an event has at most 30 properties, not 31."},
		"a key of 301":            {"/event", pv(url, props(1, 301, 1)), nil, 400, "at most 300 characters"},
		"a value of 2,001":        {"/event", pv(url, props(1, 1, 2001)), nil, 400, "props.0: a value has at most 2,000 characters."},
		"an empty key":            {"/event", pv(url, `,"event":"a","props":{"":1}`), nil, 400, "a property must have a name"},
		"a nested property":       {"/event", pv(url, `,"event":"a","props":{"cart":[1]}`), nil, 400, "props.cart: it must be a text, a number, true or false, not a list."},
		"a list of properties":    {"/event", pv(url, `,"event":"a","props":[]`), nil, 400, "props: it must be an object"},
		"a value of text":         {"/event", pv(url, `,"value":"much"`), nil, 400, "value: it must be a number"},
		"too great a value":       {"/event", pv(url, `,"value":1e13`), nil, 400, "value: it must be between"},
		"a currency of four":      {"/event", pv(url, `,"value":1,"currency":"EURO"`), nil, 400, "currency: it must be an ISO 4217 code"},
		"a currency sign":         {"/event", pv(url, `,"value":1,"currency":"€"`), nil, 400, "currency: it must be"},
		"a measure of a list":     {"/event", pv(url, `,"lcp":[1]`), nil, 400, "lcp: it must be a number, not a list."},
		"interactive as a text":   {"/event", pv(url, `,"interactive":"no"`), nil, 400, "interactive: it must be true or false"},
		"override of a bad token": {"/event", pv(url, `,"override_ip":"1.1.1.1"`), []string{"Authorization", "Bearer nope"}, 401, "not valid"},
		"override of a reader":    {"/event", pv(url, `,"override_ip":"1.1.1.1"`), []string{"Authorization", "Bearer " + readToken}, 403, "may not write"},
		"override of another's":   {"/event", `{"pid":"` + foreignID + `","url":"https://a.b/","override_ip":"1.1.1.1"}`, []string{"Authorization", "Bearer " + goodToken}, 403, "not for this site"},
		"override of no address":  {"/event", pv(url, `,"override_ip":"here"`), []string{"Authorization", "Bearer " + goodToken}, 400, "override_ip: it must be an IP address"},
		"override of no country":  {"/event", pv(url, `,"override_country_code":"Korea"`), []string{"Authorization", "Bearer " + goodToken}, 400, "override_country_code: it must be two letters"},
		"plausible: bad props":    {"/api/event", `{"n":"a","u":"https://example.com/","d":"example.com","p":"{"}`, nil, 400, "not a JSON object"},
		"plausible: bad revenue":  {"/api/event", `{"n":"a","u":"https://example.com/","d":"example.com","$":5}`, nil, 400, "$: it must be an object with amount and currency"},
		"plausible: bad amount":   {"/api/event", `{"n":"a","u":"https://example.com/","d":"example.com","$":{"amount":"x"}}`, nil, 400, "$.amount: it must be a number"},
		"plausible: unknown site": {"/api/event", `{"n":"a","u":"https://example.com/","d":"nobody.example"}`, nil, 404, "no site"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(tc.path, tc.body, tc.headers...)
			status, answer := w.send(r)
			if status != tc.status || !strings.Contains(answer, tc.says) || !strings.HasPrefix(answer, `{"message":`) {
				t.Errorf("%d %s; want %d and %q", status, answer, tc.status, tc.says)
			}
			if b := w.stored(); len(b.Events)+len(b.Drops) != 0 {
				t.Errorf("something was stored: %+v", b)
			}
			// The same without a length said beforehand.
			r = request(tc.path, tc.body, tc.headers...)
			r.ContentLength = -1
			if again, _ := w.send(r); again != status {
				t.Errorf("without a length it is answered %d", again)
			}
		})
	}
}

func TestLimitsHold(t *testing.T) {
	w := newWorld(t, "")
	var many strings.Builder
	for i := range maxProps {
		fmt.Fprintf(&many, `,"k%d":"x"`, i)
	}
	url := "https://example.com/"
	w.hit("/event", pv(url, `,"event":"`+strings.Repeat("a", 64)+`","props":{`+many.String()[1:]+`}`))
	w.hit("/event", pv(url, `,"event":"a","props":{"`+strings.Repeat("나", maxPropKey)+`":"`+strings.Repeat("가", maxPropValue)+`"}`))
	body := pv(url, `,"x":""`)
	w.hit("/event", strings.Replace(body, `"x":""`, `"x":"`+strings.Repeat("a", maxHit-len(body))+`"`, 1))
	got := w.stored().Events
	if len(got) != 3 || len(got[0].Props) != maxProps || len(got[1].Props[0].Key) != 3*maxPropKey || len(got[1].Props[0].Value) != 3*maxPropValue {
		t.Errorf("%d events", len(got))
	}
}

func TestDrops(t *testing.T) {
	for name, tc := range map[string]struct {
		path, body string
		headers    []string
		reason     string
		detail     string
	}{
		"a foreign hostname": {"/event", `{"pid":"` + shopID + `","url":"https://evil.example/"}`, nil, "hostname", "evil.example"},
		"a subdomain":        {"/event", `{"pid":"` + shopID + `","url":"https://m.shop.example/"}`, nil, "hostname", "m.shop.example"},
		"a bot":              {"/event", pv("https://example.com/", ""), []string{"User-Agent", yeti}, "bot", "Yeti (Naver)"},
		"no user agent":      {"/event", pv("https://example.com/", ""), []string{"User-Agent", ""}, "bot", "no user agent"},
		"curl":               {"/api/event", `{"n":"pageview","u":"https://example.com/","d":"example.com"}`, []string{"User-Agent", "curl/8.5.0"}, "bot", "curl"},
		"an overridden bot":  {"/event", pv("https://example.com/", `,"override_user_agent":"`+yeti+`"`), []string{"Authorization", "Bearer " + goodToken}, "bot", "Yeti (Naver)"},
		"referrer spam":      {"/event", pv("https://example.com/", `,"referrer":"https://www.semalt.com/crawler"`), nil, "referrer_spam", ""},
		"engagement alone":   {"/event", pv("https://example.com/", `,"event":"engagement","engagement_time":5000`), nil, "engagement_without_visit", ""},
		"engagement of a visitor before": {"/api/event", `{"n":"engagement","u":"https://example.com/","d":"example.com","e":1000,"sd":50}`, nil,
			"engagement_without_visit", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			for range 3 {
				status, answer := w.send(request(tc.path, tc.body, tc.headers...))
				want := ""
				if tc.path == "/api/event" {
					want = "ok"
				}
				if status != http.StatusAccepted || answer != want {
					t.Fatalf("%d %q; a drop is answered as any other: 202 %q", status, answer, want)
				}
			}
			now := w.clock.now().UnixMilli()
			want := []event.Drop{{Site: 1, Time: now - now%60_000, Reason: tc.reason, Detail: tc.detail, Count: 3}}
			if strings.Contains(tc.body, shopID) {
				want[0].Site = 2
			}
			b := w.stored()
			if len(b.Events) != 0 || !reflect.DeepEqual(b.Drops, want) {
				t.Errorf("stored %+v\n drops %+v\n  want %+v", b.Events, b.Drops, want)
			}
			if again := w.stored(); len(again.Drops) != 1 {
				t.Errorf("counts were written twice: %+v", again.Drops)
			}
		})
	}
}

// A page that is refused sends again when it is left: that is one hit to the
// site's owner, not two.
func TestRefusedPageIsCountedOnce(t *testing.T) {
	w := newWorld(t, "")
	for _, name := range []string{"pageview", "engagement"} {
		w.hit("/event", `{"pid":"`+shopID+`","url":"https://evil.example/","event":"`+name+`"}`)
		w.hit("/event", pv("https://example.com/", `,"event":"`+name+`"`), "User-Agent", yeti)
	}
	for _, d := range w.stored().Drops {
		if d.Count != 1 {
			t.Errorf("%s %s was counted %d times", d.Reason, d.Detail, d.Count)
		}
	}
}

func TestAllowedHostnames(t *testing.T) {
	w := newWorld(t, "")
	for _, host := range []string{"shop.example", "WWW.Shop.Example.", "pay.example:8080"} {
		w.hit("/event", `{"pid":"`+shopID+`","url":"https://`+host+`/"}`)
	}
	if b := w.stored(); len(b.Events) != 3 || len(b.Drops) != 0 {
		t.Errorf("%d events, drops %v", len(b.Events), b.Drops)
	}
}

func TestKeptFragment(t *testing.T) {
	w := newWorld(t, "")
	w.sites.list[siteID].KeepFragment = true
	w.hit("/event", pv("https://example.com/a?b#%ED%95%9C", ""))
	if e := w.only(); e.Path != "/a#한" {
		t.Errorf("path %q", e.Path)
	}
}

func TestOverQuota(t *testing.T) {
	w := newWorld(t, "")
	w.full[1] = true
	status, answer := w.send(request("/event", pv("https://example.com/", "")))
	if status != http.StatusPaymentRequired || !strings.Contains(answer, "plan") {
		t.Errorf("%d %s", status, answer)
	}
	w.hit("/event", pv("https://example.com/", ""), "User-Agent", yeti) // a bot is no business of the plan
	w.hit("/event", `{"pid":"`+shopID+`","url":"https://shop.example/"}`)
	b := w.stored()
	got := map[string]int64{}
	for _, d := range b.Drops {
		got[d.Reason] += d.Count
	}
	if len(b.Events) != 1 || !reflect.DeepEqual(got, map[string]int64{"quota": 1, "bot": 1}) {
		t.Errorf("%d events, drops %v", len(b.Events), got)
	}
}

func TestSitesNotKnownYet(t *testing.T) {
	w := newWorld(t, "")
	w.sites.unknown = true
	a := recorder(w, request("/event", pv("https://example.com/", "")))
	if a.Code != http.StatusServiceUnavailable || a.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", a.Code, a.Header())
	}
}

// same compares events field by field.
func same(t *testing.T, got, want event.Event) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	compare := func(g, w reflect.Value) {
		for i := range g.NumField() {
			if a, b := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(a, b) && g.Type().Field(i).Name != "Entry" {
				t.Errorf("%s is %v, want %v", g.Type().Field(i).Name, a, b)
			}
		}
	}
	compare(reflect.ValueOf(got), reflect.ValueOf(want))
	compare(reflect.ValueOf(got.Entry), reflect.ValueOf(want.Entry))
}
