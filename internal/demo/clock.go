package demo

import (
	"math"
	"time"
)

const (
	hourMS      = int64(time.Hour / time.Millisecond)
	minuteMS    = int64(time.Minute / time.Millisecond)
	weekHours   = 7 * 24
	firstWeek   = 3 * 24 // hours from a Monday to 1 January 1970, a Thursday
	doublesIn   = 20     // weeks
	growsAtMost = 8
)

// week is what comes round every week: how busy each hour is, and where its
// visitors are.
type week struct {
	busy   [weekHours]float64 // from Monday 00:00 UTC; the mean is about 1
	places [weekHours]alias
}

func newWeek(list []place) *week {
	var w week
	var sum float64
	for _, p := range list {
		sum += p.weight
	}
	monday := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	weights := make([]uint64, len(list))
	for h := range weekHours {
		for i, p := range list {
			x := p.weight / sum * daylight(monday.Add(time.Duration(h)*time.Hour), p.offset)
			weights[i] = whole(x)
			w.busy[h] += x
		}
		w.places[h] = newAlias(weights)
	}
	return &w
}

// hourOfWeek of a Unix hour.
func hourOfWeek(hour int64) int { return int((hour + firstWeek) % weekHours) }

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

// rate is the visits to expect in a minute.
func (t *Traffic) rate(m time.Time) float64 {
	hour, minute := m.Unix()/3600, float64(m.Unix()/60%60)
	a, b := t.week.busy[hourOfWeek(hour)], t.week.busy[hourOfWeek(hour+1)]
	return t.o.PerDay / (24 * 60) * (a + (b-a)*minute/60) * t.growth(m) * (1 + t.o.Shop.launch(m))
}

func (t *Traffic) growth(m time.Time) float64 {
	return min(math.Exp2(m.Sub(t.o.Epoch).Hours()/24/7/doublesIn), growsAtMost)
}

// launch is the extra crowd on one day of a month, the third Tuesday for the
// first shop, from 15:00 UTC on, when something new is shown on Hacker News; it
// fades within two days.
func (s *Shop) launch(m time.Time) float64 {
	for back := range 3 {
		d := m.AddDate(0, 0, -back)
		if d.Weekday() != s.launchDay || (d.Day()-1)/7 != s.launchWeek {
			continue
		}
		start := time.Date(d.Year(), d.Month(), d.Day(), 15, 0, 0, 0, time.UTC)
		if since := m.Sub(start).Hours(); since >= 0 {
			return 9 * math.Exp(-since/7)
		}
	}
	return 0
}

// slow is by how much pages are slower, in thousandths: a release on the second
// Thursday of a month shipped an image without a size, and was mended on the
// Saturday.
func slow(m time.Time) int64 {
	for back := range 3 {
		d := m.AddDate(0, 0, -back)
		if d.Weekday() == time.Thursday && d.Day() >= 8 && d.Day() <= 14 {
			if back < 2 || m.Hour() < 9 {
				return 2100
			}
		}
	}
	return 1000
}

// hour is what one hour has of its own.
type hour struct {
	number int64 // Unix
	at     time.Time
	launch int   // how many visits in a thousand are the launch's
	slow   int64 // thousandths
	places alias
	letter bool // the newsletter's day
	season string
	looks  fashion
}

func (t *Traffic) hour(number int64) hour {
	at := time.Unix(number*3600, 0).UTC()
	crowd := t.o.Shop.launch(at.Add(30 * time.Minute))
	return hour{
		number: number, at: at,
		launch: int(math.Round(1000 * crowd / (1 + crowd))),
		slow:   slow(at),
		places: t.week.places[hourOfWeek(number)],
		letter: at.Weekday() == time.Wednesday,
		season: seasons[at.Month()-1],
		looks:  t.fashions.at(at),
	}
}

// localDays tells the local dates of moments, as days since 1970. Clocks change
// and dates begin at quarters of an hour only, so a quarter is asked about once.
type localDays struct {
	zone *time.Location
	kept [64]struct{ quarter, day int64 }
}

func (l *localDays) of(ms int64) int64 {
	quarter := ms / (15 * minuteMS)
	k := &l.kept[quarter&63]
	if k.quarter != quarter {
		y, m, d := time.UnixMilli(ms).In(l.zone).Date()
		k.quarter, k.day = quarter, time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/86400
	}
	return k.day
}
