package move

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
)

const (
	// batchRows are appended at once, or a few more: a batch ends where the time
	// does, so that what is in the target of a site's month is all there was
	// before some moment.
	batchRows = 10_000
	// keysSince is how long an idempotency key is promised to be known.
	keysSince = 24 * time.Hour
	// tellEvery is how often progress is told.
	tellEvery = 100 * time.Millisecond
	// tries is how often a batch is sent before the move gives up: with their
	// pauses half a minute.
	tries = 6
)

// rows are how many a store has of a cell.
type rows struct{ Events, Drops, Days int64 }

func (r rows) all() int64 { return r.Events + r.Drops + r.Days }

// beyond says that there is more than o has.
func (r rows) beyond(o rows) bool { return r.Events > o.Events || r.Drops > o.Drops || r.Days > o.Days }

// count counts everything in a store. Sites have numbers from 1.
func count(ctx context.Context, s event.Store) (map[Cell]rows, error) {
	all := map[Cell]rows{}
	for _, t := range []struct {
		name, at string
		n        func(*rows) *int64
	}{
		{"events", "ts", func(r *rows) *int64 { return &r.Events }},
		{"drops", "ts", func(r *rows) *int64 { return &r.Drops }},
		{"imported_days", "day", func(r *rows) *int64 { return &r.Days }},
	} {
		query := fmt.Sprintf("select site_id, year(%[1]s) * 12 + month(%[1]s) - 1 as m, count(*) from %[2]s where site_id > 0 group by site_id, m", t.at, t.name)
		err := event.Each(ctx, s, query, func(r *sql.Rows) error {
			var c Cell
			var n int64
			if err := r.Scan(&c.Site, &c.Month, &n); err != nil {
				return err
			}
			have := all[c]
			*t.n(&have) = n
			all[c] = have
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", t.name, err)
		}
	}
	return all, nil
}

// cells lists cells by month: ClickHouse stores a batch of one month as one
// block, and DuckDB sorts by itself.
func cells(of ...map[Cell]rows) []Cell {
	all := map[Cell]bool{}
	for _, m := range of {
		for c := range m {
			all[c] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Site, b.Site))
	})
}

// own is the name under which the target knows the batches of this move.
func (m *mover) own() string { return "move-" + m.state.ID }

// claimEvents makes sure that the target is empty, or this move's.
func (m *mover) claimEvents(ctx context.Context) (err error) {
	to := m.o.To.Events
	if m.pos, err = to.Loaded(ctx, m.own()); err != nil {
		return fmt.Errorf("ask the target for its position: %w", err)
	}
	if m.pos == 0 {
		if err := empty(ctx, to); err != nil {
			return err
		}
	}
	// What a run that was killed left half stored is settled by the next batch,
	// so one comes before anything is counted.
	return m.append(ctx, &event.Batch{}, 1)
}

// empty says what is in a store that should have nothing.
func empty(ctx context.Context, s event.Store) error {
	for _, t := range []string{"events", "drops", "keys", "imported_days"} {
		var n int64
		err := event.Each(ctx, s, "select count(*) from "+t+" where site_id > 0", func(r *sql.Rows) error { return r.Scan(&n) })
		if err != nil {
			return fmt.Errorf("look into the target: %w", err)
		}
		if n > 0 {
			return fault.New(fault.Conflict, fmt.Sprintf("The event store to move to isn't empty: its table %s has %d rows. A move only goes to an empty one: name another, or empty it.", t, n))
		}
	}
	return nil
}

// append stores a batch of this move, n long in the move's positions.
func (m *mover) append(ctx context.Context, b *event.Batch, n int64) error {
	b.Spool, b.From, b.To = m.own(), m.pos, m.pos+n
	for try := 1; ; try++ {
		err := m.o.To.Events.Append(ctx, b)
		if err == nil {
			m.pos = b.To
			return nil
		}
		if try == tries || ctx.Err() != nil {
			return fmt.Errorf("store a batch in the target: %w", err)
		}
		m.o.Log.WarnContext(ctx, "the target took no batch: it is sent again", "error", err, "try", try)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second << (try - 1)):
		}
	}
}

// copier copies cells.
type copier struct {
	m     *mover
	batch event.Batch
	last  Cell  // of the batch's last event
	at    int64 // its time
	done  int64
	total int64
	told  time.Time
}

// copyEvents brings the target to what the source has, from wherever it is.
func (m *mover) copyEvents(ctx context.Context) error {
	from, err := count(ctx, m.o.From.Events)
	if err != nil {
		return err
	}
	to, err := count(ctx, m.o.To.Events)
	if err != nil {
		return err
	}
	c := &copier{m: m}
	for _, r := range from {
		c.total += r.all()
	}
	m.o.Tell(Progress{Phase: Copying, Total: c.total, Unit: "rows"})
	all := cells(from, to)
	for i, cell := range all {
		if to[cell].beyond(from[cell]) {
			if err := m.forget(ctx, cell); err != nil {
				return err
			}
			delete(to, cell)
		}
		if err := c.cell(ctx, cell, from[cell], to[cell]); err != nil {
			return err
		}
		if i+1 == len(all) || all[i+1].Month != cell.Month {
			if err := c.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget takes a cell out of the target.
func (m *mover) forget(ctx context.Context, c Cell) error {
	if err := m.o.To.Events.Delete(ctx, event.Selection{Site: c.Site, From: c.from(), To: c.to()}); err != nil {
		return fmt.Errorf("take %s out of the target: %w", c, err)
	}
	return nil
}

// cell copies what is missing of a cell: the target has the first of its rows.
func (c *copier) cell(ctx context.Context, cell Cell, want, have rows) error {
	c.done += have.all()
	from, s := cell, c.m.o.From.Events
	if skip := have.Events; skip < want.Events {
		err := s.Export(ctx, from.Site, from.from(), from.to(), func(e *event.Event) error {
			if skip > 0 {
				skip--
				return nil
			}
			if len(c.batch.Events) >= batchRows && (c.last != cell || c.at != e.Time) {
				if err := c.flush(ctx); err != nil {
					return err
				}
			}
			c.last, c.at = cell, e.Time
			c.batch.Events = append(c.batch.Events, *e)
			return c.more(ctx)
		})
		if err != nil {
			return err
		}
	}
	if skip := have.Drops; skip < want.Drops {
		err := readDrops(ctx, s, from.Site, from.from(), from.to(), func(d *event.Drop) error {
			if skip > 0 {
				skip--
				return nil
			}
			c.batch.Drops = append(c.batch.Drops, *d)
			return c.more(ctx)
		})
		if err != nil {
			return err
		}
	}
	if skip := have.Days; skip < want.Days {
		return readDays(ctx, s, from.Site, from.from(), from.to(), func(d *event.DayCount) error {
			if skip > 0 {
				skip--
				return nil
			}
			c.batch.Days = append(c.batch.Days, *d)
			return c.more(ctx)
		})
	}
	return nil
}

// more is called with each row.
func (c *copier) more(ctx context.Context) error {
	c.done++
	if c.done%256 == 0 {
		if now := time.Now(); now.Sub(c.told) >= tellEvery {
			c.told = now
			c.m.o.Tell(Progress{Phase: Copying, Done: c.done, Total: c.total, Unit: "rows"})
		}
	}
	if len(c.batch.Drops)+len(c.batch.Days) >= batchRows {
		return c.flush(ctx)
	}
	return nil
}

func (c *copier) flush(ctx context.Context) error {
	b := &c.batch
	n := int64(len(b.Events) + len(b.Drops) + len(b.Days))
	if n == 0 {
		return nil
	}
	if err := c.m.append(ctx, b, n); err != nil {
		return err
	}
	clear(b.Events) // their texts
	b.Events, b.Drops, b.Days = b.Events[:0], b.Drops[:0], b.Days[:0]
	return c.m.o.Step("batch")
}

// copyPositions tells the target how far it is with the spool, which is where
// the source was, and with imports, so that those can go on; and gives it the
// keys of batches, so that one that is sent again isn't counted again.
func (m *mover) copyPositions(ctx context.Context, at int64) error {
	if err := m.copyKeys(ctx); err != nil {
		return err
	}
	spools, err := m.spools(ctx)
	if err != nil {
		return err
	}
	for name, pos := range spools {
		if name == m.o.Spool.ID() {
			pos = at
		}
		have, err := m.o.To.Events.Loaded(ctx, name)
		if err != nil {
			return err
		}
		if have >= pos {
			continue
		}
		if err := m.o.To.Events.Append(ctx, &event.Batch{Spool: name, From: have, To: pos}); err != nil {
			return fmt.Errorf("tell the target its position: %w", err)
		}
	}
	return nil
}

// spools are the positions the source knows.
func (m *mover) spools(ctx context.Context) (map[string]int64, error) {
	query := "select spool from positions"
	if m.o.From.Events.Dialect() == event.ClickHouse {
		query = "select distinct spool from spools"
	}
	var names []string
	err := event.Each(ctx, m.o.From.Events, query, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		names = append(names, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the source's spools: %w", err)
	}
	all := map[string]int64{}
	for _, name := range names {
		if all[name], err = m.o.From.Events.Loaded(ctx, name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (m *mover) copyKeys(ctx context.Context) error {
	since := m.o.Now().Add(-keysSince)
	have := map[event.Key]bool{}
	err := readKeys(ctx, m.o.To.Events, since.Add(-time.Hour), func(k event.Key) error { have[k] = true; return nil })
	if err != nil {
		return err
	}
	var b event.Batch
	err = readKeys(ctx, m.o.From.Events, since, func(k event.Key) error {
		if !have[k] {
			b.Keys = append(b.Keys, k)
		}
		if len(b.Keys) < batchRows {
			return nil
		}
		err := m.append(ctx, &b, int64(len(b.Keys)))
		b.Keys = b.Keys[:0]
		return err
	})
	if err != nil || len(b.Keys) == 0 {
		return err
	}
	return m.append(ctx, &b, int64(len(b.Keys)))
}
