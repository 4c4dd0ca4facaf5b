package web

import (
	"encoding/csv"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonbear/internal/account"
	collecting "moonbear/internal/collect"
	"moonbear/internal/event"
	"moonbear/internal/web/html"
)

// TestEveryReasonHasWords: nobody is told a reason's stored name.
func TestEveryReasonHasWords(t *testing.T) {
	for _, l := range html.Languages() {
		for _, reason := range collecting.DropReasons() {
			if words := l.Reason(reason); words.Name == reason || words.About == "" || l.Remedy(reason) == "" || l.Count.Details[reason] == "" {
				t.Errorf("%s: %s has no words: %+v, remedy %q", l.Lang, reason, words, l.Remedy(reason))
			}
		}
		if got, want := len(l.Count.Remedies), len(collecting.DropReasons()); got != want {
			t.Errorf("%s has remedies for %d reasons, want %d", l.Lang, got, want)
		}
	}
}

// manyDrops are drops of every reason over four days, 80 bots among them.
func manyDrops(site int64, now time.Time) []event.Drop {
	var drops []event.Drop
	for i := range 400 {
		reasons := collecting.DropReasons()
		d := event.Drop{Site: site, Time: now.Add(-time.Duration(i) * 15 * time.Minute).Truncate(time.Minute).UnixMilli(), Reason: reasons[i%len(reasons)], Count: int64(i%9 + 1)}
		switch d.Reason {
		case "bot":
			d.Detail = fmt.Sprintf("Crawler%d", i*7%131)
		case "hostname":
			d.Detail = fmt.Sprintf("copy%d.example", i%3)
		}
		drops = append(drops, d)
	}
	return drops
}

// TestDroppedNumbers counts what was refused by plain loops, and holds every
// number of the page and the panel against it.
func TestDroppedNumbers(t *testing.T) {
	w := newWorld(t, base)
	p := w.claim("owner@example.com", "example.com", "UTC")
	now := time.Date(2026, 11, 22, 15, 0, 20, 0, time.UTC)
	w.now = func() time.Time { return now }
	drops := manyDrops(p.site.ID, now)
	var events []event.Event
	for i := range 300 {
		events = append(events, view(p.site, now.Add(-time.Duration(i)*17*time.Minute), "/", int64(i+1)))
	}
	w.put(events, drops)
	from := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	total, byReason, byDay, bots := int64(0), map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, d := range drops {
		at := time.UnixMilli(d.Time).UTC()
		if at.Before(from) {
			continue
		}
		total += d.Count
		byReason[d.Reason] += d.Count
		byDay[at.Format(time.DateOnly)] += d.Count
		if d.Reason == "bot" {
			bots[d.Detail] += d.Count
		}
	}
	en := html.Language("en")
	percent := func(n, of int64) string { return en.Percent(math.Round(1000*float64(n)/float64(of)) / 10) }
	share := percent(total, total+int64(len(events)))
	panel := p.get(sitePath(p.site)+"/panels/dropped?period=7d&f=eq,path,/nowhere", fragment).Body.String()
	has(t, panel, en.Exact(float64(total))+" · "+share+" of all hits", "filters don&#39;t apply", "/dropped?")
	page := p.get(sitePath(p.site) + "/dropped?period=7d").Body.String()
	has(t, page, `data-test="drop-total">`+en.Exact(float64(total))+"<", share+" of all")
	for reason, n := range byReason {
		section := page[strings.Index(page, `data-test="drop-`+reason+`"`):]
		has(t, section[:min(900, len(section))], `class="drop-count" title="`+en.Exact(float64(n))+`"`, `class="drop-share">`+percent(n, total)+"<", "What to do:")
	}
	for day, n := range byDay {
		at, _ := time.Parse(time.DateOnly, day)
		row := regexp.MustCompile(`(?s)<th scope="row">` + en.Weekday(at, now) + `.*?<td>([\d,]+)</td>`).FindStringSubmatch(page)
		if row == nil || row[1] != en.Exact(float64(n)) {
			t.Errorf("%s has %v, want %d", day, row, n)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(p.get(sitePath(p.site) + "/panels/dropped/csv?period=7d").Body.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, r := range rows[1:] {
		n, err := strconv.ParseInt(r[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sums[r[0]] += n
		if r[0] == "bot" && bots[r[1]] != n {
			t.Errorf("the file has %d of %s, want %d", n, r[1], bots[r[1]])
		}
	}
	if fmt.Sprint(sums) != fmt.Sprint(byReason) {
		t.Errorf("the file has %v, want %v", sums, byReason)
	}
	dropBars(t, page, en, byDay, total)
	droppedSearch(t, p, bots)
}

var barOf = regexp.MustCompile(`<title>([^<:]+): ([\d,]+)</title>((?:<rect[^>]*></rect>)*)`)

// dropBars measures the picture: bars as high as their numbers, the highest full.
func dropBars(t *testing.T, page string, en *html.Text, byDay map[string]int64, total int64) {
	t.Helper()
	most, sum := int64(0), int64(0)
	for _, n := range byDay {
		most = max(most, n)
	}
	bars := barOf.FindAllStringSubmatch(page, -1)
	if len(bars) != 7 {
		t.Fatalf("%d bars, want 7", len(bars))
	}
	for _, b := range bars {
		n, _ := strconv.ParseInt(strings.ReplaceAll(b[2], ",", ""), 10, 64)
		sum += n
		high := 0.0
		for _, h := range regexp.MustCompile(`height="([\d.]+)"`).FindAllStringSubmatch(b[3], -1) {
			v, _ := strconv.ParseFloat(h[1], 64)
			high += v
		}
		if want := 100 * float64(n) / float64(most); math.Abs(high-want) > 0.1 {
			t.Errorf("the bar of %s is %.2f high, want %.2f", b[1], high, want)
		}
	}
	if sum != total {
		t.Errorf("the bars are %d together, want %d", sum, total)
	}
}

// droppedSearch goes through the pages of one reason.
func droppedSearch(t *testing.T, p *person, bots map[string]int64) {
	t.Helper()
	label := regexp.MustCompile(`<th scope="row"><span>(Crawler\d+)</span></th><td>(\d+)</td>`)
	seen := map[string]int64{}
	for page := 1; page <= 2; page++ {
		body := p.get(fmt.Sprintf("%s/dropped?period=7d&reason=bot&page=%d", sitePath(p.site), page)).Body.String()
		for _, m := range label.FindAllStringSubmatch(body, -1) {
			seen[m[1]], _ = strconv.ParseInt(m[2], 10, 64)
		}
		if strings.Contains(body, `rel="next"`) != (page*listingRows < len(bots)) {
			t.Errorf("page %d: a next page or none, wrongly", page)
		}
	}
	if fmt.Sprint(seen) != fmt.Sprint(bots) {
		t.Errorf("the pages have %v, want %v", seen, bots)
	}
	body := p.get(sitePath(p.site) + "/dropped?period=7d&reason=bot&q=" + url.QueryEscape("CRAWLER12")).Body.String()
	for _, m := range label.FindAllStringSubmatch(body, -1) {
		if !strings.HasPrefix(m[1], "Crawler12") {
			t.Errorf("%s was found for CRAWLER12", m[1])
		}
	}
	if res := p.get(sitePath(p.site) + "/dropped?period=7d&reason=nonsense"); res.Code != http.StatusNotFound {
		t.Errorf("a reason there is none of answers %d", res.Code)
	}
	body = p.get(sitePath(p.site) + "/dropped?period=7d&reason=hostname").Body.String()
	has(t, body, `value="copy1.example"`, `action="`+sitePath(p.site)+`/hostnames"`)
	reader := p.w.join("reader@example.com", p.site.Account, account.Viewer)
	for _, path := range []string{"/dropped?period=7d", "/dropped?period=7d&reason=hostname", "/panels/dropped?period=7d"} {
		if body := reader.get(sitePath(p.site) + path).Body.String(); !strings.Contains(body, "copy1.example") || strings.Contains(body, `data-test="allow"`) {
			t.Errorf("%s: who may only read is offered to allow", path)
		}
	}
	if res := p.post(sitePath(p.site)+"/hostnames", url.Values{"hostname": {"copy1.example"}, "return": {sitePath(p.site) + "/dropped?period=7d"}}); res.Code != http.StatusSeeOther {
		t.Errorf("allowing answers %d", res.Code)
	}
	body = p.get(sitePath(p.site) + "/dropped?period=7d&reason=hostname").Body.String()
	if strings.Contains(body, `value="copy1.example"`) || !strings.Contains(body, "copy1.example") {
		t.Error("what is allowed can be allowed again, or is gone from the list")
	}
}

func TestNothingWasDropped(t *testing.T) {
	w := newWorld(t, base)
	p := w.claim("owner@example.com", "example.com", "UTC")
	has(t, p.get(sitePath(p.site)+"/dropped").Body.String(), `data-test="drop-none"`)
	w.put(nil, []event.Drop{{Site: p.site.ID, Time: time.Now().Truncate(time.Minute).UnixMilli(), Reason: "bot", Count: 3}})
	body := p.get(sitePath(p.site)+"/dropped?period=24h", func(r *http.Request) { r.Header.Set("Accept-Language", "ko") }).Body.String()
	has(t, body, "전체 요청의 100%입니다", "해결 방법:")
}
