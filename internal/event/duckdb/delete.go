package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"

	"moonbear/internal/event"
)

// Delete removes what sel means. With no end in time and of no one import the
// site's keys go too. No query sees them when Delete has returned; the next
// Compact takes their bytes off the disk.
func (s *Store) Delete(ctx context.Context, sel event.Selection) error {
	t := newTombstone(sel)
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.reading(ctx, func(e *engine) error {
		err := inTx(ctx, e.db, func(tx *sql.Tx) error {
			var touched map[int64][]span
			if s.keeping || e.kept.any(t.site) {
				var err error
				if touched, err = touches(ctx, tx, t); err != nil {
					return err
				}
			}
			if err := bury(ctx, tx, t); err != nil {
				return err
			}
			return s.takeBack(ctx, tx, e.kept, touch{spans: touched})
		})
		if err != nil {
			return fmt.Errorf("delete from site %d: %w", sel.Site, err)
		}
		s.buried = append(s.buried, t)
		return nil
	})
}

// touches are the hours that what a tombstone is about is about.
func touches(ctx context.Context, tx *sql.Tx, t tombstone) (map[int64][]span, error) {
	if t == newTombstone(event.Selection{Site: t.site}) {
		return map[int64][]span{t.site: {{math.MinInt64, math.MaxInt64}}}, nil
	}
	return touchedHours(ctx, tx, "(select site_id, ts, visit_id, visit_start from events where "+t.covers()+")")
}

// bury deletes rows from the hot file, and hides those in segments.
func bury(ctx context.Context, tx *sql.Tx, t tombstone) error {
	l, err := readLayout(ctx, tx)
	if err != nil {
		return err
	}
	var tables []string
	if t.imported == 0 {
		tables = append(tables, "drops")
	}
	for _, id := range l.recents {
		tables = append(tables, recentTable(id))
	}
	if t == newTombstone(event.Selection{Site: t.site}) {
		tables = append(tables, "keys")
	}
	for _, table := range tables {
		if _, err := tx.ExecContext(ctx, "delete from "+table+" where "+t.covers()); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "delete from imported_days where "+t.coversBy("day")); err != nil {
		return err
	}
	for i := range l.segments {
		sg := &l.segments[i]
		var has bool
		err := tx.QueryRowContext(ctx, "select exists (select 1 from ("+sg.sql()+") where "+t.covers()+")").Scan(&has)
		if err != nil {
			return err
		}
		if has {
			if err := addTombstone(ctx, tx, sg, t); err != nil {
				return err
			}
		}
	}
	if !l.purge {
		if _, err := tx.ExecContext(ctx, "insert into facts values ('purge')"); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, viewSQL(l))
	return err
}

func addTombstone(ctx context.Context, tx *sql.Tx, sg *segment, t tombstone) error {
	for _, have := range sg.tombstones {
		if have == t {
			return nil
		}
	}
	sg.tombstones = append(sg.tombstones, t)
	_, err := tx.ExecContext(ctx, "insert into tombstones values ("+
		strconv.FormatInt(sg.id, 10)+", "+strconv.FormatInt(t.site, 10)+", "+strconv.FormatInt(t.from, 10)+", "+strconv.FormatInt(t.to, 10)+", "+strconv.FormatInt(t.imported, 10)+")")
	return err
}

func inTx(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after the commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
