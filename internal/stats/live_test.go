package stats_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/stats"
)

// TestRecent holds the newest events against a plain sort of all of them.
func TestRecent(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 0, 10, 0, time.UTC)
	var events []event.Event
	for i := range 400 {
		at := now.Add(-time.Duration(i*i%4000) * time.Second)
		e := event.Event{Site: eventtest.Site + int64(i%7/6), Time: at.UnixMilli(), Name: []string{"pageview", "signup", "engagement"}[i%3], Visitor: int64(i + 1), Visit: int64(i + 1),
			Path: fmt.Sprintf("/%d", i%9), Hostname: "example.com", Entry: event.Entry{VisitStart: at.UnixMilli(), Country: []string{"KR", "", "DE"}[i%3], Source: []string{"", "Google"}[i%2]}}
		events = append(events, e)
	}
	var want []stats.Moment
	for _, e := range events {
		at := time.UnixMilli(e.Time).UTC()
		if e.Site != eventtest.Site || e.Name == "engagement" || at.Before(now.Add(-30*time.Minute)) {
			continue
		}
		want = append(want, stats.Moment{Time: at, Name: e.Name, Path: e.Path, Country: e.Country, Source: e.Source})
	}
	slices.SortFunc(want, func(a, b stats.Moment) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Source, b.Source))
	})
	each(t, func(t *testing.T, store event.Store) {
		s := stats.New(store, func() time.Time { return now })
		for _, limit := range []int{1, 20, 1000} {
			got, err := s.Recent(context.Background(), eventtest.Site, limit)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i].Time = got[i].Time.UTC()
			}
			if expect := want[:min(limit, len(want))]; !slices.Equal(got, expect) {
				t.Errorf("the newest %d: got %v, want %v", limit, got, expect)
			}
		}
	}, events)
	if len(want) < 50 {
		t.Errorf("only %d events to look at", len(want))
	}
}
