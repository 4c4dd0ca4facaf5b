package stats_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/stats"
)

// grid is finer than any change of a clock since 1970 that the tests see: all
// offsets are whole quarters of an hour, so days, hours and changes of the
// clock begin on it.
const grid = 15 * time.Minute

type day struct{ y, m, d int }

func dayOf(t time.Time) day { return day{t.Year(), int(t.Month()), t.Day()} }

func (a day) cmp(b day) int {
	return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.m, b.m), cmp.Compare(a.d, b.d))
}

func (a day) plus(n int) day {
	return dayOf(time.Date(a.y, time.Month(a.m), a.d+n, 12, 0, 0, 0, time.UTC))
}

// begin walks to the first instant whose local day is a or later.
func (a day) begin(loc *time.Location) time.Time {
	t := time.Date(a.y, time.Month(a.m), a.d, 0, 0, 0, 0, time.UTC).Add(-48 * time.Hour)
	for dayOf(t.In(loc)).cmp(a) < 0 {
		t = t.Add(grid)
	}
	return t
}

// spans are the window q asks about and the one it compares with.
func (o *oracle) spans(q stats.Query) (is, was window) {
	loc := o.zoneOf(q)
	now := o.now.In(loc)
	today := dayOf(now)
	var from, to day
	months, days := 0, 0
	name := q.Period.Name
	if name == "" && q.Period.From.Year == 0 {
		name = "1h"
	}
	switch name {
	case "30m", "1h", "24h":
		width, step := time.Hour, time.Minute
		switch name {
		case "30m":
			width = 30 * time.Minute
		case "24h":
			width, step = 24*time.Hour, time.Hour
		}
		end := o.clockStep(now, step)
		is = window{end.Add(-width), end, o.now}
		if name == "24h" {
			// 23 hours before the start of this hour on the clock.
			start := end
			for o.clockStep(start.Add(-grid).In(loc), step).Equal(end) {
				start = start.Add(-grid)
			}
			is.from = start.Add(-23 * time.Hour)
		}
		was = window{is.from.Add(-width), is.to.Add(-width), o.now.Add(-width)}
		if was.to.After(is.from) {
			was.to = is.from
		}
		if q.Compare == stats.PreviousYear {
			was = window{o.yearsBack(is.from, 1, loc), o.yearsBack(is.to, 1, loc), o.yearsBack(o.now, 1, loc)}
		}
		return is, was
	case "today":
		from, to, days = today, today, 1
	case "7d":
		from, to, days = today.plus(-6), today, 7
	case "4w":
		from, to, days = today.plus(-27), today, 28
	case "mtd":
		from, to, months = day{today.y, today.m, 1}, today, 1
	case "ytd":
		from, to, months = day{today.y, 1, 1}, today, 12
	case "3m", "12m", "24m":
		months = map[string]int{"3m": 3, "12m": 12, "24m": 24}[name]
		from, to = day{today.y, today.m, 1}, today
		for range months - 1 {
			from = day{from.y, from.m - 1, 1}
			if from.m == 0 {
				from = day{from.y - 1, 12, 1}
			}
		}
	default:
		p := q.Period
		from, to = day{p.From.Year, int(p.From.Month), p.From.Day}, day{p.To.Year, int(p.To.Month), p.To.Day}
		for d := from; d.cmp(to) <= 0; d = d.plus(1) {
			days++
		}
		if to.cmp(today) > 0 {
			to = today
		}
	}
	if q.Compare == stats.PreviousYear {
		months, days = 12, 0
	}
	is = window{from.begin(loc), to.plus(1).begin(loc), o.now}
	if is.until.After(is.to) {
		is.until = is.to
	}
	back := func(a day) (day, bool) {
		if months == 0 {
			return a.plus(-days), true
		}
		y, m := a.y, a.m-months
		for m < 1 {
			y, m = y-1, m+12
		}
		if lastDay := (day{y, m + 1, 0}).plus(0).d; a.d > lastDay {
			return day{y, m, lastDay}.plus(1), false
		}
		return day{y, m, a.d}, true
	}
	bf, _ := back(from)
	bt, _ := back(to.plus(1))
	was = window{from: bf.begin(loc), to: bt.begin(loc)}
	if q.Compare == stats.PreviousPeriod && was.to.After(is.from) {
		was.to = is.from
	}
	was.until = was.to
	if is.until.Before(is.to) {
		d, exists := back(today)
		at := d.begin(loc)
		if exists && !o.now.Equal(today.begin(loc)) {
			at = time.Date(d.y, time.Month(d.m), d.d, now.Hour(), now.Minute(), now.Second(), now.Nanosecond(), loc)
		}
		if at.Before(was.until) {
			was.until = at
		}
	}
	return is, was
}

func (o *oracle) yearsBack(t time.Time, n int, loc *time.Location) time.Time {
	t = t.In(loc)
	if t.Month() == time.February && t.Day() == 29 {
		return day{t.Year() - n, 3, 1}.begin(loc)
	}
	if t.Equal(dayOf(t).begin(loc)) {
		d := dayOf(t)
		return day{d.y - n, d.m, d.d}.begin(loc)
	}
	return time.Date(t.Year()-n, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
}

// clockStep walks to the end of the minute or hour on the clock's face that t
// lies in: until the face shows another one, or the clock is moved.
func (o *oracle) clockStep(t time.Time, step time.Duration) time.Time {
	if step == time.Minute {
		return t.Truncate(time.Minute).Add(time.Minute) // offsets are whole minutes
	}
	_, offset := t.Zone()
	u := t.Truncate(grid).Add(grid)
	for {
		_, now := u.Zone()
		if now != offset || u.Hour() != t.Hour() {
			return u
		}
		u = u.Add(grid)
	}
}

// label names the bucket an instant lies in: what a person reads off the
// clock and the calendar.
func label(t time.Time, i stats.Interval) string {
	switch i {
	case "minute":
		return t.Format("2006-01-02T15:04-0700")
	case "hour":
		return t.Format("2006-01-02T15-0700")
	case "day":
		return t.Format("2006-01-02")
	case "week":
		y, w := t.ISOWeek()
		return fmt.Sprint(y, "w", w)
	}
	return t.Format("2006-01")
}

// labels are the buckets of a window in order, with the first instant of each.
func labels(w window, i stats.Interval, loc *time.Location) (names []string, starts []time.Time) {
	step := grid
	if i == "minute" {
		step = time.Minute
	}
	for t := w.from; t.Before(w.to); {
		l := label(t.In(loc), i)
		if n := len(names); n == 0 || names[n-1] != l {
			names = append(names, l)
			starts = append(starts, t)
		}
		next := t.Truncate(step).Add(step)
		t = next
	}
	return names, starts
}

// run answers q.
func (o *oracle) run(q stats.Query) *stats.Result {
	is, was := o.spans(q)
	r := &stats.Result{Query: q}
	switch {
	case len(q.Dimensions) > 0:
		o.runRows(q, r, is, was)
	case q.Interval != "":
		o.runSeries(q, r, is, was)
	default:
		one := func(*event.Event) []string { return []string{""} }
		all := grouping{one, one, one, one}
		now, _ := o.cells(q, is, all)
		var then map[string]cell
		if q.Compare != "" {
			then, _ = o.cells(q, window{was.from, was.until, was.until}, all)
		}
		r.Totals = together(q, now[""], then[""])
	}
	return r
}

func together(q stats.Query, now, then cell) (vs []stats.Value) {
	for i, m := range q.Metrics {
		v := stats.Value{Metric: m}
		if i < len(now.numbers) {
			v.Number = now.numbers[i]
			if m == "revenue" {
				v.Others = now.others
			}
		}
		if i < len(then.numbers) && (q.Compared == nil || slices.Contains(q.Compared, m)) {
			v.Previous = then.numbers[i]
		}
		vs = append(vs, v)
	}
	return vs
}

func (o *oracle) runSeries(q stats.Query, r *stats.Result, is, was window) {
	loc := o.zoneOf(q)
	over := func(w window) map[string]cell {
		byEvent := func(e *event.Event) []string { return []string{label(ms(e.Time).In(loc), q.Interval)} }
		byVisit := func(e *event.Event) []string { return []string{label(ms(e.VisitStart).In(loc), q.Interval)} }
		cs, _ := o.cells(q, w, grouping{byEvent, byVisit, byVisit, byEvent})
		return cs
	}
	names, starts := labels(is, q.Interval, loc)
	now := over(is)
	var wasNames []string
	var then map[string]cell
	if q.Compare != "" {
		wasNames, _ = labels(was, q.Interval, loc)
		then = over(was)
	}
	none := o.cell(q, make([]map[string]*acc, len(q.Metrics)), "")
	get := func(cs map[string]cell, name string) cell {
		if c, ok := cs[name]; ok && name != "" {
			return c
		}
		return none
	}
	for i, name := range names {
		p := stats.Point{From: starts[i], To: is.to, Future: starts[i].After(o.now)}
		if i+1 < len(starts) {
			p.To = starts[i+1]
		}
		named := func(t time.Time) bool { return label(t.In(loc), q.Interval) == name }
		p.Partial = named(p.From.Add(-time.Millisecond)) || named(p.To) || !p.Future && o.now.Before(p.To)
		c := get(now, name)
		if p.Future {
			c = cell{}
		}
		var before cell
		if i < len(wasNames) {
			before = get(then, wasNames[i])
		}
		p.Values = together(q, c, before)
		r.Points = append(r.Points, p)
	}
}

const keySeparator = "\x00"

func (o *oracle) runRows(q stats.Query, r *stats.Result, is, was window) {
	now, keys := o.cells(q, is, o.byKeys(q, is))
	was.to = was.until
	then := make([]map[string]*acc, len(q.Metrics))
	for i, m := range q.Metrics {
		if q.Compare != "" {
			then[i] = o.gather(m, q, was, o.byKeys(q, was))
		}
	}
	keys = o.least(q, now, keys)
	slices.SortFunc(keys, func(a, b string) int { return o.order(q, now, a, b) })
	r.Count = len(keys)
	size, number := q.PageSize, max(q.Page, 1)
	if size == 0 {
		size = 10
	}
	for i, k := range keys {
		if i < (number-1)*size || i >= number*size {
			continue
		}
		var before cell
		if q.Compare != "" {
			before = o.cell(q, then, k)
		}
		r.Rows = append(r.Rows, stats.Row{Keys: strings.Split(k, keySeparator), Values: together(q, now[k], before)})
	}
}

// byKeys groups rows: an event has one key, but by goal one for each it met.
func (o *oracle) byKeys(q stats.Query, w window) grouping {
	by := func(entry, everyGoal bool) groups {
		return func(e *event.Event) []string {
			keys := []string{""}
			for i, d := range q.Dimensions {
				var values []string
				switch {
				case d == "goal" && everyGoal:
					for _, g := range o.goals {
						values = append(values, g.Name)
					}
				case d == "goal":
					values = o.goalsOf(e)
				case d == "path" && entry:
					values = []string{o.read(e, "entry_page", w)}
				default:
					values = []string{o.read(e, d, w)}
				}
				var longer []string
				for _, k := range keys {
					for _, v := range values {
						if i > 0 {
							v = k + keySeparator + v
						}
						longer = append(longer, v)
					}
				}
				keys = longer
			}
			return keys
		}
	}
	return grouping{by(false, false), by(false, false), by(true, false), by(false, true)}
}

func (o *oracle) order(q stats.Query, cs map[string]cell, a, b string) int {
	byKey := func(i int) int {
		x, y := strings.Split(a, keySeparator)[i], strings.Split(b, keySeparator)[i]
		if q.Dimensions[i] == "screen_width" {
			nx, _ := strconv.Atoi(x)
			ny, _ := strconv.Atoi(y)
			return cmp.Compare(nx, ny)
		}
		return cmp.Compare(x, y)
	}
	orders := slices.Clone(q.Order)
	if len(orders) == 0 {
		orders = []stats.Order{{By: string(q.Metrics[0]), Desc: true}}
	}
	for _, by := range orders {
		c := 0
		if i := slices.Index(q.Dimensions, stats.Dimension(by.By)); i >= 0 {
			c = byKey(i)
		} else {
			i := slices.Index(q.Metrics, stats.Metric(by.By))
			x, y := cs[a].exact[i], cs[b].exact[i]
			if math.IsInf(x, -1) != math.IsInf(y, -1) { // none is last, either way
				return cmp.Compare(y, x)
			}
			c = cmp.Compare(x, y)
		}
		if by.Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	for i := range q.Dimensions {
		if c := byKey(i); c != 0 {
			return c
		}
	}
	return 0
}
