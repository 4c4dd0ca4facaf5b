package demo

import (
	"math/bits"
	"sort"
	"time"

	"moonbear/internal/event"
)

// EventsPerVisit is about how many events a visit has: pageviews, what is done
// on them, and the engagement of each.
const EventsPerVisit = 5

// blockEvents is about how many events a block has. Its last visit is cut where
// the block has all it should have, so that the sum is exact; in a block of this
// size that is one visit of a hundred, and it lacks its end.
const blockEvents = 500

// Fill makes exactly so many events of a site within a period. The period is
// cut into blocks of whole minutes, each with its share of the events by how
// busy its hours are. A block holds the visits that begin in it, so that each
// can be made alone and a filling that was stopped goes on at the next.
type Fill struct {
	t      *Traffic
	events int64
	start  int64    // Unix minute
	end    int64    // Unix minute, not in it
	block  int64    // minutes
	weight []uint64 // of all hours before the n-th
	at     int64    // Unix minute of the next block
}

// Fill begins to make so many events from one minute up to another. Options'
// PerDay should be about what they are spread over (the function PerDay), and Epoch from.
func (t *Traffic) Fill(events int64, from, to time.Time) *Fill {
	f := &Fill{t: t, events: events, start: from.Unix() / 60, end: to.Unix() / 60}
	f.at = f.start
	f.block = blockMinutes(events, f.end-f.start)
	var sum uint64
	for m := from.UTC(); m.Unix()/60 < f.end; m = m.Add(time.Hour) {
		f.weight = append(f.weight, sum)
		busy := t.week.busy[hourOfWeek(m.Unix()/3600)]
		sum += whole(busy * t.growth(m) * (1 + t.o.Shop.launch(m.Add(30*time.Minute))))
	}
	f.weight = append(f.weight, sum)
	return f
}

// PerDay is the visits a day that make so many events in a period.
func PerDay(events int64, period time.Duration) float64 {
	return float64(events) / EventsPerVisit / period.Hours() * 24
}

// blockMinutes is the shortest block that has about blockEvents on average.
func blockMinutes(events, minutes int64) int64 {
	for _, m := range []int64{1, 5, 15, 60, 360} {
		if events*m >= blockEvents*minutes {
			return m
		}
	}
	const day = 24 * 60
	if events == 0 {
		return day
	}
	return min((blockEvents*minutes/events+day-1)/day*day, (minutes+day-1)/day*day)
}

// before is the weight of everything from the start to a minute. Within an hour
// all minutes weigh the same.
func (f *Fill) before(minute int64) uint64 {
	n := min(minute, f.end) - f.start
	h := n / 60
	if h >= int64(len(f.weight))-1 {
		return f.weight[len(f.weight)-1]
	}
	return f.weight[h] + (f.weight[h+1]-f.weight[h])*uint64(n%60)/60
}

// Stored is how many events come before the next block.
func (f *Fill) Stored() int64 { return f.until(f.at) }

// until is how many events there are before a minute.
func (f *Fill) until(minute int64) int64 {
	return part(f.events, f.before(minute), f.weight[len(f.weight)-1])
}

// part is n * of / whole, rounded down, without overflow.
func part(n int64, of, whole uint64) int64 {
	hi, lo := bits.Mul64(uint64(n), of)
	q, _ := bits.Div64(hi, lo, whole)
	return int64(q)
}

// Resume goes on at a position: what a batch's To was.
func (f *Fill) Resume(minute int64) {
	if minute > f.start {
		f.at = min(minute, f.end)
	}
}

// More says whether there is another block.
func (f *Fill) More() bool { return f.at < f.end }

// Next appends blocks to a batch until it has at least so many events, or there
// are no more, and sets its positions. Events come by visit, not by time.
func (f *Fill) Next(b *event.Batch, atLeast int) {
	b.From = f.at
	for f.at < f.end && len(b.Events) < atLeast {
		to := min(f.at+f.block, f.end)
		b.Events = f.visits(b.Events, f.at, to)
		b.Drops = f.t.drops(b.Drops, f.at, to)
		f.at = to
	}
	b.To = f.at
}

// visits appends those of one block.
func (f *Fill) visits(out []event.Event, from, to int64) []event.Event {
	lo, hi := f.before(from), f.before(to)
	left := int(f.until(to) - f.until(from))
	d := dice{hash(f.t.seed, 4, uint64(from))}
	for left > 0 {
		n := len(out)
		out = f.t.visit(out, &d, f.moment(&d, lo, hi), left, f.end*minuteMS)
		left -= len(out) - n
	}
	return out
}

// moment draws when a visit begins, ms: more often when it is busy.
func (f *Fill) moment(d *dice, lo, hi uint64) int64 {
	x, _ := bits.Mul64(d.next(), hi-lo)
	x += lo
	h := sort.Search(len(f.weight)-1, func(i int) bool { return f.weight[i+1] > x })
	within := (x - f.weight[h]) * uint64(hourMS) / (f.weight[h+1] - f.weight[h])
	return (f.start*60+int64(h)*3600)*1000 + int64(within)
}
