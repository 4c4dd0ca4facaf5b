package stats_test

import (
	"context"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// TestVisitorsBySite counts each site's visitors by plain loops, in two zones.
func TestVisitorsBySite(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 0, 30, 0, time.UTC)
	var sites []*site.Site
	for i, zone := range []string{"UTC", "Asia/Seoul", "UTC", "Asia/Seoul"} {
		st := siteIn(t, zone)
		st.ID = eventtest.Site + int64(i)
		sites = append(sites, st)
	}
	var events []event.Event
	for i := range 900 {
		at := now.Add(-time.Duration(i*i%(57*24*60)) * time.Minute)
		e := event.Event{Site: eventtest.Site + int64(i%3), Time: at.UnixMilli(), Name: []string{"pageview", "pageview", "engagement", "signup"}[i%4],
			Visitor: int64(i % 53), Visit: int64(i + 1), Path: "/", Hostname: "example.com", Entry: event.Entry{VisitStart: at.UnixMilli()}}
		events = append(events, e)
	}
	each(t, func(t *testing.T, store event.Store) { bySite(t, store, sites, events, now) }, events)
}

func bySite(t *testing.T, store event.Store, sites []*site.Site, events []event.Event, now time.Time) {
	s := stats.New(store, func() time.Time { return now })
	got, err := s.VisitorsBySite(context.Background(), sites, stats.Period{Name: "4w"})
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range sites {
		today := now.In(st.Location)
		from := time.Date(today.Year(), today.Month(), today.Day()-27, 0, 0, 0, 0, st.Location)
		is, was, here := map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
		days := make([]map[int64]bool, 28)
		for _, e := range events {
			at := time.UnixMilli(e.Time)
			if e.Site != st.ID || e.Visitor == 0 || e.Name == "engagement" {
				continue
			}
			if !at.Before(from) {
				is[e.Visitor] = true
				d := int(at.Sub(from) / (24 * time.Hour))
				if days[d] == nil {
					days[d] = map[int64]bool{}
				}
				days[d][e.Visitor] = true
			} else if !at.Before(from.AddDate(0, 0, -28)) && at.Before(now.AddDate(0, 0, -28)) {
				was[e.Visitor] = true
			}
			if !at.Before(now.Add(-5 * time.Minute)) {
				here[e.Visitor] = true
			}
		}
		g := got[st.ID]
		if g.Visitors.N != float64(len(is)) || g.Visitors.Previous.N != float64(len(was)) || g.Online != int64(len(here)) || len(g.Days) != 28 {
			t.Errorf("site %d: got %+v, want %d, %d before, %d now", st.ID, g, len(is), len(was), len(here))
			continue
		}
		for d := range days {
			if g.Days[d] != float64(len(days[d])) {
				t.Errorf("site %d, day %d: got %v, want %d", st.ID, d, g.Days[d], len(days[d]))
			}
		}
		res, err := s.Run(context.Background(), stats.Query{Site: st, Period: stats.Period{Name: "4w"}, Compare: stats.PreviousPeriod}.Totals(stats.Visitors))
		if err != nil {
			t.Fatal(err)
		}
		if v := res.Total(stats.Visitors); v.N != g.Visitors.N || v.Previous != g.Visitors.Previous {
			t.Errorf("site %d: the list says %+v, the dashboard %+v", st.ID, g.Visitors, v)
		}
	}
}
