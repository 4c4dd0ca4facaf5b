package duckdb

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Delete removes a site's events and drops with from <= ts < to; zero times
// are open ends. With both open, the site's keys go too.
func (s *Store) Delete(ctx context.Context, site int64, from, to time.Time) error {
	s.tending.Lock()
	defer s.tending.Unlock()
	cond, args := spanSQL(from, to)
	args = append([]any{site}, args...)
	return s.use(ctx, func(e *engine) error {
		tx, err := e.db.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("begin deletion of site %d: %w", site, err)
		}
		defer tx.Rollback() //nolint:errcheck // after the commit it does nothing
		tables := []string{"recent", "drops"}
		if from.IsZero() && to.IsZero() {
			tables = append(tables, "keys")
		}
		for _, t := range tables {
			if _, err := tx.ExecContext(ctx, "delete from "+t+" where site_id = ?"+cond, args...); err != nil {
				return fmt.Errorf("delete site %d from %s: %w", site, t, err)
			}
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("commit deletion of site %d: %w", site, err)
		}
		return nil
	})
}

// Compact tends the files.
func (s *Store) Compact(ctx context.Context) error {
	s.tending.Lock()
	defer s.tending.Unlock()
	return s.use(ctx, func(e *engine) error {
		return errors.Join(e.checkpoint(ctx))
	})
}
