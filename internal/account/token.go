package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
)

// Scope is one thing a token may do.
type Scope string

// The scopes.
const (
	ReadStats   Scope = "read_stats"
	WriteEvents Scope = "write_events"
	ManageSites Scope = "manage_sites"
)

// Scopes are all of them, in the order they are shown.
var scopes = []Scope{ReadStats, WriteEvents, ManageSites}

// Scopes returns every scope there is, in the order they are shown.
func Scopes() []Scope { return slices.Clone(scopes) }

const (
	tokenPrefix = "mb_"
	tokenLength = len(tokenPrefix) + 52 // what secret makes
)

// lastUsedStep is how coarse last_used_at is: a token in use costs a write an
// hour, not one a request.
const lastUsedStep = time.Hour

// Faults of tokens.
var (
	ErrToken         = fault.New(fault.Unauthorized, "This API token is not valid: it was revoked or mistyped. Send it as \"Authorization: Bearer mb_…\".")
	ErrTokenNotFound = fault.New(fault.NotFound, "There is no such API token.")
)

// Token is what a program may do.
type Token struct {
	ID         int64
	Account    int64
	Sites      []int64 // the only sites it is for; none is all of the account's
	Scopes     []Scope
	Name       string
	Hint       string    // its first characters, "mb_K7QZ"
	CreatedAt  time.Time // UTC
	LastUsedAt time.Time // to the hour; zero for never
}

// Can says whether a token has a scope.
func (t Token) Can(s Scope) bool { return slices.Contains(t.Scopes, s) }

// Covers says whether a token is for a site of an account.
func (t Token) Covers(account, site int64) bool {
	return account == t.Account && (len(t.Sites) == 0 || slices.Contains(t.Sites, site))
}

// NewToken is what a token is made from.
type NewToken struct {
	Account int64
	User    int64 // who makes it; 0 for nobody
	Name    string
	Scopes  []Scope
	Sites   []int64 // none is all of the account's
}

type tokenRow struct {
	bun.BaseModel `bun:"table:tokens,alias:t"`

	ID         int64 `bun:",pk,autoincrement"`
	AccountID  int64
	UserID     int64 `bun:",nullzero"`
	Name       string
	Hint       string
	TokenHash  []byte
	Scopes     string
	AllSites   bool
	CreatedAt  time.Time
	LastUsedAt time.Time `bun:",nullzero"`
	RevokedAt  time.Time `bun:",nullzero"`
}

type tokenSiteRow struct {
	bun.BaseModel `bun:"table:token_sites,alias:ts"`

	TokenID int64 `bun:",pk"`
	SiteID  int64 `bun:",pk"`
}

func (r *tokenRow) token(sites []int64) Token {
	t := Token{ID: r.ID, Account: r.AccountID, Sites: sites, Name: r.Name, Hint: r.Hint,
		CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt}
	for s := range strings.FieldsSeq(r.Scopes) {
		t.Scopes = append(t.Scopes, Scope(s))
	}
	return t
}

// CreateToken makes a token. The bearer text is returned this once; only its
// hash is kept. Errors: faults of the fields name, scopes and sites.
func (s *Service) CreateToken(ctx context.Context, n NewToken) (bearer string, t Token, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		bearer, t, err = s.IssueToken(ctx, tx, n)
		return err
	})
	if err != nil {
		return "", Token{}, err
	}
	return bearer, t, nil
}

// IssueToken is CreateToken inside a transaction of the caller.
func (s *Service) IssueToken(ctx context.Context, tx bun.Tx, n NewToken) (bearer string, t Token, err error) {
	name, text, err := checkToken(n)
	if err != nil {
		return "", Token{}, err
	}
	sites := slices.Compact(slices.Sorted(slices.Values(n.Sites)))
	if err := ownSites(ctx, tx, n.Account, sites); err != nil {
		return "", Token{}, err
	}
	bearer = tokenPrefix + secret()
	r := tokenRow{AccountID: n.Account, UserID: n.User, Name: name, Hint: bearer[:len(tokenPrefix)+4],
		TokenHash: hashSecret(bearer), Scopes: text, AllSites: len(sites) == 0, CreatedAt: db.Time(s.now())}
	if _, err := tx.NewInsert().Model(&r).Exec(ctx); err != nil {
		return "", Token{}, fmt.Errorf("insert token: %w", err)
	}
	for _, id := range sites {
		if _, err := tx.NewInsert().Model(&tokenSiteRow{TokenID: r.ID, SiteID: id}).Exec(ctx); err != nil {
			return "", Token{}, fmt.Errorf("insert site of token %d: %w", r.ID, err)
		}
	}
	return bearer, r.token(sites), nil
}

// checkToken returns the name and the scopes as they are stored.
func checkToken(n NewToken) (name, text string, err error) {
	name = strings.TrimSpace(n.Name)
	if name == "" || utf8.RuneCountInString(name) > 100 {
		return "", "", fault.Field("name", "Give the token a name of 1 to 100 characters that says what uses it.")
	}
	var have []string
	for _, s := range scopes {
		if slices.Contains(n.Scopes, s) {
			have = append(have, string(s))
		}
	}
	for _, s := range n.Scopes {
		if !slices.Contains(scopes, s) {
			return "", "", fault.Field("scopes", fmt.Sprintf("%q is not a scope: use read_stats, write_events or manage_sites.", clip(string(s))))
		}
	}
	if len(have) == 0 {
		return "", "", fault.Field("scopes", "Choose at least one scope: read_stats, write_events or manage_sites.")
	}
	return name, strings.Join(have, " "), nil
}

// ownSites refuses a token for a site of somebody else.
func ownSites(ctx context.Context, tx bun.Tx, account int64, sites []int64) error {
	if len(sites) == 0 {
		return nil
	}
	var n int
	err := tx.NewRaw("select count(*) from sites where account_id = ? and deleted_at is null and id in (?)", account, bun.List(sites)).Scan(ctx, &n)
	if err != nil {
		return fmt.Errorf("select sites of account %d: %w", account, err)
	}
	if n != len(sites) {
		return fault.Field("sites", "A token can only be for sites of its own account.")
	}
	return nil
}

// Tokens are an account's tokens that were not revoked, the newest first.
func (s *Service) Tokens(ctx context.Context, account int64) ([]Token, error) {
	var rows []tokenRow
	err := s.db.Bun().NewSelect().Model(&rows).Where("account_id = ?", account).Where("revoked_at is null").Order("id desc").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("select tokens: %w", err)
	}
	var sites []tokenSiteRow
	err = s.db.Bun().NewSelect().Model(&sites).Join("join tokens as t on t.id = ts.token_id").
		Where("t.account_id = ?", account).Order("ts.token_id", "ts.site_id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("select sites of tokens: %w", err)
	}
	of := map[int64][]int64{}
	for _, r := range sites {
		of[r.TokenID] = append(of[r.TokenID], r.SiteID)
	}
	tokens := make([]Token, len(rows))
	for i := range rows {
		tokens[i] = rows[i].token(of[rows[i].ID])
	}
	return tokens, nil
}

// RevokeToken ends a token of an account, in this process at once, and in
// others that are told; without that, within a minute. ErrTokenNotFound when
// there is none.
func (s *Service) RevokeToken(ctx context.Context, account, id int64) error {
	now := db.Time(s.now())
	res, err := s.db.Bun().NewRaw("update tokens set revoked_at = ? where id = ? and account_id = ? and revoked_at is null", now, id, account).Exec(ctx)
	s.tokens.drop(id) // even after an error: it may have been committed
	if s.revoked != nil {
		s.revoked(context.WithoutCancel(ctx))
	}
	if err != nil {
		return fmt.Errorf("revoke token %d: %w", id, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errorsOr(err, ErrTokenNotFound)
	}
	return nil
}

// ForgetTokens has tokens read anew: another process changed some.
func (s *Service) ForgetTokens() { s.tokens.clear() }

// TokenFor finds a live token by the bearer text. ErrToken when there is none.
// An answer is kept in memory for up to a minute.
func (s *Service) TokenFor(ctx context.Context, bearer string) (Token, error) {
	if len(bearer) != tokenLength || !strings.HasPrefix(bearer, tokenPrefix) {
		return Token{}, ErrToken
	}
	return s.tokens.find(ctx, hashSecret(bearer), s.now(), s.loadToken)
}

// loadToken reads a token from the database and notes that it is in use.
func (s *Service) loadToken(ctx context.Context, hash []byte) (Token, error) {
	var r tokenRow
	err := s.db.Bun().NewSelect().Model(&r).Where("token_hash = ?", hash).Where("revoked_at is null").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, ErrToken
	}
	if err != nil {
		return Token{}, fmt.Errorf("select token: %w", err)
	}
	var sites []int64
	if !r.AllSites {
		err := s.db.Bun().NewRaw("select site_id from token_sites where token_id = ? order by site_id", r.ID).Scan(ctx, &sites)
		if err != nil {
			return Token{}, fmt.Errorf("select sites of token %d: %w", r.ID, err)
		}
		// Its sites are gone. An empty list means all of them, so it ends here.
		if len(sites) == 0 {
			return Token{}, ErrToken
		}
	}
	now := db.Time(s.now())
	if now.Sub(r.LastUsedAt) >= lastUsedStep {
		_, err := s.db.Bun().NewRaw("update tokens set last_used_at = ? where id = ? and (last_used_at is null or last_used_at < ?)",
			now.Truncate(lastUsedStep), r.ID, now.Truncate(lastUsedStep)).Exec(ctx)
		if err != nil {
			// Who asks is not to blame, and need not wait for the next try.
			s.log.WarnContext(ctx, "use of a token not noted", "id", r.ID, "error", err)
		}
	}
	return r.token(sites), nil
}
