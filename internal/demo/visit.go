package demo

import "moonbear/internal/event"

// manyEvents is more than a visit has.
const manyEvents = 1 << 30

// visitor is who is here: a person with a machine in a place.
type visitor struct {
	person  uint64
	place   int
	machine int
	korea   int // 1: in Korea
}

// visit appends the events of one visit that begins at a time, in order of
// time: at most limit of them, all before end.
func (t *Traffic) visit(out []event.Event, d *dice, at int64, limit int, end int64) []event.Event {
	if n := at / hourMS; n != t.now.number {
		t.now = t.hour(n)
	}
	v := t.visitor(d)
	from := t.origin(d, v.korea)
	o := &t.origins[from]
	first := t.leads[from]
	if first < 0 {
		first = t.zipf.draw(d)
	}
	start := len(out)
	out = append(out, event.Event{Site: t.o.Site, Visit: nonZero(d.next()), Hostname: t.o.Shop.Domain})
	e := &out[start]
	vitals := t.enter(e, &v, o, d)
	e.VisitStart, e.EntryPath = at, t.pages[first].path
	return t.walk(out, d, walk{
		visitor: v, at: at, page: first, stay: 1000 - o.bounce,
		limit: limit, end: min(end, at+longestVisit.Milliseconds()-minuteMS),
		vitals: vitals, slow: t.now.slow,
	})
}

// visitor draws who comes. About one visit in six is of a regular; those come
// from one place each, with one machine, as a visitor is an address and a
// browser.
func (t *Traffic) visitor(d *dice) visitor {
	v := visitor{place: t.now.places.draw(d)}
	if t.places[v.place].country == "KR" {
		v.korea = 1
	}
	v.machine = t.machines[v.korea].draw(d)
	v.person = d.next()
	if d.chance(167) {
		v.person = hash(t.seed, 2, uint64(v.place), uint64(v.machine), uint64(d.below(t.regulars)))
	}
	return v
}

// origin draws where a visit comes from: a launch's crowd from Hacker News.
func (t *Traffic) origin(d *dice, korea int) int {
	if t.now.launch > 0 && d.chance(t.now.launch) {
		return hackerNews
	}
	letter := 0
	if t.now.letter {
		letter = 1
	}
	return t.drawn[korea][letter].draw(d)
}

// enter writes the facts of a visit, and says whether its browser measures all
// vitals. A person's own facts never change within a week.
func (t *Traffic) enter(e *event.Event, v *visitor, o *origin, d *dice) (vitals bool) {
	p, m := &t.places[v.place], &machines[v.machine]
	of := dice{v.person}
	behind := 0
	switch x := of.below(100); {
	case x < 6:
		behind = 2
	case x < 24:
		behind = 1
	}
	look := &t.now.looks[v.machine][behind]
	e.Referrer, e.Source, e.Channel = o.referrer, o.source, o.channel
	e.UTMSource, e.UTMMedium, e.UTMCampaign = o.utmSource, o.utmMedium, o.campaign
	if o.campaign == season {
		e.UTMCampaign = t.now.season
	}
	if len(o.term) > 0 {
		e.UTMTerm = o.term[d.below(len(o.term))]
	}
	if len(o.content) > 0 {
		e.UTMContent = o.content[d.below(len(o.content))]
	}
	e.Country, e.Region, e.City = p.country, p.region, p.city
	e.Language, e.TimeZone = p.language, p.zone
	if p.language[:2] != "en" && of.below(100) < 12 {
		e.Language = "en-US"
	}
	e.Browser, e.BrowserVersion, e.OS, e.OSVersion = m.browser, look.version, m.os, look.osVersion
	e.Device, e.ScreenWidth = m.device, m.width[of.below(len(m.width))]
	e.ConnectionSpeed = m.speed
	return look.vitals
}

// walk is where a visit is.
type walk struct {
	visitor
	at, end int64
	page    int
	stay    int // how many in a thousand read another page
	limit   int // events left
	vitals  bool
	slow    int64
}

// walk leads a visitor through the site: a pageview, perhaps an event, the
// page's engagement when it is left, and on to the next page. The last of out
// is the visit's base.
func (t *Traffic) walk(out []event.Event, d *dice, w walk) []event.Event {
	base := len(out) - 1
	for n := 0; ; n++ {
		if n > 0 {
			out = t.again(out, base)
		}
		p := &t.pages[w.page]
		view := &out[len(out)-1]
		view.Name, view.Path = event.Pageview, p.path
		t.place(view, &w, w.at)
		seen := timings(d, view, t.speeds[w.visitor.place][w.machine], p, w.slow, n == 0)
		if w.limit--; w.limit == 0 {
			return out
		}
		read := min(stays.of(24_000, d.next())+1500, 8*minuteMS)
		if at := w.at + read/2; at < w.end {
			out = t.do(out, d, base, &w, at)
		}
		if w.limit == 0 {
			return out
		}
		if at := w.at + read; at < w.end {
			out = t.again(out, base)
			leave := &out[len(out)-1]
			leave.Name, leave.Path = event.Engagement, p.path
			t.place(leave, &w, at)
			vitals(d, leave, seen.measured(d, leave, w.vitals), read)
			w.limit--
		}
		w.at += read + 200
		if w.limit == 0 || !d.chance(w.stay) || n > 14 || w.at >= w.end {
			return out
		}
		w.stay, w.page = 620, t.next(d, w.page)
	}
}

// do appends what is done on a page, if anything is.
func (t *Traffic) do(out []event.Event, d *dice, base int, w *walk, at int64) []event.Event {
	out = t.again(out, base)
	e := &out[len(out)-1]
	e.Path = t.pages[w.page].path
	if !t.deeds.deed(d, e, t.pages[w.page].role) {
		return out[:len(out)-1]
	}
	t.place(e, w, at)
	if e.Interactive {
		w.stay = 800
	}
	w.limit--
	return out
}

// again appends an event with the facts of a visit and nothing of its own.
func (t *Traffic) again(out []event.Event, base int) []event.Event {
	out = append(out, out[base])
	e := &out[len(out)-1]
	e.Measures, e.Props, e.Revenue, e.Currency = [event.MeasureCount]event.Measure{}, nil, 0, ""
	return out
}

// place puts an event at its time: the visitor is another one after midnight,
// as the salt is, while the visit goes on.
func (t *Traffic) place(e *event.Event, w *walk, at int64) {
	e.Time = at
	e.Visitor = nonZero(hash(t.seed, w.person, uint64(t.localDays.of(at))))
}

// next is the page a visitor goes to: products lead to the basket, and a link
// in a hundred is broken.
func (t *Traffic) next(d *dice, page int) int {
	x := int(d.next() >> 32 * 1000 >> 32) // in a thousand
	r := t.pages[page].role
	switch {
	case x < 10:
		return t.ways.missing + t.ways.broken.draw(d)
	case r == basket && x < 560:
		return t.ways.checkout
	case r == product && x < 310 && t.ways.basket >= 0:
		return t.ways.basket
	case r == homePage && x < 410 && t.ways.list >= 0:
		return t.ways.list
	}
	return t.zipf.draw(d)
}
