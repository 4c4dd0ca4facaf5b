package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// errSiteID is site.ErrNotFound of a body, which can name its field.
var errSiteID = &fault.Fault{Kind: fault.NotFound, Field: "site_id", Message: "site_id: there is no such site for this token; GET /v1/sites lists those there are."}

// Pages of a breakdown and of the list of sites.
const (
	minPageSize     = 5
	maxPageSize     = 250
	defaultPageSize = 10
	maxPage         = 1_000_000
)

// apiNames is what the API calls a query's parts.
var apiNames = stats.Names{
	Period: "period", From: "from", To: "to", TimeZone: "timezone", Compare: "compare", Metrics: "aggregate",
	Interval: "time_bucket", By: "group_by", Filter: "filter", Order: "order_by", Page: "page", PageSize: "page_size",
}

var (
	aggregationFields = []string{"site_id", "aggregate", "period", "from", "to", "timezone", "filter", "compare"}
	timeseriesFields  = append(slices.Clone(aggregationFields), "time_bucket")
	breakdownFields   = append(slices.Clone(aggregationFields), "group_by", "order_by", "page", "page_size")
)

// question is a query, and the names its metrics were asked by: who asks for
// session_count is answered with session_count.
type question struct {
	stats.Query
	names []string
}

// ask reads a question, checks that the token may ask it, and has it answered.
func (a *API) ask(w http.ResponseWriter, r *http.Request, t account.Token, known []string) (question, *stats.Result, error) {
	b, err := readBody(w, r, known)
	if err != nil {
		return question{}, nil, err
	}
	q, err := a.question(r.Context(), t, b, known)
	if err != nil {
		return question{}, nil, err
	}
	res, err := a.o.Stats.Run(r.Context(), q.Query)
	return q, res, err
}

func (a *API) question(ctx context.Context, t account.Token, b *body, known []string) (question, error) {
	id := b.text("site_id")
	if b.err == nil && id == "" {
		return question{}, fault.Field("site_id", "site_id is missing: it is the ID in your snippet, and GET /v1/sites lists it.")
	}
	q, err := readQuestion(b, known)
	if err != nil {
		return question{}, err
	}
	if q.Site, err = a.siteFor(ctx, t, id); errors.Is(err, site.ErrNotFound) {
		return question{}, errSiteID
	} else if err != nil {
		return question{}, err
	}
	if q.AsksGoals() {
		if q.Goals, err = a.o.Sites.Goals(ctx, q.Site.ID); err != nil {
			return question{}, err
		}
	}
	return q, q.Validate(a.o.Now(), apiNames)
}

// readQuestion reads everything but the site; known says which endpoint it is.
func readQuestion(b *body, known []string) (question, error) {
	q := question{names: b.texts("aggregate")}
	if b.err == nil && len(q.names) == 0 {
		b.fail("aggregate", `is missing: a list of metrics like ["visitors", "pageviews"].`)
	}
	for _, n := range q.names {
		m, _ := stats.MetricNamed(n) // Validate names the ones that don't exist
		q.Metrics = append(q.Metrics, m)
	}
	q.Period.Name = b.text("period")
	q.TimeZone = b.text("timezone")
	if q.TimeZone == "" {
		q.TimeZone = "UTC"
	}
	from, to := b.text("from"), b.text("to")
	q.Compare = comparison(b)
	q.Interval = stats.Interval(b.text("time_bucket"))
	for _, d := range b.texts("group_by") {
		q.Dimensions = append(q.Dimensions, stats.Dimension(d))
	}
	for _, o := range b.texts("order_by") {
		q.Order = append(q.Order, stats.ParseOrder(o))
	}
	if slices.Contains(known, "page") {
		q.Page = b.number("page", 1, 1, maxPage)
		q.PageSize = b.number("page_size", defaultPageSize, minPageSize, maxPageSize)
		if b.err == nil && len(q.Dimensions) == 0 {
			b.fail("group_by", `is missing: a list of dimensions like ["path"].`)
		}
	}
	if b.err != nil {
		return question{}, b.err
	}
	var err error
	if q.Period.From, q.Period.To, err = stats.ParseDates(from, to); err != nil {
		return question{}, err
	}
	if b.has("filter") {
		if q.Filter, err = stats.ParseFilter(b.fields["filter"]); err != nil {
			return question{}, err
		}
	}
	if slices.Contains(known, "time_bucket") && q.Interval == "" {
		q.Interval = q.Period.Interval()
	}
	return q, nil
}

// comparison takes true for the previous period, or a comparison's name.
func comparison(b *body) stats.Comparison {
	if !b.has("compare") {
		return stats.NoComparison
	}
	switch raw := b.fields["compare"]; {
	case bytes.Equal(raw, []byte("true")):
		return stats.PreviousPeriod
	case bytes.Equal(raw, []byte("false")):
		return stats.NoComparison
	case raw[0] == '"':
		return stats.Comparison(b.text("compare"))
	}
	b.fail("compare", `must be true, false, "previous" or "year".`)
	return stats.NoComparison
}

// aggregation answers with one number a metric: POST /v1/stats/aggregation
//
//	{"data": {"visitors": {"value": 1417, "previous": 1300}}}
func (a *API) aggregation(w http.ResponseWriter, r *http.Request, t account.Token) error {
	q, res, err := a.ask(w, r, t, aggregationFields)
	if err != nil {
		return err
	}
	data := object{}
	for i, v := range res.Totals {
		o := object{{"value", number(v.Number)}}
		if q.Compare != stats.NoComparison {
			o = append(o, field{"previous", number(v.Previous)})
		}
		if len(v.Others) > 0 {
			o = append(o, field{"others", amounts(v.Others)})
		}
		data = append(data, field{q.names[i], o})
	}
	return answer(w, append(object{{"data", data}}, q.imported(res)...))
}

// timeseries answers with a row a bucket: POST /v1/stats/timeseries
//
//	{"data": [{"ts": "2026-11-22T00:00:00+09:00", "visitors": 40, "previous": {"visitors": 31}}]}
//
// Buckets that haven't begun are no rows.
func (a *API) timeseries(w http.ResponseWriter, r *http.Request, t account.Token) error {
	q, res, err := a.ask(w, r, t, timeseriesFields)
	if err != nil {
		return err
	}
	data := []object{}
	for _, p := range res.Points {
		if p.Future {
			break
		}
		data = append(data, q.put(object{{"ts", p.From.Format(time.RFC3339)}}, p.Values))
	}
	return answer(w, append(object{{"data", data}}, q.imported(res)...))
}

// breakdown answers with a row a group: POST /v1/stats/breakdown
//
//	{"page": 1, …, "data": [{"path": "/", "visitors": 40, "previous": {"visitors": 31}}]}
func (a *API) breakdown(w http.ResponseWriter, r *http.Request, t account.Token) error {
	q, res, err := a.ask(w, r, t, breakdownFields)
	if err != nil {
		return err
	}
	data := []object{}
	for _, row := range res.Rows {
		var o object
		for i, d := range q.Dimensions {
			o = append(o, field{string(d), row.Keys[i]})
		}
		data = append(data, q.put(o, row.Values))
	}
	return answer(w, append(page(q.Page, q.PageSize, res.Pages(), res.Count, data), q.imported(res)...))
}

// imported says what of imports that have only counts is in an answer; no
// field where there are none.
//
//	"imported": {"included": ["visitors"], "partly": [], "left_out": ["lcp_p75"]}
func (q question) imported(res *stats.Result) object {
	in := res.Imported
	if in == nil {
		return nil
	}
	named := func(ms []stats.Metric) []string {
		names := []string{}
		for _, m := range ms {
			names = append(names, q.names[slices.Index(q.Metrics, m)])
		}
		return names
	}
	o := object{{"included", named(in.Included)}, {"partly", named(in.Partly)}, {"left_out", named(in.LeftOut)}}
	if in.Why != "" {
		o = append(o, field{"why", string(in.Why)})
	}
	return object{{"imported", o}}
}

// put adds a row's numbers to o under the names they were asked by.
func (q question) put(o object, vs []stats.Value) object {
	var previous object
	for i, v := range vs {
		o = append(o, field{q.names[i], number(v.Number)})
		if len(v.Others) > 0 {
			o = append(o, field{q.names[i] + "_others", amounts(v.Others)})
		}
		previous = append(previous, field{q.names[i], number(v.Previous)})
	}
	if q.Compare != stats.NoComparison {
		o = append(o, field{"previous", previous})
	}
	return o
}
