package web

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"moonbear/internal/account"
	"moonbear/internal/fault"
)

// asked is what a kind of viewer is answered: a status and where a redirect
// leads. The handler, when it is reached, answers 204.
type asked struct {
	status int
	to     string
}

var (
	in        = asked{http.StatusNoContent, ""}
	toLogin   = asked{http.StatusSeeOther, "/login"}
	toSetup   = asked{http.StatusSeeOther, "/setup"}
	hidden    = asked{http.StatusNotFound, ""}
	forbidden = asked{http.StatusForbidden, ""}
)

// kinds are every kind of viewer, in the order of the table below.
var kinds = []string{"nobody before the claim", "nobody", "stranger", "viewer", "editor", "owner"}

// policyTable is who may what.
var policyTable = map[policy][]asked{
	public:    {in, in, in, in, in, in},
	unclaimed: {in, toLogin, toLogin, toLogin, toLogin, toLogin},
	signedIn:  {toSetup, toLogin, in, in, in, in},
	member:    {toSetup, toLogin, hidden, in, in, in},
	editor:    {toSetup, toLogin, hidden, forbidden, in, in},
}

// posted is the same for a form, which gets the error itself.
func posted(p policy, a asked) asked {
	switch {
	case a.to == "":
		return a
	case p == unclaimed:
		return asked{http.StatusConflict, ""}
	}
	return asked{http.StatusUnauthorized, ""}
}

// TestEveryRouteForEveryViewer asks for every page as every kind of viewer.
func TestEveryRouteForEveryViewer(t *testing.T) {
	fresh := newWorld(t, "https://stats.example.com")
	w := newWorld(t, "https://stats.example.com")
	owner := w.claim("owner@example.com", "example.com", "UTC")
	people := map[string]*person{
		"nobody before the claim": {w: fresh}, "nobody": {w: w}, "owner": owner,
		"stranger": w.join("stranger@example.com", 0, ""),
		"viewer":   w.join("viewer@example.com", owner.site.Account, account.Viewer),
		"editor":   w.join("editor@example.com", owner.site.Account, account.Editor),
	}
	for _, world := range []*world{fresh, w} {
		routes := world.server.routes()
		for i := range routes {
			if routes[i].class == page {
				routes[i].page = func(w http.ResponseWriter, _ *http.Request, _ *viewer) error {
					w.WriteHeader(http.StatusNoContent)
					return nil
				}
			}
		}
		world.server.handler = world.server.mux(routes)
	}
	fill := strings.NewReplacer("{site}", owner.site.PublicID, "{panel}", "pages", "{dimension}", "path", "{page}", "metrics", "{token}", "made-up", "{$}", "", "{goal}", "made-up", "{segment}", "made-up", "{import}", "1")
	for _, rt := range w.server.routes() {
		if rt.class != page {
			continue
		}
		method, path, ok := strings.Cut(rt.pattern, " ")
		if !ok {
			method, path = http.MethodGet, "/nowhere"
		}
		for i, kind := range kinds {
			want := policyTable[rt.policy][i]
			if method == http.MethodPost {
				want = posted(rt.policy, want)
			}
			res := people[kind].ask(method, fill.Replace(path), nil)
			to, _, _ := strings.Cut(res.Header().Get("Location"), "?")
			if got := (asked{res.Code, to}); got != want {
				t.Errorf("%s, %s: got %v, want %v", rt.pattern, kind, got, want)
			}
			if res.Header().Get("Content-Security-Policy") != pagePolicy {
				t.Errorf("%s, %s: without the content security policy", rt.pattern, kind)
			}
		}
	}
}

// TestEveryAPIRouteForEveryToken asks for the API's routes with every kind of
// token: the handler must see exactly those with the scope.
func TestEveryAPIRouteForEveryToken(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	seen := 0
	w.api = []APIRoute{
		{"POST /v1/stats/aggregation", account.ReadStats, func(w http.ResponseWriter, _ *http.Request, _ account.Token) error {
			seen++
			_, err := w.Write([]byte("{}"))
			return err
		}},
		{"GET /v1/fails", account.ReadStats, func(http.ResponseWriter, *http.Request, account.Token) error {
			return fault.Field("period", "period must be one of these.")
		}},
	}
	w.serve(nil)
	owner := w.claim("owner@example.com", "example.com", "UTC")
	bearer := func(scopes ...account.Scope) string {
		text, _, err := w.accounts.CreateToken(t.Context(), account.NewToken{Account: owner.site.Account, Name: "test", Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + text
	}
	for _, c := range []struct {
		name, method, path, header string
		status                     int
		message                    string
	}{
		{"no token", "POST", "/v1/stats/aggregation", "", 401, "An API token is missing"},
		{"another scheme", "POST", "/v1/stats/aggregation", "Basic abc", 401, "An API token is missing"},
		{"made up", "POST", "/v1/stats/aggregation", "Bearer mb_madeup", 401, "not valid"},
		{"other scope", "POST", "/v1/stats/aggregation", bearer(account.WriteEvents), 403, "read_stats"},
		{"right scope", "POST", "/v1/stats/aggregation", bearer(account.ReadStats), 200, ""},
		{"lower case scheme", "POST", "/v1/stats/aggregation", strings.Replace(bearer(account.ReadStats), "Bearer", "bearer", 1), 200, ""},
		{"a fault names its field", "GET", "/v1/fails", bearer(account.ReadStats), 400, "period must be"},
		{"no such route", "GET", "/v1/nothing", "", 404, "nothing here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := seen
			res := (&person{w: w}).ask(c.method, c.path, nil, func(r *http.Request) {
				r.Header.Del("Sec-Fetch-Site")
				if c.header != "" {
					r.Header.Set("Authorization", c.header)
				}
			})
			if res.Code != c.status {
				t.Fatalf("got %d %s, want %d", res.Code, res.Body, c.status)
			}
			if reached := seen > before; reached != (c.status == 200) {
				t.Errorf("handler reached: %v", reached)
			}
			if c.message == "" {
				return
			}
			var body struct{ Message string }
			if err := json.Unmarshal(res.Body.Bytes(), &body); err != nil || !strings.Contains(body.Message, c.message) {
				t.Errorf("got %s (%v), want a message with %q", res.Body, err, c.message)
			}
		})
	}
}

// TestForgedPosts sends every page's POST from another site.
func TestForgedPosts(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	owner := w.claim("owner@example.com", "example.com", "UTC")
	posts := 0
	for _, rt := range w.server.routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		if method != http.MethodPost {
			continue
		}
		path = strings.NewReplacer("{site}", owner.site.PublicID, "{token}", "made-up", "{goal}", "made-up", "{segment}", "made-up", "{import}", "1").Replace(path)
		res := owner.post(path, url.Values{"language": {"ko"}}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
		if refused := res.Code == http.StatusForbidden; refused != (rt.class == page) {
			t.Errorf("%s from another site: %d", rt.pattern, res.Code)
		}
		if rt.class == page {
			posts++
			if len(res.Result().Cookies()) != 0 {
				t.Errorf("%s from another site set a cookie", rt.pattern)
			}
		}
	}
	if posts < 6 {
		t.Errorf("only %d pages with POST were found", posts)
	}
}

func TestDoorsOfCollecting(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	for path, want := range map[string]string{"/event": "hit", "/api/event": "plausible"} {
		for _, method := range []string{http.MethodPost, http.MethodOptions} {
			r := httptest.NewRequest(method, path, strings.NewReader("{}"))
			r.Header.Set("Origin", "https://shop.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			res := httptest.NewRecorder()
			w.server.Handler().ServeHTTP(res, r)
			if res.Body.String() != want {
				t.Errorf("%s %s reached %q", method, path, res.Body)
			}
			for _, h := range []string{"Content-Security-Policy", "Set-Cookie"} {
				if res.Header().Get(h) != "" {
					t.Errorf("%s %s has a page's header %s", method, path, h)
				}
			}
		}
	}
}

func TestScript(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	nobody := &person{w: w}
	res := nobody.get("/analytics.js?site=abc")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
		"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff",
	} {
		if got := res.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	etag := res.Header().Get("ETag")
	if res.Code != 200 || etag == "" || !strings.Contains(res.Header().Get("Cache-Control"), "max-age") || res.Body.Len() < 200 {
		t.Fatalf("got %d, ETag %q, %d bytes", res.Code, etag, res.Body.Len())
	}
	if res := nobody.get("/analytics.js", func(r *http.Request) { r.Header.Set("If-None-Match", etag) }); res.Code != http.StatusNotModified {
		t.Errorf("with its ETag: %d", res.Code)
	}
	if res := nobody.ask(http.MethodHead, "/analytics.js", nil); res.Code != 200 || res.Body.Len() != 0 {
		t.Errorf("HEAD: %d with %d bytes", res.Code, res.Body.Len())
	}
	w.server.o.ScriptPath = "/js/bear.js"
	renamed, err := New(w.server.o)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/js/bear.js": 200, "/analytics.js": 404} {
		res := httptest.NewRecorder()
		renamed.Handler().ServeHTTP(res, httptest.NewRequest("GET", path, nil))
		if res.Code != want {
			t.Errorf("%s after renaming: %d, want %d", path, res.Code, want)
		}
	}
	for path, want := range map[string]string{"/js/event": "hit", "/event": "hit"} {
		res := httptest.NewRecorder()
		renamed.Handler().ServeHTTP(res, httptest.NewRequest("POST", path, strings.NewReader("{}")))
		if res.Body.String() != want {
			t.Errorf("a hit to %s after renaming: %d %.80s", path, res.Code, res.Body)
		}
	}
	for _, path := range []string{"/event/bear.js", "/setup", "/robots.txt", "/assets/bear.js", "/v1/bear.js", "/sites/bear.js"} {
		w.server.o.ScriptPath = path
		if _, err := New(w.server.o); !errors.Is(err, ErrScriptPath) {
			t.Errorf("the script at %s: %v, want ErrScriptPath", path, err)
		}
	}
}

func TestWrongMethod(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/event", 405, "POST"},
		{"DELETE", "/login", 405, "GET, POST"},
		{"PUT", "/api/event", 405, "POST"},
		{"GET", "/nowhere", 404, ""},
		{"POST", "/v1/nowhere", 404, ""},
	} {
		r := httptest.NewRequest(tc.method, tc.path, nil)
		res := httptest.NewRecorder()
		w.server.Handler().ServeHTTP(res, r)
		if res.Code != tc.status || res.Header().Get("Allow") != tc.allow {
			t.Errorf("%s %s: %d, Allow %q; want %d, %q", tc.method, tc.path, res.Code, res.Header().Get("Allow"), tc.status, tc.allow)
		}
	}
}

// TestRoutesAreKnown keeps the table of policies whole.
func TestRoutesAreKnown(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	known := slices.Collect(maps.Keys(policyTable))
	for _, rt := range w.server.routes() {
		switch rt.class {
		case page:
			if !slices.Contains(known, rt.policy) || rt.page == nil {
				t.Errorf("%s: no policy, or no page", rt.pattern)
			}
		case api:
			if rt.api == nil || rt.policy != token && rt.pattern != "/v1/" && rt.pattern != "GET /v1/openapi.json" {
				t.Errorf("%s: an API route without a token's policy", rt.pattern)
			}
		default:
			if rt.raw == nil {
				t.Errorf("%s: no handler", rt.pattern)
			}
		}
	}
}
