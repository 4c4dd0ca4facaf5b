package account

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
)

// browser keeps the cookie, as a browser does.
type browser struct {
	t      *testing.T
	f      *fixture
	cookie *http.Cookie
	mu     sync.Mutex
}

// visit requests a page that does do, and returns what came back.
func (b *browser) visit(do func(r *http.Request)) *http.Response {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "/", nil)
	b.mu.Lock()
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	b.mu.Unlock()
	w := httptest.NewRecorder()
	b.f.Logins().Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { do(r) })).ServeHTTP(w, r)
	res := w.Result()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range res.Cookies() {
		b.cookie = c
		if c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	return res
}

// user is who is signed in, 0 for nobody.
func (b *browser) user() (id int64) {
	b.t.Helper()
	b.visit(func(r *http.Request) { id, _ = b.f.Logins().User(r.Context()) })
	return id
}

func (b *browser) start(user int64) {
	b.t.Helper()
	b.visit(func(r *http.Request) {
		if err := b.f.Logins().Start(r.Context(), user); err != nil {
			b.t.Error(err)
		}
	})
}

func (b *browser) end() {
	b.t.Helper()
	b.visit(func(r *http.Request) {
		if err := b.f.Logins().End(r.Context()); err != nil {
			b.t.Error(err)
		}
	})
}

func rows(t *testing.T, f *fixture, table string) (n int) {
	t.Helper()
	if err := f.db.Bun().NewRaw("select count(*) from ?", bun.Ident(table)).Scan(t.Context(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLoginLifetime(t *testing.T) {
	f := claimed(t)
	b := &browser{t: t, f: f}
	if res := b.visit(func(*http.Request) {}); len(res.Cookies()) != 0 || rows(t, f, "logins") != 0 {
		t.Error("somebody who only looks gets a cookie or a row")
	}
	if b.user() != 0 {
		t.Error("a stranger is signed in")
	}
	b.start(f.user)
	first := b.cookie.Value
	if b.user() != f.user {
		t.Fatal("not signed in")
	}
	// A day is not worth a write; more is, and the token stays the same.
	f.clock.advance(loginProlong)
	if res := b.visit(func(*http.Request) {}); len(res.Cookies()) != 0 {
		t.Error("prolonged within a day")
	}
	f.clock.advance(time.Minute)
	if res := b.visit(func(*http.Request) {}); len(res.Cookies()) != 1 || b.cookie.Value != first {
		t.Error("not prolonged after a day")
	}
	// In use every 29 days it lasts for ever.
	for range 4 {
		f.clock.advance(29 * 24 * time.Hour)
		if b.user() != f.user {
			t.Fatal("signed out although in use")
		}
	}
	f.clock.advance(loginLifetime)
	if b.user() != 0 {
		t.Error("signed in 30 days after the last visit")
	}
	if n, err := f.Expire(t.Context()); err != nil || n != 1 || rows(t, f, "logins") != 0 {
		t.Errorf("expired %d, %v", n, err)
	}
}

func TestLoginCookie(t *testing.T) {
	for _, tt := range []struct {
		secure bool
		want   string
	}{
		{false, "moonbear=…; Path=/; HttpOnly; SameSite=Lax"},
		{true, "__Host-moonbear=…; Path=/; HttpOnly; Secure; SameSite=Lax"},
	} {
		f := claimed(t)
		f.Service = New(f.db, Options{Now: f.clock.now, Secure: tt.secure})
		b := &browser{t: t, f: f}
		b.start(f.user)
		var got []string
		for part := range strings.SplitSeq(b.cookie.Raw, "; ") {
			name, _, _ := strings.Cut(part, "=")
			switch name {
			case "Expires", "Max-Age":
			case b.cookie.Name:
				got = append(got, name+"=…")
			default:
				got = append(got, part)
			}
		}
		if s := strings.Join(got, "; "); s != tt.want {
			t.Errorf("secure %v: %s, want %s", tt.secure, s, tt.want)
		}
		if days := time.Duration(b.cookie.MaxAge) * time.Second; days < loginLifetime-time.Minute || days > loginLifetime+time.Minute {
			t.Errorf("the cookie lasts %v", days)
		}
	}
}

// The cookie's value is nowhere in the database.
func TestLoginIsStoredHashed(t *testing.T) {
	f := claimed(t)
	b := &browser{t: t, f: f}
	b.start(f.user)
	var hash string
	if err := f.db.Bun().NewRaw("select token_hash from logins").Scan(t.Context(), &hash); err != nil {
		t.Fatal(err)
	}
	if hash == b.cookie.Value || strings.Contains(hash, b.cookie.Value) {
		t.Error("the token is stored as it is")
	}
	stolen := &browser{t: t, f: f, cookie: &http.Cookie{Name: "moonbear", Value: hash}}
	if stolen.user() != 0 {
		t.Error("what is in the database signs in")
	}
}

// A token planted in a victim's browser is worth nothing once the victim signs in.
func TestLoginRenewsItsToken(t *testing.T) {
	f := claimed(t)
	b := &browser{t: t, f: f}
	b.visit(func(r *http.Request) { f.Logins().Flash(r.Context(), "hello") })
	planted := *b.cookie
	b.start(f.user)
	if b.cookie.Value == planted.Value {
		t.Error("the token is the same after signing in")
	}
	if thief := (&browser{t: t, f: f, cookie: &planted}); thief.user() != 0 {
		t.Error("the planted token is signed in")
	}
	var flash, again string
	b.visit(func(r *http.Request) { flash = f.Logins().TakeFlash(r.Context()) })
	b.visit(func(r *http.Request) { again = f.Logins().TakeFlash(r.Context()) })
	if flash != "hello" || again != "" {
		t.Errorf("flash %q, then %q", flash, again)
	}
}

func TestLoginEnds(t *testing.T) {
	f := claimed(t)
	for _, tt := range []struct {
		name string
		end  func(b *browser)
	}{
		{"signing out", func(b *browser) { b.end() }},
		{"another password", func(b *browser) {
			if err := f.SetPassword(t.Context(), f.user, "another horse"); err != nil {
				t.Error(err)
			}
		}},
	} {
		b := &browser{t: t, f: f}
		b.start(f.user)
		kept := *b.cookie
		tt.end(b)
		if thief := (&browser{t: t, f: f, cookie: &kept}); thief.user() != 0 {
			t.Errorf("signed in after %s", tt.name)
		}
		if n := rows(t, f, "logins"); n != 0 {
			t.Errorf("%d rows after %s", n, tt.name)
		}
	}
}

// A request that runs while its login is ended, and then writes the login
// (a flash, a prolonging), does not bring it back.
func TestEndedLoginStaysEnded(t *testing.T) {
	f := claimed(t)
	b := &browser{t: t, f: f}
	b.start(f.user)
	kept := *b.cookie
	b.visit(func(r *http.Request) {
		(&browser{t: t, f: f, cookie: &kept}).end()
		f.Logins().Flash(r.Context(), "saved")
	})
	if thief := (&browser{t: t, f: f, cookie: &kept}); thief.user() != 0 || rows(t, f, "logins") != 0 {
		t.Error("the login is back")
	}
}

func TestLoginStoreFails(t *testing.T) {
	f := claimed(t)
	b := &browser{t: t, f: f, cookie: &http.Cookie{Name: "moonbear", Value: "x"}}
	if _, err := f.db.Bun().NewRaw("alter table logins rename to gone").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	called := false
	res := b.visit(func(*http.Request) { called = true })
	if res.StatusCode != http.StatusInternalServerError || called {
		t.Errorf("status %d, handler called %v", res.StatusCode, called)
	}
	if !strings.Contains(f.log.String(), "login not read or written") {
		t.Errorf("log: %s", f.log)
	}
}
