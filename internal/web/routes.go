package web

import (
	"net/http"
	"path"
	"slices"

	"moonbear/internal/account"
)

// policy is who may ask for a URL. It is checked in one place, serve.
type policy int

const (
	public    policy = iota // anybody
	unclaimed               // anybody, while nobody owns this server
	signedIn                // a user
	member                  // a user with a role in the account of the site in the path
	editor                  // the same, with the role editor or more
	token                   // a program whose token has the route's scope
)

// class is what a route's answers are like: how errors are told, and whether
// it stands behind the fence against forged cross-site requests.
type class int

const (
	page    class = iota // HTML; POSTs must come from our own pages
	api                  // JSON
	collect              // answers by itself; open to every origin
	asset                // bytes
)

// route is one line of the table of URLs.
type route struct {
	pattern string // as http.ServeMux reads it
	policy  policy
	class   class
	scope   account.Scope // for the policy token
	page    func(http.ResponseWriter, *http.Request, *viewer) error
	api     func(http.ResponseWriter, *http.Request, account.Token) error
	raw     http.HandlerFunc // for collect and asset
}

// routes is every URL there is.
func (s *Server) routes() []route {
	rs := []route{
		// Collecting, and the script that feeds it.
		{pattern: "POST /event", class: collect, raw: s.o.Collect.Hit},
		{pattern: "OPTIONS /event", class: collect, raw: s.o.Collect.Hit},
		{pattern: "POST /api/event", class: collect, raw: s.o.Collect.PlausibleHit},
		{pattern: "OPTIONS /api/event", class: collect, raw: s.o.Collect.PlausibleHit},
		{pattern: "GET " + s.o.ScriptPath, class: asset, raw: s.script.ServeHTTP},

		// The machine's own questions.
		{pattern: "GET /healthz", class: asset, raw: s.healthz},
		{pattern: "GET /readyz", class: asset, raw: s.readyz},
		{pattern: "GET /robots.txt", class: asset, raw: s.robots},
		{pattern: "GET /favicon.ico", class: asset, raw: s.favicon},
		{pattern: "GET /assets/{file}", class: asset, raw: s.asset},

		// Getting in and out.
		{pattern: "GET /{$}", policy: public, page: s.home},
		{pattern: "GET /setup", policy: unclaimed, page: s.setupForm},
		{pattern: "POST /setup", policy: unclaimed, page: s.setup},
		{pattern: "GET /login", policy: public, page: s.loginForm},
		{pattern: "POST /login", policy: public, page: s.login},
		{pattern: "GET /login/link/{token}", policy: public, page: s.loginLinkForm},
		{pattern: "POST /login/link/{token}", policy: public, page: s.loginLink},
		{pattern: "POST /logout", policy: public, page: s.logout},
		{pattern: "POST /preferences", policy: public, page: s.preferences},

		// Documentation.
		{pattern: "GET /docs", policy: public, page: s.docsIndex},
		{pattern: "GET /docs/{page}", policy: public, page: s.docsPage},

		// Sites.
		{pattern: "GET /sites", policy: signedIn, page: s.siteList},
		{pattern: "POST /sites", policy: signedIn, page: s.addSite},
		{pattern: "GET /sites/{site}", policy: member, page: s.dashboard},
		{pattern: "GET /sites/{site}/filter", policy: member, page: s.addFilter},
		{pattern: "GET /sites/{site}/values", policy: member, page: s.filterValues},
		{pattern: "GET /sites/{site}/panels/{panel}", policy: member, page: s.panel},
		{pattern: "GET /sites/{site}/panels/{panel}/csv", policy: member, page: s.panelCSV},
		{pattern: "GET /sites/{site}/all/{dimension}", policy: member, page: s.listing},
		{pattern: "GET /sites/{site}/all/{dimension}/csv", policy: member, page: s.listingCSV},
		{pattern: "GET /sites/{site}/dropped", policy: member, page: s.dropped},
		{pattern: "GET /sites/{site}/slowest/{dimension}", policy: member, page: s.slowest},
		{pattern: "GET /sites/{site}/slowest/{dimension}/csv", policy: member, page: s.slowestCSV},
		{pattern: "GET /sites/{site}/live", policy: member, page: s.live},
		{pattern: "GET /sites/{site}/live/now", policy: member, page: s.liveStatus},
		{pattern: "GET /sites/{site}/start", policy: member, page: s.start},
		{pattern: "GET /sites/{site}/start/status", policy: member, page: s.startStatus},
		{pattern: "GET /sites/{site}/goals", policy: member, page: s.goals},
		{pattern: "POST /sites/{site}/goals", policy: editor, page: s.addGoal},
		{pattern: "GET /sites/{site}/goals/{goal}", policy: editor, page: s.goalPage},
		{pattern: "POST /sites/{site}/goals/{goal}", policy: editor, page: s.changeGoal},
		{pattern: "POST /sites/{site}/goals/{goal}/delete", policy: editor, page: s.deleteGoal},
		{pattern: "GET /sites/{site}/segments", policy: member, page: s.segments},
		{pattern: "POST /sites/{site}/segments", policy: editor, page: s.addSegment},
		{pattern: "POST /sites/{site}/segments/{segment}", policy: editor, page: s.renameSegment},
		{pattern: "POST /sites/{site}/segments/{segment}/delete", policy: editor, page: s.deleteSegment},
		{pattern: "GET /sites/{site}/transfer", policy: member, page: s.transfer},
		{pattern: "GET /sites/{site}/transfer/events", policy: member, page: s.exportEvents},
		{pattern: "POST /sites/{site}/transfer/imports/{import}/undo", policy: editor, page: s.undoImport},
		{pattern: "POST /sites/{site}/hostnames", policy: editor, page: s.allowHostname},

		// Everything else is not here.
		{pattern: "/v1/", class: api, policy: public, api: s.noAPI},
		{pattern: "/", policy: public, page: s.nothing},
	}
	if p := eventBeside(s.o.ScriptPath); p != "/event" {
		rs = append(rs, route{pattern: "POST " + p, class: collect, raw: s.o.Collect.Hit}, route{pattern: "OPTIONS " + p, class: collect, raw: s.o.Collect.Hit})
	}
	for _, a := range s.o.API {
		r := route{pattern: a.Pattern, class: api, policy: token, scope: a.Scope, api: a.Handler}
		if a.Scope == "" {
			r.policy = public
		}
		rs = append(rs, r)
	}
	return rs
}

// served are the routes of what this process does.
func (s *Server) served(rs []route) []route {
	if !s.o.OnlyCollect && !s.o.NoCollect {
		return rs
	}
	machine := []string{"GET /healthz", "GET /readyz", "GET /robots.txt"}
	served := slices.DeleteFunc(rs, func(rt route) bool {
		if slices.Contains(machine, rt.pattern) {
			return false
		}
		takes := rt.class == collect || rt.scope == account.WriteEvents || rt.pattern == "GET "+s.o.ScriptPath
		return takes && s.o.NoCollect || !takes && s.o.OnlyCollect
	})
	if s.o.OnlyCollect {
		served = append(served, route{pattern: "/", class: asset, raw: http.NotFound})
	}
	return served
}

// eventBeside is where a script of this path sends its hits: the tracker asks
// for "event" in its own directory.
func eventBeside(script string) string { return path.Join(path.Dir(script), "event") }
