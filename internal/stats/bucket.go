package stats

import "time"

// bucket is one interval of a series, cut to the span. A bucket's number is its
// place in the slice.
type bucket struct {
	from, to time.Time
	cut      bool // shorter than the interval it belongs to, by the span's edge
}

// buckets cuts the span into intervals in the span's zone. Where the clock
// changes inside an hour, the hour before the change and the hour after are
// two buckets: both 01:00s when it is set back, and half hours on Lord Howe.
func (s Span) buckets(i Interval) []bucket {
	var bs []bucket
	for at := s.From; at.Before(s.To); {
		start, next := i.around(at)
		b := bucket{from: at, to: next, cut: start.Before(at)}
		if next.After(s.To) {
			b.to, b.cut = s.To, true
		}
		bs = append(bs, b)
		at = b.to
	}
	return bs
}

// point is a bucket of s, without numbers yet.
func (s Span) point(b bucket) Point {
	p := Point{From: b.from, To: b.to, Future: b.from.After(s.Until)}
	p.Partial = b.cut || s.Until.Before(b.to) && !p.Future
	return p
}

// around is the interval that t lies in.
func (i Interval) around(t time.Time) (from, to time.Time) {
	loc := t.Location()
	y, m, d := t.Date()
	switch i {
	case Minute:
		return within(t, time.Minute)
	case Hour:
		return within(t, time.Hour)
	case Week:
		d -= (int(t.Weekday()) + 6) % 7
		return startOfDay(y, m, d, loc), startOfDay(y, m, d+7, loc)
	case Month:
		return startOfDay(y, m, 1, loc), startOfDay(y, m+1, 1, loc)
	}
	return startOfDay(y, m, d, loc), startOfDay(y, m, d+1, loc)
}

// within is the minute or hour on the local clock's face that t lies in, cut
// where the clock changes.
func within(t time.Time, width time.Duration) (from, to time.Time) {
	_, offset := t.Zone()
	local := t.Unix() + int64(offset)
	into := time.Duration(mod(local, int64(width/time.Second)))*time.Second + time.Duration(t.Nanosecond())
	from, to = t.Add(-into), t.Add(width-into)
	began, ends := t.ZoneBounds()
	if from.Before(began) && changes(began) {
		from = began
	}
	if !ends.IsZero() && to.After(ends) && changes(ends) {
		to = ends
	}
	return from, to
}

// changes says that the clock is moved at t, and not only renamed.
func changes(t time.Time) bool {
	_, after := t.Zone()
	_, before := t.Add(-time.Nanosecond).Zone()
	return before != after
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

func minuteStart(t time.Time) time.Time {
	from, _ := within(t, time.Minute)
	return from
}

// lastHours is the span of the n hours on the clock's face that end with the
// one now lies in.
func lastHours(now time.Time, n int) (to, from time.Time) {
	from, to = within(now, time.Hour)
	return to, from.Add(-time.Duration(n-1) * time.Hour)
}

// run is a stretch of buckets of one width, so that a bucket's number is one
// division: SQL needs no time zones, and both dialects count alike.
type run struct {
	from  time.Time
	width time.Duration
	first int // number of its first bucket
}

// runs folds buckets into as few runs as there are changes of width: two or
// three for a week of hours, one for a year of days without a change of the
// clock, up to one a bucket for months.
func runs(bs []bucket) []run {
	var rs []run
	for i, b := range bs {
		w := b.to.Sub(b.from)
		if n := len(rs); n > 0 && rs[n-1].width == w {
			continue
		}
		rs = append(rs, run{from: b.from, width: w, first: i})
	}
	return rs
}
