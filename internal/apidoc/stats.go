package apidoc

import (
	"strings"

	"moonbear/internal/account"
	"moonbear/internal/stats"
)

func statsGroup() Group {
	return Group{
		Name: "Stats",
		Description: "Every number of the dashboard, by the same definitions.\n\nAll three questions take the same site, period and filter; they differ in what they answer: one number a metric, " +
			"a row a bucket of time, or a row a group.",
		Operations: []Operation{aggregation(), timeseries(), breakdown()},
	}
}

// asking are the fields that all questions have.
func asking() []property {
	return []property{
		must("site_id", text("The site's ID, as in its snippet and in `GET /v1/sites`.")),
		must("aggregate", list("The metrics asked for, each once. The answer has them in this order.", metricName()).between(1, 0).oneOrMany()),
		may("period", oneOf("The span asked about, up to now.\n\n"+periodsText(), stats.PeriodNames()).defaultsTo(stats.DefaultPeriod)),
		may("from", text("The first day, `2026-03-02`, instead of `period`; `to` goes with it. Days are those of `timezone`.").formatted("date")),
		may("to", text("The last day, inclusive. `from` and `to` may span at most 3,660 days.").formatted("date")),
		may("timezone", text("The IANA name of the zone whose days are meant, such as `Europe/Berlin`. The dashboard uses the site's own.").defaultsTo("UTC")),
		may("filter", filter()),
		may("compare", schema{
			anyOf: []schema{yesNo(""), oneOf("", []string{string(stats.PreviousPeriod), string(stats.PreviousYear)})},
			says:  "true, false or text", values: nil, def: false,
			doc: "`true` or `\"previous\"` adds the numbers of the same span just before, `\"year\"` those of the same dates a year before. " +
				"A period that isn't over is compared up to the same moment of the earlier one.",
		}),
	}
}

func metricName() schema {
	var names []string
	for _, m := range stats.Metrics() {
		names = append(names, string(m.Name))
	}
	s := oneOf(metricsText(), append(names, stats.Aliases()...))
	s.name = "Metric"
	return s
}

func dimensionName() schema {
	var names []string
	for _, d := range stats.Dimensions() {
		names = append(names, string(d))
	}
	return schema{
		name: "Dimension", says: "text", shown: append(append([]string(nil), names...), "prop:KEY"),
		doc:   dimensionsText(),
		anyOf: []schema{oneOf("", names), {types: []string{"string"}, pattern: "^prop:.+$", maxLen: 305, doc: "An event's property: `prop:plan`."}},
	}
}

// filter is one condition, a join of several, or a list of them.
func filter() schema {
	var ops []string
	for _, o := range stats.Operators() {
		ops = append(ops, string(o))
	}
	scalar := schema{types: []string{"string", "number", "boolean"}, says: "text, number, true or false"}
	condition := record("Condition", "One question to each event.",
		must("dimension", dimensionName()),
		must("operator", oneOf(operatorsText(), ops)),
		may("value", schema{
			anyOf: []schema{scalar, list("", scalar).between(0, 500)}, says: "text, number, true, false or a list of these",
			doc: "What to compare with: a list of up to 500 for `in` and `not_in`, nothing for `is_set` and `is_not_set`, one value for the others. Text has at most 2,000 characters.",
		}),
	)
	self := schema{ref: "Filter"}
	join := func(name, doc string, of schema) schema {
		return record(name, doc, must(strings.ToLower(name), of))
	}
	return schema{
		name: "Filter", says: "condition, object or list",
		doc: "Which events count: one condition, a list of conditions that must all hold, or `{\"and\": […]}`, `{\"or\": […]}`, `{\"not\": …}` of them, " +
			"at most 8 levels deep and 100 conditions. Metrics of events count the events that meet it; metrics of visits count the whole of each visit " +
			"that has such an event. All conditions must hold for one and the same event.",
		anyOf: []schema{
			condition,
			join("And", "All of these hold.", list("", self).between(1, 100)),
			join("Or", "One of these holds.", list("", self).between(1, 100)),
			join("Not", "This does not hold.", self),
			list("All of these hold.", self).between(0, 100),
		},
	}
}

// numbers are fields for every metric there is.
func numbers() (fields []property) {
	for _, m := range stats.Metrics() {
		s := decimal("").orNull()
		if m.Unit == stats.Count {
			s = schema{types: []string{"integer", "null"}}
		}
		fields = append(fields, may(string(m.Name), s))
	}
	for _, a := range stats.Aliases() {
		fields = append(fields, may(a, schema{types: []string{"integer", "null"}}))
	}
	return fields
}

// others is revenue in other currencies.
func others() schema {
	amount := decimal("")
	s := record("Amounts", "Money in other currencies than the site's, never converted: the sum by ISO 4217 code. It is there when there is some.")
	s.others, s.says = &amount, "object"
	return s
}

// row is a schema of a row with its own numbers and those compared with.
func row(name, doc string, keys ...property) schema {
	now := append(append([]property(nil), keys...), numbers()...)
	now = append(now, may("revenue_others", others()),
		may("previous", record("Numbers", "The same metrics of the span compared with; there when `compare` was asked.", numbers()...)))
	return record(name, doc, now...)
}

// fieldsOfRow are a row as the page shows it: sixty metrics are one line.
func fieldsOfRow(in []Field, keys ...string) (out []Field) {
	for _, f := range in {
		for _, k := range append(keys, "revenue_others", "previous") {
			if f.Name == k {
				if k == "previous" {
					f.Fields = nil
				}
				out = append(out, f)
			}
		}
	}
	return append(out, Field{Name: "METRIC", Type: "number or null", Required: true,
		Description: "A field for each metric asked for, under the name it was asked by. `null` where there is no number: a rate of nothing, a percentile of no measurement."})
}

func aggregation() Operation {
	value := record("Total", "",
		must("value", decimal("The number; `null` where there is none.").orNull()),
		may("previous", decimal("That of the span compared with; there when `compare` was asked.").orNull()),
		may("others", others()))
	data := record("Totals", "A field for each metric asked for, under the name it was asked by.")
	names := metricName()
	data.others, data.named = &value, &names
	return Operation{
		ID: "aggregate", Method: "POST", Path: "/v1/stats/aggregation", Scope: account.ReadStats,
		Summary:     "Get totals",
		Description: "One number for each metric, over the whole period.",
		body:        record("AggregationQuestion", "", asking()...),
		Status:      200, answer: record("Aggregation", "", must("data", data), imported()),
		Faults: askingFaults(),
		Examples: []Example{
			{name: "aggregation", Title: "A week, compared with the week before", Path: "/v1/stats/aggregation",
				Body: `{"site_id": "` + ExampleSite + `", "aggregate": ["visitors", "visits", "bounce_rate", "page_load_p75", "revenue"], "from": "2026-03-09", "to": "2026-03-15", "timezone": "Europe/Berlin", "compare": true}`},
			{name: "aggregation-filtered", Title: "Visitors from Germany or Austria who saw the pricing page", Path: "/v1/stats/aggregation",
				Body: `{"site_id": "` + ExampleSite + `", "aggregate": ["visitors", "conversions", "conversion_rate"], "from": "2026-03-09", "to": "2026-03-15", "filter": [{"dimension": "path", "operator": "eq", "value": "/pricing"}, {"dimension": "country", "operator": "in", "value": ["DE", "AT"]}]}`},
		},
	}
}

func timeseries() Operation {
	answer := record("Timeseries", "", must("data", list("A row for each bucket, oldest first. Buckets without events are there; those that haven't begun are not.",
		row("TimeseriesRow", "", must("ts", text("When the bucket begins, in the zone asked for: `2026-03-09T00:00:00+01:00`.").formatted("date-time"))))), imported())
	o := Operation{
		ID: "timeseries", Method: "POST", Path: "/v1/stats/timeseries", Scope: account.ReadStats,
		Summary:     "Get numbers over time",
		Description: "A row for each bucket of the period: for a chart.",
		body: record("TimeseriesQuestion", "", append(asking(),
			may("time_bucket", oneOf("The width of a bucket. Weeks begin on Monday. Which ones fit depends on the period:\n\n"+bucketsText(), stats.IntervalNames())))...),
		Status: 200, answer: answer, Faults: askingFaults(),
		Examples: []Example{
			{name: "timeseries", Title: "Three days, day by day", Path: "/v1/stats/timeseries",
				Body: `{"site_id": "` + ExampleSite + `", "aggregate": ["visitors", "pageviews"], "from": "2026-03-09", "to": "2026-03-11", "timezone": "Europe/Berlin", "time_bucket": "day"}`},
		},
	}
	o.Answer = []Field{{Name: "data", Type: "list of objects", Required: true, Description: answer.fields[0].schema.doc,
		Fields: fieldsOfRow(answer.flat()[0].Fields, "ts")}, answer.flat()[1]}
	return o
}

func breakdown() Operation {
	var keys []property
	for _, d := range stats.Dimensions() {
		keys = append(keys, may(string(d), text("")))
	}
	rows := row("BreakdownRow", "", keys...)
	one := schema{anyOf: append([]schema{text("")}, decimal("").orNull())}
	rows.others = &one // properties: prop:plan
	answer := record("Breakdown", "", append(envelope(list("A row for each group.", rows)), imported())...)
	by := list("What to group by: 1 to 4 dimensions, each once.", dimensionName()).between(1, 4)
	o := Operation{
		ID: "breakdown", Method: "POST", Path: "/v1/stats/breakdown", Scope: account.ReadStats,
		Summary:     "Get numbers by dimension",
		Description: "A row for each value of a dimension, or for each combination of several: the pages, the sources, the countries of a site.\n\nAn empty key means \"not known\": an empty `source` is a direct visit.",
		body: record("BreakdownQuestion", "", append(asking(),
			must("group_by", by.oneOrMany()),
			may("order_by", list("Up to two of the metrics and dimensions asked for; a `-` in front is descending. Left out: by the first metric, descending. Ties are always in the order of the dimensions.",
				text("")).between(0, 2).oneOrMany()),
			may("page", whole("Which page of the rows, from 1.", 1, 1_000_000).defaultsTo(1)),
			may("page_size", whole("How many rows a page has.", 5, 250).defaultsTo(10)))...),
		Status: 200, answer: answer, Faults: askingFaults(),
		Examples: []Example{
			{name: "breakdown", Title: "The five pages with the most visitors", Path: "/v1/stats/breakdown",
				Body: `{"site_id": "` + ExampleSite + `", "aggregate": ["visitors", "pageviews", "bounce_rate"], "group_by": ["path"], "from": "2026-03-09", "to": "2026-03-15", "page_size": 5}`},
			{name: "breakdown-two", Title: "Sources by country, by name", Path: "/v1/stats/breakdown",
				Body: `{"site_id": "` + ExampleSite + `", "aggregate": ["visits"], "group_by": ["source", "country"], "order_by": ["source", "-visits"], "from": "2026-03-09", "to": "2026-03-15", "page_size": 5}`},
			{name: "breakdown-goals", Title: "Goals", Path: "/v1/stats/breakdown",
				Body: `{"site_id": "` + ExampleSite + `", "aggregate": ["conversions", "conversion_rate", "revenue"], "group_by": ["goal"], "from": "2026-03-09", "to": "2026-03-15"}`},
		},
	}
	o.Answer = answer.flat()
	data := &o.Answer[len(o.Answer)-2]
	data.Fields = append([]Field{{Name: "DIMENSION", Type: "text", Required: true,
		Description: "A field for each dimension of `group_by`, under its name: `path`, `prop:plan`."}}, fieldsOfRow(data.Fields)...)
	return o
}

// envelope is what every answer with pages has.
func envelope(data schema) []property {
	return []property{
		must("page", whole("The page that was asked for.", 1, 1_000_000)),
		must("page_size", whole("How many rows a page has.", 5, 250)),
		must("page_count", whole("How many pages there are; at least 1.", 1, 1e9)),
		must("result_count", whole("How many rows there are on all pages.", 0, 1e9)),
		must("data", data),
	}
}

func askingFaults() []Status {
	return faults(
		Status{400, "The body is no JSON object, has a field that isn't known, or a field is wrong. The message says which and what would be right."},
		Status{404, "There is no such site, or the token is not for it."},
		Status{413, "The body has more than 256 KiB."},
	)
}
