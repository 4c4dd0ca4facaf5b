package main

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"moonbear/bench/figures"
)

// The chart is six small ones, three beside each other. Its colours are middle
// ones, so that it can be read on white and on black.
const (
	boxWidth, boxHeight   = 300, 190
	plotLeft, plotTop     = 16, 46
	plotWidth, plotHeight = 250, 104
	ink, soft             = "#7a828c", "#7a828c55"
	blue, red             = "#3b82d6", "#d1605e"
)

// curve is one measure at every size.
type curve struct {
	title  string
	points []point
	write  func(float64) string
}

// point is one size's; floor 0 is none.
type point struct{ events, value, floor float64 }

// curves are what is drawn. The size of one site alone isn't: it is another
// question.
func curves(all []*figures.Size) []curve {
	of := func(title string, write func(float64) string, value, floor func(*figures.Size) float64) curve {
		c := curve{title: title, write: write}
		for _, f := range all {
			if f.Sites > 1 {
				c.points = append(c.points, point{float64(f.Events), value(f), floor(f)})
			}
		}
		return c
	}
	always := func(v float64) func(*figures.Size) float64 { return func(*figures.Size) float64 { return v } }
	at := func(limits map[int64]float64) func(*figures.Size) float64 {
		return func(f *figures.Size) float64 { return limits[figures.Round(f.Events)] }
	}
	const m = 1_000_000
	return []curve{
		of("Slowest panel, big site, p95", figures.Millis, func(f *figures.Size) float64 { return f.Big.Worst().P95 }, at(map[int64]float64{10 * m: 300, 50 * m: 1000})),
		of("Slowest panel, small site, p95", figures.Millis, func(f *figures.Size) float64 { return f.Small.Worst().P95 }, at(map[int64]float64{10 * m: 50, 50 * m: 50})),
		of("Whole dashboard, cold", figures.Millis, func(f *figures.Size) float64 { return slices.Max(f.Cold) }, at(map[int64]float64{10 * m: 1500})),
		of("Disk, bytes an event", func(v float64) string { return fmt.Sprintf("%.1f", v) }, func(f *figures.Size) float64 { return f.Bytes }, always(52)),
		of("Loading, events a second", figures.PerSecond, func(f *figures.Size) float64 { return f.LoadPerSecond }, always(50_000)),
		of("Resident when idle", figures.Mebibytes, func(f *figures.Size) float64 { return float64(f.Idle) }, always(200<<20)),
	}
}

// chart draws how cost grows with events.
func chart(all []*figures.Size) string {
	cs := curves(all)
	const across = 3
	width, height := across*boxWidth, (len(cs)+across-1)/across*boxHeight+24
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="12" fill="%s">`+"\n", width, height, width, height, ink)
	b.WriteString("<title>How cost grows with the number of events</title>\n")
	for i, c := range cs {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%across*boxWidth, i/across*boxHeight)
		c.draw(&b)
		b.WriteString("</g>\n")
	}
	fmt.Fprintf(&b, `<g transform="translate(%d %d)"><path d="M0 -4H22" stroke="%s" stroke-width="2" stroke-dasharray="3 3"/><text x="30">what is promised, where something is; the number of events is on a logarithmic axis, everything else begins at 0</text></g>`+"\n", plotLeft, height-8, red)
	b.WriteString("</svg>\n")
	return b.String()
}

func (c curve) draw(b *strings.Builder) {
	fmt.Fprintf(b, `<text x="%d" y="22" font-size="13" font-weight="600">%s</text>`+"\n", plotLeft, html.EscapeString(c.title))
	fmt.Fprintf(b, `<path d="M%d %dH%d" stroke="%s"/>`+"\n", plotLeft, plotTop+plotHeight, plotLeft+plotWidth, soft)
	if len(c.points) == 0 {
		return
	}
	top := 0.0
	for _, p := range c.points {
		top = max(top, 1.15*p.value, p.floor) // room for a number above its point
	}
	first, last := c.points[0].events, c.points[len(c.points)-1].events
	x := func(events float64) float64 {
		if first == last {
			return plotLeft + plotWidth/2
		}
		const inset = 24 // room for the labels at both ends
		return plotLeft + inset + (plotWidth-2*inset)*math.Log(events/first)/math.Log(last/first)
	}
	y := func(v float64) float64 { return plotTop + plotHeight*(1-v/cmp.Or(top, 1)) }
	var line []string
	for _, p := range c.points {
		if p.floor != 0 {
			fmt.Fprintf(b, `<path d="M%.1f %.1fH%.1f" stroke="%s" stroke-width="2" stroke-dasharray="3 3"/>`+"\n", x(p.events)-22, y(p.floor), x(p.events)+22, red)
		}
		line = append(line, fmt.Sprintf("%.1f %.1f", x(p.events), y(p.value)))
	}
	fmt.Fprintf(b, `<path d="M%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round"/>`+"\n", strings.Join(line, "L"), blue)
	for i, p := range c.points {
		at, anchor := y(p.value)-9, "middle"
		if p.floor != 0 && at-14 < y(p.floor) && at+6 > y(p.floor) {
			at = min(y(p.floor)-7, at) // above the dash that would cross it
		}
		if i+1 < len(c.points) && y(p.value)-y(c.points[i+1].value) > 20 {
			anchor = "end" // the line rises through the place above
		}
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/><text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n",
			x(p.events), y(p.value), blue, x(p.events)+shift[anchor], at, anchor, html.EscapeString(c.write(p.value)))
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle" font-size="11">%s M</text>`+"\n", x(p.events), plotTop+plotHeight+17, figures.Millions(figures.Round(int64(p.events))))
	}
}

// shift is how far from its point a number ends, by its anchor.
var shift = map[string]float64{"end": 8}
