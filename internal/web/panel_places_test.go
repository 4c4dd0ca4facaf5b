package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/web/atlas"
	"moonbear/internal/web/html"
)

// TestMapNumbers counts a map's visitors by a plain loop over the events.
func TestMapNumbers(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	p := w.claim("owner@example.com", "example.com", "UTC")
	events := fromEverywhere(p.site, time.Now().Add(-time.Minute))
	for i := range 5 {
		e := view(p.site, time.Now().Add(-time.Minute), "/", int64(9_000_000+i/2)) // three visitors
		e.Country = ""
		events = append(events, e)
	}
	w.put(events, nil)
	who := map[string]map[int64]bool{}
	everybody := map[int64]bool{}
	for _, e := range events {
		if who[e.Country] == nil {
			who[e.Country] = map[int64]bool{}
		}
		who[e.Country][e.Visitor], everybody[e.Visitor] = true, true
	}
	t0 := html.Language("en")
	body := p.get(sitePath(p.site)+"/panels/places?period=24h", fragment).Body.String()
	titles := strings.Count(body, "<title>")
	if titles != 250 {
		t.Errorf("%d countries are painted, want 250", titles)
	}
	for code, visitors := range who {
		share := t0.Percent(math.Round(1000*float64(len(visitors))/float64(len(everybody))) / 10)
		want := fmt.Sprintf("<title>%s: %s (%s)</title>", escaped(atlas.Country("en", code)), t0.Exact(float64(len(visitors))), share)
		if code == "" {
			want = fmt.Sprintf("Country not known: %d (%s)", len(visitors), share)
		}
		if !strings.Contains(body, want) {
			t.Errorf("%s: %q isn't on the map", code, want)
		}
	}
	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	_, _ = g.Write([]byte(body))
	_ = g.Close()
	if z.Len() > 25<<10 {
		t.Errorf("a map of every country is %d bytes compressed, want at most %d", z.Len(), 25<<10)
	}
	most, name := 0, ""
	for code, visitors := range who {
		if len(visitors) > most {
			most, name = len(visitors), atlas.Country("en", code)
		}
	}
	has(t, body, `role="img" aria-label="Map of visitors by country. Most: `+name+": "+t0.Exact(float64(most)))
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "'", "&#39;").Replace(s)
}

var painted = regexp.MustCompile(`class="map-place map-(\d)[^>]*data-code="(\w\w)"`)

// TestMapShades holds each country's shade against what the legend says of it.
func TestMapShades(t *testing.T) {
	bound := func(s string) float64 {
		n, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, numbers := range [][]float64{{1}, {7}, {3, 3, 3}, {1, 2}, {1, 2, 3, 4, 5, 6}, {9000, 400, 30, 2, 1}, {120, 130, 140}, {9999, 1}, {50, 49, 51}} {
		steps := mapSteps(numbers)
		key := legend(html.Language("en"), steps, numbers)
		if len(key) == 0 || len(key) > shades {
			t.Fatalf("%v: %d shades", numbers, len(key))
		}
		if key[len(key)-1].Step != shades {
			t.Errorf("%v: the most isn't the darkest shade", numbers)
		}
		for _, n := range numbers {
			step, fits := stepOf(steps, n), 0
			for _, k := range key {
				from, to, isRange := strings.Cut(k.Label, "–")
				open := strings.HasSuffix(from, " or more")
				low := bound(strings.TrimSuffix(from, " or more"))
				high := low
				if isRange {
					high = bound(to)
				}
				if n >= low && (open || n <= high) {
					fits++
					if k.Step != step {
						t.Errorf("%v: %v is painted as %d, but the legend says %d (%s)", numbers, n, step, k.Step, k.Label)
					}
				}
			}
			if fits != 1 {
				t.Errorf("%v: %v fits %d lines of the legend: %+v", numbers, n, fits, key)
			}
		}
	}
}

// TestMapPresses: a country filters, and pressed again it doesn't.
func TestMapPresses(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	p := w.claim("owner@example.com", "example.com", "UTC")
	at := time.Now().Add(-time.Minute)
	jp := view(p.site, at, "/", 2)
	jp.Country = "JP"
	sg := view(p.site, at, "/", 3)
	sg.Country = "SG"
	w.put([]event.Event{view(p.site, at, "/", 1), jp, sg}, nil)
	panel := sitePath(p.site) + "/panels/places?period=24h"
	body := p.get(panel).Body.String()
	has(t, body, `href="`+sitePath(p.site)+`?f=eq%2Ccountry%2CKR&amp;period=24h"`, `data-exclude="`+sitePath(p.site)+`?f=neq%2Ccountry%2CKR&amp;period=24h"`, "<circle")
	if got := painted.FindAllStringSubmatch(body, -1); len(got) != 3 || got[2][2] != "SG" {
		t.Errorf("painted %v, want three, the dot last", got)
	}
	body = p.get(panel + "&f=eq,country,KR").Body.String()
	has(t, body, "map-on", `href="`+sitePath(p.site)+`?period=24h"`, "South Korea: 1 (100%)")
	for _, tab := range []string{"region", "city"} {
		has(t, p.get(panel+"&places="+tab).Body.String(), "GEOIP_DB", "countries only")
	}
	body = p.get(panel + "&places=country").Body.String()
	has(t, body, "South Korea", "Japan", "Singapore")
	body = p.get(panel, func(r *http.Request) { r.Header.Set("Accept-Language", "ko") }).Body.String()
	has(t, body, "대한민국: 1명 (33%)")
}

// TestRegionsHaveNames shows a code as a name, in lists and filters.
func TestRegionsHaveNames(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	p := w.claim("owner@example.com", "example.com", "UTC")
	e := view(p.site, time.Now().Add(-time.Minute), "/", 1)
	e.Region, e.City = "KR-11", "Seoul"
	w.put([]event.Event{e}, nil)
	body := p.get(sitePath(p.site) + "?period=24h&places=region&f=eq,region,KR-11").Body.String()
	has(t, body, "Region is Seoul", "Seoul, South Korea")
	has(t, p.get(sitePath(p.site)+"/all/region?period=24h").Body.String(), "Seoul, South Korea")
}
