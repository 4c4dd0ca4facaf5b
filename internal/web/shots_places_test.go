package web

import (
	"fmt"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/web/atlas"
)

// TestShotsOfPlaces photographs the map, what was not counted, the live view
// and the list of sites, with little, much and nothing in them:
// go test ./internal/web -run TestShotsOfPlaces -shots /tmp/shots
func TestShotsOfPlaces(t *testing.T) {
	if *shots == "" {
		t.Skip("for eyes; see -shots")
	}
	w := newWorld(t, base)
	c := &camera{window: w.open(t), t: t, folder: *shots}
	b := tour(func(v visit) { c.shoot(v, []int64{390, 1440, 1920}) })
	owner := w.claim("owner@example.com", "hallacoffee.example", "Asia/Seoul")
	w.traffic(owner.site, time.Now().Add(-40*24*time.Hour), time.Now(), 420)
	everywhere, one := w.addSite(owner, "everywhere.example"), w.addSite(owner, "one-country.example")
	w.put(fromEverywhere(everywhere, time.Now().Add(-2*time.Minute)), nil)
	w.put(w.one(one), nil)
	home := sitePath(owner.site)
	b.shoot("map", owner, home+"?period=4w", "")
	b.shoot("map-everywhere", owner, sitePath(everywhere)+"?period=today", "")
	b.shoot("map-one", owner, sitePath(one)+"?period=today", "")
	b.shoot("map-filtered", owner, home+"?period=4w&f=eq,country,DE", "")
	b.shoot("regions", owner, home+"?period=4w&places=region", "")
	b.shoot("live", owner, home+"/live", "")
	b.shoot("live-one", owner, sitePath(one)+"/live", "")
	b.shoot("live-nobody", owner, sitePath(w.addSite(owner, "nobody.example"))+"/live", "")
	b.shoot("dropped", owner, home+"/dropped?period=4w", "")
	b.shoot("dropped-reason", owner, home+"/dropped?period=4w&reason=hostname", "")
	b.shoot("dropped-panel", owner, home+"?period=4w", "")
	b.shoot("sites", owner, "/sites", "")
	b.shoot("regions-none", owner, sitePath(one)+"?period=today&places=region", "")
}

// fromEverywhere is a pageview from each country of the map, and more from some.
func fromEverywhere(st *site.Site, at time.Time) []event.Event {
	var events []event.Event
	for i, s := range atlas.World().Shapes {
		for n := range 1 + (i*i*7)%23*((i*31)%29)*((i*i)%7)/9 {
			e := view(st, at.Add(time.Duration(n)*time.Millisecond), fmt.Sprintf("/%d", i%40), int64(i*10_000+n+1))
			e.Country, e.Region, e.City = s.Code, "", ""
			events = append(events, e)
		}
	}
	return events
}
