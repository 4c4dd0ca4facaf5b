package web

import (
	"net/url"
	"reflect"
	"testing"
	"time"

	"moonbear/internal/site"
	"moonbear/internal/stats"
)

var (
	askNow  = time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)
	askSite = &site.Site{ID: 1, PublicID: "abc", Domain: "example.com", TimeZone: "UTC", Location: time.UTC, CreatedAt: askNow.AddDate(-1, 0, 0)}
)

func parse(t *testing.T, query string) ask {
	t.Helper()
	v, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	a, err := parseAsk(v, askSite, askNow)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return a
}

func TestAskDefaults(t *testing.T) {
	a := parse(t, "")
	if a.q.Period.Name != "4w" || a.q.Compare != stats.PreviousPeriod || a.metric != stats.Visitors {
		t.Errorf("got %+v", a)
	}
	if got := a.url(""); got != "/sites/abc?period=4w" {
		t.Errorf("got %s", got)
	}
	fresh := *askSite
	fresh.CreatedAt = askNow.Add(-time.Hour)
	if a, err := parseAsk(url.Values{}, &fresh, askNow); err != nil || a.q.Period.Name != "today" {
		t.Errorf("a site an hour old begins with %s (%v)", a.q.Period.Name, err)
	}
}

func TestAskFaults(t *testing.T) {
	for _, query := range []string{"period=3d", "metric=engagement_time", "sources=path", "f=eq", "f=eq,nothing,x", "from=2026-01-01", "compare=mars"} {
		v, _ := url.ParseQuery(query)
		if _, err := parseAsk(v, askSite, askNow); err == nil {
			t.Errorf("%s was taken", query)
		}
	}
}

func TestToggle(t *testing.T) {
	korea, japan := rowFilter(stats.Country, "KR"), rowFilter(stats.Country, "JP")
	docs := stats.Is(stats.Path, stats.Contains, "docs")
	none := parse(t, "")
	one := none.toggled(korea)
	for _, c := range []struct {
		name string
		got  ask
		want []stats.Filter
	}{
		{"a first", one, []stats.Filter{korea}},
		{"the same again", one.toggled(korea), nil},
		{"another dimension", one.toggled(docs), []stats.Filter{korea, docs}},
		{"another value takes its place", one.toggled(docs).toggled(japan), []stats.Filter{docs, japan}},
		{"without one of two", one.toggled(docs).toggled(korea), []stats.Filter{docs}},
		{"not known", none.toggled(rowFilter(stats.Source, "")), []stats.Filter{stats.Is(stats.Source, stats.IsNotSet)}},
		{"all but", none.toggled(rowExclusion(stats.Country, "KR")), []stats.Filter{stats.Is(stats.Country, stats.Neq, "KR")}},
	} {
		got := c.got.leaves()
		if len(got) != len(c.want) || len(got) > 0 && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
	if len(none.leaves()) != 0 {
		t.Error("a press changed the question it was made from")
	}
}

// FuzzAsk reads what anybody may type into the address bar; what is taken must
// come back the same from the URL it is written as, or links would drift.
func FuzzAsk(f *testing.F) {
	for _, s := range []string{"", "period=7d&metric=visits&sources=channel", "from=2026-01-01&to=2026-02-01&compare=none",
		"f=eq,country,KR&f=contains,path,a%5C,b", "compare=year&period=today&interval=hour", `filter={"or":[{"dimension":"path","operator":"eq","value":"/"}]}`,
		"timezone=Asia/Seoul&period=mtd", "page=2&by=path&order=-visits&metrics=visits"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		a, err := parseAsk(v, askSite, askNow)
		if err != nil {
			return
		}
		b, err := parseAsk(a.values(), askSite, askNow)
		if err != nil {
			t.Fatalf("%q was taken, but not %q: %v", query, a.url(""), err)
		}
		if a.url("") != b.url("") || !reflect.DeepEqual(a.leaves(), b.leaves()) {
			t.Fatalf("%q became %q", a.url(""), b.url(""))
		}
	})
}

// FuzzLocalPath must never send a browser to another host.
func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/sites", "//x", `/\x`, "https://x", "/a?b=//c", "/\n/x"} {
		f.Add(s)
	}
	base := &url.URL{Scheme: "https", Host: "stats.example.com", Path: "/login"}
	f.Fuzz(func(t *testing.T, in string) {
		p := localPath(in, "/")
		u, err := base.Parse(p)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
			t.Fatalf("%q leads to %q (%v)", in, p, err)
		}
	})
}
