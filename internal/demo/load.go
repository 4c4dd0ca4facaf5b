package demo

import (
	"math"
	"math/rand/v2"
	"time"

	"moonbear/internal/event"
)

// drawn is how a page was seen to come, in ms; CLS in ten thousandths. What a
// browser doesn't measure is -1.
type drawn struct{ ttfb, fcp, lcp, inp, cls int64 }

// timings are the phases of a page's load, in their order: the network's by
// place and device, the server's and the drawing's by page. A later page of a
// visit comes over the connection of the first.
func timings(r *rand.Rand, e *event.Event, m time.Time, first bool) drawn {
	network, machine := speedOf(e)
	page := cost{1, 1}
	if c, ok := costs[e.Path]; ok {
		page = c
	}
	page.draw *= slow(m)
	ms := func(median, spread float64) int64 { return logNormal(r, median, spread) }
	dns, tcp, tls := ms(14*network, 0.7), ms(24*network, 0.4), ms(22*network, 0.4)
	wait, down := ms(70*network+90*page.server, 0.5), ms(26*network*page.draw, 0.6)
	render, after := ms(430*machine*page.draw, 0.5), ms(12*machine, 0.5)
	paint, largest, answer := ms(260*machine, 0.4), ms(330*machine*page.draw+60*network, 0.6), ms(58*machine, 0.75)
	if !first {
		dns, tcp, tls = 0, 0, 0
	}
	begin := dns + tcp + tls + wait
	set(e, event.DNS, dns)
	set(e, event.Connect, tcp+tls)
	set(e, event.TLS, tls)
	set(e, event.TTFBTiming, wait)
	set(e, event.DownloadTiming, down)
	set(e, event.DOMContentLoaded, begin+down+render*6/10)
	set(e, event.Render, render)
	set(e, event.PageLoad, begin+down+render+after)
	set(e, event.TransferSize, logNormal(r, 48_000*page.draw, 0.4))
	d := drawn{ttfb: begin, fcp: begin + paint, lcp: begin + paint + largest, inp: answer}
	d.cls = int64(math.Min(9000, 150*page.draw*page.draw*math.Exp(r.NormFloat64())))
	if r.Float64() > 0.7 {
		d.inp = -1 // nothing was pressed
	}
	return measured(e, d)
}

// measured leaves out what a browser can't measure: only Chrome and its kin
// know of shifts, and Safari before 26.2 of none but the first paint.
func measured(e *event.Event, d drawn) drawn {
	switch {
	case e.OS == "iOS" || e.OS == "iPadOS" || e.Browser == "Safari":
		d.lcp, d.inp, d.cls = -1, -1, -1
	case e.Browser == "Firefox":
		d.cls = -1
	}
	return d
}

// vitals are what the page says of itself when it is left.
func vitals(r *rand.Rand, e *event.Event, d drawn, read int64) {
	set(e, event.TTFB, d.ttfb)
	set(e, event.FCP, d.fcp)
	set(e, event.LCP, d.lcp)
	set(e, event.INP, d.inp)
	set(e, event.CLS, d.cls)
	set(e, event.EngagementTime, read*9/10)
	set(e, event.ScrollDepth, int64(math.Min(100, 25+float64(read)/900+20*r.Float64())))
}

// set stores a measurement; below 0 there is none.
func set(e *event.Event, i int, v int64) { e.Measures[i] = event.Measured(v) }

// speedOf is how slow a visitor's network and machine are, 1 being a desktop
// close to the server.
func speedOf(e *event.Event) (network, machine float64) {
	network, machine = 1, 1
	for _, p := range places {
		if p.city == e.City {
			network = p.slow
		}
	}
	if e.Device == event.DeviceMobile {
		// Where networks are slow, phones are older too.
		return network * 1.4, 1.5 * math.Sqrt(network)
	}
	return network, machine
}
