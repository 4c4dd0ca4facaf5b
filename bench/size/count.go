package main

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"moonbear/internal/event"
)

// counts are what a dashboard must say of a site, by plain counting.
type counts struct {
	Visitors  int64  `json:"visitors"` // summed over days
	Visits    int64  `json:"visits"`
	Pageviews int64  `json:"pageviews"`
	Paths     []path `json:"paths"` // the ten seen most
}

type path struct {
	Path  string `json:"path"`
	Views int64  `json:"views"`
}

// counter counts a site's events as they are made. It knows nothing of the
// server's SQL: docs/metrics.md is what it follows.
type counter struct {
	zone      *time.Location
	from, to  int64 // Unix milliseconds
	visitors  map[visitorDay]bool
	visits    map[int64]bool
	paths     map[string]int64
	pageviews int64
}

// visitorDay is a visitor on a day of the site: on two days they are two.
type visitorDay struct {
	visitor int64
	day     int32
}

func newCounter(zone *time.Location, from, to time.Time) *counter {
	return &counter{zone: zone, from: from.UnixMilli(), to: to.UnixMilli(),
		visitors: map[visitorDay]bool{}, visits: map[int64]bool{}, paths: map[string]int64{}}
}

// add counts one event.
func (c *counter) add(e *event.Event) {
	if e.Name == event.Engagement || e.Time < c.from || e.Time >= c.to {
		return
	}
	y, m, d := time.UnixMilli(e.Time).In(c.zone).Date()
	c.visitors[visitorDay{e.Visitor, int32(y*10_000 + int(m)*100 + d)}] = true
	if e.VisitStart >= c.from { // one that began earlier is of an earlier period
		c.visits[e.Visit] = true
	}
	if e.Name == event.Pageview {
		c.pageviews++
		c.paths[e.Path]++
	}
}

// counted is what was counted so far.
func (c *counter) counted() counts {
	n := counts{Visitors: int64(len(c.visitors)), Visits: int64(len(c.visits)), Pageviews: c.pageviews}
	for _, p := range slices.Collect(maps.Keys(c.paths)) {
		n.Paths = append(n.Paths, path{p, c.paths[p]})
	}
	slices.SortFunc(n.Paths, func(a, b path) int { return cmp.Or(cmp.Compare(b.Views, a.Views), cmp.Compare(a.Path, b.Path)) })
	n.Paths = n.Paths[:min(10, len(n.Paths))]
	return n
}
