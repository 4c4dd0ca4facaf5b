package demo

import (
	"moonbear/internal/event"
)

// drawn is how a page was seen to come, in ms; CLS in ten thousandths. What a
// browser doesn't measure is -1.
type drawn struct{ ttfb, fcp, lcp, inp, cls int64 }

// spreads are how far times lie around their medians.
var (
	tight  = newSpread(0.4)
	usual  = newSpread(0.5)
	wide   = newSpread(0.6)
	wider  = newSpread(0.7)
	stays  = newSpread(0.9)
	shifts = newSpread(1)
)

// speed is how slow a visitor's network and machine are, in thousandths, 1,000
// being a desktop close to the server.
type speed struct{ network, machine int64 }

func speedOf(p *place, m *machine) speed {
	if m.device != event.DeviceMobile {
		return speed{p.slow, 1000}
	}
	// Where networks are slow, phones are older too.
	return speed{p.slow * 14 / 10, 15 * root(p.slow*1000) / 10}
}

// root is the whole square root.
func root(n int64) int64 {
	x := n
	for y := (x + 1) / 2; y < x; y = (x + n/x) / 2 {
		x = y
	}
	return x
}

// timings are the phases of a page's load, in their order: the network's by
// place and device, the server's and the drawing's by page. A later page of a
// visit comes over the connection of the first. slow is the release's.
func timings(d *dice, e *event.Event, s speed, p *page, slow int64, first bool) drawn {
	net, mach := s.network, s.machine
	draw := p.draw * slow / 1000
	a, b := d.next(), d.next()
	var dns, connect, tls int64
	if first {
		c := d.next()
		dns = wider.of(14*net, c) / 1000
		tls = tight.of(22*net, c>>12) / 1000
		connect = tight.of(24*net, c>>24)/1000 + tls
	}
	wait := usual.of(70*net+90*p.server, a) / 1000
	down := wide.of(26*net*draw/1000, a>>12) / 1000
	render := usual.of(430*mach*draw/1000, a>>24) / 1000
	after := usual.of(12*mach, a>>36) / 1000
	begin := dns + connect + wait
	m := &e.Measures
	m[event.DNS] = event.Measured(dns)
	m[event.Connect] = event.Measured(connect)
	m[event.TLS] = event.Measured(tls)
	m[event.TTFBTiming] = event.Measured(wait)
	m[event.DownloadTiming] = event.Measured(down)
	m[event.DOMContentLoaded] = event.Measured(begin + down + render*6/10)
	m[event.Render] = event.Measured(render)
	m[event.PageLoad] = event.Measured(begin + down + render + after)
	m[event.TransferSize] = event.Measured(tight.of(48*draw, a>>48))
	fcp := begin + tight.of(260*mach, b)/1000
	return drawn{
		ttfb: begin, fcp: fcp,
		lcp: fcp + wide.of(330*mach*draw/1000+60*net, b>>12)/1000,
		inp: wider.of(58*mach, b>>24) / 1000,
		cls: min(9000, shifts.of(150*draw*draw/1_000_000, b>>36)),
	}
}

// measured leaves out what a browser can't measure: only Chrome and its kin
// know of shifts, and Safari before 26.2 of none but the first paint. An answer
// is measured where something was pressed.
func (s drawn) measured(d *dice, e *event.Event, vitals bool) drawn {
	if !vitals {
		s.lcp, s.inp = -1, -1
	}
	if e.OS == "iOS" || e.OS == "iPadOS" || e.Browser == "Safari" || e.Browser == "Firefox" {
		s.cls = -1
	}
	if d.chance(300) {
		s.inp = -1
	}
	return s
}

// vitals are what the page says of itself when it is left.
func vitals(d *dice, e *event.Event, s drawn, read int64) {
	m := &e.Measures
	m[event.TTFB] = event.Measured(s.ttfb)
	m[event.FCP] = event.Measured(s.fcp)
	m[event.LCP] = event.Measured(s.lcp)
	m[event.INP] = event.Measured(s.inp)
	m[event.CLS] = event.Measured(s.cls)
	m[event.EngagementTime] = event.Measured(read * 9 / 10)
	m[event.ScrollDepth] = event.Measured(min(100, 25+read/900+int64(d.below(20))))
}
