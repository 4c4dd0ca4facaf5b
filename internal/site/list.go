package site

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// ListQuery asks for one page of an account's sites.
type ListQuery struct {
	Search   string  // part of a domain; "" is every site
	Page     int     // from 1; 0 is 1
	PageSize int     // 1 to 250; 0 is 10
	Only     []int64 // the sites a token is for; nil is every site
}

// List is one page, in the shape of the API's envelope.
type List struct {
	Sites       []Site
	Page        int
	PageSize    int
	PageCount   int // at least 1
	ResultCount int
}

// List returns an account's sites by domain. A page beyond the last is empty.
func (s *Service) List(ctx context.Context, account int64, q ListQuery) (List, error) {
	l := List{Page: max(q.Page, 1), PageSize: min(q.PageSize, 250)}
	if l.PageSize <= 0 {
		l.PageSize = 10
	}
	narrow := func(sel *bun.SelectQuery) *bun.SelectQuery {
		sel = sel.Where("s.account_id = ?", account)
		if term := searchTerm(q.Search); term != "" {
			sel = sel.Where(`s.domain like ? escape '\'`, "%"+term+"%")
		}
		if q.Only != nil {
			sel = sel.Where("s.id in (?)", bun.List(q.Only))
		}
		return sel
	}
	n, err := narrow(s.db.Bun().NewSelect().Model((*row)(nil)).Where("s.deleted_at is null")).Count(ctx)
	if err != nil {
		return List{}, fmt.Errorf("count sites: %w", err)
	}
	l.ResultCount = int(n)
	l.PageCount = max(1, (l.ResultCount+l.PageSize-1)/l.PageSize)
	if l.Page > l.PageCount {
		return l, nil
	}
	l.Sites, err = selectSites(ctx, s.db.Bun(), s.zones, func(sel *bun.SelectQuery) *bun.SelectQuery {
		return narrow(sel).Order("s.domain", "s.id").Limit(int64(l.PageSize)).Offset(int64(l.Page-1) * int64(l.PageSize))
	})
	return l, err
}

// ForAccounts returns every site of some accounts by domain, for a user's
// home page.
func (s *Service) ForAccounts(ctx context.Context, accounts []int64) ([]Site, error) {
	return selectSites(ctx, s.db.Bun(), s.zones, func(sel *bun.SelectQuery) *bun.SelectQuery {
		return sel.Where("s.account_id in (?)", bun.List(accounts)).Order("s.domain", "s.id")
	})
}

// searchTerm makes what a person types comparable with a stored domain: lower
// case, punycode where a whole label was typed, and nothing special to `like`.
func searchTerm(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if a, err := hostProfile.ToASCII(s); err == nil {
		s = a
	}
	s = strings.ReplaceAll(s, "\x00", "") // text has none in either database
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
