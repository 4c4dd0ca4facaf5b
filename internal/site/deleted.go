package site

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
)

// DeletedKept is how long a deletion can be undone: whoever notices on Monday
// what was deleted on Friday is in time, and it ends within the 72 hours that
// the deletion of an account is promised in.
const DeletedKept = 72 * time.Hour

// ErrNotDeleted answers for a site that can't be restored: it isn't deleted,
// or is destroyed, or never was.
var ErrNotDeleted = fault.New(fault.NotFound, "There is no deleted site with this ID. A deleted site can be restored for 72 hours.")

// Deleted is a site on its way out.
type Deleted struct {
	Site
	DeletedAt   time.Time
	DestroyedAt time.Time // until when it can be restored
}

// Delete hides a site at once: it is collected no more, found no more, and its
// domain is free. Destroy destroys it DeletedKept later; until then Restore
// undoes it. ErrNotFound when there is none.
func (s *Service) Delete(ctx context.Context, id string) error {
	now := db.Time(s.now())
	return s.change(ctx, id, func(ctx context.Context, tx bun.Tx, was row) error {
		_, err := tx.NewUpdate().Model(&was).Set("deleted_at = ?", now).Set("updated_at = ?", now).WherePK().Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete site %d: %w", was.ID, err)
		}
		return nil
	})
}

// Deleted finds a deleted site that can still be restored; ErrNotDeleted when
// there is none.
func (s *Service) Deleted(ctx context.Context, id string) (Deleted, error) {
	if !readableID(id) {
		return Deleted{}, ErrNotDeleted
	}
	var r row
	err := s.restorable(s.db.Bun().NewSelect().Model(&r)).Where("s.public_id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Deleted{}, ErrNotDeleted
	}
	if err != nil {
		return Deleted{}, fmt.Errorf("select deleted site: %w", err)
	}
	return r.deleted(s.zones), nil
}

// DeletedOf are the deleted sites of some accounts that can still be restored,
// the one deleted last first.
func (s *Service) DeletedOf(ctx context.Context, accounts []int64) ([]Deleted, error) {
	var rows []row
	err := s.restorable(s.db.Bun().NewSelect().Model(&rows)).Where("s.account_id in (?)", bun.List(accounts)).
		Order("s.deleted_at desc", "s.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("select deleted sites: %w", err)
	}
	gone := make([]Deleted, len(rows))
	for i := range rows {
		gone[i] = rows[i].deleted(s.zones)
	}
	return gone, nil
}

// restorable narrows to what Restore can bring back: what Destroy takes is
// exactly the other deleted sites, so that the two never meet.
func (s *Service) restorable(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("s.deleted_at > ?", s.destroyedBefore())
}

func (s *Service) destroyedBefore() time.Time { return db.Time(s.now().Add(-DeletedKept)) }

func (r *row) deleted(z *zones) Deleted {
	return Deleted{Site: r.site(z, nil), DeletedAt: r.DeletedAt, DestroyedAt: r.DeletedAt.Add(DeletedKept)}
}

// Restore undoes Delete, with everything the site had. Errors: ErrNotDeleted;
// ErrDomainTaken and ErrDomainYours when another site has its domain now.
func (s *Service) Restore(ctx context.Context, id string) (Site, error) {
	now := db.Time(s.now())
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var was row
		err := s.restorable(tx.NewSelect().Model(&was)).Where("s.public_id = ?", id).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotDeleted
		}
		if err != nil {
			return fmt.Errorf("select deleted site: %w", err)
		}
		if err := freeDomain(ctx, tx, was.Domain, was.AccountID); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(&was).Set("deleted_at = null").Set("updated_at = ?", now).WherePK().Exec(ctx); err != nil {
			return domainTaken(err, was.Domain)
		}
		return nil
	})
	if err != nil {
		return Site{}, err
	}
	s.changed(ctx)
	return s.ByPublicID(ctx, id)
}

// ownedTables are what a site has in the control database, what refers to
// others first.
var ownedTables = []string{"imports", "segments", "goals", "token_sites", "site_hostnames"}

// Destroy destroys the sites whose DeletedKept is over: first their events, by
// the given function, then their rows. When the function fails the rows stay,
// and the next Destroy tries again. It returns how many sites are gone.
func (s *Service) Destroy(ctx context.Context, events func(ctx context.Context, sites []int64) error) (int, error) {
	var due []int64
	err := s.db.Bun().NewRaw("select id from sites where deleted_at <= ? order by id", s.destroyedBefore()).Scan(ctx, &due)
	if err != nil {
		return 0, fmt.Errorf("select sites to destroy: %w", err)
	}
	if len(due) == 0 {
		return 0, nil
	}
	if err := events(ctx, due); err != nil {
		return 0, fmt.Errorf("destroy events of %d sites: %w", len(due), err)
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, table := range ownedTables {
			if _, err := tx.NewRaw("delete from ? where site_id in (?)", bun.Ident(table), bun.List(due)).Exec(ctx); err != nil {
				return fmt.Errorf("destroy %s: %w", table, err)
			}
		}
		_, err := tx.NewRaw("delete from sites where id in (?)", bun.List(due)).Exec(ctx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("destroy the rows of %d sites: %w", len(due), err)
	}
	return len(due), nil
}
