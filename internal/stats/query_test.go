package stats_test

import (
	"math/rand/v2"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"moonbear/internal/fault"
	"moonbear/internal/stats"
)

var queryNow = time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)

// TestURLInverse writes random queries as URLs and reads them again.
func TestURLInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	st := siteIn(t, "Asia/Seoul")
	for range 2000 {
		q := randomQuery(r, st, queryNow)
		text := q.Values().Encode()
		v, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := stats.ParseQuery(v, st, queryNow)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got.Goals = q.Goals // a URL has none
		if !reflect.DeepEqual(got, q) {
			t.Fatalf("%s\n got %+v\nwant %+v", text, got, q)
		}
	}
}

func TestParseQuery(t *testing.T) {
	st := siteIn(t, "Asia/Seoul")
	for _, c := range []struct {
		url  string
		want stats.Query
	}{
		{"", stats.Query{}},
		{"utm_source=x&other=1", stats.Query{}},
		{"period=7d&metrics=session_count,event_count", stats.Query{Period: stats.Period{Name: "7d"}, Metrics: []stats.Metric{stats.Visits, stats.Events}}},
		{"from=2026-11-01&to=2026-11-22&interval=week", stats.Query{Period: stats.Period{From: stats.Date{Year: 2026, Month: 11, Day: 1}, To: stats.Date{Year: 2026, Month: 11, Day: 22}}, Interval: stats.Week}},
		{`f=eq,path,/a\,b&f=is_set,source`, stats.Query{Filter: stats.Filter{Op: stats.And, Filters: []stats.Filter{stats.Is(stats.Path, stats.Eq, "/a,b"), stats.Is(stats.Source, stats.IsSet)}}}},
		{`filter={"not":{"dimension":"prop:n","operator":"gt","value":3}}`, stats.Query{Filter: stats.Filter{Op: stats.Not, Filters: []stats.Filter{stats.Is(stats.Prop("n"), stats.Gt, "3")}}}},
		{`filter=[]`, stats.Query{}},
		{"by=path,prop:a\\,b&metrics=visitors&order=-visitors,path&page=2&page_size=50", stats.Query{
			Dimensions: []stats.Dimension{stats.Path, stats.Prop("a,b")}, Metrics: []stats.Metric{stats.Visitors},
			Order: []stats.Order{{By: "visitors", Desc: true}, {By: "path"}}, Page: 2, PageSize: 50}},
	} {
		v, err := url.ParseQuery(c.url)
		if err != nil {
			t.Fatal(err)
		}
		got, err := stats.ParseQuery(v, st, queryNow)
		c.want.Site = st
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\n got %+v, %v\nwant %+v", c.url, got, err, c.want)
		}
	}
}

// TestQueryFaults: each error names the parameter, and says what would be right.
func TestQueryFaults(t *testing.T) {
	deep := strings.Repeat(`{"not":`, 9) + `{"dimension":"path","operator":"eq","value":"/"}` + strings.Repeat("}", 9)
	bottomless := strings.Repeat(`[`, 5000)
	many := `[` + strings.Repeat(`{"dimension":"path","operator":"eq","value":"/"},`, 100) + `{"dimension":"path","operator":"eq","value":"/"}]`
	for _, c := range []struct{ url, field, says string }{
		{"period=7days", "period", "7d"},
		{"period=fortnight", "period", "1h, 24h, today"},
		{"period=7d&from=2026-01-01&to=2026-01-02", "period", "not both"},
		{"from=2026-01-01", "to", "2026-11-22"},
		{"from=01.01.2026&to=2026-01-02", "from", "2026-11-22"},
		{"from=2026-02-30&to=2026-03-02", "from", "date"},
		{"from=2026-01-03&to=2026-01-02", "to", "before from"},
		{"from=2001-01-01&to=2026-01-02", "from", "3660 days"},
		{"from=2026-11-24&to=2026-11-25", "from", "2026-11-23"}, // already the 23rd in Seoul
		{"timezone=Asia/Soul", "timezone", "IANA"},
		{"timezone=Local", "timezone", "IANA"},
		{"timezone=../../etc/passwd", "timezone", "IANA"},
		{"compare=last", "compare", "previous"},
		{"metrics=visitor", "metrics", "did you mean visitors?"},
		{"metrics=visits,session_count", "metrics", "twice"},
		{"metrics=", "", ""},
		{"period=7d&interval=minute", "interval", "day or hour"},
		{"interval=fortnight", "interval", "minute"},
		{"by=pth", "by", "did you mean path?"},
		{"by=prop:", "by", "prop:plan"},
		{"by=path,path", "by", "twice"},
		{"by=path,source,country,city,os", "by", "at most 4"},
		{"by=path&interval=day&period=7d", "by", "not both"},
		{"order=visitors&metrics=visitors", "order", "needs by"},
		{"by=path&metrics=visitors&order=-visits", "order", "visitors or path"},
		{"by=path&metrics=visitors&order=path,-path", "order", "twice"},
		{"by=path&metrics=visitors&order=path,visitors,path", "order", "at most 2"},
		{"page=0", "page", "from 1"},
		{"page=x", "page", "from 1"},
		{"page=99999999999999999999", "page", "from 1"},
		{"page=2000000", "page", "1000000"},
		{"page_size=10001", "page_size", "10000"},
		{"f=eq", "f", "eq,path,/docs"},
		{"f=and,path", "f", "in"},
		{"f=equals,path,/", "filter", "eq"},
		{"f=eq,path", "filter", "one value, not 0"},
		{"f=is_set,path,x", "filter", "no value"},
		{"f=gt,path,3", "filter", "screen_width and prop:KEY"},
		{"f=gt,prop:n,1e3", "filter", "like 12"},
		{"f=contains,screen_width,3", "filter", "number"},
		{"f=eq,screen_width,wide", "filter", "whole numbers"},
		{"f=eq,path,a%00b", "filter", "text"},
		{"f=eq,path,%ff", "filter", "text"},
		{"filter={", "filter", "JSON"},
		{"filter=7", "filter", "object"},
		{`filter={"dimension":"path","operator":"eq","values":"/"}`, "filter", "did you mean value?"},
		{`filter={"dimension":"path","dimension":"path","operator":"eq","value":"/"}`, "filter", "twice"},
		{`filter={"operator":"eq","value":"/"}`, "filter", "dimension is missing"},
		{`filter={"dimension":7,"operator":"eq","value":"/"}`, "filter", "text"},
		{`filter={"dimension":"path","operator":"eq","value":{}}`, "filter", "value"},
		{`filter={"and":[],"or":[]}`, "filter", "alone"},
		{`filter={"or":[]}`, "filter", "at least one"},
		{`filter={"not":[]}`, "filter", "empty"},
		{"filter=" + deep, "filter", "8 levels"},
		{"filter=" + bottomless, "filter", ""},
		{"filter=" + many, "filter", "100"},
	} {
		v, err := url.ParseQuery(c.url)
		if err != nil {
			t.Fatal(err)
		}
		_, err = stats.ParseQuery(v, siteIn(t, "Asia/Seoul"), queryNow)
		f, ok := fault.From(err)
		switch {
		case c.field == "" && err == nil:
		case !ok:
			t.Errorf("%.80s: %v, want a fault", c.url, err)
		case f.Field != c.field || !strings.Contains(f.Message, c.says) || f.Kind != fault.Invalid:
			t.Errorf("%.80s: %s: %s; want %s to say %q", c.url, f.Field, f.Message, c.field, c.says)
		}
	}
}

func TestFilterAddRemove(t *testing.T) {
	a, b, c := stats.Is(stats.Path, stats.Eq, "/"), stats.Is(stats.Country, stats.Eq, "KR"), stats.Is(stats.Source, stats.IsSet)
	f := stats.Filter{}.Add(a).Add(b).Add(a).Add(c)
	if want := (stats.Filter{Op: stats.And, Filters: []stats.Filter{a, b, c}}); !reflect.DeepEqual(f, want) {
		t.Fatalf("got %+v, want %+v", f, want)
	}
	if f = f.Remove(b).Remove(a); !reflect.DeepEqual(f, c) {
		t.Errorf("got %+v, want %+v", f, c)
	}
	if f = f.Remove(c); !f.IsZero() {
		t.Errorf("got %+v, want none", f)
	}
	or := stats.Filter{Op: stats.Or, Filters: []stats.Filter{a, b}}
	if _, ok := or.Leaves(); ok {
		t.Error("an or has no leaves to remove one by one")
	}
	if f = or.Add(c); f.Op != stats.And || len(f.Filters) != 2 {
		t.Errorf("got %+v, want an and of two", f)
	}
}

// FuzzParseQuery: whatever a URL holds is refused with a fault, or is a query
// that its own URL gives again.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{
		"", "period=7d&compare=previous&interval=hour&metrics=visitors,page_load_p75", "from=2026-11-01&to=2026-11-22&timezone=Asia/Kathmandu",
		`f=eq,path,/a\,b&f=in,country,KR,US`, `filter={"and":[{"dimension":"path","operator":"eq","value":["/",7,true]},{"not":{"or":[{"dimension":"prop:k","operator":"is_set"}]}}]}`,
		"by=path,prop:x&metrics=visits&order=-visits&page=3&page_size=7",
	} {
		f.Add(s)
	}
	st := siteIn(f, "Asia/Seoul")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		q, err := stats.ParseQuery(v, st, queryNow)
		if err != nil {
			if f, ok := fault.From(err); !ok || f.Message == "" || f.Field == "" {
				t.Fatalf("%q: %v is no fault that names a field", text, err)
			}
			return
		}
		again, err := stats.ParseQuery(q.Values(), st, queryNow)
		if err != nil {
			t.Fatalf("%q: its own URL %q: %v", text, q.Values().Encode(), err)
		}
		if a, b := again.Values().Encode(), q.Values().Encode(); a != b {
			t.Fatalf("%q: %q gave %q", text, b, a)
		}
	})
}
