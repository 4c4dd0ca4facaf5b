package html

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Unit is what a number counts in; it decides how the number is written.
type Unit int

// The units.
const (
	Count        Unit = iota
	Ratio             // 2.6, one decimal
	Percent           // 0 to 100
	Seconds           // 2m 31s
	Milliseconds      // 240 ms, 1.8 s
	Score             // 0.104, without a unit
	Money             // in a currency, which is said beside it: Text.Money
)

// Dash is written where there is nothing to divide or nothing was measured.
const Dash = "–"

// Exact writes n with its thousands apart: "12,418". Halves round away from
// zero; what is not a number is a dash.
func (t *Text) Exact(n float64) string {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return Dash
	}
	s := strconv.FormatInt(int64(math.Round(math.Abs(n))), 10)
	var b strings.Builder
	if n <= -0.5 {
		b.WriteString("−")
	}
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// scale is a step of short numbers: from what size, divided by what.
type scale struct {
	from, by float64
	suffix   string
}

// Korean counts in ten-thousands: 12,418 is 1.2만, not 12.4k.
var scales = map[string][]scale{
	"en": {{1e9, 1e9, "B"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}},
	"ko": {{1e8, 1e8, "억"}, {1e4, 1e4, "만"}},
}

// Short writes n in at most four figures or so: "9,310", "12.4k", "1.2만".
func (t *Text) Short(n float64) string {
	for _, s := range scales[t.Lang] {
		if math.Abs(n) < s.from {
			continue
		}
		v := n / s.by
		if math.Abs(v) >= 99.95 {
			return t.Exact(v) + s.suffix
		}
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0") + s.suffix
	}
	return t.Exact(n)
}

// Value writes a number in its unit, short; Exact writes the same for a title.
// Numbers up to 99,999 stay exact, because that is what a headline has room for.
func (t *Text) Value(v float64, u Unit) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Dash
	}
	switch u {
	case Count:
		if math.Abs(v) < 1e5 {
			return t.Exact(v)
		}
		return t.Short(v)
	case Ratio:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case Percent:
		return t.Percent(v)
	case Seconds:
		return t.Duration(time.Duration(v * float64(time.Second)))
	case Milliseconds:
		return t.Millis(v)
	case Score:
		return t.Fine(v, u)
	}
	return t.Exact(v)
}

// RowValue writes a count where room is scarce: exact below ten thousand.
func (t *Text) RowValue(v float64) string {
	if math.Abs(v) < 1e4 {
		return t.Exact(v)
	}
	return t.Short(v)
}

// ExactValue writes a number in its unit with nothing left out, for titles
// and tables.
func (t *Text) ExactValue(v float64, u Unit) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Dash
	}
	switch u {
	case Count:
		return t.Exact(v)
	case Ratio:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case Percent:
		return strconv.FormatFloat(v, 'f', 1, 64) + "%"
	}
	return t.Value(v, u)
}

// Tick writes a line of a chart's grid: steps are round, so that no digit is
// wasted.
func (t *Text) Tick(v float64, u Unit) string {
	if u == Ratio {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if u == Score {
		return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64)
	}
	if u == Count {
		return t.RowValue(v)
	}
	return t.Value(v, u)
}

// Percent writes 0 to 100: "41%", and with a decimal where a whole number
// would say nothing: "0.4%".
func (t *Text) Percent(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return Dash
	case v != 0 && math.Abs(v) < 0.05:
		return "<0.1%"
	case v != 0 && math.Abs(v) < 0.95:
		return strconv.FormatFloat(v, 'f', 1, 64) + "%"
	}
	return t.Exact(v) + "%"
}

// Millis writes a timing by its size: "240 ms", "1.8 s".
func (t *Text) Millis(v float64) string {
	unit := [2]string{" ms", " s"}
	if t.Lang == "ko" {
		unit[1] = "초"
	}
	if math.Abs(v) < 999.5 {
		return t.Exact(v) + unit[0]
	}
	return strconv.FormatFloat(v/1000, 'f', 1, 64) + unit[1]
}

// Duration writes a length of time in its two largest units.
func (t *Text) Duration(d time.Duration) string {
	u := [3]string{"h", "m", "s"}
	if t.Lang == "ko" {
		u = [3]string{"시간", "분", "초"}
	}
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%s%d%s", sign, s, u[2])
	case s < 3600 && s%60 == 0:
		return fmt.Sprintf("%s%d%s", sign, s/60, u[1])
	case s < 3600:
		return fmt.Sprintf("%s%d%s %d%s", sign, s/60, u[1], s%60, u[2])
	case s%3600/60 == 0:
		return fmt.Sprintf("%s%d%s", sign, s/3600, u[0])
	}
	return fmt.Sprintf("%s%d%s %d%s", sign, s/3600, u[0], s%3600/60, u[1])
}

// Trend is what a change means for the site: an arrow says the direction, the
// colour and a word say whether it is good.
type Trend string

// The trends.
const (
	Better Trend = "better"
	Worse  Trend = "worse"
	Same   Trend = "same"
	NoIdea Trend = "" // nothing to compare with
)

// Change writes the step from previous to v: "▲ 12%", "▼ 3 pt", "▲ 8s".
// Counts change by percent; a percentage by points, since "12% more of 40%"
// misleads; ratios and times by their own unit. lowerIsBetter turns the trend
// for bounce rate and load times.
func (t *Text) Change(v, previous float64, u Unit, lowerIsBetter bool) (string, Trend) {
	if math.IsNaN(v) || math.IsNaN(previous) {
		return "", NoIdea
	}
	d := v - previous
	var s string
	switch u {
	case Count, Money:
		if previous == 0 {
			return "", NoIdea
		}
		p := 100 * math.Abs(d) / previous
		s = t.Percent(p)
		if p > 999 {
			s = strconv.FormatFloat(v/previous, 'f', 0, 64) + "×"
		}
		if p < 0.5 {
			s = ""
		}
	case Ratio:
		if math.Abs(d) >= 0.05 {
			s = strconv.FormatFloat(math.Abs(d), 'f', 1, 64)
		}
	case Percent:
		if small := max(v, previous) < 10; small && math.Abs(d) >= 0.05 {
			s = fmt.Sprintf(t.Points, strings.TrimSuffix(strconv.FormatFloat(math.Abs(d), 'f', 1, 64), ".0"))
		} else if math.Abs(d) >= 0.5 {
			s = fmt.Sprintf(t.Points, t.Exact(math.Abs(d)))
		}
	case Seconds:
		if math.Abs(d) >= 0.5 {
			s = t.Duration(time.Duration(math.Abs(d) * float64(time.Second)))
		}
	case Milliseconds:
		if math.Abs(d) >= 0.5 {
			s = t.Millis(math.Abs(d))
		}
	case Score:
		if math.Abs(d) >= 0.0005 {
			s = t.Fine(math.Abs(d), Score)
		}
	}
	if s == "" {
		return "=", Same
	}
	trend, arrow := Better, "▲ "
	if d < 0 {
		arrow = "▼ "
	}
	if (d < 0) != lowerIsBetter {
		trend = Worse
	}
	return arrow + s, trend
}

// Day writes a date: "22 Nov", "11월 22일"; with the year when it isn't now's.
func (t *Text) Day(d, now time.Time) string {
	s := fmt.Sprintf("%d %s", d.Day(), t.months[d.Month()-1])
	if t.Lang == "ko" {
		s = fmt.Sprintf("%d월 %d일", int(d.Month()), d.Day())
	}
	if d.Year() == now.Year() {
		return s
	}
	if t.Lang == "ko" {
		return fmt.Sprintf("%d년 %s", d.Year(), s)
	}
	return fmt.Sprintf("%s %d", s, d.Year())
}

// DayShort writes a date where room is scarce: "22 Nov", "11.22".
func (t *Text) DayShort(d time.Time) string {
	if t.Lang == "ko" {
		return fmt.Sprintf("%d.%d", int(d.Month()), d.Day())
	}
	return fmt.Sprintf("%d %s", d.Day(), t.months[d.Month()-1])
}

// MonthShort writes a month where room is scarce; January brings its year.
func (t *Text) MonthShort(d time.Time) string {
	if d.Month() == time.January {
		return strconv.Itoa(d.Year())
	}
	return t.months[d.Month()-1]
}

// Weekday writes a date with the day of the week: "Sun 22 Nov", "11월 22일 (일)".
func (t *Text) Weekday(d, now time.Time) string {
	if t.Lang == "ko" {
		return t.Day(d, now) + " (" + t.weekdays[d.Weekday()] + ")"
	}
	return t.weekdays[d.Weekday()] + " " + t.Day(d, now)
}

// Month writes a month of a year: "Nov 2026", "2026년 11월".
func (t *Text) Month(d time.Time) string {
	if t.Lang == "ko" {
		return fmt.Sprintf("%d년 %d월", d.Year(), int(d.Month()))
	}
	return fmt.Sprintf("%s %d", t.months[d.Month()-1], d.Year())
}

// Span writes the days from a day up to, and without, another: "26 Oct – 22
// Nov"; one day is that day with its weekday.
func (t *Text) Span(from, to, now time.Time) string {
	last := to.Add(-time.Nanosecond)
	if from.YearDay() == last.YearDay() && from.Year() == last.Year() {
		return t.Weekday(from, now)
	}
	if last.Year() != now.Year() && from.Year() == last.Year() {
		return t.Day(from, last) + " – " + t.Day(last, now)
	}
	return t.Day(from, now) + " – " + t.Day(last, now)
}

// Clock writes a time of day, on the 24-hour clock in both languages.
func (t *Text) Clock(d time.Time) string { return d.Format("15:04") }

// ClockSeconds writes a time of day to the second.
func (t *Text) ClockSeconds(d time.Time) string { return d.Format("15:04:05") }
