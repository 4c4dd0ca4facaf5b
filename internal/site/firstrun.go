package site

import (
	"context"

	"github.com/uptrace/bun"

	"moonbear/internal/account"
)

// FirstRun is what claims a fresh server.
type FirstRun struct {
	Email    string
	Password string
	Domain   string // as a person pastes it
	TimeZone string // IANA; "" is DefaultTimeZone
}

// FirstRunResult is what a first run made.
type FirstRunResult struct {
	Site    Site
	Token   string // bearer text of a token that reads stats and writes events; shown this once
	User    int64
	Account int64
}

// FirstRun makes the owner, the account, the first site (its allow-list is
// exactly its domain) and a token, all or nothing. Errors: faults of the fields
// email, password, domain and timezone; account.ErrClaimed when the server has
// an owner, also one who was a moment faster.
func (s *Service) FirstRun(ctx context.Context, f FirstRun) (FirstRunResult, error) {
	// Before the password is hashed: a claimed server does no work for strangers.
	claimed, err := s.accounts.Claimed(ctx)
	if err != nil {
		return FirstRunResult{}, err
	}
	if claimed {
		return FirstRunResult{}, account.ErrClaimed
	}
	r, hosts, err := s.check(NewSite{Domain: f.Domain, TimeZone: f.TimeZone})
	if err != nil {
		return FirstRunResult{}, err
	}
	owner, err := s.accounts.PrepareOwner(ctx, f.Email, f.Password)
	if err != nil {
		return FirstRunResult{}, err
	}
	var res FirstRunResult
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if res.User, res.Account, err = s.accounts.Claim(ctx, tx, owner); err != nil {
			return err
		}
		r.AccountID = res.Account
		if err := s.insert(ctx, tx, &r, hosts); err != nil {
			return err
		}
		res.Token, _, err = s.accounts.IssueToken(ctx, tx, account.NewToken{
			Account: res.Account, User: res.User, Name: "First token",
			Scopes: []account.Scope{account.ReadStats, account.WriteEvents},
		})
		return err
	})
	if err != nil {
		return FirstRunResult{}, err
	}
	s.changed(ctx)
	res.Site = r.site(s.zones, hosts)
	return res, nil
}
