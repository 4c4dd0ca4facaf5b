package site

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
)

// Change names what Update changes; nil keeps what is.
type Change struct {
	Domain       *string
	TimeZone     *string
	Currency     *string
	KeepFragment *bool
	// Hostnames replaces the whole allow-list; empty allows any.
	Hostnames *[]string
}

// Update changes a site's settings and returns the site as it is then. A new
// domain joins the allow-list unless that allows any, so that its hits count.
// Errors: as Create, and ErrNotFound.
func (s *Service) Update(ctx context.Context, id string, c Change) (Site, error) {
	old, err := s.ByPublicID(ctx, id)
	if err != nil {
		return Site{}, err
	}
	n := NewSite{Account: old.Account, Domain: old.Domain, TimeZone: old.TimeZone, Currency: old.Currency,
		Hostnames: []string{}, KeepFragment: old.KeepFragment}
	set(&n.Domain, c.Domain)
	set(&n.TimeZone, c.TimeZone)
	set(&n.Currency, c.Currency)
	set(&n.KeepFragment, c.KeepFragment)
	set(&n.Hostnames, c.Hostnames)
	r, hosts, err := s.check(n)
	if err != nil {
		return Site{}, err
	}
	err = s.change(ctx, id, func(ctx context.Context, tx bun.Tx, was row) error {
		if r.Domain != was.Domain {
			if err := freeDomain(ctx, tx, r.Domain, was.AccountID); err != nil {
				return err
			}
		}
		q := tx.NewUpdate().Model(&was).WherePK()
		// Only what was named is written: another change made between our
		// reading and this transaction is not undone.
		for _, f := range []struct {
			named  bool
			column string
			value  any
		}{
			{c.Domain != nil, "domain", r.Domain},
			{c.TimeZone != nil, "time_zone", r.TimeZone},
			{c.Currency != nil, "currency", r.Currency},
			{c.KeepFragment != nil, "keep_fragment", r.KeepFragment},
		} {
			if f.named {
				q = q.Set("? = ?", bun.Ident(f.column), f.value)
			}
		}
		if _, err := q.Set("updated_at = ?", r.UpdatedAt).Exec(ctx); err != nil {
			return domainTaken(err, r.Domain)
		}
		if c.Hostnames != nil {
			if _, err := tx.NewDelete().Model((*hostnameRow)(nil)).Where("site_id = ?", was.ID).Exec(ctx); err != nil {
				return fmt.Errorf("clear hostnames of site %d: %w", was.ID, err)
			}
			return insertHostnames(ctx, tx, was.ID, hosts, r.UpdatedAt)
		}
		if r.Domain == was.Domain {
			return nil
		}
		return s.allow(ctx, tx, was.ID, r.Domain, false)
	})
	if err != nil {
		return Site{}, err
	}
	return s.ByPublicID(ctx, id)
}

func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

// AllowHostname adds a hostname to a site's allow-list; one that is there
// already is no error. Nothing is added to an empty list, which allows any.
// Errors: a fault of the field hostname, ErrNotFound, ErrManyHostnames.
func (s *Service) AllowHostname(ctx context.Context, id, hostname string) error {
	host, err := ParseHostname(hostname)
	if err != nil {
		return err
	}
	return s.change(ctx, id, func(ctx context.Context, tx bun.Tx, was row) error {
		return s.allow(ctx, tx, was.ID, host, true)
	})
}

// allow adds one hostname unless any is allowed; full says whether a full
// list is an error or leaves things as they are.
func (s *Service) allow(ctx context.Context, tx bun.Tx, site int64, host string, full bool) error {
	hosts, err := hostnames(ctx, tx, site)
	switch {
	case err != nil:
		return err
	case len(hosts) == 0 || slices.Contains(hosts, host):
		return nil
	case len(hosts) >= maxHostnames && full:
		return ErrManyHostnames
	}
	return insertHostnames(ctx, tx, site, []string{host}, db.Time(s.now()))
}

// RemoveHostname takes a hostname off a site's allow-list; one that is not
// there is no error. Errors: a fault of the field hostname, ErrNotFound,
// ErrLastHostname.
func (s *Service) RemoveHostname(ctx context.Context, id, hostname string) error {
	host, err := ParseHostname(hostname)
	if err != nil {
		return err
	}
	return s.change(ctx, id, func(ctx context.Context, tx bun.Tx, was row) error {
		hosts, err := hostnames(ctx, tx, was.ID)
		if err != nil {
			return err
		}
		if len(hosts) == 1 && hosts[0] == host {
			return ErrLastHostname
		}
		if _, err := tx.NewDelete().Model((*hostnameRow)(nil)).Where("site_id = ?", was.ID).Where("hostname = ?", host).Exec(ctx); err != nil {
			return fmt.Errorf("remove a hostname of site %d: %w", was.ID, err)
		}
		return nil
	})
}

func hostnames(ctx context.Context, tx bun.Tx, site int64) ([]string, error) {
	var hosts []string
	err := tx.NewSelect().Model((*hostnameRow)(nil)).Column("hostname").Where("site_id = ?", site).Scan(ctx, &hosts)
	if err != nil {
		return nil, fmt.Errorf("select hostnames of site %d: %w", site, err)
	}
	return hosts, nil
}

// change runs fn on a live site's row in a transaction, then refreshes the
// Directory.
func (s *Service) change(ctx context.Context, id string, fn func(ctx context.Context, tx bun.Tx, was row) error) error {
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var was row
		err := tx.NewSelect().Model(&was).Where("public_id = ?", id).Where("deleted_at is null").Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("select site: %w", err)
		}
		return fn(ctx, tx, was)
	})
	if err != nil {
		return err
	}
	s.changed(ctx)
	return nil
}
