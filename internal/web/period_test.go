package web

import (
	"strings"
	"testing"
	"time"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// TestStep goes back and forth in time; askNow is 22 November 2026, a Sunday.
func TestStep(t *testing.T) {
	for _, c := range []struct{ from, back, forth string }{
		{"period=today", "from=2026-11-21&to=2026-11-21", ""},
		{"period=7d", "from=2026-11-09&to=2026-11-15", ""},
		{"period=4w", "from=2026-09-28&to=2026-10-25", ""},
		{"period=mtd", "from=2026-10-01&to=2026-10-31", ""},
		{"period=3m", "from=2026-06-01&to=2026-08-31", ""},
		{"period=12m", "from=2024-12-01&to=2025-11-30", ""},
		{"period=ytd", "from=2025-01-01&to=2025-12-31", ""},
		{"period=1h", "", ""},
		{"period=24h", "", ""},
		{"from=2026-11-21&to=2026-11-21", "from=2026-11-20&to=2026-11-20", "period=today"},
		{"from=2026-11-09&to=2026-11-15", "from=2026-11-02&to=2026-11-08", "period=7d"},
		{"from=2026-10-01&to=2026-10-31", "from=2026-09-01&to=2026-09-30", "period=mtd"},
		{"from=2026-02-01&to=2026-02-28", "from=2026-01-01&to=2026-01-31", "from=2026-03-01&to=2026-03-31"},
		{"from=2025-01-01&to=2025-12-31", "from=2024-01-01&to=2024-12-31", "period=ytd"},
		{"from=2026-11-10&to=2026-11-19", "from=2026-10-31&to=2026-11-09", "from=2026-11-20&to=2026-11-22"},
		{"from=1970-01-01&to=1970-01-07", "", "from=1970-01-08&to=1970-01-14"},
	} {
		a := parse(t, c.from+"&f=eq,path,/docs&metric=visits")
		for by, want := range map[int]string{-1: c.back, 1: c.forth} {
			got := ""
			if b, ok := a.step(askNow, by); ok {
				v := b.values()
				if v.Get("f") == "" || v.Get("metric") == "" {
					t.Errorf("%s: a step forgets what else was asked: %v", c.from, v)
				}
				v.Del("f")
				v.Del("metric")
				got = v.Encode()
			}
			if got != want {
				t.Errorf("%s by %d: got %q, want %q", c.from, by, got, want)
			}
		}
	}
}

// TestStepsNeverSkip walks a year back in steps: each ends the day before the
// last one began.
func TestStepsNeverSkip(t *testing.T) {
	for _, period := range []string{"today", "7d", "4w", "mtd", "3m"} {
		a := parse(t, "period="+period)
		for range 30 {
			b, ok := a.step(askNow, -1)
			if !ok {
				t.Fatalf("%s ends", a.url(""))
			}
			was, _, _ := a.q.Spans(askNow)
			is, _, _ := b.q.Spans(askNow)
			if !is.To.Equal(was.From) {
				t.Fatalf("%s begins %v, %s ends %v", a.url(""), was.From, b.url(""), is.To)
			}
			a = b
		}
	}
}

func TestPeriodMenu(t *testing.T) {
	for _, l := range html.Languages() {
		m := periodView(l, parse(t, "from=2026-11-21&to=2026-11-21"), askNow)
		if m.Shown != l.Shell.Yesterday || m.Dates.From != "2026-11-21" || m.Dates.Max != "2026-11-22" {
			t.Errorf("%s: yesterday is %+v", l.Lang, m)
		}
		var names []string
		for _, i := range intervals(l, parse(t, "period=7d")) {
			names = append(names, i.URL)
		}
		if len(names) != 2 || !strings.HasSuffix(names[1], "interval=hour&period=7d") {
			t.Errorf("the widths of a week's buckets: %v", names)
		}
	}
	if got := intervals(html.Languages()[0], parse(t, "period=today")); got != nil {
		t.Errorf("a choice of one: %v", got)
	}
}

func TestFilterWords(t *testing.T) {
	korea := stats.Is(stats.Country, stats.Eq, "KR")
	docs := stats.Is(stats.Path, stats.Contains, "docs")
	for _, c := range []struct {
		f      stats.Filter
		en, ko string
	}{
		{korea, "Country is South Korea", "국가: 대한민국"},
		{docs, "Page contains docs", "페이지: ‘docs’ 포함"},
		{stats.Is(stats.Prop("plan"), stats.NotIn, "a", "b"), "plan is none of a, b", "plan: a, b 모두 제외"},
		{stats.Filter{Op: stats.Or, Filters: []stats.Filter{korea, {Op: stats.And, Filters: []stats.Filter{docs, korea}}}},
			"Country is South Korea or (Page contains docs and Country is South Korea)", "국가: 대한민국 또는 (페이지: ‘docs’ 포함 그리고 국가: 대한민국)"},
		{stats.Filter{Op: stats.Not, Filters: []stats.Filter{korea}}, "not (Country is South Korea)", "다음이 아님: (국가: 대한민국)"},
	} {
		for i, want := range []string{c.en, c.ko} {
			if got := filterWords(html.Languages()[i], c.f); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}

// TestChips takes a filter off, turns it around, and opens it in the form.
func TestChips(t *testing.T) {
	en := html.Languages()[0]
	a := parse(t, "f=eq,country,KR&f=in,path,/a,/b")
	cs := chips(en, a)
	for i, want := range []struct{ remove, turn string }{
		{"f=in%2Cpath%2C%2Fa%2C%2Fb&period=4w", "f=neq%2Ccountry%2CKR&f=in%2Cpath%2C%2Fa%2C%2Fb&period=4w"},
		{"f=eq%2Ccountry%2CKR&period=4w", "f=eq%2Ccountry%2CKR&f=not_in%2Cpath%2C%2Fa%2C%2Fb&period=4w"},
	} {
		if !strings.HasSuffix(cs[i].RemoveURL, "?"+want.remove) || !strings.HasSuffix(cs[i].TurnURL, "?"+want.turn) {
			t.Errorf("chip %d: %+v", i, cs[i])
		}
	}
	form := filterForm(en, a, []stats.PropertyKey{{Key: "plan"}}, "1")
	if form.Dimension != "path" || form.Operator != "eq" || strings.Join(form.Values, "|") != "/a|/b|" {
		t.Errorf("the form shows %+v", form)
	}
	if last := form.Groups[len(form.Groups)-1]; last.Options[0].Value != "prop:plan" {
		t.Errorf("no properties: %+v", last)
	}
}

// TestFilterForm sends the form as a browser would.
func TestFilterForm(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	p := w.claim("owner@example.com", "example.com", "UTC")
	w.put(w.one(p.site), nil)
	home := sitePath(p.site)
	for _, c := range []struct{ query, want string }{
		{"dimension=path&operator=eq&value=%2Fa&value=%2Fb", "f=in%2Cpath%2C%2Fa%2C%2Fb&period=7d"},
		{"dimension=country&operator=neq&value=south+korea", "f=neq%2Ccountry%2CKR&period=7d"},
		{"dimension=path&operator=is_set&value=x", "f=is_set%2Cpath&period=7d"},
		{"f=eq,path,/old&edit=0&dimension=path&operator=contains&value=new&value=", "f=contains%2Cpath%2Cnew&period=7d"},
	} {
		res := p.get(home + "/filter?period=7d&" + c.query)
		if got := res.Header().Get("Location"); got != home+"?"+c.want {
			t.Errorf("%s leads to %q (%d)", c.query, got, res.Code)
		}
	}
	has(t, p.get(home+"/values?period=today&dimension=country").Body.String(), `<option value="South Korea">`)
	body := p.get(home + "?from=2026-02-30&to=2026-03-01").Body.String()
	has(t, body, `data-test="dates-error"`, `value="2026-02-30"`, "must be a date")
}

// TestBehind says what is not counted yet, and nothing when that is a breath.
func TestBehind(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	p := w.claim("owner@example.com", "example.com", "UTC")
	w.put(w.one(p.site), nil)
	for behind, want := range map[time.Duration]bool{0: false, 3 * time.Second: false, 3 * time.Minute: true} {
		w.server.o.Behind = func() time.Duration { return behind }
		body := p.get(sitePath(p.site)).Body.String()
		if got := strings.Contains(body, `data-test="behind"`); got != want {
			t.Errorf("%v behind: a notice %v", behind, got)
		}
	}
	has(t, p.get(sitePath(p.site)).Body.String(), `data-test="as-of"`)
}
