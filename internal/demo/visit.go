package demo

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"moonbear/internal/event"
)

// visit makes one visit that begins in minute m, in order of time.
func (t *Traffic) visit(r *rand.Rand, m time.Time) []event.Event {
	place := pick(r, places, func(p place) float64 { return p.weight * daylight(m, p.offset) })
	machine := pick(r, machines, func(d machine) float64 { return d.weight * machineBias(place, d) })
	origin := pick(r, origins, func(o origin) float64 { return o.weight * originBias(place, o, m) })

	at := m.UnixMilli() + r.Int64N(60_000)
	entry := origin.path
	if entry == "" {
		entry = pages[t.paths.draw(r)].path
	}
	e := event.Event{
		Site: t.o.Site, Visitor: visitorID(r, m, place, machine), Visit: nonZero(r), Hostname: Domain,
		Entry: event.Entry{
			VisitStart: at, EntryPath: entry,
			Referrer: origin.referrer, Source: origin.source, Channel: origin.channel,
			UTMSource: origin.utmSource, UTMMedium: origin.utmMedium, UTMCampaign: origin.campaign,
			Country: place.country, Region: place.region, City: place.city,
			Browser: machine.browser, BrowserVersion: machine.version, OS: machine.os, OSVersion: machine.osVersion,
			Device: machine.device, ScreenWidth: machine.width[r.IntN(len(machine.width))],
			Language: place.language, TimeZone: place.zone,
		},
		ConnectionSpeed: machine.speed,
	}
	return t.pages(r, m, e, at, entry, origin.bounce)
}

// pages walks a visitor through the site: a pageview, perhaps an event, the
// page's engagement when it is left, and on to the next page.
func (t *Traffic) pages(r *rand.Rand, m time.Time, base event.Event, at int64, path string, bounce float64) []event.Event {
	var out []event.Event
	end := at + longestVisit.Milliseconds() - 60_000
	stay := 1 - bounce
	for n := 0; ; n++ {
		view := base
		view.Time, view.Name, view.Path = at, event.Pageview, path
		seen := timings(r, &view, m, n == 0)
		out = append(out, view)

		read := min(logNormal(r, 24_000, 0.9)+1500, 8*60_000)
		if e, ok := deed(r, base, path, at+read/2); ok && e.Time < end {
			out = append(out, e)
			if e.Interactive {
				stay = 0.8
			}
		}
		if at+read < end {
			leave := base
			leave.Time, leave.Name, leave.Path = at+read, event.Engagement, path
			vitals(r, &leave, seen, read)
			out = append(out, leave)
		}
		at += read + 200
		if r.Float64() > stay || n > 14 || at >= end {
			return out
		}
		stay, path = 0.62, t.next(r, path)
	}
}

// next is the page a visitor goes to: shop pages lead to the basket, and a link
// in a hundred is broken.
func (t *Traffic) next(r *rand.Rand, path string) string {
	switch {
	case r.Float64() < 0.01:
		return pick(r, broken, func(b weighted) float64 { return b.weight }).name
	case path == "/basket" && r.Float64() < 0.55:
		return "/checkout"
	case len(path) > 6 && path[:6] == "/shop/" && r.Float64() < 0.3:
		return "/basket"
	case path == "/" && r.Float64() < 0.4:
		return "/shop"
	}
	return pages[t.paths.draw(r)].path
}

// visitorID lets about one visit in six come from somebody seen earlier that
// day. A visitor is an address and a browser, so the day's regulars come from
// one place each, with one machine.
func visitorID(r *rand.Rand, m time.Time, p place, with machine) int64 {
	if r.Float64() > 1.0/6 {
		return nonZero(r)
	}
	day := m.Add(time.Duration(p.offset*float64(time.Hour))).Unix() / 86400
	h := fnv.New64a()
	fmt.Fprint(h, p.country, p.city, with.browser, with.version, with.os, r.IntN(4))
	return nonZero(rand.New(rand.NewPCG(uint64(day), h.Sum64())))
}

func nonZero(r *rand.Rand) int64 {
	for {
		if v := int64(r.Uint64()); v != 0 {
			return v
		}
	}
}
