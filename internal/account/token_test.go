package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/fault"
)

// site inserts a site as package site does, which this one cannot import.
func (f *fixture) site(t *testing.T, account int64, id string) (n int64) {
	t.Helper()
	now := db.Time(f.now())
	err := f.db.Bun().NewRaw(`
		insert into sites (public_id, account_id, domain, time_zone, currency, created_at, updated_at)
		values (?, ?, ?, 'UTC', 'USD', ?, ?) returning id`, id, account, id+".example.com", now, now).Scan(t.Context(), &n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (f *fixture) token(t *testing.T, n NewToken) (string, Token) {
	t.Helper()
	bearer, tok, err := f.CreateToken(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return bearer, tok
}

func TestToken(t *testing.T) {
	f := claimed(t)
	ctx := t.Context()
	s1, s2 := f.site(t, f.account, "one"), f.site(t, f.account, "two")
	bearer, made := f.token(t, NewToken{Account: f.account, User: f.user, Name: " Build server ", Scopes: []Scope{WriteEvents, ReadStats, ReadStats}, Sites: []int64{s2, s1, s2}})
	if len(bearer) != tokenLength || !strings.HasPrefix(bearer, "mb_") || !strings.HasPrefix(bearer, made.Hint) || len(made.Hint) != 7 {
		t.Errorf("bearer %q, hint %q", bearer, made.Hint)
	}
	got, err := f.TokenFor(ctx, bearer)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "Build server" || !slices.Equal(got.Scopes, []Scope{ReadStats, WriteEvents}) || !slices.Equal(got.Sites, []int64{s1, s2}) || got.Account != f.account {
		t.Errorf("%+v", got)
	}
	for _, tt := range []struct {
		what string
		got  bool
		want bool
	}{
		{"its scope", got.Can(ReadStats), true},
		{"another scope", got.Can(ManageSites), false},
		{"its site", got.Covers(f.account, s1), true},
		{"another site", got.Covers(f.account, s2+1), false},
		{"another account's site of the same number", got.Covers(f.account+1, s1), false},
		{"any site of its account when for all", Token{Account: f.account}.Covers(f.account, 99), true},
		{"a site of another account when for all", Token{Account: f.account}.Covers(f.account+1, 99), false},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v", tt.what, tt.got)
		}
	}
	list, err := f.Tokens(ctx, f.account)
	if err != nil || len(list) != 1 || list[0].ID != made.ID || !slices.Equal(list[0].Sites, []int64{s1, s2}) {
		t.Errorf("list %+v, %v", list, err)
	}
	for _, bad := range []string{"", "mb_", bearer[:len(bearer)-1], bearer + "A", strings.ToLower(bearer), "xx_" + bearer[3:], bearer[:10] + "'" + bearer[11:]} {
		if _, err := f.TokenFor(ctx, bad); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	var stored int
	if err := f.db.Bun().NewRaw("select count(*) from tokens where hint = ? or token_hash = ?", bearer, []byte(bearer)).Scan(ctx, &stored); err != nil || stored != 0 {
		t.Errorf("the token is stored as it is: %d, %v", stored, err)
	}
}

func TestCreateTokenRefuses(t *testing.T) {
	f := claimed(t)
	_, other := f.another(t, "b@example.com")
	theirs := f.site(t, other, "theirs")
	read := []Scope{ReadStats}
	for _, tt := range []struct {
		n              NewToken
		field, message string
	}{
		{NewToken{Account: f.account, Scopes: read}, "name", "Give the token a name of 1 to 100 characters that says what uses it."},
		{NewToken{Account: f.account, Name: strings.Repeat("a", 101), Scopes: read}, "name", "Give the token a name of 1 to 100 characters that says what uses it."},
		{NewToken{Account: f.account, Name: "a"}, "scopes", "Choose at least one scope: read_stats, write_events or manage_sites."},
		{NewToken{Account: f.account, Name: "a", Scopes: []Scope{ReadStats, "all"}}, "scopes", `"all" is not a scope: use read_stats, write_events or manage_sites.`},
		{NewToken{Account: f.account, Name: "a", Scopes: read, Sites: []int64{theirs}}, "sites", "A token can only be for sites of its own account."},
	} {
		_, _, err := f.CreateToken(t.Context(), tt.n)
		wants(t, err, fault.Invalid, tt.field, tt.message)
	}
	if n := rows(t, f, "tokens"); n != 0 {
		t.Errorf("%d tokens were made", n)
	}
}

// A token for one site must not become one for all when the site goes.
func TestTokenOfNoSiteLeft(t *testing.T) {
	f := claimed(t)
	bearer, _ := f.token(t, NewToken{Account: f.account, Name: "a", Scopes: []Scope{ReadStats}, Sites: []int64{f.site(t, f.account, "one")}})
	if _, err := f.db.Bun().NewRaw("delete from token_sites").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tok, err := f.TokenFor(t.Context(), bearer); !errors.Is(err, ErrToken) {
		t.Errorf("%+v, %v", tok, err)
	}
}

func TestRevokeToken(t *testing.T) {
	f := claimed(t)
	ctx := t.Context()
	_, other := f.another(t, "b@example.com")
	bearer, tok := f.token(t, NewToken{Account: f.account, Name: "a", Scopes: []Scope{ReadStats}})
	elsewhere := New(f.db, Options{Now: f.clock.now}) // another process
	for _, s := range []*Service{f.Service, elsewhere} {
		if _, err := s.TokenFor(ctx, bearer); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.RevokeToken(ctx, other, tok.ID); !errors.Is(err, ErrTokenNotFound) {
		t.Errorf("somebody else's account: %v", err)
	}
	if _, err := f.TokenFor(ctx, bearer); err != nil {
		t.Errorf("somebody else revoked it: %v", err)
	}
	if err := f.RevokeToken(ctx, f.account, tok.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.TokenFor(ctx, bearer); !errors.Is(err, ErrToken) {
		t.Errorf("here, at once: %v", err)
	}
	if err := f.RevokeToken(ctx, f.account, tok.ID); !errors.Is(err, ErrTokenNotFound) {
		t.Errorf("twice: %v", err)
	}
	f.clock.advance(tokenFresh - time.Microsecond)
	if _, err := elsewhere.TokenFor(ctx, bearer); err != nil {
		t.Errorf("elsewhere, within the minute, from memory: %v", err)
	}
	f.clock.advance(time.Microsecond)
	if _, err := elsewhere.TokenFor(ctx, bearer); !errors.Is(err, ErrToken) {
		t.Errorf("elsewhere, after a minute: %v", err)
	}
	if list, err := f.Tokens(ctx, f.account); err != nil || len(list) != 0 {
		t.Errorf("still listed: %+v, %v", list, err)
	}
}

// Another process that is told forgets a revoked token at once.
func TestForgetTokens(t *testing.T) {
	f := claimed(t)
	ctx := t.Context()
	elsewhere := New(f.db, Options{Now: f.clock.now})
	told := 0
	here := New(f.db, Options{Now: f.clock.now, TokensChanged: func(context.Context) { told++; elsewhere.ForgetTokens() }})
	bearer, tok := f.token(t, NewToken{Account: f.account, Name: "a", Scopes: []Scope{ReadStats}})
	if _, err := elsewhere.TokenFor(ctx, bearer); err != nil || told != 0 {
		t.Fatal(told, err)
	}
	if err := here.RevokeToken(ctx, f.account, tok.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.TokenFor(ctx, bearer); !errors.Is(err, ErrToken) {
		t.Errorf("elsewhere, at once: %v", err)
	}
}

// An answer that was read before a revocation is neither kept nor given to
// whoever asks after it.
func TestRevokedWhileRead(t *testing.T) {
	c := newTokenCache()
	hash := hashSecret("x")
	now := time.Now()
	reading, goOn := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := c.find(t.Context(), hash, now, func(context.Context, []byte) (Token, error) {
			close(reading)
			<-goOn
			return Token{ID: 7}, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-reading
	c.drop(7)
	revoked := func(context.Context, []byte) (Token, error) { return Token{}, ErrToken }
	if _, err := c.find(t.Context(), hash, now, revoked); !errors.Is(err, ErrToken) {
		t.Errorf("asked after the drop, while the old answer was read: %v", err)
	}
	close(goOn)
	wg.Wait()
	if _, err := c.find(t.Context(), hash, now, revoked); !errors.Is(err, ErrToken) {
		t.Errorf("the old answer was kept: %v", err)
	}
}

// Who asks while an answer is read waits for that one, and may go away.
func TestTokenIsReadOnce(t *testing.T) {
	c := newTokenCache()
	hash := hashSecret("x")
	reading, goOn := make(chan struct{}), make(chan struct{})
	reads := 0
	load := func(ctx context.Context, _ []byte) (Token, error) {
		reads++
		close(reading)
		<-goOn
		return Token{ID: 7}, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	gone := make(chan struct{})
	wg.Go(func() {
		defer close(gone)
		if _, err := c.find(ctx, hash, time.Now(), load); !errors.Is(err, context.Canceled) {
			t.Errorf("the one who went away: %v", err)
		}
	})
	<-reading
	wg.Go(func() {
		if tok, err := c.find(t.Context(), hash, time.Now(), load); err != nil || tok.ID != 7 {
			t.Errorf("the one who waits: %+v, %v", tok, err)
		}
	})
	cancel()
	<-gone
	close(goOn)
	wg.Wait()
	if tok, err := c.find(t.Context(), hash, time.Now(), load); err != nil || tok.ID != 7 || reads != 1 {
		t.Errorf("%+v, %v after %d reads", tok, err, reads)
	}
}

func TestTokenLastUsed(t *testing.T) {
	f := claimed(t)
	ctx := t.Context()
	bearer, tok := f.token(t, NewToken{Account: f.account, Name: "a", Scopes: []Scope{ReadStats}})
	if !tok.LastUsedAt.IsZero() {
		t.Errorf("used at %v before its first use", tok.LastUsedAt)
	}
	for _, pass := range []time.Duration{0, 61 * time.Minute, 2 * time.Minute} {
		f.clock.advance(pass)
		if _, err := f.TokenFor(ctx, bearer); err != nil {
			t.Fatal(err)
		}
		list, err := f.Tokens(ctx, f.account)
		if err != nil {
			t.Fatal(err)
		}
		if ago := f.now().Sub(list[0].LastUsedAt); ago < 0 || ago > 2*lastUsedStep || !list[0].LastUsedAt.Equal(list[0].LastUsedAt.Truncate(lastUsedStep)) {
			t.Errorf("after %v: last used %v, now %v", pass, list[0].LastUsedAt, f.now())
		}
	}
}

func BenchmarkTokenFor(b *testing.B) {
	f := claimed(b)
	bearer, _, err := f.CreateToken(b.Context(), NewToken{Account: f.account, Name: "a", Scopes: []Scope{WriteEvents}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.TokenFor(b.Context(), bearer); err != nil {
			b.Fatal(err)
		}
	}
}
