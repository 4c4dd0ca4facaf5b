package stats

import (
	"slices"
	"time"
)

// Period is the span asked about: a name ("7d") or two dates. The zero Period
// is the default, the last hour.
type Period struct {
	Name string // one of PeriodNames; "" when dates are given
	From Date   // first day; zero when a name is given
	To   Date   // last day, inclusive
}

// Date is a calendar day, in whatever zone the query is in.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads "2026-11-22".
func ParseDate(s string) (Date, bool) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1970 {
		return Date{}, false
	}
	return dateOf(t), true
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

func (d Date) String() string { return d.in(time.UTC).Format(time.DateOnly) }

// in is the first instant of the day in loc. Where the clock jumps over
// midnight that is the first instant after it.
func (d Date) in(loc *time.Location) time.Time { return startOfDay(d.Year, d.Month, d.Day, loc) }

func (d Date) add(days int) Date {
	return dateOf(time.Date(d.Year, d.Month, d.Day+days, 0, 0, 0, 0, time.UTC))
}

// days from d to e; negative when e is earlier.
func (d Date) days(e Date) int { return int(e.in(time.UTC).Sub(d.in(time.UTC)) / (24 * time.Hour)) }

// startOfDay is the first instant of a local day. time.Date gives the wrong
// one where midnight doesn't exist (São Paulo's summer time began at 00:00:
// time.Date answers 23:00 of the day before) and where it comes twice.
func startOfDay(y int, m time.Month, d int, loc *time.Location) time.Time {
	want := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	t := time.Date(y, m, d, 0, 0, 0, 0, loc)
	if t.Day() == want.Day() && t.Add(-time.Second).Day() != want.Day() {
		return t
	}
	before := func(t time.Time) bool {
		ty, tm, td := t.Date()
		return time.Date(ty, tm, td, 0, 0, 0, 0, time.UTC).Before(want)
	}
	// The start lies at the answer or at a change of the clock near it.
	lo, hi := t.Add(-26*time.Hour), t.Add(26*time.Hour)
	for lo.Add(time.Second).Before(hi) {
		mid := lo.Add(hi.Sub(lo) / 2).Truncate(time.Second)
		if before(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi.Truncate(time.Second)
}

// Interval is the width of a bucket in a series.
type Interval string

// The intervals. Weeks begin on Monday.
const (
	Minute Interval = "minute"
	Hour   Interval = "hour"
	Day    Interval = "day"
	Week   Interval = "week"
	Month  Interval = "month"
)

// periods is the table of named periods; the first interval of each is its default.
var periods = []struct {
	name      string
	intervals []Interval
}{
	{"30m", []Interval{Minute}},
	{"1h", []Interval{Minute}},
	{"24h", []Interval{Hour}},
	{"today", []Interval{Hour}},
	{"7d", []Interval{Day, Hour}},
	{"4w", []Interval{Day, Week}},
	{"3m", []Interval{Day, Week, Month}},
	{"12m", []Interval{Month, Week, Day}},
	{"24m", []Interval{Month, Week, Day}},
	{"mtd", []Interval{Day, Week, Month}},
	{"ytd", []Interval{Month, Week, Day}},
}

// DefaultPeriod is meant when none is named.
const DefaultPeriod = "1h"

// maxDays bounds a period given by dates: ten years.
const maxDays = 3660

// PeriodNames lists the named periods, shortest first.
func PeriodNames() []string {
	names := make([]string, len(periods))
	for i, p := range periods {
		names[i] = p.name
	}
	return names
}

func (p Period) name() string {
	if p.Name == "" && p.From == (Date{}) {
		return DefaultPeriod
	}
	return p.Name
}

// Intervals lists the intervals a series over p may have, the default first.
func (p Period) Intervals() []Interval {
	if n := p.name(); n != "" {
		for _, d := range periods {
			if d.name == n {
				return slices.Clone(d.intervals)
			}
		}
		return nil
	}
	switch days := p.From.days(p.To) + 1; {
	case days == 1:
		return []Interval{Hour, Day, Week, Month}
	case days <= 7:
		return []Interval{Day, Hour, Week, Month}
	case days <= 92:
		return []Interval{Day, Week, Month}
	case days <= 366:
		return []Interval{Week, Day, Month}
	}
	return []Interval{Month, Week, Day}
}

// Interval is the default one for p.
func (p Period) Interval() Interval {
	if is := p.Intervals(); len(is) > 0 {
		return is[0]
	}
	return Day
}

// Allows says whether a series over p may have interval i.
func (p Period) Allows(i Interval) bool { return slices.Contains(p.Intervals(), i) }

// Span is a period at a certain moment: the instants From <= t < To, in the
// query's zone. Until is where knowledge ends: now, when that is before To, and
// in a comparison the same moment of the earlier period, so that half a day is
// compared with half a day.
type Span struct {
	From, To, Until time.Time
}

// known is s up to where knowledge ends.
func (s Span) known() Span { return Span{From: s.From, To: s.Until, Until: s.Until} }

// shift moves an instant back to where the period before had it.
type shift func(time.Time) time.Time

// span is p at now, in loc, and how to reach the period before.
func (p Period) span(now time.Time, loc *time.Location) (Span, shift) {
	now = now.In(loc)
	today := dateOf(now)
	s := Span{To: today.add(1).in(loc)}
	var back shift
	switch n := p.name(); n {
	case "30m", "1h":
		width := map[string]time.Duration{"30m": 30 * time.Minute, "1h": time.Hour}[n]
		s.To = minuteStart(now).Add(time.Minute)
		s.From = s.To.Add(-width)
		back = func(t time.Time) time.Time { return t.Add(-width) }
	case "24h":
		s.To, s.From = lastHours(now, 24)
		back = func(t time.Time) time.Time { return t.Add(-24 * time.Hour) }
	case "today":
		s.From, back = today.in(loc), daysBack(1)
	case "7d":
		s.From, back = today.add(-6).in(loc), daysBack(7)
	case "4w":
		s.From, back = today.add(-27).in(loc), daysBack(28)
	case "3m", "12m", "24m", "mtd":
		months := map[string]int{"3m": 3, "12m": 12, "24m": 24, "mtd": 1}[n]
		s.From, back = startOfDay(today.Year, today.Month-time.Month(months-1), 1, loc), monthsBack(months)
	case "ytd":
		s.From, back = startOfDay(today.Year, time.January, 1, loc), monthsBack(12)
	default:
		s.From = p.From.in(loc)
		if p.To.days(today) > 0 {
			s.To = p.To.add(1).in(loc)
		}
		if s.From.After(s.To) {
			s.From = s.To // all in the future: an empty span
		}
		back = daysBack(p.From.days(p.To) + 1)
	}
	s.Until = s.To
	if now.Before(s.To) {
		s.Until = now
	}
	return s, back
}

// previous is the span s is compared with.
func (s Span) previous(c Comparison, back shift) Span {
	if c == PreviousYear {
		back = monthsBack(12)
	}
	p := Span{From: back(s.From), To: back(s.To), Until: back(s.Until)}
	if c == PreviousPeriod && p.To.After(s.From) {
		p.To = s.From
	}
	if p.Until.After(p.To) {
		p.Until = p.To
	}
	return p
}

// daysBack keeps the clock's face: 15:20 stays 15:20 across a change of the
// clock, and midnight stays the first instant of its day.
func daysBack(n int) shift {
	return func(t time.Time) time.Time { return sameClock(t, dateOf(t).add(-n)) }
}

// monthsBack keeps the day and the clock's face. A day the month doesn't have
// (30 February) becomes the end of that month, which is the start of the next.
func monthsBack(n int) shift {
	return func(t time.Time) time.Time {
		first := dateOf(time.Date(t.Year(), t.Month()-time.Month(n), 1, 0, 0, 0, 0, time.UTC))
		d := first.add(t.Day() - 1)
		if d.Month != first.Month {
			return Date{d.Year, d.Month, 1}.in(t.Location())
		}
		return sameClock(t, d)
	}
}

func sameClock(t time.Time, d Date) time.Time {
	if t.Equal(dateOf(t).in(t.Location())) {
		return d.in(t.Location())
	}
	h, m, s := t.Clock()
	return time.Date(d.Year, d.Month, d.Day, h, m, s, t.Nanosecond(), t.Location())
}
