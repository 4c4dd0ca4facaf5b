package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// TestSitesNumbers counts each site's visitors by a plain loop.
func TestSitesNumbers(t *testing.T) {
	w := newWorld(t, base)
	p := w.claim("owner@example.com", "b.example", "UTC")
	other, quiet := w.addSite(p, "a.example"), w.addSite(p, "c.example")
	now := time.Now()
	var events []event.Event
	for i := range 300 {
		st := []*site.Site{p.site, other}[i%2]
		events = append(events, view(st, now.Add(-time.Duration(i)*5*time.Hour), "/", int64(i+1)))
	}
	w.put(events, nil)
	midnight := func(st *site.Site) time.Time {
		at := now.In(st.Location)
		return time.Date(at.Year(), at.Month(), at.Day()-27, 0, 0, 0, 0, st.Location)
	}
	en, sum := html.Language("en"), 0
	body := p.get("/sites").Body.String()
	for _, st := range []*site.Site{p.site, other} {
		n := 0
		for _, e := range events {
			if e.Site == st.ID && !time.UnixMilli(e.Time).Before(midnight(st)) {
				n++
			}
		}
		sum += n
		row := body[strings.Index(body, ">"+st.Domain+"</a>"):]
		has(t, row[:strings.Index(row, "</li>")], fmt.Sprintf(`title="%d"><b>%d</b>`, n, n), en.Exact(float64(n))+" in 28 days", "<path")
	}
	has(t, body[strings.Index(body, "sites-all"):], "All 3 sites", fmt.Sprintf("<b>%d</b>", sum))
	row := body[strings.Index(body, ">c.example</a>"):]
	has(t, row[:strings.Index(row, "</li>")], "None in 28 days", sitePath(quiet)+"/start")
	if a, b := strings.Index(body, ">a.example<"), strings.Index(body, ">b.example<"); a > b {
		t.Error("the sites aren't by name")
	}
	has(t, body, "1 now")
}

// TestManySites: a search and pages where there are many, neither where few.
func TestManySites(t *testing.T) {
	w := newWorld(t, base)
	p := w.claim("owner@example.com", "first.example", "UTC")
	if body := p.get("/sites").Body.String(); strings.Contains(body, `type="search"`) || strings.Contains(body, "sites-all") {
		t.Error("one site has a search or a sum")
	}
	for i := range 59 {
		w.addSite(p, fmt.Sprintf("shop-%02d.example", i))
	}
	body := p.get("/sites").Body.String()
	if n := strings.Count(body, `class="site-name"`); n != sitesPage {
		t.Errorf("%d sites on the first page, want %d", n, sitesPage)
	}
	has(t, body, `type="search"`, "1–50 of 60", `rel="next"`)
	if n := strings.Count(p.get("/sites?page=2").Body.String(), `class="site-name"`); n != 10 {
		t.Errorf("%d sites on the second page, want 10", n)
	}
	if n := strings.Count(p.get("/sites?q=SHOP-1").Body.String(), `class="site-name"`); n != 10 {
		t.Errorf("%d sites found, want 10", n)
	}
	has(t, p.get("/sites?q=nowhere").Body.String(), "No site has that")
	if res := p.get("/sites?page=99"); res.Code != http.StatusOK || !strings.Contains(res.Body.String(), "first.example") {
		t.Errorf("a page there isn't answers %d", res.Code)
	}
	w.asker = numberless{w.asker}
	w.serve(nil)
	if res := p.get("/sites"); res.Code != http.StatusOK || !strings.Contains(res.Body.String(), "first.example") || strings.Contains(res.Body.String(), "sites-all") {
		t.Errorf("without numbers the list answers %d", res.Code)
	}
}

// numberless can't tell the visitors of a list of sites.
type numberless struct{ Asker }

func (numberless) VisitorsBySite(context.Context, []*site.Site, stats.Period) (map[int64]stats.SiteVisitors, error) {
	return nil, errBroken
}
