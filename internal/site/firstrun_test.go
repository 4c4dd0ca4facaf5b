package site_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"moonbear/internal/account"
	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// house is the services over one fresh database.
type house struct {
	db       *db.DB
	accounts *account.Service
	sites    *site.Service
}

func newHouse(t testing.TB) house {
	t.Helper()
	d := dbtest.New(t)
	a := account.New(d, account.Options{})
	return house{d, a, site.New(d, a, site.Options{})}
}

var first = site.FirstRun{Email: "Owner@Example.com ", Password: "correct horse", Domain: "https://Shop.com/x", TimeZone: "Asia/Seoul"}

func TestFirstRun(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	if claimed, err := h.accounts.Claimed(ctx); err != nil || claimed {
		t.Fatalf("a fresh server is claimed: %v, %v", claimed, err)
	}
	res, err := h.sites.FirstRun(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	if claimed, err := h.accounts.Claimed(ctx); err != nil || !claimed {
		t.Errorf("not claimed after the first run: %v, %v", claimed, err)
	}
	if _, err := h.accounts.SetupCode(ctx); !errors.Is(err, account.ErrClaimed) {
		t.Errorf("a claimed server has a setup code: %v", err)
	}
	u, err := h.accounts.Authenticate(ctx, "owner@example.com", "correct horse")
	if err != nil || u.ID != res.User {
		t.Errorf("the owner is %+v, %v; want user %d", u, err, res.User)
	}
	st, role, err := h.sites.ForUser(ctx, res.User, res.Site.PublicID)
	if err != nil || role != account.Owner {
		t.Errorf("the owner's role is %q, %v", role, err)
	}
	if st.Domain != "shop.com" || !slices.Equal(st.Hostnames, []string{"shop.com"}) || st.TimeZone != "Asia/Seoul" || st.Account != res.Account {
		t.Errorf("site is %+v", st)
	}
	if st.Allows("www.shop.com") || !st.Allows("Shop.com") {
		t.Error("the allow-list is not exactly the domain")
	}
	if got, known := h.sites.Directory().Lookup(res.Site.PublicID); !known || got.ID != res.Site.ID {
		t.Error("the directory does not know the site")
	}
	tok, err := h.accounts.TokenFor(ctx, res.Token)
	if err != nil || tok.Account != res.Account || !slices.Equal(tok.Scopes, []account.Scope{account.ReadStats, account.WriteEvents}) {
		t.Errorf("token is %+v, %v", tok, err)
	}
	if _, err := h.sites.FirstRun(ctx, first); !errors.Is(err, account.ErrClaimed) {
		t.Errorf("a second first run: %v", err)
	}
}

func TestFirstRunRefuses(t *testing.T) {
	for _, tt := range []struct {
		name           string
		change         func(*site.FirstRun)
		field, message string
	}{
		{"no e-mail", func(f *site.FirstRun) { f.Email = "" }, "email", "Enter an email address, for example name@example.com."},
		{"no at sign", func(f *site.FirstRun) { f.Email = "owner" }, "email", `"owner" is not an email address: it has no @; write it like name@example.com.`},
		{"short password", func(f *site.FirstRun) { f.Password = "1234567" }, "password", "The password has 7 characters; use at least 10."},
		{"no domain", func(f *site.FirstRun) { f.Domain = " " }, "domain", "Enter a domain, for example shop.com."},
		{"time zone", func(f *site.FirstRun) { f.TimeZone = "Seoul" }, "timezone", `"Seoul" is not a time zone: use an IANA name such as Europe/Berlin or Asia/Seoul.`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			f := first
			tt.change(&f)
			_, err := h.sites.FirstRun(t.Context(), f)
			got, ok := fault.From(err)
			if !ok || got.Kind != fault.Invalid || got.Field != tt.field || got.Message != tt.message {
				t.Fatalf("got %v", err)
			}
			if claimed, err := h.accounts.Claimed(t.Context()); err != nil || claimed {
				t.Errorf("claimed by a refused first run: %v, %v", claimed, err)
			}
			if _, err := h.sites.FirstRun(t.Context(), first); err != nil {
				t.Errorf("the right first run after a wrong one: %v", err)
			}
		})
	}
}

// Whoever is a moment later gets a message, and leaves nothing behind.
func TestFirstRunsAtOnce(t *testing.T) {
	h := newHouse(t)
	const n = 8
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		f := first
		f.Email = string(rune('a'+i)) + "@example.com"
		f.Domain = string(rune('a'+i)) + ".example.com"
		wg.Go(func() {
			<-start
			_, errs[i] = h.sites.FirstRun(t.Context(), f)
		})
	}
	close(start)
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, account.ErrClaimed):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, n)
	}
	for _, table := range []string{"users", "accounts", "memberships", "sites", "site_hostnames", "tokens"} {
		var rows int
		if err := h.db.Bun().NewRaw("select count(*) from "+table).Scan(t.Context(), &rows); err != nil {
			t.Fatal(err)
		}
		if rows != 1 {
			t.Errorf("%s has %d rows", table, rows)
		}
	}
}
