// Package demo makes traffic that looks like a real site's: a coffee
// roaster's shop and journal, read from Seoul to San Francisco.
//
// The same minute always gives the same visits (each minute seeds its own
// generator), so a period can be made in any order, in pieces, and topped up
// later, and two machines agree on it. A window asks for the events whose time
// lies in it; visits that began earlier and reach into it are found by looking
// longestVisit back.
package demo

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"moonbear/internal/event"
)

// Domain is the demo site's domain and only hostname.
const Domain = "hallacoffee.example"

// longestVisit bounds how long after its first event a visit goes on.
const longestVisit = 45 * time.Minute

// Options say whose traffic, and how much.
type Options struct {
	Site int64
	// PerDay is the visits of an ordinary weekday; weekends, growth, launches
	// and the hour of the day vary it.
	PerDay float64
	// Epoch is where growth starts; visits double in about 20 weeks from it.
	Epoch time.Time
}

// Traffic makes a site's traffic.
type Traffic struct {
	o     Options
	paths zipf
}

// New returns the traffic of a site.
func New(o Options) *Traffic {
	return &Traffic{o: o, paths: newZipf(len(pages), 1.05)}
}

// Window returns the events with from <= time < to in order of time, and the
// drops of those minutes. Both ends are taken at whole minutes.
func (t *Traffic) Window(from, to time.Time) ([]event.Event, []event.Drop) {
	from, to = from.UTC().Truncate(time.Minute), to.UTC().Truncate(time.Minute)
	lo, hi := from.UnixMilli(), to.UnixMilli()
	var events []event.Event
	var drops []event.Drop
	for m := from.Add(-longestVisit); m.Before(to); m = m.Add(time.Minute) {
		r := t.random(m)
		for range poisson(r, t.rate(m)) {
			for _, e := range t.visit(r, m) {
				if e.Time >= lo && e.Time < hi {
					events = append(events, e)
				}
			}
		}
		if !m.Before(from) {
			drops = t.drops(drops, r, m)
		}
	}
	slices.SortStableFunc(events, func(a, b event.Event) int { return int(a.Time - b.Time) })
	return events, drops
}

// random is the minute's own generator.
func (t *Traffic) random(m time.Time) *rand.Rand {
	h := fnv.New64a()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(t.o.Site))
	binary.LittleEndian.PutUint64(b[8:], uint64(m.Unix()/60))
	h.Write(b[:])
	return rand.New(rand.NewPCG(h.Sum64(), uint64(m.Unix()/60)))
}

// rate is the visits to expect in a minute.
func (t *Traffic) rate(m time.Time) float64 {
	perMinute := t.o.PerDay / (24 * 60)
	var world float64
	for _, p := range places {
		world += p.weight * daylight(m, p.offset)
	}
	growth := math.Exp2(m.Sub(t.o.Epoch).Hours() / 24 / 7 / 20)
	return perMinute * world * math.Min(growth, 8) * (1 + launch(m))
}

// daylight is how busy an hour is for people offset hours from UTC: quiet at
// night, a hill over the day, higher in the evening, lower at weekends. Its
// mean over a week is about 1.
func daylight(m time.Time, offset float64) float64 {
	local := m.Add(time.Duration(offset * float64(time.Hour)))
	h := float64(local.Hour()) + float64(local.Minute())/60
	busy := 0.12 + 1.35*bell(h, 11, 3.2) + 1.5*bell(h, 20.5, 2.6)
	if d := local.Weekday(); d == time.Saturday || d == time.Sunday {
		busy *= 0.74
	}
	return busy * 1.15
}

func bell(x, mid, width float64) float64 {
	return math.Exp(-(x - mid) * (x - mid) / (2 * width * width))
}

// launch is the extra crowd on the third Tuesday of a month, from 15:00 UTC on,
// when a new roast is shown on Hacker News; it fades within two days.
func launch(m time.Time) float64 {
	for back := range 3 {
		d := m.AddDate(0, 0, -back)
		if d.Weekday() != time.Tuesday || d.Day() < 15 || d.Day() > 21 {
			continue
		}
		start := time.Date(d.Year(), d.Month(), d.Day(), 15, 0, 0, 0, time.UTC)
		if since := m.Sub(start).Hours(); since >= 0 {
			return 9 * math.Exp(-since/7)
		}
	}
	return 0
}

// slow is by how much pages are slower: a release on the second Thursday of a
// month shipped an image without a size, and was mended on the Saturday.
func slow(m time.Time) float64 {
	for back := range 3 {
		d := m.AddDate(0, 0, -back)
		if d.Weekday() == time.Thursday && d.Day() >= 8 && d.Day() <= 14 {
			if back < 2 || m.Hour() < 9 {
				return 2.1
			}
		}
	}
	return 1
}

// drops are what was not counted in a minute: bots by name, and a copy of the
// site under another hostname.
func (t *Traffic) drops(out []event.Drop, r *rand.Rand, m time.Time) []event.Drop {
	for _, b := range bots {
		if n := poisson(r, b.perDay/(24*60)*t.o.PerDay/1000); n > 0 {
			out = append(out, event.Drop{Site: t.o.Site, Time: m.UnixMilli(), Reason: b.reason, Detail: b.name, Count: int64(n)})
		}
	}
	return out
}

// zipf draws ranks with weight 1/(rank+1)^s.
type zipf struct{ cumulative []float64 }

func newZipf(n int, s float64) zipf {
	z := zipf{cumulative: make([]float64, n)}
	var sum float64
	for i := range n {
		sum += 1 / math.Pow(float64(i+1), s)
		z.cumulative[i] = sum
	}
	return z
}

func (z zipf) draw(r *rand.Rand) int {
	x := r.Float64() * z.cumulative[len(z.cumulative)-1]
	i, _ := slices.BinarySearch(z.cumulative, x)
	return min(i, len(z.cumulative)-1)
}

// poisson draws a count with mean l (Knuth's method; l is small here, large
// ones are split so that exp(-l) stays well above zero).
func poisson(r *rand.Rand, l float64) int {
	n := 0
	for ; l > 30; l -= 30 {
		n += poisson(r, 30)
	}
	limit, p := math.Exp(-l), r.Float64()
	for p > limit {
		n++
		p *= r.Float64()
	}
	return n
}

// logNormal draws a positive time whose median is given, in milliseconds.
func logNormal(r *rand.Rand, median, sigma float64) int64 {
	return int64(median * math.Exp(sigma*r.NormFloat64()))
}

// pick draws from a weighted list.
func pick[T any](r *rand.Rand, list []T, weight func(T) float64) T {
	var sum float64
	for _, x := range list {
		sum += weight(x)
	}
	at := r.Float64() * sum
	for _, x := range list {
		if at -= weight(x); at < 0 {
			return x
		}
	}
	return list[len(list)-1]
}
