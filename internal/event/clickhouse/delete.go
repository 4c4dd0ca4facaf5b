package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"moonbear/internal/event"
)

// Delete removes what sel means, by rewriting the parts that have such rows.
// With no end in time and of no one import the site's keys go too. No query
// sees them when Delete has returned, and some seconds later no file has them;
// Compact waits for that.
func (s *Store) Delete(ctx context.Context, sel event.Selection) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	wheres := map[string]string{eventsTable: covers(sel, "ts"), daysTable: covers(sel, "day")}
	if sel.Import == 0 {
		wheres[dropsTable] = covers(sel, "ts")
	}
	if sel == (event.Selection{Site: sel.Site}) {
		wheres[keysTable] = covers(sel, "ts")
	}
	days := deleting(sel)
	if err := s.say(ctx, []touch{days}, s.o.Doubt); err != nil {
		return err
	}
	for _, t := range batchTables {
		if wheres[t] == "" {
			continue
		}
		if err := s.exec(mutating(ctx), "alter table "+s.stored(t)+s.onCluster()+" delete where "+wheres[t]); err != nil {
			return fmt.Errorf("delete from site %d in %s: %w", sel.Site, t, err)
		}
	}
	if err := s.deleteDays(ctx, days); err != nil {
		return err
	}
	if err := s.say(ctx, []touch{days}, s.o.Doubt); err != nil { // it may have taken hours
		return err
	}
	var now uint32
	if err := s.conn.QueryRow(ctx, "select toUnixTimestamp(now())").Scan(&now); err != nil {
		return fmt.Errorf("ask for the time of the deletion: %w", err)
	}
	s.mu.Lock()
	s.deleted = now
	s.mu.Unlock()
	return nil
}

// covers is the condition for what a selection means, by a column of time.
func covers(sel event.Selection, at string) string {
	where := []string{"site_id = " + number(sel.Site)}
	if !sel.From.IsZero() {
		where = append(where, at+" >= "+moment(sel.From))
	}
	if !sel.To.IsZero() {
		where = append(where, at+" < "+moment(sel.To))
	}
	if sel.Import != 0 {
		where = append(where, "import_id = "+number(sel.Import))
	}
	return strings.Join(where, " and ")
}

const (
	// goneTime is how long Compact waits for files to be gone. A query that
	// began before the deletion keeps them while it runs.
	goneTime  = 10 * time.Minute
	goneEvery = 200 * time.Millisecond
)

// keyLife is longer than the 24 hours an idempotency key is promised.
const keyLife = 48 * time.Hour

// Compact forgets idempotency keys that are too old to matter and days that are
// kept no longer, and waits until
// what was deleted is in no file of the server any longer. There's nothing else
// to tend: ClickHouse merges by itself.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	old := "ts < " + moment(time.Now().Add(-keyLife))
	if err := s.exec(mutating(ctx), "alter table "+s.stored(keysTable)+s.onCluster()+" delete where "+old); err != nil {
		return fmt.Errorf("delete old keys: %w", err)
	}
	if err := s.tidyDays(ctx); err != nil {
		return fmt.Errorf("remove days that are kept no longer: %w", err)
	}
	return s.gone(ctx)
}

// gone waits for the files of what was deleted.
func (s *Store) gone(ctx context.Context) error {
	s.mu.Lock()
	deleted := s.deleted
	s.mu.Unlock()
	if deleted == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, goneTime)
	defer cancel()
	for {
		var left uint64
		err := s.conn.QueryRow(ctx, `
			select count() from system.parts
			where database = currentDatabase() and not active and toUnixTimestamp(remove_time) <= ?`, deleted).Scan(&left)
		if err != nil {
			return fmt.Errorf("look for the files of what was deleted: %w", err)
		}
		if left == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d files of what was deleted are still there: %w", left, ctx.Err())
		case <-time.After(goneEvery):
		}
	}
	s.mu.Lock()
	if s.deleted == deleted {
		s.deleted = 0
	}
	s.mu.Unlock()
	return nil
}
