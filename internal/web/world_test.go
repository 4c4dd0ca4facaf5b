package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"
	"moonbear/internal/demo"
	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/transfer"
	"moonbear/internal/transfer/export"
)

// world is a whole server over real stores, without a network.
type world struct {
	t        testing.TB
	db       *db.DB
	base     string
	now      func() time.Time
	accounts *account.Service
	sites    *site.Service
	store    event.Store
	asker    Asker // *stats.Stats, or what a test puts in its place
	api      []APIRoute
	server   *Server
	pos      int64
}

func newWorld(t testing.TB, base string) *world {
	t.Helper()
	d := dbtest.New(t)
	store, err := duckdb.Open(t.Context(), duckdb.Options{Path: t.TempDir(), Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, db: d, base: base, now: time.Now, store: store}
	w.accounts = account.New(d, account.Options{})
	w.sites = site.New(d, w.accounts, site.Options{})
	w.asker = stats.New(store, func() time.Time { return w.now() })
	w.serve(slog.New(slog.NewTextHandler(testLog{t}, nil)))
	return w
}

// serve makes the server anew, after a test has changed what it is made of.
func (w *world) serve(log *slog.Logger) {
	w.t.Helper()
	var err error
	w.server, err = New(Options{BaseURL: w.base, Accounts: w.accounts, Sites: w.sites, Stats: w.asker, Collect: echo{}, API: w.api,
		Exports: export.New(w.store, log), Transfer: transfer.New(transfer.Options{DB: w.db, Store: w.store, Log: log}),
		Now: func() time.Time { return w.now() }, Log: log})
	if err != nil {
		w.t.Fatal(err)
	}
}

// testLog puts the server's log beside the test that made it speak.
type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Logf("%s", b)
	return len(b), nil
}

// echo stands where collect stands; it says which of its doors was used.
type echo struct{}

func (echo) Hit(w http.ResponseWriter, r *http.Request) { plain(w, http.StatusAccepted, "hit") }
func (echo) PlausibleHit(w http.ResponseWriter, r *http.Request) {
	plain(w, http.StatusAccepted, "plausible")
}

// person is a browser: who is signed in and what it keeps.
type person struct {
	w      *world
	user   int64
	cookie string
	site   *site.Site
}

const password = "three calm moons"

// claim sets the server up and returns the owner, signed in.
func (w *world) claim(email, domain, zone string) *person {
	w.t.Helper()
	code, err := w.accounts.SetupCode(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	p := &person{w: w}
	res := p.post("/setup", url.Values{"code": {code}, "email": {email}, "password": {password}, "domain": {domain}, "time_zone": {zone}})
	if res.Code != http.StatusSeeOther {
		w.t.Fatalf("setup answered %d: %s", res.Code, res.Body)
	}
	id := strings.Split(res.Header().Get("Location"), "/")[2]
	st, err := w.sites.ByPublicID(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := w.accounts.UserByEmail(w.t.Context(), email)
	if err != nil {
		w.t.Fatal(err)
	}
	p.site, p.user = &st, u.ID
	return p
}

func (w *world) addSite(owner *person, domain string) *site.Site {
	w.t.Helper()
	st, err := w.sites.Create(w.t.Context(), site.NewSite{Account: owner.site.Account, Domain: domain, TimeZone: "Asia/Seoul"})
	if err != nil {
		w.t.Fatal(err)
	}
	return &st
}

// store puts events and drops into the event store.
func (w *world) put(events []event.Event, drops []event.Drop) {
	w.t.Helper()
	from := w.pos
	w.pos++
	if err := w.store.Append(w.t.Context(), &event.Batch{Spool: "test", From: from, To: w.pos, Events: events, Drops: drops}); err != nil {
		w.t.Fatal(err)
	}
}

// traffic puts a demo site's visits into the store, a week at a time.
func (w *world) traffic(st *site.Site, from, to time.Time, perDay float64) {
	w.t.Helper()
	d := demo.New(demo.Options{Site: st.ID, Zone: st.Location, PerDay: perDay, Epoch: from})
	for at := from; at.Before(to); at = at.Add(7 * 24 * time.Hour) {
		end := at.Add(7 * 24 * time.Hour)
		if end.After(to) {
			end = to.Add(time.Minute)
		}
		w.put(d.Window(at, end))
	}
}

// refuse puts the drops in the store that a wrong snippet makes.
func (w *world) refuse(st *site.Site) {
	at := w.now().Truncate(time.Minute).UnixMilli()
	w.put(nil, []event.Drop{
		{Site: st.ID, Time: at, Reason: "hostname", Detail: "www.shop.example", Count: 3},
		{Site: st.ID, Time: at, Reason: "bot", Detail: "HeadlessChrome", Count: 1},
	})
}

// view is one pageview of a site at a time.
func view(st *site.Site, at time.Time, path string, visitor int64) event.Event {
	return event.Event{Site: st.ID, Time: at.UnixMilli(), Name: event.Pageview, Visitor: visitor, Visit: visitor, Path: path, Hostname: st.Domain,
		Entry: event.Entry{VisitStart: at.UnixMilli(), EntryPath: path, Country: "KR", Browser: "Chrome", OS: "Windows", Device: event.DeviceDesktop,
			Source: "Naver", Channel: "Organic Search", Language: "ko-KR", ScreenWidth: 1900}}
}

// ask sends a request as the person's browser would.
func (p *person) ask(method, path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	p.w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if p.cookie != "" {
		r.Header.Set("Cookie", p.cookie)
	}
	for _, c := range change {
		c(r)
	}
	res := httptest.NewRecorder()
	p.w.server.Handler().ServeHTTP(res, r)
	for _, c := range res.Result().Cookies() {
		if strings.Contains(c.Name, "moonbear") {
			p.cookie = c.Name + "=" + c.Value
			if c.MaxAge < 0 {
				p.cookie = ""
			}
		}
	}
	return res
}

func (p *person) get(path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	return p.ask(http.MethodGet, path, nil, change...)
}

func (p *person) post(path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	return p.ask(http.MethodPost, path, form, change...)
}

// one is a site's first visit: two pages, a minute ago.
func (w *world) one(st *site.Site) []event.Event {
	at := w.now().Add(-time.Minute)
	first, second := view(st, at, "/", 77), view(st, at.Add(20*time.Second), "/pricing", 77)
	second.Entry = first.Entry
	return []event.Event{first, second}
}

// join makes a user, signed in, with a role in an account; "" is no account.
func (w *world) join(email string, in int64, role account.Role) *person {
	w.t.Helper()
	p := &person{w: w}
	ctx, now := w.t.Context(), db.Time(time.Now())
	err := w.db.Bun().NewRaw("insert into users (email, password_hash, created_at, updated_at) values (?, '', ?, ?) returning id", email, now, now).Scan(ctx, &p.user)
	if err != nil {
		w.t.Fatal(err)
	}
	if role != "" {
		_, err := w.db.Bun().NewRaw("insert into memberships (account_id, user_id, role, created_at) values (?, ?, ?, ?)", in, p.user, role, now).Exec(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.signIn(p)
	return p
}

// signIn opens a one-time link as its owner would.
func (w *world) signIn(p *person) {
	w.t.Helper()
	link, err := w.accounts.LoginLink(w.t.Context(), p.user)
	if err != nil {
		w.t.Fatal(err)
	}
	if res := p.post("/login/link/"+link, nil); res.Code != http.StatusSeeOther {
		w.t.Fatalf("the link answered %d: %s", res.Code, res.Body)
	}
}
