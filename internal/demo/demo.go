// Package demo makes traffic that looks like real sites': a coffee roaster's
// shop and journal, read from Seoul to San Francisco, and its friends around
// the world.
//
// It comes in two ways. Window is traffic at a rate, for a demo that goes on:
// the same minute always gives the same visits (each minute seeds its own
// dice), so a period can be made in any order, in pieces, and topped up later.
// A window asks for the events whose time lies in it; visits that began earlier
// and reach into it are found by looking longestVisit back. Fill is exactly so
// many events in a period, for benchmarks, at a million a second.
//
// Either way two machines agree on every byte: draws are of integers (dice.go).
package demo

import (
	"cmp"
	"slices"
	"time"

	"moonbear/internal/event"
)

// longestVisit bounds how long after its first event a visit goes on.
const longestVisit = 45 * time.Minute

// Options say whose traffic, and how much.
type Options struct {
	Site int64
	Seed uint64         // sites with different ones have different visits; 0: Site
	Shop Shop           // zero: the first of Shops
	Zone *time.Location // the site's: a visitor lasts one day of it; nil: UTC
	// PerDay is the visits of an ordinary weekday; weekends, growth, launches
	// and the hour of the day vary it.
	PerDay float64
	// Epoch is where growth starts; visits double in about 20 weeks from it.
	Epoch time.Time
	// Begin is when the first visit of a Window may begin, where a Fill ended;
	// zero: Epoch.
	Begin time.Time
}

// Traffic makes a site's traffic. It keeps what it has worked out, so one
// goroutine uses it at a time.
type Traffic struct {
	o    Options
	seed uint64

	week      *week
	places    []place
	machines  [2]alias // [1] in Korea
	fashions  fashions
	speeds    [][]speed // by place and machine
	origins   []origin
	leads     []int // by origin: the page it leads to, -1 any
	drawn     [2][2]alias
	pages     []page
	zipf      alias
	ways      ways
	deeds     *deeds
	regulars  int // of each place and machine
	localDays localDays
	now       hour // the hour that was asked about last
}

// ways are the pages that others lead to; -1 where there is none.
type ways struct {
	list, basket, checkout, missing int
	broken                          alias
}

// New returns the traffic of a site.
func New(o Options) *Traffic {
	if o.Shop.Domain == "" {
		o.Shop = Shops(1)[0]
	}
	o.Seed = cmp.Or(o.Seed, uint64(o.Site))
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Begin.IsZero() {
		o.Begin = o.Epoch
	}
	t := &Traffic{
		o: o, seed: hash(o.Seed, hashText(o.Shop.Domain)),
		places: placesFor(o.Shop.home), machines: machinesFor(), fashions: fashions{},
		deeds: newDeeds(o.Shop.Domain), regulars: max(1, int(o.PerDay/900)), localDays: localDays{zone: o.Zone},
	}
	t.now.number = -1
	t.week = newWeek(t.places)
	t.origins, t.drawn = originsFor(o.PerDay)
	t.pages = catalogue(o.Shop.kind, o.PerDay)
	t.zipf = newZipf(len(t.pages), 1.05)
	t.link()
	for i := range t.places {
		var by []speed
		for k := range machines {
			by = append(by, speedOf(&t.places[i], &machines[k]))
		}
		t.speeds = append(t.speeds, by)
	}
	return t
}

// link adds the pages that nobody begins with, and finds where links lead.
func (t *Traffic) link() {
	find := func(r role) int { return slices.IndexFunc(t.pages, func(p page) bool { return p.role == r }) }
	t.ways = ways{list: find(listPage), basket: find(basket), checkout: -1}
	for _, o := range t.origins {
		t.leads = append(t.leads, slices.IndexFunc(t.pages, func(p page) bool { return o.path != "" && p.path == o.path }))
	}
	if t.ways.basket >= 0 {
		t.ways.checkout = len(t.pages)
		t.pages = append(t.pages, checkoutPage)
	}
	t.ways.missing = len(t.pages)
	for _, b := range broken {
		t.pages = append(t.pages, page{path: b.name, role: missing, draw: 1000, server: 1000})
	}
	t.ways.broken = aliasOf(broken, func(b weighted) float64 { return b.weight })
}

// Window returns the events with from <= time < to in order of time, and the
// drops of those minutes. Both ends are taken at whole minutes.
func (t *Traffic) Window(from, to time.Time) ([]event.Event, []event.Drop) {
	from, to = from.UTC().Truncate(time.Minute), to.UTC().Truncate(time.Minute)
	lo, hi := from.UnixMilli(), to.UnixMilli()
	begin := from.Add(-longestVisit)
	if begin.Before(t.o.Begin) {
		begin = t.o.Begin.UTC().Truncate(time.Minute)
	}
	var all []event.Event
	for m := begin; m.Before(to); m = m.Add(time.Minute) {
		d := dice{hash(t.seed, 1, uint64(m.Unix()/60))}
		for range d.poisson(t.rate(m)) {
			all = t.visit(all, &d, m.UnixMilli()+int64(d.below(60_000)), manyEvents, hi+longestVisit.Milliseconds())
		}
	}
	var order []int
	for i := range all {
		if all[i].Time >= lo && all[i].Time < hi {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(all[a].Time, all[b].Time), a-b) })
	events := make([]event.Event, len(order))
	for i, at := range order {
		events[i] = all[at]
	}
	drops := t.drops(nil, lo/minuteMS, hi/minuteMS)
	slices.SortStableFunc(drops, func(a, b event.Drop) int { return cmp.Compare(a.Time, b.Time) })
	return events, drops
}

// drops are what was not counted from one minute to another: bots by name, and
// a copy of the site under another hostname.
func (t *Traffic) drops(out []event.Drop, from, to int64) []event.Drop {
	for hour := from / 60; hour <= (to-1)/60; hour++ {
		for i, b := range botsAndOthers {
			minute, n := t.crawls(i, hour)
			if n == 0 || minute < from || minute >= to {
				continue
			}
			if b.reason == "hostname" {
				b.name = "staging." + t.o.Shop.Domain
			}
			out = append(out, event.Drop{Site: t.o.Site, Time: minute * minuteMS, Reason: b.reason, Detail: b.name, Count: int64(n)})
		}
	}
	return out
}
