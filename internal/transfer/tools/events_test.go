package tools

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/transfer"
)

// rows reads a CSV file into maps, without the code that is tested.
func rows(t *testing.T, b []byte) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range all[1:] {
		m := map[string]string{}
		for i, v := range r {
			m[all[0][i]] = v
		}
		out = append(out, m)
	}
	return out
}

func TestGoatCounter(t *testing.T) {
	file := fixture(t, "goatcounter2.csv")
	its := items(t, file)
	views, events, bots, sessions := 0, 0, 0, map[string]bool{}
	countries, systems := map[string]int{}, map[string]int{}
	for _, r := range rows(t, file) {
		switch {
		case r["Date"] == "yesterday":
		case r["Bot"] != "0":
			bots++
		default:
			if r["Event"] == "true" {
				events++
			} else {
				views++
			}
			sessions[r["Session"]] = true
			if len(r["Location"]) >= 2 {
				countries[r["Location"][:2]]++
			}
			systems[strings.Fields(r["System"])[0]]++
		}
	}
	n := tallyOf(its)
	if n.records != views+events || n.drops[transfer.Bot] != bots || n.drops[transfer.Malformed] != 1 || len(its) != views+events+bots+1 {
		t.Fatalf("%+v of %d rows, want %d views, %d events, %d bots", n, len(its), views, events, bots)
	}
	for _, it := range its {
		if it.Drop.Reason != "" {
			continue
		}
		r := it.Record
		if r.Name == "" {
			views--
		} else {
			events--
		}
		delete(sessions, r.Visitor)
		if r.Facts.Country != "" {
			countries[r.Facts.Country]--
		}
		systems[r.Facts.OS]--
		if r.Name == otherName && (len(r.Props) != 1 || r.Props[0] != event.Prop{Key: "name", Value: "회원가입"}) {
			t.Errorf("a Korean name became %q with %v", r.Name, r.Props)
		}
	}
	if views != 0 || events != 0 || len(sessions) != 0 {
		t.Errorf("left over: %d views, %d events, %d sessions", views, events, len(sessions))
	}
	for k, n := range countries {
		if n != 0 {
			t.Errorf("country %s: %d rows differ", k, n)
		}
	}
	for k, n := range systems {
		if n != 0 {
			t.Errorf("system %s: %d rows differ", k, n)
		}
	}
}

func TestGoatCounterRow(t *testing.T) {
	const head = "2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date\n"
	it := items(t, []byte(head+`/a?x=1,A,0,,Safari 14.0,macOS 10.15,c8b722d57674550-bcd20ab1989d7739,0,www.reddit.com,h,"1680,1050,2",US-TX,1,2020-12-27T00:37:37Z`+"\n"))[0]
	want := transfer.Record{
		Time: time.Date(2020, 12, 27, 0, 37, 37, 0, time.UTC), URL: "/a?x=1", Referrer: "https://www.reddit.com", Visitor: "c8b722d57674550-bcd20ab1989d7739",
		Facts: event.Entry{Country: "US", Region: "US-TX", Browser: "Safari", BrowserVersion: "14.0", OS: "macOS", OSVersion: "10.15", ScreenWidth: 1600},
	}
	same(t, it.Record, want)
	for scheme, want := range map[string]string{"c": "/?utm_source=Spring+mail", "g": "/?ref=Spring+mail", "o": "/?ref=Spring+mail"} {
		it := items(t, []byte(head+`/,A,false,,,,,0,Spring mail,`+scheme+`,,,1,2020-12-27T00:37:37Z`+"\n"))[0]
		if it.Record.URL != want || it.Record.Visitor != "" || it.Record.Referrer != "" {
			t.Errorf("scheme %s: %+v", scheme, it.Record)
		}
	}
	its := items(t, fixture(t, "goatcounter1.csv"))
	if r := its[0].Record; len(its) != 2 || !strings.HasPrefix(r.UserAgent, "Mozilla/5.0") || r.Facts.Browser != "" || its[1].Record.Name != "click-source" || its[1].Record.URL != "" {
		t.Errorf("version 1: %+v", its)
	}
}

// same compares two records by all they hold.
func same(t *testing.T, got, want transfer.Record) {
	t.Helper()
	if !got.Time.Equal(want.Time) {
		t.Errorf("time %v, want %v", got.Time, want.Time)
	}
	got.Time, want.Time = time.Time{}, time.Time{}
	g, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		t.Errorf("record\n%s\nwant\n%s", g, w)
	}
}

func TestUmami(t *testing.T) {
	its := items(t, zipOf(t, "umami"))
	views, custom, visits, revenue, seats := 0, 0, map[string]bool{}, int64(0), 0
	purchases := map[string]bool{}
	for _, r := range rows(t, fixture(t, "umami/website_event.csv")) {
		switch r["event_type"] {
		case "1":
			views++
		case "2":
			custom++
		default:
			continue
		}
		visits[r["visit_id"]] = true
	}
	for _, r := range rows(t, fixture(t, "umami/event_data.csv")) {
		switch r["data_key"] {
		case "revenue":
			whole, part, _ := strings.Cut(r["number_value"], ".")
			revenue += 1000*atoi(whole) + atoi(part)/10
			purchases[r["event_id"]] = true
		case "seats":
			seats++
		}
	}
	if n := tallyOf(its); n.records != views+custom || n.drops[transfer.Unknown] != 1 || len(purchases) == 0 || seats == 0 {
		t.Fatalf("%+v, want %d views, %d events", n, views, custom)
	}
	for _, it := range its {
		r := it.Record
		if it.Drop.Reason != "" {
			continue
		}
		delete(visits, r.Visit)
		revenue -= r.Revenue
		if r.Revenue != 0 && (r.Currency != "USD" || len(r.Props) != 1 || r.Props[0].Key != "plan") {
			t.Errorf("a purchase: %+v", r)
		}
		for _, p := range r.Props {
			if p.Key == "seats" {
				seats--
				if len(p.Value) != 1 {
					t.Errorf("seats %q", p.Value)
				}
			}
		}
	}
	if revenue != 0 || seats != 0 || len(visits) != 0 {
		t.Errorf("left over: revenue %d, seats %d, visits %d", revenue, seats, len(visits))
	}
}

func atoi(s string) (n int64) {
	for _, c := range s {
		n = 10*n + int64(c-'0')
	}
	return n
}

// The same table as PostgreSQL writes it, of a version with other columns.
func TestUmamiRow(t *testing.T) {
	it := items(t, []byte("event_id,session_id,created_at,url_path,url_query,utm_source,referrer_path,referrer_domain,event_type,event_name,visit_id,hostname,browser,os,device,screen,language,country,region,city\n"+
		"e1,s1,2025-03-01 10:20:30.5+00,/a,q=secret,news,/r/x,reddit.com,1,,v1,www.example.com,edge-chromium,Windows 10,laptop,1366x768,ko-kr,KR,KR-11,Seoul\n"))[0]
	same(t, it.Record, transfer.Record{
		Time: time.Date(2025, 3, 1, 10, 20, 30, 5e8, time.UTC), URL: "/a?q=secret&utm_source=news", Hostname: "www.example.com", Referrer: "https://reddit.com/r/x", Visitor: "s1", Visit: "v1",
		Facts: event.Entry{Country: "KR", Region: "KR-11", City: "Seoul", Browser: "Edge", OS: "Windows", OSVersion: "10", Device: "desktop", ScreenWidth: 1300, Language: "ko-KR"},
	})
}

func TestBigQuery(t *testing.T) {
	file := fixture(t, "bigquery.ndjson")
	for _, form := range []string{"lines", "array"} {
		b := file
		want := map[string]int{}
		sessions := map[string]bool{}
		var whole [][]byte
		for line := range bytes.Lines(file) {
			var o struct {
				Name     string `json:"event_name"`
				Platform string `json:"platform"`
				Client   string `json:"user_pseudo_id"`
			}
			if json.Unmarshal(line, &o) != nil {
				continue
			}
			whole = append(whole, bytes.TrimSpace(line))
			if o.Platform == "WEB" {
				want[o.Name]++
				sessions[o.Client] = true
			}
		}
		broken := 1
		if form == "array" {
			b, broken = []byte("[\n"+string(bytes.Join(whole, []byte(",\n")))+"]\n"), 0
		}
		its := items(t, b)
		n := tallyOf(its)
		if n.drops[transfer.Malformed] != broken || n.drops[transfer.Unknown] != want["session_start"]+want["first_visit"]+1 {
			t.Errorf("%s: dropped %v", form, n.drops)
		}
		got, revenue, visits := map[string]int{}, int64(0), map[string]bool{}
		for _, it := range its {
			if it.Drop.Reason == "" {
				got[it.Record.Name]++
				revenue += it.Record.Revenue
				visits[it.Record.Visit] = true
			}
		}
		for ours, theirs := range map[string]int{"": want["page_view"], event.Outbound: want["click"], "purchase": want["purchase"], "sign_up": want["sign_up"], event.Engagement: want["scroll"] + want["user_engagement"]} {
			if got[ours] != theirs || theirs == 0 {
				t.Errorf("%s: %d of %q, want %d", form, got[ours], ours, theirs)
			}
		}
		if revenue != int64(want["purchase"])*49900 || len(visits) != len(sessions) {
			t.Errorf("%s: revenue %d, %d visits of %d", form, revenue, len(visits), len(sessions))
		}
	}
}

func TestBigQueryEvent(t *testing.T) {
	it := items(t, []byte(`{"event_date":"20240301","event_timestamp":"1709251200123456","event_name":"purchase","event_params":[{"key":"page_location","value":{"string_value":"https://www.example.com/thanks?id=9"}},{"key":"currency","value":{"string_value":"EUR"}},{"key":"value","value":{"double_value":12.5}},{"key":"coupon","value":{"string_value":"SPRING"}},{"key":"ga_session_id","value":{"int_value":"77"}}],"user_pseudo_id":"1.2","device":{"category":"smart tv","operating_system":"Macintosh","operating_system_version":"Macintosh Intel 10.15","language":"en-us","web_info":{"browser":"Safari","browser_version":"17.2.1","hostname":"www.example.com"}},"geo":{"country":"Bosnia & Herzegovina","city":"(not set)"},"collected_traffic_source":{"manual_source":"news","manual_campaign_name":"(organic)","gclid":"abc"},"platform":"WEB"}`))[0]
	same(t, it.Record, transfer.Record{
		Time: time.UnixMicro(1709251200123456), Name: "purchase", URL: "https://www.example.com/thanks?id=9&utm_source=news&gclid=abc", Hostname: "www.example.com", Visitor: "1.2", Visit: "1.2/77",
		Facts:   event.Entry{Country: "BA", Browser: "Safari", BrowserVersion: "17.2", OS: "macOS", Device: "tv", Language: "en-US"},
		Props:   []event.Prop{{Key: "coupon", Value: "SPRING"}},
		Revenue: 12500, Currency: "EUR",
	})
}
