package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// TokenRequest says what token to make.
type TokenRequest struct {
	Email  string   `json:"email"` // of somebody who may make tokens of the account
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
	Sites  []string `json:"sites"` // public IDs; none is all of the account's
}

// TokenResult is what `moonbear token` prints.
type TokenResult struct {
	Token  string   `json:"token"`
	Scopes []string `json:"scopes"`
	Sites  []string `json:"sites,omitempty"`
}

// MakeToken makes an API token of a user's account from the command line: the
// first that a server prints reads stats and writes events only, for most
// programs need no more. Errors are faults of the fields email, name, scopes
// and sites.
func MakeToken(ctx context.Context, cfg Config, r TokenRequest) (TokenResult, error) {
	return atControl(ctx, cfg, "/token", r, (*control).makeToken)
}

func (c *control) makeToken(ctx context.Context, r TokenRequest) (TokenResult, error) {
	n, err := c.tokenAccount(ctx, r.Email)
	if err != nil {
		return TokenResult{}, err
	}
	n.Name = r.Name
	for _, s := range r.Scopes {
		n.Scopes = append(n.Scopes, account.Scope(strings.TrimSpace(s)))
	}
	for _, id := range r.Sites {
		st, err := c.sites.ByPublicID(ctx, strings.TrimSpace(id))
		if errors.Is(err, site.ErrNotFound) || err == nil && st.Account != n.Account {
			return TokenResult{}, fault.Field("sites", fmt.Sprintf("This account has no site %q: a site's ID is in its snippet and its address.", id))
		}
		if err != nil {
			return TokenResult{}, err
		}
		n.Sites = append(n.Sites, st.ID)
	}
	bearer, t, err := c.accounts.CreateToken(ctx, n)
	if err != nil {
		return TokenResult{}, err
	}
	res := TokenResult{Token: bearer, Sites: r.Sites}
	for _, s := range t.Scopes {
		res.Scopes = append(res.Scopes, string(s))
	}
	return res, nil
}

// tokenAccount finds the account a user makes tokens of.
func (c *control) tokenAccount(ctx context.Context, email string) (account.NewToken, error) {
	u, err := c.accounts.UserByEmail(ctx, email)
	if errors.Is(err, account.ErrUserNotFound) {
		return account.NewToken{}, fault.Field("email", "Nobody signs in here with this email address.")
	}
	if err != nil {
		return account.NewToken{}, err
	}
	all, err := c.accounts.Accounts(ctx, u.ID)
	if err != nil {
		return account.NewToken{}, err
	}
	for _, a := range all {
		if a.Role.AtLeast(account.Admin) {
			return account.NewToken{Account: a.ID, User: u.ID}, nil
		}
	}
	return account.NewToken{}, fault.Field("email", "This user is neither owner nor admin of an account, so no token can be made for them.")
}
