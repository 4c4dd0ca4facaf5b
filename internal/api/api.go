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
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// Asker answers questions about a site; *stats.Stats is one.
type Asker interface {
	Run(context.Context, stats.Query) (*stats.Result, error)
}

// Sites knows sites; *site.Service is one.
type Sites interface {
	// ByPublicID finds a site; a fault of kind NotFound when there is none.
	ByPublicID(ctx context.Context, id string) (site.Site, error)
	List(ctx context.Context, account int64, q site.ListQuery) (site.List, error)
}

// Options are what the API is made of; Stats and Sites must be given.
type Options struct {
	Stats Asker
	Sites Sites
	Now   func() time.Time // nil: time.Now
	// PerMinute is how many requests a token may make in a minute; 0: 600.
	PerMinute int
}

// API answers /v1 but for POST /v1/events, which is collect's.
type API struct {
	o     Options
	limit *limiter
}

// New makes the API.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PerMinute == 0 {
		o.PerMinute = 600
	}
	return &API{o: o, limit: newLimiter(o.PerMinute, time.Minute)}
}

// Route is one URL. The handler is called with a token that has the scope; it
// answers, or returns an error and has written nothing but headers.
type Route struct {
	Pattern string // as http.ServeMux reads it
	Scope   account.Scope
	Handler func(http.ResponseWriter, *http.Request, account.Token) error
}

// Routes is every URL of the API.
func (a *API) Routes() []Route {
	rs := []Route{
		{"POST /v1/stats/aggregation", account.ReadStats, a.aggregation},
		{"POST /v1/stats/timeseries", account.ReadStats, a.timeseries},
		{"POST /v1/stats/breakdown", account.ReadStats, a.breakdown},
		{"GET /v1/sites", account.ReadStats, a.siteList},
		{"GET /v1/sites/{id}", account.ReadStats, a.siteOne},
	}
	for i := range rs {
		rs[i].Handler = a.limited(rs[i].Handler)
	}
	return rs
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
