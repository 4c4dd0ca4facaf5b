package eventtest

import (
	"time"

	"moonbear/internal/event"
)

// Counted is what CountDay finds of a day.
type Counted struct{ Events, Pageviews, Visits, Views, Loads, LoadTime int64 }

// CountDay counts a day in a loop, for what a store keeps of it.
func CountDay(d event.Day, es []event.Event) (c Counted) {
	visits := map[int64]bool{}
	within := func(ms int64) bool { return ms >= d.From.UnixMilli() && ms < d.To.UnixMilli() }
	for i := range es {
		e := &es[i]
		if within(e.Time) {
			c.Events++
			if e.Name == event.Pageview {
				c.Pageviews++
			}
			if ms, ok := e.Measures[event.PageLoad].Value(); ok {
				c.Loads++
				c.LoadTime += int64(ms)
			}
		}
		if within(e.VisitStart) && e.Time-e.VisitStart < (24*time.Hour).Milliseconds() {
			visits[e.Visit] = true
			if e.Name == event.Pageview {
				c.Views++
			}
		}
	}
	c.Visits = int64(len(visits))
	return c
}
