package site_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/db"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// owned is a house that is claimed, and a second account without anything.
func owned(t testing.TB) (h house, res site.FirstRunResult, other int64) {
	t.Helper()
	h = newHouse(t)
	res, err := h.sites.FirstRun(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	err = h.db.Bun().NewRaw("insert into accounts (name, created_at) values ('other', ?) returning id", db.Time(time.Now())).Scan(t.Context(), &other)
	if err != nil {
		t.Fatal(err)
	}
	return h, res, other
}

func TestCreate(t *testing.T) {
	h, res, other := owned(t)
	ctx := t.Context()
	for _, tt := range []struct {
		name  string
		n     site.NewSite
		hosts []string
	}{
		{"defaults", site.NewSite{Account: res.Account, Domain: "a.com"}, []string{"a.com"}},
		{"any hostname", site.NewSite{Account: other, Domain: "b.com", Hostnames: []string{}}, nil},
		{"several", site.NewSite{Account: other, Domain: "c.com", Hostnames: []string{"https://www.C.com", "c.com", "www.c.com"}}, []string{"www.c.com", "c.com"}},
		{"fragment", site.NewSite{Account: other, Domain: "d.com", KeepFragment: true, Currency: "krw", TimeZone: "Asia/Seoul"}, []string{"d.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made, err := h.sites.Create(ctx, tt.n)
			if err != nil {
				t.Fatal(err)
			}
			read, err := h.sites.ByPublicID(ctx, made.PublicID)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(made.Hostnames)
			slices.Sort(read.Hostnames)
			if fmt.Sprintf("%+v", made) != fmt.Sprintf("%+v", read) {
				t.Errorf("made %+v\nread %+v", made, read)
			}
			slices.Sort(tt.hosts)
			if !slices.Equal(read.Hostnames, tt.hosts) || read.KeepFragment != tt.n.KeepFragment || read.Location.String() != read.TimeZone {
				t.Errorf("%+v", read)
			}
			if byID, err := h.sites.ByID(ctx, made.ID); err != nil || byID.PublicID != made.PublicID {
				t.Errorf("by ID: %+v, %v", byID, err)
			}
			for _, key := range []string{made.PublicID, made.Domain, strings.ToUpper(made.Domain)} {
				if s, known := h.sites.Directory().Lookup(key); !known || s.ID != made.ID {
					t.Errorf("the directory does not know %q", key)
				}
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	h, res, other := owned(t)
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf("h%d.com", i)
	}
	for _, tt := range []struct {
		n              site.NewSite
		kind           fault.Kind
		field, message string
	}{
		{site.NewSite{Account: res.Account, Domain: "shop"}, fault.Invalid, "domain", `"shop" has no dot, so it is not a domain: write it like shop.com.`},
		{site.NewSite{Account: res.Account, Domain: "SHOP.com"}, fault.Conflict, "domain", "Your account already measures this domain."},
		{site.NewSite{Account: other, Domain: "SHOP.com"}, fault.Conflict, "domain", "This domain is already measured by another account."},
		{site.NewSite{Account: other, Domain: "x.com", TimeZone: "Local"}, fault.Invalid, "timezone", `"Local" is not a time zone: use an IANA name such as Europe/Berlin or Asia/Seoul.`},
		{site.NewSite{Account: other, Domain: "x.com", TimeZone: "right/UTC"}, fault.Invalid, "timezone", `"right/UTC" is not a time zone: use an IANA name such as Europe/Berlin or Asia/Seoul.`},
		{site.NewSite{Account: other, Domain: "x.com", TimeZone: "../../etc/passwd"}, fault.Invalid, "timezone", `"../../etc/passwd" is not a time zone: use an IANA name such as Europe/Berlin or Asia/Seoul.`},
		{site.NewSite{Account: other, Domain: "x.com", Currency: "EURO"}, fault.Invalid, "currency", `"EURO" is not a currency: use an ISO 4217 code such as EUR or KRW.`},
		{site.NewSite{Account: other, Domain: "x.com", Hostnames: []string{"*.x.com"}}, fault.Invalid, "hostname", `"*.x.com" is not a hostname: wildcards are not supported; allow each hostname by its name, like www.x.com.`},
		{site.NewSite{Account: other, Domain: "x.com", Hostnames: many}, fault.Conflict, "hostname", "A site can allow at most 100 hostnames. Remove one first."},
	} {
		_, err := h.sites.Create(t.Context(), tt.n)
		wants(t, err, tt.kind, tt.field, tt.message)
	}
	if n := h.sites.Directory().Len(); n != 1 {
		t.Errorf("%d sites", n)
	}
}

// The same domain by many at once is one site.
func TestCreateAtOnce(t *testing.T) {
	h, res, other := owned(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		acct := []int64{res.Account, other}[i%2]
		wg.Go(func() { _, errs[i] = h.sites.Create(t.Context(), site.NewSite{Account: acct, Domain: "race.com"}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, site.ErrDomainTaken) && !errors.Is(err, site.ErrDomainYours):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d sites of one domain", won)
	}
}

func TestUpdate(t *testing.T) {
	h, res, other := owned(t)
	ctx := t.Context()
	id := res.Site.PublicID
	if _, err := h.sites.Create(ctx, site.NewSite{Account: other, Domain: "taken.com"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		c    site.Change
		want string
	}{
		{"nothing", site.Change{}, "shop.com Asia/Seoul USD false [shop.com]"},
		{"time zone", site.Change{TimeZone: new("Europe/Berlin")}, "shop.com Europe/Berlin USD false [shop.com]"},
		{"currency and fragment", site.Change{Currency: new("eur"), KeepFragment: new(true)}, "shop.com Europe/Berlin EUR true [shop.com]"},
		{"a domain joins the list", site.Change{Domain: new("https://new.com")}, "new.com Europe/Berlin EUR true [shop.com new.com]"},
		{"a list", site.Change{Hostnames: &[]string{"b.com", "a.com"}}, "new.com Europe/Berlin EUR true [a.com b.com]"},
		{"any", site.Change{Hostnames: &[]string{}}, "new.com Europe/Berlin EUR true []"},
		{"a domain does not end any", site.Change{Domain: new("newer.com")}, "newer.com Europe/Berlin EUR true []"},
	} {
		got, err := h.sites.Update(ctx, id, tt.c)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if s := fmt.Sprintf("%s %s %s %v %v", got.Domain, got.Location, got.Currency, got.KeepFragment, got.Hostnames); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
		if s, known := h.sites.Directory().Lookup(id); !known || fmt.Sprintf("%+v", *s) != fmt.Sprintf("%+v", got) {
			t.Errorf("%s: the directory has %+v", tt.name, s)
		}
	}
	if _, known := h.sites.Directory().Lookup("shop.com"); known {
		t.Error("the old domain is still known")
	}
	for _, tt := range []struct {
		id   string
		c    site.Change
		want error
	}{
		{id, site.Change{Domain: new("taken.com")}, site.ErrDomainTaken},
		{"nope", site.Change{}, site.ErrNotFound},
	} {
		if _, err := h.sites.Update(ctx, tt.id, tt.c); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v", tt.c, err)
		}
	}
	_, err := h.sites.Update(ctx, id, site.Change{TimeZone: new("")})
	if err != nil {
		t.Errorf("no time zone is the default: %v", err)
	}
}

func TestHostnames(t *testing.T) {
	h, res, _ := owned(t)
	ctx := t.Context()
	id := res.Site.PublicID
	hosts := func() []string {
		s, _ := h.sites.Directory().Lookup(id)
		return s.Hostnames
	}
	for range 2 {
		if err := h.sites.AllowHostname(ctx, id, "https://WWW.shop.com/pricing"); err != nil {
			t.Fatal(err)
		}
	}
	if got := hosts(); !slices.Equal(got, []string{"shop.com", "www.shop.com"}) {
		t.Errorf("allowed %q", got)
	}
	if err := h.sites.RemoveHostname(ctx, id, "nowhere.com"); err != nil {
		t.Errorf("a hostname that is not there: %v", err)
	}
	if err := h.sites.RemoveHostname(ctx, id, "shop.com"); err != nil {
		t.Fatal(err)
	}
	if err := h.sites.RemoveHostname(ctx, id, "www.shop.com"); !errors.Is(err, site.ErrLastHostname) {
		t.Errorf("the last hostname: %v", err)
	}
	wants(t, h.sites.AllowHostname(ctx, id, "a b"), fault.Invalid, "hostname", `"a b" is not a hostname: it has a space in it; write one name, like shop.com.`)
	wants(t, h.sites.RemoveHostname(ctx, id, ""), fault.Invalid, "hostname", "Enter a hostname, for example shop.com.")
	if err := h.sites.AllowHostname(ctx, "nope", "a.com"); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("no such site: %v", err)
	}
	for i := range 99 {
		if err := h.sites.AllowHostname(ctx, id, fmt.Sprintf("h%d.com", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.sites.AllowHostname(ctx, id, "more.com"); !errors.Is(err, site.ErrManyHostnames) {
		t.Errorf("the 101st: %v", err)
	}
	if _, err := h.sites.Update(ctx, id, site.Change{Hostnames: &[]string{}}); err != nil {
		t.Fatal(err)
	}
	if err := h.sites.AllowHostname(ctx, id, "a.com"); err != nil || len(hosts()) != 0 {
		t.Errorf("allowing one where any is allowed: %v, %q", err, hosts())
	}
}

func TestDelete(t *testing.T) {
	h, res, other := owned(t)
	ctx := t.Context()
	id := res.Site.PublicID
	if err := h.sites.Delete(ctx, id); err != nil {
		t.Fatal(err)
	}
	if _, known := h.sites.Directory().Lookup(id); known {
		t.Error("a deleted site is still collected")
	}
	if _, err := h.sites.ByPublicID(ctx, id); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("found: %v", err)
	}
	if err := h.sites.Delete(ctx, id); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	again, err := h.sites.Create(ctx, site.NewSite{Account: other, Domain: "shop.com"})
	if err != nil {
		t.Fatalf("the domain is not free: %v", err)
	}
	if again.ID == res.Site.ID {
		t.Error("the number of a deleted site was given again")
	}
}

func TestForUser(t *testing.T) {
	h, res, other := owned(t)
	theirs, err := h.sites.Create(t.Context(), site.NewSite{Account: other, Domain: "theirs.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		user int64
		id   string
		role account.Role
		err  error
	}{
		{res.User, res.Site.PublicID, account.Owner, nil},
		{res.User, theirs.PublicID, "", site.ErrNotFound},
		{99, res.Site.PublicID, "", site.ErrNotFound},
		{res.User, "nope", "", site.ErrNotFound},
	} {
		if _, role, err := h.sites.ForUser(t.Context(), tt.user, tt.id); role != tt.role || !errors.Is(err, tt.err) {
			t.Errorf("user %d, site %s: %q, %v", tt.user, tt.id, role, err)
		}
	}
}

func TestList(t *testing.T) {
	h, res, other := owned(t)
	ctx := t.Context()
	var ids []int64
	for _, d := range []string{"a.com", "b_b.com", "b1b.com", "한국.kr", "c.net"} {
		s, err := h.sites.Create(ctx, site.NewSite{Account: res.Account, Domain: d})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	if _, err := h.sites.Create(ctx, site.NewSite{Account: other, Domain: "theirs.com"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		q     site.ListQuery
		sites string
		pages string
	}{
		{site.ListQuery{}, "a.com b1b.com b_b.com c.net shop.com xn--3e0b707e.kr", "1/1 10 6"},
		{site.ListQuery{Page: 2, PageSize: 4}, "shop.com xn--3e0b707e.kr", "2/2 4 6"},
		{site.ListQuery{Page: 9, PageSize: 4}, "", "9/2 4 6"},
		{site.ListQuery{PageSize: 9999, Search: ".COM "}, "a.com b1b.com b_b.com shop.com", "1/1 250 4"},
		{site.ListQuery{Search: "b_b"}, "b_b.com", "1/1 10 1"},
		{site.ListQuery{Search: "%"}, "", "1/1 10 0"},
		{site.ListQuery{Search: `\`}, "", "1/1 10 0"},
		{site.ListQuery{Search: "' or 1=1 --"}, "", "1/1 10 0"},
		{site.ListQuery{Search: "한국"}, "xn--3e0b707e.kr", "1/1 10 1"},
		{site.ListQuery{Search: "theirs"}, "", "1/1 10 0"},
		{site.ListQuery{Only: ids[:1]}, "a.com", "1/1 10 1"},
		{site.ListQuery{Only: []int64{}}, "", "1/1 10 0"},
	} {
		l, err := h.sites.List(ctx, res.Account, tt.q)
		if err != nil {
			t.Fatalf("%+v: %v", tt.q, err)
		}
		var domains []string
		for _, s := range l.Sites {
			domains = append(domains, s.Domain)
		}
		pages := fmt.Sprintf("%d/%d %d %d", l.Page, l.PageCount, l.PageSize, l.ResultCount)
		if got := strings.Join(domains, " "); got != tt.sites || pages != tt.pages {
			t.Errorf("%+v: %s; %s", tt.q, got, pages)
		}
	}
	all, err := h.sites.ForAccounts(ctx, []int64{res.Account, other})
	if err != nil || len(all) != 7 {
		t.Errorf("%d sites, %v", len(all), err)
	}
	if none, err := h.sites.ForAccounts(ctx, nil); err != nil || len(none) != 0 {
		t.Errorf("%d sites of no account, %v", len(none), err)
	}
}

func TestDirectoryBeforeItKnows(t *testing.T) {
	h := newHouse(t)
	d := h.sites.Directory()
	if s, known := d.Lookup("x"); d.Ready() || known || s != nil || d.Len() != 0 {
		t.Error("it knows something before it has read anything")
	}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, known := d.Lookup("x"); !d.Ready() || known {
		t.Error("an empty list is a list")
	}
}

// A process that is told of another's change sees it at once.
func TestDirectoryIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, res, _ := owned(t)
		d := h.sites.Directory()
		elsewhere := site.New(h.db, h.accounts, site.Options{Changed: func(context.Context) { d.Stale() }})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		time.Sleep(time.Second)
		if err := elsewhere.Delete(ctx, res.Site.PublicID); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second) // the bubble's clock: long before Run reads it anyway
		if _, known := d.Lookup(res.Site.PublicID); known {
			t.Error("a site deleted elsewhere is known")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A change by another process is seen within 30 seconds, and a database that
// does not answer leaves the last list in force.
func TestDirectoryRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, res, _ := owned(t)
		elsewhere := site.New(h.db, h.accounts, site.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.sites.Directory().Run(ctx) }()
		known := func() bool { _, known := h.sites.Directory().Lookup(res.Site.PublicID); return known }
		if !known() {
			t.Error("not known at the start")
		}
		if _, err := h.db.Bun().NewRaw("alter table sites rename to gone").Exec(ctx); err != nil {
			t.Error(err)
		}
		time.Sleep(31 * time.Second) // the bubble's clock
		if !known() {
			t.Error("a database that does not answer empties the list")
		}
		if _, err := h.db.Bun().NewRaw("alter table gone rename to sites").Exec(ctx); err != nil {
			t.Error(err)
		}
		if err := elsewhere.Delete(ctx, res.Site.PublicID); err != nil {
			t.Error(err)
		}
		time.Sleep(31 * time.Second)
		if known() {
			t.Error("a site deleted elsewhere is known 31 seconds later")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// One site whose zone this binary does not know must not stop all the others.
func TestUnknownZoneInTheDatabase(t *testing.T) {
	h, res, _ := owned(t)
	if _, err := h.db.Bun().NewRaw("update sites set time_zone = 'Mars/Base'").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.sites.Directory().Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, known := h.sites.Directory().Lookup(res.Site.PublicID); !known || s.Location != time.UTC || s.TimeZone != "Mars/Base" {
		t.Errorf("%+v", s)
	}
}

func BenchmarkDirectory(b *testing.B) {
	h, res, _ := owned(b)
	now := db.Time(time.Now())
	_, err := h.db.Bun().NewRaw(`
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000)
		insert into sites (public_id, account_id, domain, time_zone, currency, created_at, updated_at)
		select 'p' || i, ?, 'd' || i || '.com', 'Asia/Seoul', 'USD', ?, ? from n`, res.Account, now, now).Exec(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("refresh 10,000 sites", func(b *testing.B) {
		for b.Loop() {
			if err := h.sites.Directory().Refresh(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("look-up", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, known := h.sites.Directory().Lookup(res.Site.PublicID); !known {
				b.Fatal("not known")
			}
		}
	})
}
