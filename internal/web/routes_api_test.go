package web

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"moonbear/internal/account"
	v1 "moonbear/internal/api"
	collecting "moonbear/internal/collect"
	"moonbear/internal/site"
	"moonbear/internal/transfer/export"
)

// noCollector stands where collecting stands. Whom a batch may name is held
// where it is judged, in collect; here, who may send one.
type noCollector struct{}

func (noCollector) Events(*http.Request, collecting.TokenFacts, func(int) error) (int, error) {
	return 1, nil
}

// apiRoute is what a request to one of the API's routes needs to succeed.
// SITE and GOAL stand for IDs, NEW for a domain nobody has.
type apiRoute struct {
	body    string // or, with a "?" before it, the query
	status  int
	ofSite  bool // it is about SITE, so nobody else's token finds it
	deleted bool // SITE was deleted before
}

var apiRoutes = map[string]apiRoute{
	"POST /v1/stats/aggregation":         {`{"site_id":"SITE","aggregate":["visits"]}`, 200, true, false},
	"POST /v1/stats/timeseries":          {`{"site_id":"SITE","aggregate":["visits"]}`, 200, true, false},
	"POST /v1/stats/breakdown":           {`{"site_id":"SITE","aggregate":["visits"],"group_by":["path"]}`, 200, true, false},
	"GET /v1/sites":                      {"", 200, false, false},
	"POST /v1/sites":                     {`{"domain":"NEW"}`, 201, false, false},
	"GET /v1/sites/{id}":                 {"", 200, true, false},
	"PATCH /v1/sites/{id}":               {`{"currency":"KRW"}`, 200, true, false},
	"DELETE /v1/sites/{id}":              {"", 200, true, false},
	"POST /v1/sites/{id}/restore":        {"", 200, true, true},
	"GET /v1/sites/{id}/goals":           {"", 200, true, false},
	"POST /v1/sites/{id}/goals":          {`{"name":"Another","path":"/x"}`, 201, true, false},
	"GET /v1/sites/{id}/goals/{goal}":    {"", 200, true, false},
	"PATCH /v1/sites/{id}/goals/{goal}":  {`{"name":"Renamed"}`, 200, true, false},
	"DELETE /v1/sites/{id}/goals/{goal}": {"", 204, true, false},
	"POST /v1/events":                    {`{}`, 202, false, false},
	"GET /v1/events/export":              {"?site_id=SITE", 200, true, false},
}

// TestRealAPIForEveryToken asks for every route of the real API with every
// kind of token. The right one comes last: only it may have changed anything.
func TestRealAPIForEveryToken(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	a := v1.New(v1.Options{Stats: w.asker.(v1.Asker), Sites: w.sites, Collect: noCollector{}, Exports: export.New(w.store, nil)})
	for _, r := range a.Routes() {
		w.api = append(w.api, APIRoute(r))
	}
	w.serve(nil)
	owner := w.claim("owner@example.com", "example.com", "UTC")
	home := owner.site.Account
	second := w.addSite(owner, "second.example")
	var abroad int64
	if err := w.db.Bun().NewRaw("insert into accounts (name, created_at) values ('abroad', current_timestamp) returning id").Scan(t.Context(), &abroad); err != nil {
		t.Fatal(err)
	}
	tokens := apiTokens{t, w}
	all := account.Scopes()
	revoked := tokens.make(home, all)
	tokens.revoke(home, revoked)
	foreign, limited, right := tokens.make(abroad, all), tokens.make(home, all, second.ID), tokens.make(home, all)

	for i, r := range a.Routes() {
		if r.Scope == "" {
			continue
		}
		route, ok := apiRoutes[r.Pattern]
		if !ok {
			t.Errorf("%s: say above what it takes to succeed", r.Pattern)
			continue
		}
		st := w.addSite(owner, fmt.Sprintf("shop%d.example", i))
		goal, err := w.sites.AddGoal(t.Context(), site.Goal{Site: st.ID, Name: "Made", Rule: site.Rule{Event: "made"}})
		if err != nil {
			t.Fatal(err)
		}
		if route.deleted {
			tokens.must(w.sites.Delete(t.Context(), st.PublicID))
		}
		var others []account.Scope
		for _, s := range all {
			if s != r.Scope {
				others = append(others, s)
			}
		}
		stranger, confined := route.status, route.status
		if route.ofSite {
			stranger, confined = 404, 404
		}
		if r.Pattern == "POST /v1/sites" {
			confined = 403
		}
		for _, kind := range []struct {
			name, bearer string
			status       int
		}{
			{"no token", "", 401},
			{"a made up token", "Bearer mb_" + strings.Repeat("A", 52), 401},
			{"a revoked token", revoked, 401},
			{"another account's", foreign, stranger},
			{"one without the scope", tokens.make(home, others), 403},
			{"one for another site", limited, confined},
			{"the right one", right, route.status},
		} {
			fill := strings.NewReplacer("SITE", st.PublicID, "{id}", st.PublicID, "{goal}", goal.PublicID, "NEW", fmt.Sprintf("new%d-%d.example", i, len(kind.name)))
			method, path, _ := strings.Cut(fill.Replace(r.Pattern), " ")
			body := fill.Replace(route.body)
			res := tokens.ask(method, path, body, kind.bearer)
			if res.code != kind.status {
				t.Errorf("%s with %s: %d %s, want %d", r.Pattern, kind.name, res.code, res.body, kind.status)
			}
			if shows := strings.Contains(res.body, st.PublicID) || strings.Contains(res.body, st.Domain); shows && kind.bearer != right {
				t.Errorf("%s with %s shows the site: %s", r.Pattern, kind.name, res.body)
			}
		}
	}
}

// TestUnreadableIDs asks for what no database can be asked for.
func TestUnreadableIDs(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	a := v1.New(v1.Options{Stats: w.asker.(v1.Asker), Sites: w.sites, Collect: noCollector{}, Exports: export.New(w.store, nil)})
	for _, r := range a.Routes() {
		w.api = append(w.api, APIRoute(r))
	}
	w.serve(nil)
	owner := w.claim("owner@example.com", "example.com", "UTC")
	tokens := apiTokens{t, w}
	right := tokens.make(owner.site.Account, account.Scopes())
	for _, id := range []string{"%00", "%ff", "a%2Fb", "%2e%2e", "%F0%9F%90%BB", strings.Repeat("x", 5000)} {
		for pattern, route := range apiRoutes {
			if !route.ofSite || !strings.Contains(pattern, "{") {
				continue
			}
			for _, site := range []string{id, owner.site.PublicID} {
				if site != id && !strings.Contains(pattern, "{goal}") {
					continue
				}
				method, path, _ := strings.Cut(strings.NewReplacer("{id}", site, "{goal}", id).Replace(pattern), " ")
				if res := tokens.ask(method, path, route.body, right); res.code != 404 {
					t.Errorf("%s %.60s: %d %s", method, path, res.code, res.body)
				}
			}
		}
		for _, page := range []string{"/sites/" + id, "/sites/" + owner.site.PublicID + "/goals/" + id} {
			if res := owner.get(page); res.Code != http.StatusNotFound {
				t.Errorf("the page %.60s: %d", page, res.Code)
			}
		}
		for _, page := range []string{"/goals/" + id + "/delete", "/segments/" + id, "/segments/" + id + "/delete"} {
			if res := owner.post("/sites/"+owner.site.PublicID+page, url.Values{"name": {"x"}}); res.Code >= 500 {
				t.Errorf("the page %.60s: %d", page, res.Code)
			}
		}
	}
	if res := tokens.ask("POST", "/v1/stats/aggregation", `{"site_id":"\u0000","aggregate":["visits"]}`, right); res.code != 404 || !strings.Contains(res.body, `"field":"site_id"`) {
		t.Errorf("a body's site: %d %s", res.code, res.body)
	}
}

// TestDeletedSitesAreNowhere asks about a deleted site with the token that
// could before, and about another site's goal under a site's own address.
func TestDeletedSitesAreNowhere(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	a := v1.New(v1.Options{Stats: w.asker.(v1.Asker), Sites: w.sites, Collect: noCollector{}, Exports: export.New(w.store, nil)})
	for _, r := range a.Routes() {
		w.api = append(w.api, APIRoute(r))
	}
	w.serve(nil)
	owner := w.claim("owner@example.com", "example.com", "UTC")
	gone := w.addSite(owner, "gone.example")
	tokens := apiTokens{t, w}
	goal, err := w.sites.AddGoal(t.Context(), site.Goal{Site: gone.ID, Name: "Made", Rule: site.Rule{Event: "made"}})
	tokens.must(err)
	right := tokens.make(owner.site.Account, account.Scopes())

	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		if res := tokens.ask(method, "/v1/sites/"+owner.site.PublicID+"/goals/"+goal.PublicID, "{}", right); res.code != 404 {
			t.Errorf("%s of a goal under another site: %d %s", method, res.code, res.body)
		}
	}
	if g, err := w.sites.Goal(t.Context(), gone.ID, goal.PublicID); err != nil || g.Name != "Made" {
		t.Fatalf("the goal is %+v, %v", g, err)
	}

	tokens.must(w.sites.Delete(t.Context(), gone.PublicID))
	asked := 0
	for pattern, route := range apiRoutes {
		if !route.ofSite || route.deleted {
			continue
		}
		asked++
		fill := strings.NewReplacer("SITE", gone.PublicID, "{id}", gone.PublicID, "{goal}", goal.PublicID)
		method, path, _ := strings.Cut(fill.Replace(pattern), " ")
		if res := tokens.ask(method, path, fill.Replace(route.body), right); res.code != 404 || strings.Contains(res.body, gone.Domain) {
			t.Errorf("%s of a deleted site: %d %s", pattern, res.code, res.body)
		}
	}
	if asked < 10 {
		t.Errorf("only %d routes were asked", asked)
	}
	if res := tokens.ask("GET", "/v1/sites", "", right); strings.Contains(res.body, gone.PublicID) || !strings.Contains(res.body, `"result_count":1`) {
		t.Errorf("the list: %s", res.body)
	}
	if st, known := w.sites.Directory().Lookup(gone.PublicID); known {
		t.Errorf("collecting knows %+v", st)
	}
	for _, page := range []string{"", "/live", "/live/now", "/goals", "/start", "/panels/pages/csv"} {
		if res := owner.get("/sites/" + gone.PublicID + page); res.Code != http.StatusNotFound {
			t.Errorf("the page %q of a deleted site: %d", page, res.Code)
		}
	}
	if res := owner.get("/sites"); strings.Contains(res.Body.String(), `href="/sites/`+gone.PublicID) {
		t.Error("the owner's list links to a deleted site")
	}
}

type apiTokens struct {
	t *testing.T
	w *world
}

func (a apiTokens) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a apiTokens) make(of int64, scopes []account.Scope, sites ...int64) string {
	a.t.Helper()
	text, _, err := a.w.accounts.CreateToken(a.t.Context(), account.NewToken{Account: of, Name: "test", Scopes: scopes, Sites: sites})
	a.must(err)
	return "Bearer " + text
}

func (a apiTokens) revoke(of int64, bearer string) {
	a.t.Helper()
	made, err := a.w.accounts.TokenFor(a.t.Context(), strings.TrimPrefix(bearer, "Bearer "))
	a.must(err)
	a.must(a.w.accounts.RevokeToken(a.t.Context(), of, made.ID))
}

type apiAnswer struct {
	code int
	body string
}

// ask asks with a body or, where that begins with a "?", with a query.
func (a apiTokens) ask(method, path, body, bearer string) apiAnswer {
	if strings.HasPrefix(body, "?") {
		path, body = path+body, ""
	}
	res := (&person{w: a.w}).ask(method, path, nil, func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Del("Sec-Fetch-Site")
		if bearer != "" {
			r.Header.Set("Authorization", bearer)
		}
	})
	return apiAnswer{res.Code, res.Body.String()}
}
