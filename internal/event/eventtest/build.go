// Package eventtest makes events for tests, and holds every event.Store to
// the same conduct.
//
//	eventtest.Events(
//		eventtest.Visit(eventtest.View("/"), eventtest.View("/docs")),
//		eventtest.Visit(eventtest.From("Google", "Organic Search"), eventtest.View("/"), eventtest.Custom("signup", "plan", "pro")),
//	)
package eventtest

import (
	"cmp"
	"slices"
	"time"

	"moonbear/internal/event"
)

// Site is the site of events that name none.
const Site = 1

// Start is the time of the first event of a visit that names none.
var Start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// Step is a fact about a visit, or an event of it.
type Step func(*visit)

// visit is a visit being told.
type visit struct {
	now    int64
	next   event.Event // what the next event is like, but for its name
	events []event.Event
}

// Visit makes the events of one visit from steps in order: facts hold for the
// events after them, and events are ten seconds apart unless After says
// otherwise. Every event carries the entry facts of the first one. Events
// gives visits their numbers.
func Visit(steps ...Step) []event.Event {
	v := &visit{now: Start.UnixMilli()}
	v.next.Site = Site
	v.next.Hostname = "example.com"
	v.next.Browser, v.next.BrowserVersion = "Chrome", "142"
	v.next.OS, v.next.OSVersion = "Windows", "11"
	v.next.Device = event.DeviceDesktop
	v.next.Country, v.next.Region, v.next.City = "KR", "KR-11", "Seoul"
	v.next.Language, v.next.TimeZone, v.next.ScreenWidth = "ko-KR", "Asia/Seoul", 1900
	for _, s := range steps {
		s(v)
	}
	return v.events
}

func (v *visit) add(e event.Event) {
	e.Time = v.now
	if len(v.events) > 0 {
		e.Entry = v.events[0].Entry
	} else {
		e.VisitStart = e.Time
		if e.Name == event.Pageview {
			e.EntryPath = e.Path
		}
	}
	v.events = append(v.events, e)
	v.now += 10_000
}

// View is a pageview of a path.
func View(path string) Step {
	return func(v *visit) {
		v.next.Path = path
		e := v.next
		e.Name = event.Pageview
		v.add(e)
	}
}

// Custom is an interactive event on the page last viewed, with properties as
// key, value, key, value.
func Custom(name string, props ...string) Step {
	return func(v *visit) {
		e := v.next
		e.Name, e.Interactive = name, true
		for kv := range slices.Chunk(props, 2) {
			e.Props = append(e.Props, event.Prop{Key: kv[0], Value: kv[1]})
		}
		slices.SortFunc(e.Props, func(a, b event.Prop) int { return cmp.Compare(a.Key, b.Key) })
		v.add(e)
	}
}

// Passive is Custom, but does not count against a bounce.
func Passive(name string, props ...string) Step {
	return func(v *visit) {
		Custom(name, props...)(v)
		v.events[len(v.events)-1].Interactive = false
	}
}

// Paid is Custom with revenue, in thousandths of the currency's unit.
func Paid(name string, thousandths int64, currency string, props ...string) Step {
	return func(v *visit) {
		Custom(name, props...)(v)
		e := &v.events[len(v.events)-1]
		e.Revenue, e.Currency = thousandths, currency
	}
}

// Engaged is the engagement message of the page last viewed: visible time in
// milliseconds, and depth in percent.
func Engaged(ms, depth int64, more ...Step) Step {
	return func(v *visit) {
		e := v.next
		e.Name = event.Engagement
		e.Measures = [event.MeasureCount]event.Measure{}
		e.Measures[event.EngagementTime] = event.Measured(ms)
		e.Measures[event.ScrollDepth] = event.Measured(depth)
		v.add(e)
		for _, s := range more {
			s(v)
		}
	}
}

// Measure gives the event before it a measured number, by its index, e.g.
// event.PageLoad.
func Measure(index int, value int64) Step {
	return func(v *visit) { v.events[len(v.events)-1].Measures[index] = event.Measured(value) }
}

// At sets the time of the next event.
func At(t time.Time) Step { return func(v *visit) { v.now = t.UnixMilli() } }

// After adds to the ten seconds between the event before and the next.
func After(d time.Duration) Step { return func(v *visit) { v.now += d.Milliseconds() } }

// OnSite sets the site.
func OnSite(id int64) Step { return func(v *visit) { v.next.Site = id } }

// From sets the source and its channel.
func From(source, channel string) Step {
	return func(v *visit) { v.next.Source, v.next.Channel = source, channel }
}

// With changes any field of the events that follow.
func With(change func(*event.Event)) Step { return func(v *visit) { change(&v.next) } }

// Events puts visits together, by time. A visit without a number gets its
// place in the list, from 1, and so does its visitor.
func Events(visits ...[]event.Event) []event.Event {
	var all []event.Event
	for i, v := range visits {
		for _, e := range v {
			if e.Visit == 0 {
				e.Visit = int64(i) + 1
			}
			if e.Visitor == 0 {
				e.Visitor = int64(i) + 1
			}
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
	return all
}

// Batch makes a batch in which an event is one position long; an empty one is
// one position long too.
func Batch(spool string, from int64, events []event.Event) *event.Batch {
	return &event.Batch{Spool: spool, From: from, To: from + max(1, int64(len(events))), Events: events}
}
