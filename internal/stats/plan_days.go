package stats

import (
	"slices"
	"time"

	"moonbear/internal/event"
)

// stretch is a piece of a span: from <= t < to.
type stretch struct{ from, to time.Time }

// daysKept are what of a plan's span needn't be read, because whole days of it
// were counted before.
type daysKept struct {
	zone    string    // the site's, whose days they are
	version int64     // of the store's days of the site
	runs    []stretch // by time
	raw     []stretch // the rest
}

// maxRuns bounds how often a span is cut: each cut is one more scan. The
// longest runs are taken.
const maxRuns = 4

// keptIn cuts from <= t < to into runs of kept days and the rest.
func keptIn(zone string, days []event.Day, from, to time.Time) daysKept {
	k := daysKept{zone: zone}
	for _, d := range days {
		if d.From.Before(from) || d.To.After(to) {
			continue
		}
		if n := len(k.runs); n > 0 && k.runs[n-1].to.Equal(d.From) {
			k.runs[n-1].to = d.To.UTC()
			continue
		}
		k.runs = append(k.runs, stretch{d.From.UTC(), d.To.UTC()})
	}
	for len(k.runs) > maxRuns {
		shortest := 0
		for i, r := range k.runs {
			if s := k.runs[shortest]; r.to.Sub(r.from) < s.to.Sub(s.from) {
				shortest = i
			}
		}
		k.runs = slices.Delete(k.runs, shortest, shortest+1)
	}
	at := from
	for _, r := range k.runs {
		if at.Before(r.from) {
			k.raw = append(k.raw, stretch{at, r.from})
		}
		at = r.to
	}
	if at.Before(to) {
		k.raw = append(k.raw, stretch{at, to})
	}
	return k
}

// keptDimensions are those whose days are kept. Versions aren't: they are only
// asked about with a condition on what they are versions of.
var keptDimensions = []Dimension{
	Path, Hostname, EntryPage, ExitPage, Referrer, Source, Channel, UTMSource, UTMMedium, UTMCampaign, UTMContent, UTMTerm,
	Country, Region, City, Browser, OS, Device, ScreenWidth, Language, ConnectionSpeed, EventName,
}

// addsUp says that q's sums may be those of its days added: it has no
// conditions but on the one dimension it groups by, which keep or leave out
// whole rows, and no bucket is a part of a day.
func (q Query) addsUp() bool {
	switch q.Interval {
	case Minute, Hour:
		return false
	case "":
	default:
		if !q.inSiteZone() {
			return false
		}
	}
	if len(q.Dimensions) > 1 {
		return false
	}
	if q.Filter.IsZero() {
		return true
	}
	if len(q.Dimensions) == 0 || !q.Filter.only(q.Dimensions[0]) {
		return false
	}
	return q.Dimensions[0] != EntryPage && q.Dimensions[0] != ExitPage // these need a look around the period
}

// only says that f asks about d and nothing else.
func (f Filter) only(d Dimension) bool {
	if f.isJoin() {
		return !slices.ContainsFunc(f.Filters, func(c Filter) bool { return !c.only(d) })
	}
	return f.Dimension == d
}

// inSiteZone says that q's days are the site's own.
func (q Query) inSiteZone() bool {
	return q.TimeZone == "" || q.TimeZone == q.Site.TimeZone
}

// keepable says that q may be answered from kept days.
func (q Query) keepable() bool {
	return q.addsUp() && (len(q.Dimensions) == 0 || slices.Contains(keptDimensions, q.Dimensions[0]))
}

// keepsBase says that the visitors of q's conversion rate may come from kept
// days: they are those of the question that has no goals in it.
func (q Query) keepsBase() bool {
	if !q.asksBase() {
		return false
	}
	q.Filter, _ = splitGoals(q.Filter)
	q.Dimensions = slices.DeleteFunc(slices.Clone(q.Dimensions), func(d Dimension) bool { return d == GoalName })
	return q.keepable()
}

// withDays is p with its sums and values from kept days, where k has any, and
// with imports.
func (p plan) withDays(k daysKept, imports *importPlan) plan {
	if len(k.runs) == 0 && imports == nil {
		return p
	}
	p.kept, p.imports = k, imports
	kept, added := p.keepsDays(), imports != nil
	var parts []scan
	for _, s := range p.parts {
		switch s.part {
		case byEvent:
			parts = append(parts, p.splitEvents(s)...)
			continue
		case byBase:
			s.days = p.base && len(k.runs) > 0 && s.own()
		case byVisit:
			s.days, s.imports = kept, added
		case byEntry: // a condition on the path is of another page than the one they are by
			own := s.every.IsZero() && s.some.IsZero()
			s.days, s.imports = kept && own, added && own
		}
		parts = append(parts, s)
	}
	p.parts = parts
	return p
}

// keepsDays says that there are kept days for more than the visitors of a
// conversion rate.
func (p plan) keepsDays() bool { return p.keeps && len(p.kept.runs) > 0 }

// own says that a scan's events are told by themselves. An event's exit page is
// told by what came after its day, so a change there would change a day that is
// still kept.
func (s scan) own() bool { return !s.exits && !s.entries }

// splitEvents parts what days add up to from what they don't.
func (p plan) splitEvents(s scan) (parts []scan) {
	own := s.own()
	take := func(kind part, which func(MetricInfo) bool) {
		t := s
		t.part, t.metrics = kind, nil
		switch kind {
		case byCount:
			t.days, t.imports = own && p.keepsDays(), p.imports != nil
		case byValue:
			t.days = true
		}
		for _, m := range s.metrics {
			if d, _ := m.Info(); which(d) {
				t.metrics = append(t.metrics, m)
			}
		}
		if len(t.metrics) > 0 {
			parts = append(parts, t)
		}
	}
	counts := func(d MetricInfo) bool { return d.sums != nil && (own && p.keepsDays() || p.imports != nil) }
	all := !slices.ContainsFunc(s.metrics, func(m Metric) bool { d, _ := m.Info(); return d.values != "" && !d.keeps() })
	values := func(d MetricInfo) bool { return all && d.keeps() && len(p.dims) == 0 && p.keepsDays() }
	take(byCount, counts)
	take(byValue, values)
	take(byEvent, func(d MetricInfo) bool { return !counts(d) && !values(d) })
	return parts
}

// stretches are what of the span a scan reads.
func (p plan) stretches(s scan) []stretch {
	if s.days {
		return p.kept.raw
	}
	return []stretch{{p.from, p.to}}
}
