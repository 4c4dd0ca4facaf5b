package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	client "github.com/ClickHouse/clickhouse-go/v2"

	"moonbear/internal/event"
)

// Append stores a batch once. A batch that ends at or before Loaded was stored
// before and adds nothing. One that begins before Loaded and ends after it was
// cut elsewhere than what was stored: nothing is added and the error is
// ErrOverlap. After any other error the batch may be stored in whole, in part or
// not at all; the next Append of the spool finds out (doubt.go).
func (s *Store) Append(ctx context.Context, b *event.Batch) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	sp := s.spool(b.Spool)
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if err := s.append(ctx, sp, b); err != nil {
		sp.known = false
		return fmt.Errorf("append %d to %d of spool %s: %w", b.From, b.To, b.Spool, err)
	}
	return nil
}

func (s *Store) append(ctx context.Context, sp *spool, b *event.Batch) error {
	if !sp.known {
		st, err := s.state(ctx, b.Spool)
		if err != nil {
			return err
		}
		sp.state = st
	}
	if b.To <= sp.pos {
		sp.known = sp.known || !sp.open()
		return nil
	}
	if err := s.say(ctx, s.late(b), s.o.Doubt); err != nil {
		return err
	}
	if len(b.Days) > 0 {
		defer s.kept.forget()
	}
	parts := cut(b)
	if sp.open() {
		if err := s.settle(ctx, sp, b, parts); err != nil {
			return err
		}
	}
	sp.known = true
	switch {
	case b.To <= sp.pos:
		return nil
	case b.From < sp.pos:
		return fmt.Errorf("%w (%d)", ErrOverlap, sp.pos)
	}
	start := time.Now()
	if err := s.plan(ctx, sp, b, parts); err != nil {
		return err
	}
	s.o.step("planned")
	for i := range parts {
		if err := s.insert(ctx, sp, b, parts[i]); err != nil {
			return err
		}
		s.o.step("inserted")
	}
	if err := s.advance(ctx, sp); err != nil {
		return err
	}
	s.metrics.appended(len(b.Events), time.Since(start))
	return nil
}

// part is a block of a batch, and its rows if they're events.
type part struct {
	block
	events []*event.Event
}

// cut lists the blocks of a batch: one a month for events, one a table for the
// rest. The same batch is always cut alike.
func cut(b *event.Batch) []part {
	var parts []part
	last := -1
	for i := range b.Events {
		e := &b.Events[i]
		m := monthOf(e.Time)
		if last < 0 || parts[last].month != m {
			last = slices.IndexFunc(parts, func(p part) bool { return p.month == m })
			if last < 0 {
				parts = append(parts, part{block: block{table: eventsTable, month: m}})
				last = len(parts) - 1
			}
		}
		parts[last].events = append(parts[last].events, e)
		parts[last].rows++
	}
	for _, rest := range []block{
		{table: dropsTable, rows: int64(len(b.Drops))}, {table: keysTable, rows: int64(len(b.Keys))}, {table: daysTable, rows: int64(len(b.Days))},
	} {
		if rest.rows > 0 {
			parts = append(parts, part{block: rest})
		}
	}
	return parts
}

// monthOf is toYYYYMM of a time in milliseconds.
func monthOf(ms int64) int64 {
	t := time.UnixMilli(ms).UTC()
	return int64(t.Year())*100 + int64(t.Month())
}

// insert sends one block of the spool's open batch.
func (s *Store) insert(ctx context.Context, sp *spool, b *event.Batch, p part) error {
	own := batchID{b.Spool, sp.batch}
	var err error
	switch p.table {
	case eventsTable:
		err = insertRows(ctx, s, own, p.block, eventColumns, p.events)
	case dropsTable:
		err = insertRows(ctx, s, own, p.block, dropColumns, pointers(b.Drops))
	case keysTable:
		err = insertRows(ctx, s, own, p.block, keyColumns, pointers(b.Keys))
	case daysTable:
		err = insertRows(ctx, s, own, p.block, dayColumns, pointers(b.Days))
	}
	if err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", p.rows, p.table, err)
	}
	return nil
}

func pointers[T any](rows []T) []*T {
	ps := make([]*T, len(rows))
	for i := range rows {
		ps[i] = &rows[i]
	}
	return ps
}

func insertRows[T any](ctx context.Context, s *Store, own batchID, bl block, columns []columnOf[T], rows []*T) error {
	kinds := append(types(columns), client.ColumnNameAndType{Name: "batch_spool", Type: fewTexts}, client.ColumnNameAndType{Name: "batch", Type: id})
	ctx = client.Context(ctx, client.WithQueryID(own.token(bl)), client.WithSettings(s.insertSettings(own.token(bl))))
	return send(ctx, s, "insert into "+bl.table+" ("+names(columns)+", batch_spool, batch)", kinds, columns, rows,
		slices.Repeat([]string{own.spool}, len(rows)), slices.Repeat([]int64{own.number}, len(rows)))
}

// send inserts rows as one block, with the columns that are the same for all.
func send[T any](ctx context.Context, s *Store, query string, kinds []client.ColumnNameAndType, columns []columnOf[T], rows []*T, rest ...any) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.statementTime)
	defer cancel()
	batch, err := s.conn.PrepareBatch(client.Context(ctx, client.WithColumnNamesAndTypes(kinds)), query)
	if err != nil {
		return err
	}
	defer batch.Close() //nolint:errcheck // after Send it does nothing
	for i, c := range columns {
		vs, err := values(c, rows)
		if err != nil {
			return err
		}
		if err := batch.Column(i).Append(vs); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	for i, vs := range rest {
		if err := batch.Column(len(columns) + i).Append(vs); err != nil {
			return err
		}
	}
	return batch.Send()
}

// insertSettings make an insert one block under its token, and end it on the
// server too when nobody waits for it any longer.
func (s *Store) insertSettings(token string) client.Settings {
	return client.Settings{
		"insert_deduplicate":              1,
		"insert_deduplication_token":      token,
		"max_insert_block_size":           1 << 30,
		"min_insert_block_size_rows":      1 << 30,
		"min_insert_block_size_bytes":     1 << 40,
		"max_execution_time":              int(s.o.statementTime.Seconds()) + 1,
		"max_partitions_per_insert_block": 1,
	}
}
