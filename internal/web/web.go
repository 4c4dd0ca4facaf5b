// Package web is every page and every URL.
//
// A request goes: Handler (panics, reference number) → routes.go (the one
// table of URLs, each with who may ask) → a page's handler, which returns its
// error → html (pure components) → one answer, written once. Collecting and
// the tracker's script pass through the same table, without the page's costs.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/account"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/assets"
	"moonbear/internal/web/html"
	"moonbear/tracker"
)

// Collector takes page views in; it answers by itself, CORS included.
type Collector interface {
	Hit(http.ResponseWriter, *http.Request)          // our dialect and Panelbear's
	PlausibleHit(http.ResponseWriter, *http.Request) // POST /api/event
}

// Asker answers questions about a site; *stats.Stats is one.
type Asker interface {
	Run(context.Context, stats.Query) (*stats.Result, error)
	Drops(context.Context, stats.Query) (*stats.Drops, error)
	DropSeries(context.Context, stats.Query) (*stats.DropSeries, error)
	DropDetails(ctx context.Context, q stats.Query, reason string, page, size int) (*stats.DropDetails, error)
	Online(ctx context.Context, site int64) (int64, error)
	VisitorsBySite(context.Context, []*site.Site, stats.Period) (map[int64]stats.SiteVisitors, error)
	Recent(ctx context.Context, site int64, limit int) ([]stats.Moment, error)
	PropertyKeys(context.Context, stats.Query) ([]stats.PropertyKey, error)
}

// APIRoute is one URL of the JSON API. The handler is called with the token
// already checked against Scope, or with none when Scope is "".
type APIRoute struct {
	Pattern string // "POST /v1/stats/aggregation"
	Scope   account.Scope
	Handler func(http.ResponseWriter, *http.Request, account.Token) error
}

// Options are what a Server is made of. Accounts, Sites, Stats, Collect,
// Exports and Transfer must be given.
type Options struct {
	BaseURL  string // "https://stats.example.com", in snippets and links
	Accounts *account.Service
	Sites    *site.Service
	Stats    Asker
	Collect  Collector
	API      []APIRoute
	Exports  Exporter
	Transfer Importer

	// OnlyCollect leaves out the pages and the API but for collecting, NoCollect
	// what takes hits.
	OnlyCollect, NoCollect bool

	// ScriptPath is where the tracker's script is; "" is /analytics.js. A name
	// of the operator's own keeps it off lists that block by name.
	ScriptPath string

	// Client tells clients apart, for slowing down guesses; nil is the
	// connection's address. Behind a proxy app gives the one that looks at it.
	Client func(*http.Request) string
	// Ready says why the server can't work now; nil is always ready.
	Ready func(context.Context) error

	// Behind is how old the newest hit is that Stats doesn't know of yet; nil is
	// never behind.
	Behind func() time.Duration

	// Imports are the days of which a site's imports have counts and no
	// events; nil knows of none.
	Imports func(ctx context.Context, site int64) ([]ImportedDays, error)

	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Server is the pages and the table of URLs.
type Server struct {
	o         Options
	log       *slog.Logger
	now       func() time.Time
	secure    bool
	assets    *assets.Files
	script    http.Handler
	docs      map[docKey]doc
	reference []html.DocGroup
	took      *prometheus.HistogramVec
	handler   *http.ServeMux
}

// New makes a server; an error says which option is missing or wrong.
func New(o Options) (*Server, error) {
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || base.Host == "":
		return nil, fmt.Errorf("base URL %q: want a full address, like https://stats.example.com", o.BaseURL)
	case o.Accounts == nil, o.Sites == nil, o.Stats == nil, o.Collect == nil, o.Exports == nil, o.Transfer == nil:
		return nil, fmt.Errorf("web needs Accounts, Sites, Stats, Collect, Exports and Transfer")
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	o.ScriptPath = cmp.Or(o.ScriptPath, "/analytics.js")
	if o.Client == nil {
		o.Client = connection
	}
	s := &Server{o: o, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), now: o.Now, secure: base.Scheme == "https"}
	if s.now == nil {
		s.now = time.Now
	}
	if s.assets, err = assets.Open(); err != nil {
		return nil, err
	}
	if s.script, err = tracker.Handler(); err != nil {
		return nil, err
	}
	if s.docs, err = s.makeDocs(); err != nil {
		return nil, err
	}
	if s.reference, err = s.makeReference(); err != nil {
		return nil, err
	}
	s.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "moonbear_http_seconds",
		Help:    "How long pages and API answers took, by route and status class. Collecting has its own figures.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"route", "status"})
	if o.Metrics != nil {
		if err := o.Metrics.Register(s.took); err != nil {
			return nil, fmt.Errorf("register the pages' metrics: %w", err)
		}
	}
	rs := s.routes()
	if !alone(rs, o.ScriptPath) {
		return nil, ErrScriptPath
	}
	s.handler = s.mux(s.served(rs))
	return s, nil
}

// ErrScriptPath is New's when the script would stand where pages do.
var ErrScriptPath = errors.New("pages of this server live under that name; choose one like /js/bear.js")

// alone says whether no other route begins with the first name of a path.
func alone(rs []route, script string) bool {
	first := func(pattern string) string {
		name, _, _ := strings.Cut(pattern[strings.Index(pattern, "/")+1:], "/")
		return name
	}
	n := 0
	for _, rt := range rs {
		_, path, _ := strings.Cut(rt.pattern, " ")
		if first(rt.pattern) == first(script) && path != eventBeside(script) {
			n++
		}
	}
	return n == 1
}

// Handler is the whole server.
func (s *Server) Handler() http.Handler { return s.handler }

// connection is the address a request came from, without its port.
func connection(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// dropHostname is the reason collect counts a hit from a hostname under that
// the site's list doesn't have; the detail is the hostname.
const dropHostname = "hostname"
