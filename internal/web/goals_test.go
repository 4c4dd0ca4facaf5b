package web

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/demo"
	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/web/html"
)

func TestPropose(t *testing.T) {
	for _, c := range []struct {
		name          string
		events, paths []seen
		want          []string // paths or events of the rules, likeliest first
	}{
		{"nothing", nil, nil, nil},
		{"nothing of use", []seen{{"pageview", 900}, {"Not Found", 40}}, []seen{{"/no-thanks-to", 9}, {"/", 500}, {"/orders", 3}, {"/2024/success-stories", 8}}, nil},
		{"money first, then who signs up", []seen{{"newsletter", 300}, {"sign-up", 20}, {"purchase", 5}, {"hover", 9000}}, nil, []string{"purchase", "sign-up", "newsletter"}},
		{"own events before files and links", []seen{{"Outbound Link", 90}, {"File Download", 80}, {"played", 3}}, nil, []string{"played", "File Download", "Outbound Link"}},
		{"more often first", []seen{{"signup", 3}, {"registration", 4}}, nil, []string{"registration", "signup"}},
		{"pages of thanks", nil, []seen{{"/thanks", 4}, {"/en/thank-you/", 9}, {"/checkout", 90}}, []string{"/en/thank-you/", "/thanks", "/checkout"}},
		{"pages of orders are one", nil, []seen{{"/order/1001", 1}, {"/order/1002", 2}, {"/order/1003/complete", 1}}, []string{"/order/*/complete", "/order/*"}},
		{"in Korean", nil, []seen{{"/주문/완료", 3}, {"/회원/가입완료", 2}}, []string{"/주문/완료", "/회원/가입완료"}},
		{"an event and a page", []seen{{"purchase", 2}}, []seen{{"/thanks", 50}}, []string{"purchase", "/thanks"}},
	} {
		var got []string
		for _, p := range propose(html.Language("en"), c.events, c.paths) {
			got = append(got, p.goal.Rule.Path+p.goal.Rule.Event)
			if _, err := site.ParseRule(p.goal.Rule); err != nil || p.goal.Name == "" || p.count == 0 {
				t.Errorf("%s: %+v can't be made: %v", c.name, p, err)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for text, want := range map[string]int64{"": 0, " 25 ": 25_000, "12.50": 12_500, "0.005": 5, "1,200": 1_200_000, "1,234,567.8": 1_234_567_800, "1000000000001": -1,
		"12,5": -1, "1,20": -1, "-3": -1, "12.3456": -1, "1e3": -1, "$5": -1, "٣": -1} {
		got, err := parseAmount(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
}

// FuzzGoalForm reads any form; what makes a goal makes the same goal when the
// form is filled in from it.
func FuzzGoalForm(f *testing.F) {
	f.Add("kind=event&event=signup&prop_key=plan&prop_op=eq&prop_value=pro&value=12.5&name=Pro")
	f.Add("kind=path&path=/thanks&prop_key=x&prop_key=&value=1,200")
	f.Fuzz(func(t *testing.T, query string) {
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		text := html.Language("en")
		g, err := readGoalForm(v).goal(askSite, text)
		if err != nil {
			return
		}
		again := url.Values{}
		for _, p := range goalFormOf(g).fields() {
			again.Add(p.Name, p.Value)
		}
		h, err := readGoalForm(again).goal(askSite, text)
		if err != nil || h.Value != g.Value || h.Name != g.Name && strings.TrimSpace(h.Name) != strings.TrimSpace(g.Name) || !reflect.DeepEqual(h.Rule.Path, g.Rule.Path) {
			t.Errorf("%q is %+v, then %+v (%v)", query, g, h, err)
		}
	})
}

// tags are what stands between the words of a page.
var tags = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`)

// said is the text of a page, its spaces made one.
func said(body string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(body, " ")), " ")
}

// TestGoalsAndEventsAreRight counts a week by plain loops and looks for the
// numbers on the panels.
func TestGoalsAndEventsAreRight(t *testing.T) {
	w := newWorld(t, base)
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	w.now = func() time.Time { return now }
	owner := w.claim("owner@example.com", "hallacoffee.example", "UTC")
	from := time.Date(2026, 11, 14, 0, 0, 0, 0, time.UTC) // 7d: today the last
	events, _ := demo.New(demo.Options{Site: owner.site.ID, PerDay: 300, Epoch: from}).Window(from, now)
	w.put(events, nil)
	w.giveGoals(owner.site)

	everybody, buyers, readers := map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
	money, names, roasts := map[string]int64{}, map[string]int{}, map[string]int{}
	home, checkout := 0, 0
	for _, e := range events {
		if e.Name == event.Engagement {
			continue
		}
		everybody[e.Visitor] = true
		names[e.Name]++
		switch {
		case e.Name == demo.Purchase:
			buyers[e.Visitor] = true
			money[e.Currency] += e.Revenue
			for _, p := range e.Props {
				if p.Key == "roast" {
					roasts[p.Value]++
				}
			}
		case e.Name == demo.Signup && e.Props[0].Value == "home":
			home++
		case e.Name == event.Pageview && e.Path == "/checkout":
			checkout++
			readers[e.Visitor] = true
		}
	}
	en := html.Language("en")
	count := func(n int) string { return en.Exact(float64(n)) }
	rate := func(some map[int64]bool) string {
		return en.ExactValue(100*float64(len(some))/float64(len(everybody)), html.Percent)
	}
	earned := func(code string) string { return en.Money(float64(money[code])/1000, code) }
	others := "Not added up, in other currencies: " + earned("EUR") + ", " + earned("KRW")
	panel := func(name, query string) string {
		return said(owner.get(sitePath(owner.site) + "/panels/" + name + "?period=7d" + query).Body.String())
	}
	goals := panel("goals", "")
	has(t, goals, "Purchase Conversions "+count(names[demo.Purchase])+" Rate "+rate(buyers)+" Revenue "+en.MoneyShort(float64(money["USD"])/1000, "USD"),
		"Reached the checkout Conversions "+count(checkout)+" Rate "+rate(readers), "Home subscription Conversions "+count(home),
		en.MoneyShort(float64(24*home), "USD"), "goal Conversions 0 Rate 0.0%", others)
	if filtered := panel("goals", "&f=eq,goal,Purchase"); filtered != goals {
		t.Errorf("a filter on a goal changes the goals:\n%s\n%s", filtered, goals)
	}
	list := panel("events", "")
	for name, shown := range map[string]string{demo.Purchase: "purchase", demo.Signup: "signup", event.Outbound: "Links to other sites", event.NotFound: "Pages not found"} {
		has(t, list, shown+" Events "+count(names[name])+" ")
	}
	has(t, list, others)
	if strings.Contains(list, "pageview Events") {
		t.Error("pageviews are listed as events")
	}
	roast := panel("events", "&event=purchase&prop=roast")
	for value, n := range roasts {
		has(t, roast, value+" Events "+count(n)+" Share "+en.Percent(100*float64(n)/float64(names[demo.Purchase])))
	}
	page := said(owner.get(sitePath(owner.site) + "?period=7d&f=eq,goal,Purchase&metric=pageviews").Body.String())
	has(t, page, "Conversion rate Visitors who converted ÷ all visitors. "+rate(buyers), "Conversions · Rate")
}

// TestGoalPages makes, tries, changes, deletes and brings back a goal without a
// script, as an owner, and sees what a viewer may.
func TestGoalPages(t *testing.T) {
	w := newWorld(t, base)
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	w.put([]event.Event{view(owner.site, time.Now().Add(-time.Minute), "/thanks", 7), view(owner.site, time.Now().Add(-time.Minute), "/thanks", 8)}, nil)
	path := goalsURL(owner.site)
	has(t, owner.get(path).Body.String(), `data-test="proposals"`, "/thanks")
	has(t, owner.get(sitePath(owner.site)).Body.String(), `data-test="propose"`)

	form := url.Values{"kind": {"path"}, "path": {"/thanks"}, "value": {"12.50"}, "do": {"preview"}}
	res := owner.post(path, form, fragment)
	has(t, res.Body.String(), "Matched 2 events by 2 visitors", `value="/thanks"`, `value="12.50"`)
	if strings.Contains(res.Body.String(), "<html") {
		t.Error("the script is given a whole page")
	}
	for field, wrong := range map[string]url.Values{
		"error-path": {"kind": {"path"}, "path": {"thanks"}}, "error-event": {"kind": {"event"}, "event": {"회원"}},
		"error-value":      {"kind": {"path"}, "path": {"/x"}, "value": {"much"}},
		"error-properties": {"kind": {"event"}, "event": {"a"}, "prop_key": {"plan"}, "prop_op": {"gt"}, "prop_value": {"x"}},
	} {
		res := owner.post(path, wrong)
		if body := res.Body.String(); res.Code != http.StatusBadRequest || strings.Count(body, `data-test="error-`) != 1 || !strings.Contains(body, field) {
			t.Errorf("%s: answered %d with another error", field, res.Code)
		}
	}
	if res := owner.post(path, url.Values{"kind": {"event"}, "event": {"a"}, "prop_key": {"x"}, "do": {"more"}}); strings.Count(res.Body.String(), `name="prop_key"`) != 2 {
		t.Error("no line was added")
	}
	form.Set("do", "save")
	if res := owner.post(path, form); res.Header().Get("Location") != path {
		t.Fatalf("adding answered %d: %s", res.Code, res.Body)
	}
	has(t, owner.get(path).Body.String(), "Viewed /thanks", "2 conversions by 2 visitors", "$12.50")
	if res := owner.post(path, form); res.Code != http.StatusConflict {
		t.Errorf("the same name again: %d", res.Code)
	}
	goals, err := w.sites.Goals(t.Context(), owner.site.ID)
	if err != nil {
		t.Fatal(err)
	}
	one := path + "/" + goals[0].PublicID
	form.Set("name", "Thanked")
	owner.post(one, form)
	has(t, owner.get(path).Body.String(), "Thanked")

	looker := w.join("viewer@example.com", owner.site.Account, account.Viewer)
	body := looker.get(path).Body.String()
	has(t, body, "Thanked")
	if strings.Contains(body, `action="`+path) {
		t.Error("a viewer is shown forms")
	}
	gone := owner.post(one+"/delete", nil).Body.String()
	has(t, gone, `data-test="undo"`, "Thanked")
	if goals, _ := w.sites.Goals(t.Context(), owner.site.ID); len(goals) != 0 {
		t.Error("it is still there")
	}
	back := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(gone[strings.Index(gone, `data-test="gone"`):], -1) {
		if m[1] != "return" && !back.Has(m[1]) {
			back.Set(m[1], m[2])
		}
	}
	owner.post(path, back)
	if goals, _ := w.sites.Goals(t.Context(), owner.site.ID); len(goals) != 1 || goals[0].Name != "Thanked" || goals[0].Value != 12_500 || goals[0].Rule.Path != "/thanks" {
		t.Errorf("brought back: %+v", goals)
	}
	if res := owner.post(one+"/delete", nil); res.Header().Get("Location") != path {
		t.Errorf("deleting what is gone answers %d", res.Code)
	}
}

// TestSegments saves, applies, renames and deletes a filter.
func TestSegments(t *testing.T) {
	w := newWorld(t, base)
	owner := w.claim("owner@example.com", "shop.example", "UTC")
	w.put(w.one(owner.site), nil)
	home, path := sitePath(owner.site), sitePath(owner.site)+"/segments"
	has(t, owner.get(home+"?f=eq,country,KR").Body.String(), `data-test="save-segment"`)
	save := url.Values{"name": {"Korea"}, "f": {"eq,country,KR", "eq,device,desktop"}, "period": {"7d"}}
	res := owner.post(path, save)
	if to := res.Header().Get("Location"); !strings.Contains(to, "period=7d") || !strings.Contains(to, "country") {
		t.Fatalf("saving answered %d to %q", res.Code, to)
	}
	if res := owner.post(path, save); res.Code != http.StatusConflict || !strings.Contains(res.Body.String(), `data-test="error-name"`) {
		t.Errorf("the same name again: %d", res.Code)
	}
	if res := owner.post(path, url.Values{"name": {"None"}}); res.Code != http.StatusBadRequest {
		t.Errorf("no filter: %d", res.Code)
	}
	looker := w.join("viewer@example.com", owner.site.Account, account.Viewer)
	body := looker.get(home + "?f=eq,device,desktop&f=eq,country,KR").Body.String()
	has(t, body, `<span class="segment-shown">Korea</span>`)
	if strings.Contains(looker.get(home+"?f=eq,country,KR").Body.String(), `data-test="save-segment"`) {
		t.Error("a viewer may save")
	}
	has(t, looker.get(path).Body.String(), "Country is South Korea and Device is Desktop")
	segments, err := w.sites.Segments(t.Context(), owner.site.ID)
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	one := path + "/" + segments[0].PublicID
	owner.post(one, url.Values{"name": {"At a desk"}})
	has(t, owner.get(path).Body.String(), "At a desk")
	has(t, owner.post(one+"/delete", nil).Body.String(), `data-test="undo"`, "At a desk", `name="filter"`)
	if segments, _ := w.sites.Segments(t.Context(), owner.site.ID); len(segments) != 0 {
		t.Error("it is still there")
	}
}
