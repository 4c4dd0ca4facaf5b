package tools

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/transfer"
)

// sums adds up what came of a file by dimension; a sum with something untold in
// it is told by untold.
func sums(its []transfer.Item, dimension string, number func(event.Sums) int64) (byValue map[string]int64, untold int) {
	byValue = map[string]int64{}
	for _, it := range its {
		for _, d := range it.Days {
			if d.Dimension != dimension {
				continue
			}
			if n := number(d.Sums); n == event.Untold {
				untold++
			} else {
				byValue[d.Value] += n
			}
		}
	}
	return byValue, untold
}

func visits(s event.Sums) int64    { return s.Visits }
func pageviews(s event.Sums) int64 { return s.Pageviews }
func visitors(s event.Sums) int64  { return s.Visitors }

func TestPlausible(t *testing.T) {
	its := items(t, zipOf(t, "plausible"))
	var all, dropped int
	for _, it := range its {
		all++
		if it.Drop.Reason != "" {
			dropped++
		}
	}
	lines := 0
	file := func(table string) []map[string]string {
		r := rows(t, fixture(t, "plausible/imported_"+table+"_20230501_20230630.csv"))
		lines += len(r)
		return r
	}
	// One day has more bounces than visits and one a negative number.
	var total struct{ visitors, pageviews, visits, bounces, seconds, custom int64 }
	for _, r := range file("visitors") {
		if r["date"] >= "2023-07-01" {
			continue
		}
		total.visitors += atoi(r["visitors"])
		total.pageviews += atoi(r["pageviews"])
		total.visits += atoi(r["visits"])
		total.bounces += atoi(r["bounces"])
		total.seconds += atoi(r["visit_duration"])
	}
	by := func(table, column, number string, value func(string) string) map[string]int64 {
		m := map[string]int64{}
		for _, r := range file(table) {
			m[value(r[column])] += atoi(r[number])
		}
		return m
	}
	self := func(s string) string { return s }
	for _, c := range []struct {
		dimension string
		number    func(event.Sums) int64
		want      map[string]int64
	}{
		{"", visitors, map[string]int64{"": total.visitors}},
		{"", pageviews, map[string]int64{"": total.pageviews}},
		{"", visits, map[string]int64{"": total.visits}},
		{"", func(s event.Sums) int64 { return s.Bounces }, map[string]int64{"": total.bounces}},
		{"", func(s event.Sums) int64 { return s.Duration }, map[string]int64{"": total.seconds * 1000}},
		{"path", pageviews, by("pages", "page", "pageviews", self)},
		{"entry_page", visits, by("entry_pages", "entry_page", "entrances", self)},
		{"exit_page", visits, by("exit_pages", "exit_page", "exits", self)},
		{"country", visits, by("locations", "country", "visits", self)},
		{"device", visits, by("devices", "device", "visits", func(s string) string {
			return map[string]string{"Desktop": "desktop", "Laptop": "desktop", "Mobile": "mobile", "Tablet": "tablet"}[s]
		})},
		{"browser", visits, by("browsers", "browser", "visits", func(s string) string {
			return strings.NewReplacer("Samsung Browser", "Samsung Internet", "Microsoft Edge", "Edge", "Mobile App", "").Replace(s)
		})},
		{"os", visits, by("operating_systems", "operating_system", "visits", func(s string) string {
			return strings.NewReplacer("Mac", "macOS", "GNU/Linux", "Linux").Replace(s)
		})},
		{"utm_source", visits, by("sources", "utm_source", "visits", self)},
	} {
		got, untold := sums(its, c.dimension, c.number)
		if untold != 0 || len(got) != len(c.want) {
			t.Errorf("%s: %d values, want %d; %d untold", c.dimension, len(got), len(c.want), untold)
		}
		for v, n := range c.want {
			if got[v] != n || n == 0 {
				t.Errorf("%s %q: %d, want %d", c.dimension, v, got[v], n)
			}
		}
	}
	custom := by("custom_events", "name", "events", func(s string) string {
		return strings.NewReplacer("Outbound Link: Click", "Outbound Link", "404", "Not Found").Replace(s)
	})
	got, _ := sums(its, "event_name", func(s event.Sums) int64 { return s.Events })
	custom["pageview"] = total.pageviews
	for name, n := range custom {
		if total.custom += n; got[name] != n {
			t.Errorf("event %s: %d, want %d", name, got[name], n)
		}
	}
	if events, _ := sums(its, "", func(s event.Sums) int64 { return s.Events }); events[""] != total.custom {
		t.Errorf("%d events, want %d", events[""], total.custom)
	}
	lines = 0
	for _, name := range []string{"visitors", "pages", "entry_pages", "exit_pages", "locations", "devices", "browsers", "operating_systems", "sources", "custom_events"} {
		file(name)
	}
	if all != lines || dropped != 2 {
		t.Errorf("%d rows of %d, %d dropped", all, lines, dropped)
	}
}

func TestPlausibleRow(t *testing.T) {
	its := items(t, zipWith(t, map[string][]byte{
		// An older export, without referrers, versions and pageviews.
		"imported_sources.csv": []byte("date,source,utm_medium,utm_campaign,utm_content,utm_term,visitors,visits,visit_duration,bounces\n2022-01-02,Google,,,,,7,8,90,3\n2022-01-02,Direct / None,,,,,1,1,0,1\n"),
		"imported_pages.csv":   []byte("date,hostname,page,visitors,pageviews,exits,time_on_page\n2022-01-02,Example.com,/a?b=c,5,9,2,100\n"),
	}))
	day := time.Date(2022, 1, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	no := event.Untold
	want := []event.DayCount{
		{Day: day, Dimension: "path", Value: "/a", Sums: event.Sums{Visitors: 5, Pageviews: 9, Events: no, Visits: no, Views: no, Bounces: no, Duration: no}},
		{Day: day, Dimension: "hostname", Value: "example.com", Sums: event.Sums{Visitors: no, Pageviews: 9, Events: no, Visits: no, Views: no, Bounces: no, Duration: no}},
		{Day: day, Dimension: "source", Value: "Google", Sums: event.Sums{Visitors: 7, Pageviews: no, Events: no, Visits: 8, Views: no, Bounces: 3, Duration: 90000}},
		{Day: day, Dimension: "channel", Value: "Organic Search", Sums: event.Sums{Visitors: 7, Pageviews: no, Events: no, Visits: 8, Views: no, Bounces: 3, Duration: 90000}},
	}
	var got []event.DayCount
	for _, it := range its {
		got = append(got, it.Days...)
	}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("count %d: %+v, want %+v", i, got[i], w)
		}
	}
	if bySource, _ := sums(its, "source", visits); bySource[""] != 1 {
		t.Errorf("direct visits: %v", bySource)
	}
}

func TestGA4(t *testing.T) {
	its := items(t, fixture(t, "ga4_dates.csv"))
	var users, views int64
	for _, line := range strings.Split(string(fixture(t, "ga4_dates.csv")), "\n") {
		if c := strings.Split(line, ","); len(c) == 4 && strings.HasPrefix(c[0], "2024") {
			users += atoi(c[1])
			views += atoi(c[3])
		}
	}
	u, _ := sums(its, "", visitors)
	v, _ := sums(its, "", pageviews)
	if n := tallyOf(its); u[""] != users || v[""] != views || users == 0 || n.counts != 31 || n.drops[transfer.Unknown] != 1 {
		t.Errorf("%d visitors of %d, %d pageviews of %d, %+v", u[""], users, v[""], views, n)
	}
	for _, it := range its {
		for _, d := range it.Days {
			if d.Bounces != event.Untold || d.Duration != event.Untold || d.Events != event.Untold {
				t.Fatalf("something untold is told: %+v", d)
			}
		}
	}

	its = items(t, fixture(t, "ga4_pages.csv"))
	p, _ := sums(its, "path", pageviews)
	for _, path := range []string{"/", "/blog/한글-글"} {
		var want int64
		for _, line := range strings.Split(string(fixture(t, "ga4_pages.csv")), "\n") {
			if c := strings.Split(line, ","); len(c) == 5 && c[1] == path {
				want += atoi(c[3])
			}
		}
		if p[path] != want || want == 0 {
			t.Errorf("%s: %d pageviews, want %d", path, p[path], want)
		}
	}

	its = items(t, fixture(t, "ga4_day.csv"))
	s, _ := sums(its, "source", visits)
	if s["Google"] != 120 || s[""] != 94 || s["newsletter"] != 30 || s["Naver"] != 25 {
		t.Errorf("sources of a day: %v", s)
	}

	its = items(t, fixture(t, "ga4_overview.csv"))
	u, _ = sums(its, "", visitors)
	if n := tallyOf(its); u[""] != 151 || n.counts != 3 || n.drops[transfer.Unknown] != 4 {
		t.Errorf("a table that comes twice: %v, %+v", u, n)
	}
}

func TestGA4Columns(t *testing.T) {
	const head = "# ----------------------------------------\n# 자유 형식\n# 20240101-20240102\n# ----------------------------------------\n\n"
	its := items(t, []byte(head+"날짜,국가,기기 카테고리,활성 사용자,세션수\n20240101,South Korea,mobile,5,\"1,006\"\n20240102,대한민국,desktop,2,2\n20240102,Nowhere,desktop,2,2\n"))
	got, _ := sums(its, "country", visits)
	if got["KR"] != 1008 || got[""] != 2 {
		t.Errorf("countries: %v", got)
	}
	if _, untold := sums(its, "country", visitors); untold != 3 {
		t.Error("visitors of two dimensions at once were added up")
	}
	its = items(t, []byte(head+"Date,Event name,Event count,Total users\n20240101,page_view,9,4\n20240101,session_start,5,4\n20240101,sign_up,2,1\n20240101,구매,1,1\n"))
	got, _ = sums(its, "event_name", func(s event.Sums) int64 { return s.Events })
	if len(got) != 3 || got["pageview"] != 9 || got["sign_up"] != 2 || got["구매"] != 1 {
		t.Errorf("events: %v", got)
	}
	for _, c := range []string{"Date,Page title,Views\n20240101,Home,5\n"} {
		if _, err := open([]byte(head + c)); err == nil || !strings.Contains(err.Error(), "Page title") {
			t.Errorf("an unknown dimension: %v", err)
		}
	}
}

func TestNames(t *testing.T) {
	for s, want := range map[string]string{"South Korea": "KR", "대한민국": "KR", "Türkiye": "TR", "Côte d’Ivoire": "CI", "United States": "US", "kr": "KR", "ZZ": "", "(not set)": "", "Hong Kong": "HK", "Myanmar (Burma)": "MM", "St. Lucia": "LC", "Congo - Kinshasa": "CD"} {
		if got := country(s); got != want {
			t.Errorf("country %q: %q, want %q", s, got, want)
		}
	}
	for s, want := range map[string]string{"sign_up": "sign_up", "Form: Submission": "Form Submission", "404": "Not Found", "회원가입": "Event", "9lives": "lives", "pageview": "Event", "": "", "!!": "Event", strings.Repeat("a", 99): strings.Repeat("a", 64)} {
		if got, _ := eventName(s); got != want {
			t.Errorf("name %q: %q, want %q", s, got, want)
		}
	}
	for s, want := range map[string]string{"120.0.6099": "120.0", "10": "10", "x86": "", "10.15.": "10.15", "2026123123": ""} {
		if got := versionOf(s, 2); got != want {
			t.Errorf("version %q: %q, want %q", s, got, want)
		}
	}
	var props []event.Prop
	for i := range 40 {
		props = property(props, "k"+strconv.Itoa(i), "https://x.y/?secret")
	}
	if len(props) != maxProps || props[3].Value != "https://x.y/" {
		t.Errorf("%d properties, %v", len(props), props[3])
	}
}
