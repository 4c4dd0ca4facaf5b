package apitest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/api"
	"moonbear/internal/api/apitest"
	"moonbear/internal/bot"
	"moonbear/internal/collect"
	"moonbear/internal/db/dbtest"
	"moonbear/internal/event/duckdb"
	. "moonbear/internal/event/eventtest"
	"moonbear/internal/fault"
	"moonbear/internal/geo"
	"moonbear/internal/kv"
	"moonbear/internal/salt"
	"moonbear/internal/site"
	"moonbear/internal/source"
	"moonbear/internal/stats"
	"moonbear/internal/transfer/export"
)

// server is the API over real stores, mounted as web mounts it.
type server struct {
	t     *testing.T
	mux   *http.ServeMux
	site  site.Site
	other site.Site // of another account
	token account.Token
	spool *kept
	sites *site.Service
}

func newServer(t *testing.T, perMinute int) *server {
	t.Helper()
	ctx := context.Background()
	d := dbtest.New(t)
	accounts := account.New(d, account.Options{})
	sites := site.New(d, accounts, site.Options{})
	first, err := sites.FirstRun(ctx, site.FirstRun{Email: "a@example.com", Password: "correct horse", Domain: "shop.com", TimeZone: "Asia/Seoul"})
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	if err := d.Bun().NewRaw("insert into accounts (name, created_at) values ('other', current_timestamp) returning id").Scan(ctx, &id); err != nil {
		t.Fatal(err)
	}
	foreign, err := sites.Create(ctx, site.NewSite{Account: id, Domain: "other.com", TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	store, err := duckdb.Open(ctx, duckdb.Options{Path: t.TempDir(), Memory: 256 << 20, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	on := OnSite(first.Site.ID)
	events := Events(
		Visit(on, At(Start), View("/"), View("/docs")),
		Visit(on, At(Start.Add(-24*time.Hour)), View("/")),
		Visit(on, At(Start), From("Google", "Organic Search"), View("/docs"), Paid("buy", 2500, first.Site.Currency), Paid("buy", 1500, "XAF")),
	)
	if err := store.Append(ctx, Batch("spool", 0, events)); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return Start.Add(2 * time.Hour) }
	bearer, _, err := accounts.CreateToken(ctx, account.NewToken{Account: first.Account, Name: "all", Scopes: account.Scopes()})
	if err != nil {
		t.Fatal(err)
	}
	token, err := accounts.TokenFor(ctx, bearer)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, mux: http.NewServeMux(), site: first.Site, other: foreign, token: token, spool: &kept{}, sites: sites}
	a := api.New(api.Options{Stats: stats.New(store, now), Sites: sites, Collect: collector(t, sites, s.spool, now), Exports: export.New(store, nil), Now: now,
		PerMinute: perMinute, EventsPerMinute: perMinute})
	for _, r := range a.Routes() {
		s.mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, q *http.Request) {
			err := r.Handler(w, q, s.token)
			if f, ok := fault.From(err); ok {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(int(f.Kind))
				_ = json.NewEncoder(w).Encode(map[string]string{"message": f.Message, "field": f.Field})
			} else if err != nil {
				t.Errorf("%s: %v", r.Pattern, err)
			}
		})
	}
	return s
}

// kept is a spool that keeps count.
type kept struct{ records int }

func (k *kept) Append(context.Context, []byte) error { k.records++; return nil }

// lookups are the real ones; loading them takes a while, so once.
var lookups = sync.OnceValues(func() (o collect.Options, err error) {
	var errs [3]error
	o.Geo, errs[0] = geo.Open("")
	o.Bots, errs[1] = bot.New()
	o.Sources, errs[2] = source.New()
	return o, errors.Join(errs[:]...)
})

func collector(t *testing.T, sites *site.Service, spool collect.Spool, now func() time.Time) *collect.Collector {
	t.Helper()
	o, err := lookups()
	if err != nil {
		t.Fatal(err)
	}
	if o.Salts, err = salt.Open(t.TempDir()+"/salts", now); err != nil {
		t.Fatal(err)
	}
	o.Sites, o.Spool, o.Visits, o.Now = sites.Directory(), spool, kv.NewMemory(1000), now
	c, err := collect.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *server) do(method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	body = strings.NewReplacer("SITE", s.site.PublicID, "OTHER", s.other.PublicID).Replace(body)
	path = strings.NewReplacer("SITE", s.site.PublicID, "OTHER", s.other.PublicID).Replace(path)
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	apitest.Response(s.t, method, path, w.Code, w.Header(), w.Body.Bytes())
	if w.Code < 300 {
		apitest.Request(s.t, method, path, http.Header{"Authorization": {"Bearer mb_x"}}, body)
	}
	return w
}

// said is a fault's field and message, as the tables below write them.
func said(w *httptest.ResponseRecorder) string {
	var f struct{ Message, Field string }
	if json.Unmarshal(w.Body.Bytes(), &f) != nil {
		return "no fault: " + w.Body.String()
	}
	return f.Field + ": " + f.Message
}

// TestAnswers holds whole answers, to the byte.
func TestAnswers(t *testing.T) {
	s := newServer(t, 0)
	for _, c := range []struct{ name, method, path, body, want string }{
		{"aggregation", "POST", "/v1/stats/aggregation", `{"site_id":"SITE","aggregate":["visitors","session_count","bounce_rate","lcp_p75"],"period":"24h"}`,
			`{"data":{"visitors":{"value":2},"session_count":{"value":2},"bounce_rate":{"value":0},"lcp_p75":{"value":null}}}`},
		{"aggregation compared", "POST", "/v1/stats/aggregation", `{"site_id":"SITE","aggregate":["pageviews","bounce_rate"],"period":"today","timezone":"Asia/Seoul","compare":true}`,
			`{"data":{"pageviews":{"value":3,"previous":1},"bounce_rate":{"value":0,"previous":100}}}`},
		{"revenue", "POST", "/v1/stats/aggregation", `{"site_id":"SITE","aggregate":["revenue"],"period":"24h","filter":[{"dimension":"path","operator":"eq","value":"/docs"}]}`,
			`{"data":{"revenue":{"value":2.5,"others":{"XAF":1.5}}}}`},
		{"the last hour is the default", "POST", "/v1/stats/aggregation", `{"site_id":"SITE","aggregate":"pageviews"}`,
			`{"data":{"pageviews":{"value":0}}}`},
		{"timeseries", "POST", "/v1/stats/timeseries", `{"site_id":"SITE","aggregate":["pageviews","views_per_visit"],"from":"2026-03-01","to":"2026-03-03","timezone":"Asia/Seoul","time_bucket":"day","compare":"previous"}`,
			`{"data":[{"ts":"2026-03-01T00:00:00+09:00","pageviews":1,"views_per_visit":1,"previous":{"pageviews":0,"views_per_visit":null}},` +
				`{"ts":"2026-03-02T00:00:00+09:00","pageviews":3,"views_per_visit":1.5,"previous":{"pageviews":0,"views_per_visit":null}}]}`},
		{"timeseries, its own bucket", "POST", "/v1/stats/timeseries", `{"site_id":"SITE","aggregate":["event_count"],"period":"mtd"}`,
			`{"data":[{"ts":"2026-03-01T00:00:00Z","event_count":1},{"ts":"2026-03-02T00:00:00Z","event_count":5}]}`},
		{"breakdown", "POST", "/v1/stats/breakdown", `{"site_id":"SITE","aggregate":["session_count","pageviews"],"group_by":["path","source"],"period":"7d","order_by":["-pageviews","session_count"],"page_size":5}`,
			`{"page":1,"page_size":5,"page_count":1,"result_count":3,"data":[{"path":"/","source":"","session_count":2,"pageviews":2},{"path":"/docs","source":"","session_count":1,"pageviews":1},{"path":"/docs","source":"Google","session_count":1,"pageviews":1}]}`},
		{"breakdown, an empty page", "POST", "/v1/stats/breakdown", `{"site_id":"SITE","aggregate":["visitors"],"group_by":"path","period":"7d","page":3,"page_size":5}`,
			`{"page":3,"page_size":5,"page_count":1,"result_count":2,"data":[]}`},
		{"breakdown of nothing", "POST", "/v1/stats/breakdown", `{"site_id":"SITE","aggregate":["visitors"],"group_by":"prop:plan","period":"7d","filter":{"not":{"dimension":"prop:plan","operator":"is_not_set"}},"compare":true}`,
			`{"page":1,"page_size":10,"page_count":1,"result_count":0,"data":[]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := s.do(c.method, c.path, c.body)
			if got := strings.TrimSpace(w.Body.String()); got != c.want || w.Code != http.StatusOK {
				t.Errorf("%d\n got %s\nwant %s", w.Code, got, c.want)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/json" {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

func TestSites(t *testing.T) {
	s := newServer(t, 0)
	var one struct{ ID, Domain, Timezone, Currency string }
	w := s.do("GET", "/v1/sites/SITE", "")
	if err := json.Unmarshal(w.Body.Bytes(), &one); err != nil || w.Code != 200 || one.ID != s.site.PublicID || one.Domain != "shop.com" || one.Timezone != "Asia/Seoul" || one.Currency == "" {
		t.Errorf("one site: %d %s %v", w.Code, w.Body, err)
	}
	for _, c := range []struct {
		query   string
		results int
	}{{"", 1}, {"?search=shop&page=1&page_size=5", 1}, {"?search=other", 0}} {
		var list struct {
			Page        int              `json:"page"`
			PageSize    int              `json:"page_size"`
			PageCount   int              `json:"page_count"`
			ResultCount int              `json:"result_count"`
			Data        []map[string]any `json:"data"`
		}
		w := s.do("GET", "/v1/sites"+c.query, "")
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || list.ResultCount != c.results || len(list.Data) != c.results || list.Page != 1 || list.PageCount != 1 || list.PageSize < 5 {
			t.Errorf("%q: %d %s %v", c.query, w.Code, w.Body, err)
		}
	}
}

// TestFaults: the status, the field, and what would be right.
func TestFaults(t *testing.T) {
	s := newServer(t, 0)
	const agg, series, rows = "/v1/stats/aggregation", "/v1/stats/timeseries", "/v1/stats/breakdown"
	for _, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{agg, ``, 400, "one JSON object"},
		{agg, `[]`, 400, "one JSON object"},
		{agg, `{"site_id":"SITE",}`, 400, "not valid JSON"},
		{agg, `{"site_id":"SITE"} {}`, 400, "nothing after"},
		{agg, `{"site_id":"SITE"`, 400, "JSON"},
		{agg, "{\"site_id\":\"\xff\"}", 400, "UTF-8"},
		{agg, `{"site":"SITE"}`, 400, "site: There is no field \"site\""},
		{agg, `{"site_id":"SITE","agregate":["visitors"]}`, 400, "did you mean aggregate?"},
		{agg, `{"site_id":"SITE","site_id":"SITE"}`, 400, "site_id: site_id is given twice"},
		{agg, `{"site_id":"SITE","group_by":["path"]}`, 400, "no field \"group_by\""},
		{agg, `{}`, 400, "site_id: site_id is missing"},
		{agg, `{"site_id":7}`, 400, "site_id: site_id must be text"},
		{agg, `{"site_id":"SITE"}`, 400, "aggregate: aggregate is missing"},
		{agg, `{"site_id":"SITE","aggregate":[]}`, 400, "aggregate: aggregate is missing"},
		{agg, `{"site_id":"SITE","aggregate":[null]}`, 400, "list of texts"},
		{agg, `{"site_id":"SITE","aggregate":["visitor"]}`, 400, "did you mean visitors?"},
		{agg, `{"site_id":"SITE","aggregate":["visits","session_count"]}`, 400, "twice"},
		{agg, `{"site_id":"NOSUCH","aggregate":["visits"]}`, 404, "no such site"},
		{agg, `{"site_id":"OTHER","aggregate":["visits"]}`, 404, "no such site"},
		{agg, `{"site_id":"SITE","aggregate":["visits"],"compare":3}`, 400, "compare: compare must be true"},
		{agg, `{"site_id":"SITE","aggregate":["visits"],"compare":"last"}`, 400, "compare: compare: there is no"},
		{agg, `{"site_id":"SITE","aggregate":["visits"],"timezone":"Seoul"}`, 400, "IANA"},
		{agg, `{"site_id":"SITE","aggregate":["visits"],"filter":[{"dimension":"path","op":"eq"}]}`, 400, "filter: filter: there is no \"op\""},
		{agg, `{"site_id":"SITE","aggregate":["visits"],"from":"2026-03-02"}`, 400, "to: to is missing"},
		{series, `{"site_id":"SITE","aggregate":["visits"],"period":"7d","time_bucket":"minute"}`, 400, "time_bucket: time_bucket minute does not fit this period; it allows day or hour"},
		{rows, `{"site_id":"SITE","aggregate":["visits"]}`, 400, "group_by: group_by is missing"},
		{rows, `{"site_id":"SITE","aggregate":["visits"],"group_by":["pth"]}`, 400, "group_by: group_by: there is no \"pth\"; did you mean path?"},
		{rows, `{"site_id":"SITE","aggregate":["visits"],"group_by":["path"],"page_size":4}`, 400, "page_size: page_size must be a whole number from 5 to 250"},
		{rows, `{"site_id":"SITE","aggregate":["visits"],"group_by":["path"],"page":1.5}`, 400, "page: page must be"},
		{rows, `{"site_id":"SITE","aggregate":["visits"],"group_by":["path"],"order_by":["-pageviews"]}`, 400, "order_by: order_by must be one of"},
		{agg, `{"site_id":"SITE","aggregate":["` + strings.Repeat("x", 300<<10) + `"]}`, 413, "256 KiB"},
	} {
		w := s.do("POST", c.path, c.body)
		if w.Code != c.status || !strings.Contains(said(w), c.says) {
			t.Errorf("%.90s: %d %s; want %d saying %q", c.body, w.Code, said(w), c.status, c.says)
		}
	}
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/v1/sites?serch=x", 400, "did you mean search?"},
		{"/v1/sites?page=0", 400, "page: page must be"},
		{"/v1/sites?page=1&page=2", 400, "twice"},
		{"/v1/sites?page_size=1000", 400, "from 5 to 250"},
		{"/v1/sites?page=%zz", 400, "can't be read"},
		{"/v1/sites/OTHER", 404, "no such site"},
		{"/v1/events/export", 400, "site_id: site_id is missing"},
		{"/v1/events/export?site_id=OTHER", 404, "no such site"},
		{"/v1/events/export?site_id=SITE&format=xlsx", 400, "format: format must be csv, ndjson or parquet"},
		{"/v1/events/export?site_id=SITE&from=2026-3-2", 400, "from: from must be a date"},
		{"/v1/events/export?site_id=SITE&from=2026-03-02&to=2026-03-01", 400, "to: to is before from"},
		{"/v1/events/export?site_id=SITE&timezone=Local", 400, "IANA"},
		{"/v1/events/export?site_id=SITE&period=7d", 400, "no field \"period\""},
	} {
		w := s.do("GET", c.path, "")
		if w.Code != c.status || !strings.Contains(said(w), c.says) {
			t.Errorf("%s: %d %s; want %d saying %q", c.path, w.Code, said(w), c.status, c.says)
		}
	}
}

// TestTokenOfOneSite: a token for one site sees no other of its account.
func TestTokenOfOneSite(t *testing.T) {
	s := newServer(t, 0)
	s.token.Sites = []int64{s.site.ID + 1000}
	if w := s.do("GET", "/v1/sites/SITE", ""); w.Code != 404 {
		t.Errorf("got %d, want 404", w.Code)
	}
	if w := s.do("GET", "/v1/sites", ""); !strings.Contains(w.Body.String(), `"result_count":0`) {
		t.Errorf("the list shows %s", w.Body)
	}
	if w := s.do("POST", "/v1/stats/aggregation", `{"site_id":"SITE","aggregate":["visits"]}`); w.Code != 404 {
		t.Errorf("got %d, want 404", w.Code)
	}
}

func TestRateLimit(t *testing.T) {
	s := newServer(t, 2)
	for i, want := range []struct {
		status int
		left   string
	}{{200, "1"}, {200, "0"}, {429, "0"}} {
		w := s.do("GET", "/v1/sites/SITE", "")
		h := w.Header()
		if w.Code != want.status || h.Get("X-RateLimit-Limit") != "2" || h.Get("X-RateLimit-Remaining") != want.left || h.Get("X-RateLimit-Reset") == "" {
			t.Errorf("request %d: %d %v", i, w.Code, h)
		}
	}
	s.token.ID++
	if w := s.do("GET", "/v1/sites/SITE", ""); w.Code != 200 {
		t.Errorf("another token: %d", w.Code)
	}
}
