package stats

import (
	"slices"
	"strings"

	"moonbear/internal/event"
	"moonbear/internal/site"
)

// keepSQL is what counts the days of a site: selects that are made by the
// same plan as a question's, but give sums instead of metrics.
func keepSQL(dialect event.Dialect, st *site.Site) func(event.Day) (counts, values []string) {
	return func(d event.Day) (counts, values []string) {
		b := &builder{dialect: dialect, inline: true}
		for _, dim := range append([]Dimension{""}, keptDimensions...) {
			counts = append(counts, b.statement(b.countDay(st, d, dim)).text)
		}
		b.plan = plan{site: st.ID}
		return counts, []string{b.statement(b.dayValues(st.TimeZone, d)).text}
	}
}

// dayMetrics are made of all sums of a day that are counted by a dimension.
// Visits by the page that was entered stand for what is asked of whole visits
// by path, and events by a page that only the rest of a visit tells aren't
// kept: see splitEvents.
func dayMetrics(d Dimension) []Metric {
	ofEvents, ofVisits := []Metric{Visitors, Pageviews, Events}, []Metric{Visits, ViewsPerVisit, BounceRate, VisitDuration}
	switch d {
	case Path:
		return append(ofEvents, Visits)
	case EntryPage, ExitPage:
		return ofVisits
	}
	return append(ofEvents, ofVisits...)
}

// dayQuery asks for all that is kept of a day by a dimension, "" for none.
func dayQuery(st *site.Site, d Dimension) Query {
	q := Query{Site: st, Metrics: dayMetrics(d)}
	if d != "" {
		q.Dimensions = []Dimension{d}
	}
	return q
}

// countDay gives the columns of day_counts.
func (b *builder) countDay(st *site.Site, day event.Day, d Dimension) string {
	b.plan = planFor(dayQuery(st, d), day.From, day.To, nil)
	var with, selects []string
	for _, s := range b.plan.parts {
		for _, t := range b.tables(s) {
			with = append(with, t.name+" as (\n"+t.text+"\n)")
		}
		columns := b.keyNames()
		for _, sum := range sums {
			if s.has(sum.name) {
				columns = append(columns, sum.name)
			} else {
				columns = append(columns, "0 as "+sum.name)
			}
		}
		selects = append(selects, sel(columns, names[s.part], nil, nil))
	}
	value := "''"
	if d != "" {
		value = b.keyText(0, "k0")
	}
	columns := append(b.dayColumns(st.TimeZone, day), "'"+string(d)+"'", value)
	for _, sum := range sums {
		columns = append(columns, "cast(coalesce(sum("+sum.name+"), 0) as bigint)")
	}
	var by []string
	if d != "" {
		by = []string{"k0"}
	}
	return "with " + strings.Join(with, ", ") + "\n" + sel(columns, "(\n"+strings.Join(selects, "\nunion all\n")+"\n)", nil, by)
}

// dayColumns name the day in both tables.
func (b *builder) dayColumns(zone string, day event.Day) []string {
	return []string{b.arg(b.plan.site), b.arg(zone), b.time(day.From)}
}

// sharedDays asks which of a site's days, by their number in bs, share a
// visitor with one of those from first to before last.
func sharedDays(dialect event.Dialect, id int64, bs []bucket, first, last int) statement {
	b := &builder{dialect: dialect, plan: plan{site: id, runs: runs(bs)}}
	from, to := bs[first].from, bs[last-1].to
	who := []string{"visitor_id <> 0", counted}
	day := b.bucket("ts") + " as k0"
	mine := sel([]string{"visitor_id", day}, "events", slices.Concat(b.within("ts", from, to), who), []string{"1", "2"})
	others := sel([]string{"visitor_id", day}, "events",
		slices.Concat([]string{"site_id = " + b.arg(id), "(ts < " + b.time(from) + " or ts >= " + b.time(to) + ")", "visitor_id in (select visitor_id from mine)"}, who), []string{"1", "2"})
	text := "with mine as (\n" + mine + "\n), days as (\nselect visitor_id, k0 from mine\nunion all\n" + others + "\n)\n" +
		sel([]string{"distinct k0"}, "days", []string{"visitor_id in (select visitor_id from days group by 1 having count(*) > 1)"}, nil)
	return b.statement(text)
}
