package account

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"
	"moonbear/internal/fault"
)

// clock is a clock that tests move.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	// Logins' cookies count from the machine's own clock.
	c.at.Store(time.Now().UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

type fixture struct {
	*Service
	db      *db.DB
	clock   *clock
	log     *bytes.Buffer
	user    int64
	account int64
}

const (
	ownerEmail    = "owner@example.com"
	ownerPassword = "correct horse"
)

// claimed is a service whose server has an owner.
func claimed(t testing.TB) *fixture {
	t.Helper()
	f := unclaimed(t)
	f.user, f.account = f.claim(t, ownerEmail, ownerPassword)
	return f
}

func unclaimed(t testing.TB) *fixture {
	t.Helper()
	d := dbtest.New(t)
	c := newClock()
	var log bytes.Buffer
	s := New(d, Options{Now: c.now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	return &fixture{Service: s, db: d, clock: c, log: &log}
}

func (f *fixture) claim(t testing.TB, email, password string) (user, account int64) {
	t.Helper()
	o, err := f.PrepareOwner(t.Context(), email, password)
	if err != nil {
		t.Fatal(err)
	}
	err = f.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		user, account, err = f.Claim(ctx, tx, o)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return user, account
}

// another makes a second account with its owner, as signing up will.
func (f *fixture) another(t testing.TB, email string) (user, account int64) {
	t.Helper()
	o, err := f.PrepareOwner(t.Context(), email, ownerPassword)
	if err != nil {
		t.Fatal(err)
	}
	err = f.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		user, account, err = insertOwner(ctx, tx, o, db.Time(f.now()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return user, account
}

// wants checks that an error is a fault of a kind and field with a message.
func wants(t testing.TB, err error, kind fault.Kind, field, message string) {
	t.Helper()
	f, ok := fault.From(err)
	if !ok || f.Kind != kind || f.Field != field || f.Message != message {
		t.Errorf("got %#v\nwant %d %s %q", err, kind, field, message)
	}
}

func TestRoles(t *testing.T) {
	for _, tt := range []struct {
		have, need Role
		want       bool
	}{
		{Owner, Admin, true}, {Admin, Admin, true}, {Editor, Admin, false}, {Viewer, Viewer, true},
		{"", Viewer, false}, {"guest", Viewer, false}, {"", "", false},
	} {
		if got := tt.have.AtLeast(tt.need); got != tt.want {
			t.Errorf("%q at least %q: %v", tt.have, tt.need, got)
		}
	}
	f := claimed(t)
	u2, a2 := f.another(t, "b@example.com")
	for _, tt := range []struct {
		user, account int64
		want          Role
	}{{f.user, f.account, Owner}, {u2, a2, Owner}, {f.user, a2, ""}, {u2, f.account, ""}, {99, 99, ""}} {
		if got, err := f.Role(t.Context(), tt.user, tt.account); err != nil || got != tt.want {
			t.Errorf("user %d in account %d: %q, %v", tt.user, tt.account, got, err)
		}
	}
	as, err := f.Accounts(t.Context(), u2)
	if err != nil || len(as) != 1 || as[0] != (Account{ID: a2, Name: "b@example.com", Role: Owner}) {
		t.Errorf("accounts are %+v, %v", as, err)
	}
}

func TestUsers(t *testing.T) {
	f := claimed(t)
	u, err := f.UserByEmail(t.Context(), " Owner@EXAMPLE.com")
	if err != nil || u.ID != f.user || u.Email != ownerEmail || !u.CreatedAt.Equal(f.now()) {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := f.UserByEmail(t.Context(), "b@example.com"); !errors.Is(err, ErrUserNotFound) {
		t.Error(err)
	}
	if _, err := f.UserByID(t.Context(), 99); !errors.Is(err, ErrUserNotFound) {
		t.Error(err)
	}
}

func TestNormaliseEmail(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"name@example.com", "name@example.com"},
		{"  Name.Sur+tag@Example.COM\n", "name.sur+tag@example.com"},
		{"é@bücher.example", "é@xn--bcher-kva.example"},
		{"e\u0301@example.com", "é@example.com"},
		{"이메일@한국.kr", "이메일@xn--3e0b707e.kr"},
		{"a@localhost", "a@localhost"},
	} {
		got, err := NormaliseEmail(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("%q: %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
	const write = " write it like name@example.com."
	for _, tt := range []struct{ in, message string }{
		{" ", "Enter an email address, for example name@example.com."},
		{"bob", `"bob" is not an email address: it has no @;` + write},
		{"bob@", `"bob@" is not an email address: what follows the @ is not a domain;` + write},
		{"bob@exa mple.com", `"bob@exa mple.com" is not an email address: what follows the @ is not a domain;` + write},
		{"Bob <bob@example.com>", `"Bob <bob@example.com>" is not an email address: what follows the @ is not a domain;` + write},
		{"bo b@example.com", `"bo b@example.com" is not an email address:` + write},
		{"a@b@example.com", `"a@b@example.com" is not an email address:` + write},
		{"bob@example..com", `"bob@example..com" is not an email address:` + write},
		{strings.Repeat("a", 250) + "@example.com", `"` + strings.Repeat("a", 80) + `…" is not an email address: it is longer than 254 characters.`},
	} {
		_, err := NormaliseEmail(tt.in)
		wants(t, err, fault.Invalid, "email", tt.message)
	}
}

func FuzzNormaliseEmail(f *testing.F) {
	for _, s := range []string{"name@example.com", "É@bücher.example", "\"a b\"@example.com", "a@[127.0.0.1]", "a@b@c", "\x00@\xff", "a@xn--", "İ@example.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, err := NormaliseEmail(s)
		if err != nil {
			if _, ok := fault.From(err); !ok {
				t.Errorf("%q: %v is not for a user", s, err)
			}
			return
		}
		if twice, err := NormaliseEmail(once); err != nil || twice != once {
			t.Errorf("%q gives %q, which gives %q, %v", s, once, twice, err)
		}
		if strings.ContainsAny(once, " \t\r\n\x00") {
			t.Errorf("%q gives %q", s, once)
		}
	})
}

func TestClaim(t *testing.T) {
	f := unclaimed(t)
	ctx := t.Context()
	code, err := f.SetupCode(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(code) != 11 || code[5] != '-' || strings.Trim(code, codeLetters+"-") != "" {
		t.Errorf("code is %q", code)
	}
	// The same at every start, until the claim.
	restarted := New(f.db, Options{})
	if again, err := restarted.SetupCode(ctx); err != nil || again != code {
		t.Errorf("after a restart the code is %q, %v; was %q", again, err, code)
	}
	for _, tt := range []struct {
		code string
		want error
	}{
		{code, nil},
		{" " + strings.ToLower(strings.ReplaceAll(code, "-", " ")), nil},
		{strings.NewReplacer("0", "o", "1", "l").Replace(code), nil},
		{code[:10], ErrSetupCode},
		{"", ErrSetupCode},
	} {
		if err := f.CheckSetupCode(ctx, tt.code, tt.code); !errors.Is(err, tt.want) {
			t.Errorf("%q: %v, want %v", tt.code, err, tt.want)
		}
	}
	f.claim(t, ownerEmail, ownerPassword)
	if err := f.CheckSetupCode(ctx, "late", code); !errors.Is(err, ErrClaimed) {
		t.Errorf("the code after the claim: %v", err)
	}
	if was, err := restarted.Claimed(ctx); err != nil || !was {
		t.Errorf("another process does not see the claim: %v, %v", was, err)
	}
	var stored string
	if err := f.db.Bun().NewRaw("select setup_code from instance").Scan(ctx, &stored); err != nil || stored != "" {
		t.Errorf("the code is still stored: %q, %v", stored, err)
	}
}

// Starters at once read one code.
func TestOneSetupCode(t *testing.T) {
	f := unclaimed(t)
	codes := make([]string, 8)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			var err error
			if codes[i], err = New(f.db, Options{}).SetupCode(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, c := range codes {
		if c != codes[0] {
			t.Fatalf("several codes: %q", codes)
		}
	}
}

func TestSetupCodeTriesAreLimited(t *testing.T) {
	f := unclaimed(t)
	try := func(client string) error { return f.CheckSetupCode(t.Context(), client, "00000-00000") }
	for range 5 {
		if err := try("a"); !errors.Is(err, ErrSetupCode) {
			t.Fatal(err)
		}
	}
	wants(t, try("a"), fault.TooMany, "", "Too many tries. Wait 31 seconds and try again.")
	others := 0
	for i := range 40 {
		if errors.Is(try(string(rune('b'+i))), ErrSetupCode) {
			others++
		}
	}
	if others != 15 {
		t.Errorf("%d tries by others went through, want 15 of the 20 for all", others)
	}
	f.clock.advance(time.Minute)
	if err := try("a"); !errors.Is(err, ErrSetupCode) {
		t.Errorf("a minute later: %v", err)
	}
}

func TestLoginLink(t *testing.T) {
	f := claimed(t)
	ctx := t.Context()
	link := func() string {
		t.Helper()
		l, err := f.LoginLink(ctx, f.user)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	use := func(token string) error {
		u, err := f.UseLoginLink(ctx, token)
		if err == nil && u.ID != f.user {
			t.Errorf("signs in %+v", u)
		}
		return err
	}
	once := link()
	if err := use(once); err != nil {
		t.Errorf("a fresh link: %v", err)
	}
	if err := use(once); !errors.Is(err, ErrLink) {
		t.Errorf("a used link: %v", err)
	}
	if err := use("made up"); !errors.Is(err, ErrLink) {
		t.Errorf("a link made up: %v", err)
	}
	young, old := link(), link()
	f.clock.advance(linkLifetime - time.Microsecond)
	if err := use(young); err != nil {
		t.Errorf("just within the hour: %v", err)
	}
	f.clock.advance(time.Microsecond)
	if err := use(old); !errors.Is(err, ErrLink) {
		t.Errorf("an hour old: %v", err)
	}
	raced := link()
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := f.UseLoginLink(ctx, raced); err == nil {
				won.Add(1)
			} else if !errors.Is(err, ErrLink) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("one link signed in %d times", won.Load())
	}
	var n int
	if err := f.db.Bun().NewRaw("select count(*) from login_links where token_hash = ?", []byte(raced)).Scan(ctx, &n); err != nil || n != 0 {
		t.Errorf("the link is stored as it is: %d, %v", n, err)
	}
	if n, err := f.Expire(ctx); err != nil || n != 3 {
		t.Errorf("expired %d rows, %v; want the 3 old ones", n, err)
	}
}
