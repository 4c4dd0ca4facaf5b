package site

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// row is a site as the control database keeps it.
type row struct {
	bun.BaseModel `bun:"table:sites,alias:s"`

	ID           int64 `bun:",pk,autoincrement"`
	PublicID     string
	AccountID    int64
	Domain       string
	TimeZone     string
	Currency     string
	KeepFragment bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
	DeletedAt    time.Time `bun:",nullzero"`
}

// hostnameRow is one entry of an allow-list.
type hostnameRow struct {
	bun.BaseModel `bun:"table:site_hostnames,alias:h"`

	SiteID    int64  `bun:",pk"`
	Hostname  string `bun:",pk"`
	CreatedAt time.Time
}

// allSites narrows nothing.
func allSites(q *bun.SelectQuery) *bun.SelectQuery { return q }

// selectSites reads live sites that a query over `sites s` narrows, with their
// allow-lists, in the order the query gives. Two statements however many sites.
func selectSites(ctx context.Context, c bun.IDB, z *zones, narrow func(*bun.SelectQuery) *bun.SelectQuery) ([]Site, error) {
	var rows []row
	if err := narrow(c.NewSelect().Model(&rows).Where("s.deleted_at is null")).Scan(ctx); err != nil {
		return nil, fmt.Errorf("select sites: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	of := make(map[int64][]string, len(rows))
	var hosts []hostnameRow
	q := c.NewSelect().Model(&hosts).Order("h.site_id", "h.created_at", "h.hostname")
	// A page of sites names them; the whole list is read without a condition
	// of thousands of numbers.
	if len(rows) <= 250 {
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		q = q.Where("h.site_id in (?)", bun.List(ids))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("select hostnames: %w", err)
	}
	for _, h := range hosts {
		of[h.SiteID] = append(of[h.SiteID], h.Hostname)
	}
	sites := make([]Site, len(rows))
	for i, r := range rows {
		sites[i] = r.site(z, of[r.ID])
	}
	return sites, nil
}

func (r *row) site(z *zones, hosts []string) Site {
	return Site{
		ID: r.ID, PublicID: r.PublicID, Account: r.AccountID, Domain: r.Domain,
		TimeZone: r.TimeZone, Location: z.stored(r.TimeZone), Currency: r.Currency,
		Hostnames: hosts, KeepFragment: r.KeepFragment, CreatedAt: r.CreatedAt,
	}
}
