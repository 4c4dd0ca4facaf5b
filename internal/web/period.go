package web

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"time"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// yesterday is the menu's name for the day before today, which is a period by
// its date.
const yesterday = "yesterday"

// periodGroups are the menu's, in its order.
var periodGroups = [][]string{{"today", yesterday, "24h", "1h"}, {"7d", "4w", "mtd"}, {"3m", "12m", "24m", "ytd"}}

// periodKeys are the keys that choose a period.
var periodKeys = map[string]string{"today": "d", "7d": "w", "4w": "m", "3m": "q", "12m": "y"}

// period is a over another period.
func (a ask) period(name string) ask {
	return a.with(func(b *ask) {
		b.q.Period = stats.Period{Name: name}
		b.q.Interval = ""
	})
}

// dates is a over the days from the first to the last.
func (a ask) dates(first, last time.Time) ask {
	return a.with(func(b *ask) {
		b.q.Period = stats.Period{From: dateOf(first), To: dateOf(last)}
		b.q.Interval = ""
	})
}

func dateOf(t time.Time) stats.Date {
	y, m, d := t.Date()
	return stats.Date{Year: y, Month: m, Day: d}
}

// day is a date as a moment that days and months can be added to.
func day(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// step is a over as long a time just before, or after: days by days, calendar
// months by months. ok is false where there is none: before 1970, after today,
// and for hours, whose dates would say something else.
func (a ask) step(now time.Time, by int) (b ask, ok bool) {
	span, _, err := a.q.Spans(now)
	name := a.q.Period.Name
	if err != nil || name == "30m" || name == "1h" || name == "24h" || !span.From.Before(span.To) {
		return a, false
	}
	first, last, today := day(span.From), day(span.To.Add(-time.Nanosecond)), day(now.In(span.From.Location()))
	if n := months(name, first, last); n > 0 {
		first = first.AddDate(0, by*n, 0)
		last = first.AddDate(0, n, -1)
	} else {
		n := by * (int(last.Sub(first)/(24*time.Hour)) + 1)
		first, last = first.AddDate(0, 0, n), last.AddDate(0, 0, n)
	}
	if first.After(today) || first.Year() < 1970 {
		return a, false
	}
	if last.Before(today) {
		return a.dates(first, last), true
	}
	for _, name := range []string{"today", "7d", "4w", "mtd", "3m", "12m", "24m", "ytd"} {
		named := a.period(name)
		if s, _, err := named.q.Spans(now); err == nil && day(s.From).Equal(first) {
			return named, true
		}
	}
	return a.dates(first, today), true
}

// months is how many calendar months a period is, 0 for days. A period that
// ends today stands for its months as a whole.
func months(name string, first, last time.Time) int {
	switch name {
	case "mtd":
		return 1
	case "3m":
		return 3
	case "12m", "ytd":
		return 12
	case "24m":
		return 24
	}
	if name != "" || first.Day() != 1 || last.AddDate(0, 0, 1).Day() != 1 {
		return 0
	}
	return (last.Year()-first.Year())*12 + int(last.Month()-first.Month()) + 1
}

// periodView is the period's menu, its arrows, and its form for dates.
func periodView(t *html.Text, a ask, now time.Time) html.PeriodMenu {
	m := html.PeriodMenu{Menu: html.Menu{Label: t.Period, Shown: t.PeriodName(a.q.Period.Name)}}
	loc, err := a.q.Location()
	if err != nil {
		loc = time.UTC
	}
	today := day(now.In(loc))
	for _, group := range periodGroups {
		for i, name := range group {
			to, label := a.period(name), ""
			if name == yesterday {
				to, label = a.dates(today.AddDate(0, 0, -1), today.AddDate(0, 0, -1)), t.Shell.Yesterday
			} else {
				label = t.PeriodName(name)
			}
			l := html.Link{Label: label, URL: to.url(""), Current: to.q.Period == a.q.Period, Gap: i == 0 && len(m.Items) > 0, Key: periodKeys[name]}
			if l.Current {
				m.Shown = label
			}
			m.Items = append(m.Items, l)
		}
	}
	for by, into := range map[int]*html.Link{-1: &m.Before, 1: &m.After} {
		if b, ok := a.step(now, by); ok {
			if s, _, err := b.q.Spans(now); err == nil {
				*into = html.Link{URL: b.url(""), Label: spanWords(t, b, s, now.In(loc))}
			}
		}
	}
	m.Dates = dateForm(a, now, today)
	return m
}

func dateForm(a ask, now, today time.Time) html.DateForm {
	f := html.DateForm{Action: sitePath(a.site), Keep: keep(a.values(), "period", "from", "to", "interval"), Max: today.Format(time.DateOnly)}
	if s, _, err := a.q.Spans(now); err == nil {
		f.From, f.To = s.From.Format(time.DateOnly), s.To.Add(-time.Nanosecond).Format(time.DateOnly)
	}
	return f
}

// keep is a URL's parameters as a form's hidden inputs, but for those it sets.
func keep(v url.Values, without ...string) (kept []html.Param) {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if slices.Contains(without, name) {
			continue
		}
		for _, value := range v[name] {
			kept = append(kept, html.Param{Name: name, Value: value})
		}
	}
	return kept
}

// intervals are the widths the chart's buckets may have; none where there is
// but one.
func intervals(t *html.Text, a ask) (links []html.Link) {
	all := a.q.Period.Intervals()
	shown := cmp.Or(a.q.Interval, a.q.Period.Interval())
	for _, i := range all {
		to := a.with(func(b *ask) {
			b.q.Interval = i
			if i == b.q.Period.Interval() {
				b.q.Interval = ""
			}
		})
		links = append(links, html.Link{Label: t.Shell.Intervals[string(i)], URL: to.url(""), Current: i == shown})
	}
	if len(links) < 2 {
		return nil
	}
	return links
}
