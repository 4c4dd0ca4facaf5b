package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	nethtml "golang.org/x/net/html"

	"moonbear/internal/demo"
	"moonbear/internal/event"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// perfWorld is a server with two weeks and a half of a shop's traffic, whose
// events are also here, to be counted by plain loops. Its days are Seoul's.
func perfWorld(t *testing.T) (*world, *person, []event.Event) {
	t.Helper()
	w := newWorld(t, base)
	owner := w.claim("owner@example.com", demo.Domain, "Asia/Seoul")
	at := time.Date(2026, 11, 22, 3, 30, 0, 0, time.UTC) // half past noon in Seoul
	events, drops := demo.New(demo.Options{Site: owner.site.ID, PerDay: 45, Epoch: at.AddDate(0, 0, -17)}).Window(at.AddDate(0, 0, -17), at)
	w.put(events, drops)
	w.now = func() time.Time { return at }
	return w, owner, events
}

// measured are the numbers of a measure among events that a test wants, by
// what it sorts them into.
func measured(events []event.Event, measure string, key func(*event.Event) (string, bool)) map[string][]int32 {
	out := map[string][]int32{}
	for i := range events {
		k, ok := key(&events[i])
		v, there := events[i].Measures[slices.Index(event.MeasureColumns[:], measure)].Value()
		if ok && there {
			out[k] = append(out[k], v)
		}
	}
	return out
}

// rank is the nearest-rank percentile, in the measure's own unit.
func rank(measure string, list []int32, percent int) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	list = slices.Clone(list)
	slices.Sort(list)
	v := float64(list[int(math.Ceil(float64(percent)*float64(len(list))/100))-1])
	if measure == "cls" {
		v /= 10000
	}
	return v
}

// during keeps events of some days of Seoul, which is nine hours ahead.
func during(from, to time.Time, wanted func(*event.Event) bool) func(*event.Event) (string, bool) {
	return func(e *event.Event) (string, bool) {
		at := time.UnixMilli(e.Time)
		return "", !at.Before(from) && at.Before(to) && (wanted == nil || wanted(e))
	}
}

// classed are those of a class.
func classed(n *nethtml.Node, class string) (out []*nethtml.Node) {
	for d := range n.Descendants() {
		if slices.Contains(strings.Fields(attribute(d, "class")), class) {
			out = append(out, d)
		}
	}
	return out
}

func wordsIn(n *nethtml.Node) string { return strings.Join(strings.Fields(text(n)), " ") }

func (p *person) document(t *testing.T, path string) *nethtml.Node {
	t.Helper()
	res := p.get(path)
	if res.Code != 200 {
		t.Fatalf("%s answered %d: %s", path, res.Code, res.Body)
	}
	inspect(t, res.Body.String())
	doc, err := nethtml.Parse(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// googleLimits are Google's, as stored.
var googleLimits = map[string][2]int32{"lcp": {2500, 4000}, "inp": {200, 500}, "cls": {1000, 2500}, "fcp": {1800, 3000}, "vital_ttfb": {800, 1800}}

// TestPerformanceCounts holds every number of the panel against loops over
// the events it is made of.
func TestPerformanceCounts(t *testing.T) {
	w, owner, events := perfWorld(t)
	en := html.Language("en")
	midnight := time.Date(2026, 11, 15, 15, 0, 0, 0, time.UTC) // of the 16th in Seoul
	shop := func(e *event.Event) bool { return e.Country == "KR" }
	for _, c := range []struct {
		query, measure, by string
		percent            int
		only               func(*event.Event) bool
	}{
		{"", "page_load", "path", 75, nil},
		{"&percentile=95&slowest=country", "page_load", "country", 95, nil},
		{"&performance=cls&slowest=browser", "cls", "browser", 75, nil},
		{"&performance=inp&percentile=50&slowest=device&f=eq,country,KR", "inp", "device", 50, shop},
	} {
		t.Run(c.query, func(t *testing.T) {
			doc := owner.document(t, sitePath(owner.site)+"/panels/performance?period=7d"+c.query)
			is, was := during(midnight, w.now().Add(time.Hour), c.only), during(midnight.AddDate(0, 0, -7), w.now().AddDate(0, 0, -7), c.only)
			tiles := classed(doc, "vital")
			if len(tiles) != len(perfMeasures) {
				t.Fatalf("%d tiles", len(tiles))
			}
			for i, tile := range tiles {
				checkTile(t, en, tile, perfMeasures[i], measured(events, perfMeasures[i], is)[""], measured(events, perfMeasures[i], was)[""])
			}
			u := unit(stats.Percentile(c.measure, c.percent))
			for i, a := range elements(classed(doc, "segments")[0], "a") {
				if want := en.FineExact(rank(c.measure, measured(events, c.measure, is)[""], []int{50, 75, 95}[i]), u); !strings.HasSuffix(attribute(a, "title"), ": "+want) {
					t.Errorf("the switch says %q, want %s", attribute(a, "title"), want)
				}
			}
			checkSlowest(t, en, doc, c.measure, c.by, c.percent, events, is)
			checkOverTime(t, en, doc, c.measure, c.percent, events, midnight, c.only, u)
		})
	}
}

func checkTile(t *testing.T, en *html.Text, tile *nethtml.Node, measure string, is, was []int32) {
	t.Helper()
	u := unit(stats.Percentile(measure, 75))
	exact := func(list []int32, p int) string { return en.FineExact(rank(measure, list, p), u) }
	want := fmt.Sprintf("p75 %s · p50 %s · p95 %s", exact(is, 75), exact(is, 50), exact(is, 95))
	value := classed(tile, "vital-value")[0].FirstChild
	if got := attribute(value, "title"); got != want || wordsIn(value) != en.Fine(rank(measure, is, 75), u) {
		t.Errorf("%s: got %s, want %s", measure, got, want)
	}
	if got, want := wordsIn(classed(tile, "vital-measured")[0]), en.RowValue(float64(len(is)))+" measured"; !strings.HasSuffix(got, want) {
		t.Errorf("%s: %q, want %q", measure, got, want)
	}
	change := classed(tile, "change")
	if enough := min(len(is), len(was)) >= 10; enough != (len(change) == 1) {
		t.Errorf("%s: %d changes between %d and %d measurements", measure, len(change), len(is), len(was))
	} else if enough && !strings.HasPrefix(attribute(change[0], "title"), exact(was, 75)+" in ") {
		t.Errorf("%s: before %q, want %s", measure, attribute(change[0], "title"), exact(was, 75))
	}
	limits, rated := googleLimits[measure]
	shares := classed(tile, "shares")
	if !rated || len(is) < 10 {
		if len(shares) > 0 {
			t.Errorf("%s has shares of %d measurements", measure, len(is))
		}
		return
	}
	good, poor := 0.0, 0.0
	for _, v := range is {
		if v <= limits[0] {
			good++
		}
		if v > limits[1] {
			poor++
		}
	}
	tenth := func(n float64) float64 { return math.Round(1000*n/float64(len(is))) / 10 }
	needs := math.Round((100-tenth(good)-tenth(poor))*10) / 10
	if got, want := attribute(shares[0], "aria-label"), fmt.Sprintf("%s good, %s need improvement, %s poor", en.Percent(tenth(good)), en.Percent(needs), en.Percent(tenth(poor))); got != want {
		t.Errorf("%s: %q, want %q", measure, got, want)
	}
	stored, word := rank(measure, is, 75), "Poor"
	if measure == "cls" {
		stored *= 10000
	}
	switch {
	case stored <= float64(limits[0]):
		word = "Good"
	case stored <= float64(limits[1]):
		word = "Needs improvement"
	}
	if got := wordsIn(classed(tile, "rating")[0]); got != word {
		t.Errorf("%s of %v is called %q, want %q", measure, stored, got, word)
	}
}

func checkSlowest(t *testing.T, en *html.Text, doc *nethtml.Node, measure, by string, percent int, events []event.Event, is func(*event.Event) (string, bool)) {
	t.Helper()
	read := map[string]func(*event.Event) string{
		"path": func(e *event.Event) string { return e.Path }, "country": func(e *event.Event) string { return e.Country },
		"browser": func(e *event.Event) string { return e.Browser }, "device": func(e *event.Event) string { return e.Device },
	}[by]
	lists := measured(events, measure, func(e *event.Event) (string, bool) { _, ok := is(e); return read(e), ok })
	all := 0
	var keys []string
	for k, list := range lists {
		if all += len(list); len(list) >= 10 { // a thousandth of so few is less
			keys = append(keys, k)
		}
	}
	if all > 10_000 {
		t.Fatalf("%d measurements: more are needed to be ranked", all)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(measure, lists[b], percent), rank(measure, lists[a], percent)), cmp.Compare(a, b))
	})
	var want, got []string
	for _, k := range keys[:min(10, len(keys))] {
		want = append(want, fmt.Sprintf("%s %s %d measured", valueWords(en, stats.Dimension(by), k), en.FineExact(rank(measure, lists[k], percent), unit(stats.Percentile(measure, 75))), len(lists[k])))
	}
	for _, row := range classed(doc, "row") {
		got = append(got, wordsIn(classed(row, "row-label")[0])+" "+attribute(classed(row, "row-value")[0], "title")+" "+strings.ReplaceAll(attribute(classed(row, "row-share")[0], "title"), ",", ""))
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("slowest %s\n got %q\nwant %q", by, got, want)
	}
}

// checkOverTime reads the table under the chart, a row a day.
func checkOverTime(t *testing.T, en *html.Text, doc *nethtml.Node, measure string, percent int, events []event.Event, midnight time.Time, only func(*event.Event) bool, u html.Unit) {
	t.Helper()
	type column struct {
		measure string
		percent int
	}
	columns := []column{{"cls", 95}, {"cls", 75}, {"cls", 50}}
	for i := range columns {
		columns[i].measure = measure
	}
	if measure == "page_load" {
		columns = nil
		for _, m := range []string{"page_load", "render", "download", "ttfb", "connect", "tls", "dns"} {
			columns = append(columns, column{m, percent})
		}
	}
	var rows []*nethtml.Node
	for _, tr := range elements(classed(doc, "perf-chart")[0], "tr") {
		if attribute(tr, "data-x") != "" {
			rows = append(rows, tr)
		}
	}
	if len(rows) != 7 {
		t.Fatalf("%d rows, want 7 days", len(rows))
	}
	for day, tr := range rows {
		from := midnight.AddDate(0, 0, day)
		is, was := during(from, from.AddDate(0, 0, 1), only), during(from.AddDate(0, 0, -7), from.AddDate(0, 0, -6), only)
		var want, got []string
		for _, c := range columns {
			want = append(want, en.Fine(rank(c.measure, measured(events, c.measure, is)[""], c.percent), u))
		}
		want = append(want, strconv.Itoa(len(measured(events, measure, is)[""])), en.Fine(rank(measure, measured(events, measure, was)[""], percent), u))
		for _, td := range elements(tr, "td") {
			got = append(got, strings.ReplaceAll(wordsIn(td), ",", ""))
		}
		if !slices.Equal(got, want) {
			t.Errorf("day %d\n got %q\nwant %q", day, got, want)
		}
		if last := day == 6; last != hasAttribute(tr, "data-open") {
			t.Errorf("day %d: unfinished is %v", day, !last)
		}
	}
}

func hasAttribute(n *nethtml.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a nethtml.Attribute) bool { return a.Key == name })
}

// asking counts the questions.
type asking struct {
	Asker
	n *atomic.Int32
}

func (a asking) Run(ctx context.Context, q stats.Query) (*stats.Result, error) {
	a.n.Add(1)
	return a.Asker.Run(ctx, q)
}

// TestPerformanceStates: every tab in both languages, the choices kept in all
// links, few questions; and what is said where there is nothing to show.
func TestPerformanceStates(t *testing.T) {
	w, owner, _ := perfWorld(t)
	var n atomic.Int32
	w.asker = asking{w.asker, &n}
	w.serve(nil)
	chosen := regexp.MustCompile(`href="([^"]*percentile=95[^"]*)"`)
	for _, measure := range perfMeasures {
		for _, lang := range []string{"en", "ko"} {
			n.Store(0)
			path := sitePath(owner.site) + "/panels/performance?period=4w&percentile=95&slowest=device&performance=" + measure
			body := owner.get(path, fragment, func(r *http.Request) { r.Header.Set("Cookie", r.Header.Get("Cookie")+"; language="+lang) }).Body.String()
			inspect(t, body)
			has(t, body, html.Language(lang).Perf.Measures[measure].About, `data-test="perf-chart"`, "slowest=device")
			if n.Load() > 3 {
				t.Errorf("%s: %d questions", measure, n.Load())
			}
			for _, m := range chosen.FindAllStringSubmatch(body, -1) {
				u, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := parseAsk(u.Query(), owner.site, w.now()); err != nil {
					t.Errorf("%s is no question of ours: %v", u, err)
				}
			}
		}
	}
	bare := w.addSite(owner, "bare.example")
	w.put([]event.Event{view(bare, w.now().Add(-time.Hour), "/", 7)}, nil)
	once := view(bare, w.now().Add(-time.Hour), "/seldom", 8)
	for _, c := range []struct {
		name, query string
		put         []event.Event
		want        []string
	}{
		{"nothing measured", "?period=7d", nil, []string{"No timings yet", "?vitals"}},
		{"nothing for the filter", "?period=7d&f=eq,path,/nowhere", nil, []string{"No timings match these filters"}},
		{"one measurement", "?period=7d", []event.Event{timed(once)}, []string{"Too few to rate", "None was measured 10 times", "Thin line", "1.90 s"}},
	} {
		w.put(c.put, nil)
		has(t, owner.get(sitePath(bare)+"/panels/performance"+c.query).Body.String(), c.want...)
	}
}

func timed(e event.Event) event.Event {
	e.Measures[event.PageLoad], e.Measures[event.LCP] = event.Measured(1900), event.Measured(2600)
	return e
}

// TestPerfChoices: what the URL chooses is what it is written back as.
func TestPerfChoices(t *testing.T) {
	for _, query := range []string{"percentile=95&performance=lcp&period=4w&slowest=country", "percentile=50&period=7d", "performance=vital_ttfb&period=today"} {
		if got := parse(t, query).values().Encode(); got != query {
			t.Errorf("%s became %s", query, got)
		}
	}
	if got := parse(t, "performance=page_load&percentile=75&slowest=path").url(""); got != "/sites/abc?period=4w" {
		t.Errorf("what is the first anyway is written: %s", got)
	}
}

// TestLeastMeasurements: a thousandth, from 10 to 100.
func TestLeastMeasurements(t *testing.T) {
	for all, want := range map[float64]float64{0: 10, 9: 10, 10_000: 10, 10_001: 11, 50_000: 50, 99_999: 100, 10_000_000: 100} {
		if got := leastMeasurements(all); got != want {
			t.Errorf("of %v: %v, want %v", all, got, want)
		}
	}
}

// TestRatingNeedsEnough: nine measurements are rated by nobody.
func TestRatingNeedsEnough(t *testing.T) {
	v, _ := stats.VitalNamed("lcp")
	en := html.Language("en")
	for _, c := range []struct {
		n     stats.Number
		count float64
		want  string
	}{
		{stats.Number{N: 2500, OK: true}, 10, "Good"}, {stats.Number{N: 2501, OK: true}, 10, "Needs improvement"}, {stats.Number{N: 4001, OK: true}, 10, "Poor"},
		{stats.Number{N: 100, OK: true}, 9, "Too few to rate"}, {stats.Number{}, 0, ""},
	} {
		if _, word := rating(en, v, c.n, c.count); word != c.want {
			t.Errorf("%v of %v: %q, want %q", c.n, c.count, word, c.want)
		}
	}
}
