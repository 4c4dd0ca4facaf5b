// Package api is the JSON API, version 1.
//
// A request's trip: web's table of routes finds the token and checks its
// scope → limit.go (headers, 429) → read.go (strict JSON) → a handler, which
// asks stats or site and returns its error → write.go. Errors are faults that
// name the field and what would be right; web writes them as {"message": …}.
//
// What each URL takes and answers is described in apidoc, from which the
// OpenAPI document and the page /docs/api are made; tests hold the two together.
package api

import (
	"context"
	"net/http"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/apidoc"
	"moonbear/internal/collect"
	"moonbear/internal/kv"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// Asker answers questions about a site; *stats.Stats is one.
type Asker interface {
	Run(context.Context, stats.Query) (*stats.Result, error)
}

// Collector takes batches of events; *collect.Collector is one.
type Collector interface {
	// Events takes a request's events, once admit agrees to their number.
	Events(r *http.Request, t collect.TokenFacts, admit func(events int) error) (received int, err error)
}

// Options are what the API is made of; Stats, Sites, Collect and Exports must be given.
type Options struct {
	Stats   Asker
	Sites   *site.Service
	Collect Collector
	Exports Exporter
	Now     func() time.Time // nil: time.Now
	// PerMinute is how many requests a token may make in a minute; 0: 600.
	PerMinute int
	// EventsPerMinute is how many events a token may send in a minute, which
	// are not counted as requests; 0: 100,000.
	EventsPerMinute int
	Limits          kv.Limits // what counts both; nil: in memory
}

// API answers /v1.
type API struct {
	o        Options
	requests *limiter
	events   *limiter
	document document
}

// New makes the API.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PerMinute == 0 {
		o.PerMinute = 600
	}
	if o.EventsPerMinute == 0 {
		o.EventsPerMinute = 100_000
	}
	if o.Limits == nil {
		o.Limits = kv.NewMemoryLimits()
	}
	return &API{o: o, document: newDocument(apidoc.Document()),
		requests: &limiter{o.Limits, "requests", o.PerMinute}, events: &limiter{o.Limits, "events", o.EventsPerMinute}}
}

// Route is one URL. The handler is called with a token that has the scope; it
// answers, or returns an error and has written nothing but headers.
type Route struct {
	Pattern string        // as http.ServeMux reads it
	Scope   account.Scope // "": anybody may ask, without a token
	Handler func(http.ResponseWriter, *http.Request, account.Token) error
}

// Routes is every URL of the API. What each takes and answers is in apidoc.
func (a *API) Routes() []Route {
	rs := []Route{
		{"POST /v1/stats/aggregation", account.ReadStats, a.aggregation},
		{"POST /v1/stats/timeseries", account.ReadStats, a.timeseries},
		{"POST /v1/stats/breakdown", account.ReadStats, a.breakdown},
		{"GET /v1/events/export", account.ReadStats, a.exportEvents},
		{"GET /v1/sites", account.ReadStats, a.siteList},
		{"POST /v1/sites", account.ManageSites, a.createSite},
		{"GET /v1/sites/{id}", account.ReadStats, a.siteOne},
		{"PATCH /v1/sites/{id}", account.ManageSites, a.updateSite},
		{"DELETE /v1/sites/{id}", account.ManageSites, a.deleteSite},
		{"POST /v1/sites/{id}/restore", account.ManageSites, a.restoreSite},
		{"GET /v1/sites/{id}/goals", account.ReadStats, a.goalList},
		{"POST /v1/sites/{id}/goals", account.ManageSites, a.createGoal},
		{"GET /v1/sites/{id}/goals/{goal}", account.ReadStats, a.goalOne},
		{"PATCH /v1/sites/{id}/goals/{goal}", account.ManageSites, a.updateGoal},
		{"DELETE /v1/sites/{id}/goals/{goal}", account.ManageSites, a.deleteGoal},
	}
	for i := range rs {
		rs[i].Handler = a.limited(rs[i].Handler)
	}
	return append(rs,
		Route{"POST /v1/events", account.WriteEvents, a.sendEvents}, // counts events, not requests
		Route{"GET /v1/openapi.json", "", a.openAPI},
	)
}

// siteFor finds a site the token is for. To others it is not there at all, so
// that nobody learns which sites there are.
func (a *API) siteFor(ctx context.Context, t account.Token, id string) (*site.Site, error) {
	st, err := a.o.Sites.ByPublicID(ctx, id)
	if err != nil {
		return nil, err
	}
	if !t.Covers(st.Account, st.ID) {
		return nil, site.ErrNotFound
	}
	return &st, nil
}
