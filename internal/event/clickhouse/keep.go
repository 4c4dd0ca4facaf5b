package clickhouse

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	client "github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"

	"moonbear/internal/event"
)

// The tables of kept days. Each row is of one keeping, and only those of the
// last one of a day count.
const (
	countsTable = "day_counts"
	valuesTable = "day_values"
)

var keptTables = []string{countsTable, valuesTable}

// keepAtOnce is how many statements about a day are asked at once: most of their
// time is understanding them, on one core.
const keepAtOnce = 2

// keepRows are counted before they are stored: few inserts, as each is a part.
const keepRows = 200_000

// dayRow is a row of either table.
type dayRow struct {
	site                     int64
	zone                     string
	day                      int64 // Unix milliseconds
	dimension, value         string
	sums                     [len(event.SumColumns)]int64
	measure                  string
	marked                   bool
	cell, number             int64
	count, upto, total, here int64
	keep                     int64
}

var countColumns, valueColumns = keptColumns()

func keptColumns() (counts, values []columnOf[dayRow]) {
	type col = columnOf[dayRow]
	counts = []col{
		{"site_id", id, packed, func(r *dayRow) any { return &r.site }},
		{"zone", fewTexts, packed, func(r *dayRow) any { return &r.zone }},
		{"day", instant, rising, func(r *dayRow) any { return &r.day }},
	}
	values = slices.Clone(counts)
	counts = append(counts,
		col{"dimension", fewTexts, packed, func(r *dayRow) any { return &r.dimension }},
		col{"value", text, packed, func(r *dayRow) any { return &r.value }})
	for i, name := range event.SumColumns {
		counts = append(counts, col{name, id, packed, func(r *dayRow) any { return &r.sums[i] }})
	}
	values = append(values,
		col{"measure", fewTexts, packed, func(r *dayRow) any { return &r.measure }},
		col{"marked", "Bool", packed, func(r *dayRow) any { return &r.marked }},
		col{"cell", id, rising, func(r *dayRow) any { return &r.cell }},
		col{"value", id, rising, func(r *dayRow) any { return &r.number }},
		col{"count", id, packed, func(r *dayRow) any { return &r.count }},
		col{"upto", id, packed, func(r *dayRow) any { return &r.upto }},
		col{"total", id, packed, func(r *dayRow) any { return &r.total }},
		col{"cell_count", id, packed, func(r *dayRow) any { return &r.here }})
	keep := col{"keep", id, rising, func(r *dayRow) any { return &r.keep }}
	return append(counts, keep), append(values, keep)
}

// dayKeeping counts days and stores them, some at a time.
type dayKeeping struct {
	s              *Store
	counts, values []*dayRow
	days           []keptDay
}

// KeepDays counts whole days and stores that. A day counts as kept when all of
// it is stored.
func (s *Store) KeepDays(ctx context.Context, what []event.Keeping) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	busy, err := s.mutates(ctx)
	if err != nil || busy {
		return err
	}
	start := time.Now()
	k := &dayKeeping{s: s}
	for _, w := range what {
		if err := k.keep(ctx, w); err != nil {
			return fmt.Errorf("keep days of site %d: %w", w.Site, err)
		}
	}
	if err := k.store(ctx); err != nil {
		return fmt.Errorf("keep days: %w", err)
	}
	s.o.Log.InfoContext(ctx, "days kept", "sites", len(what), "took", time.Since(start))
	return nil
}

// mutates says that events are being deleted: a day that is counted meanwhile
// may have half of them.
func (s *Store) mutates(ctx context.Context) (busy bool, err error) {
	var n int64
	err = event.Each(ctx, s, "select count() from system.mutations where database = currentDatabase() and table = "+quote(s.stored(eventsTable))+" and not is_done",
		func(r *sql.Rows) error { return r.Scan(&n) })
	if err != nil {
		return false, fmt.Errorf("look for deletions: %w", err)
	}
	if n > 0 {
		s.o.Log.InfoContext(ctx, "no days are kept while events are deleted", "deletions", n)
	}
	return n > 0, nil
}

func (k *dayKeeping) keep(ctx context.Context, w event.Keeping) error {
	s := k.s
	have, err := s.readKept(ctx, w.Site, w.Zone)
	if err != nil {
		return err
	}
	is := map[int64]bool{}
	for _, d := range have.Days {
		is[d.From.UnixMilli()] = true
	}
	settled := s.o.Now().Add(-settledAfter)
	for _, day := range w.Days {
		if is[day.From.UnixMilli()] || day.To.After(settled) || !day.From.Before(day.To) {
			continue
		}
		is[day.From.UnixMilli()] = true
		if err := k.count(ctx, w, day); err != nil {
			return fmt.Errorf("%s: %w", day.From.Format(time.DateOnly), err)
		}
		if len(k.counts)+len(k.values) >= keepRows {
			if err := k.store(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// count counts a day. One that needs more memory than there is is left out: it
// is asked of the events.
func (k *dayKeeping) count(ctx context.Context, w event.Keeping, day event.Day) error {
	d := keptDay{keptKey: keptKey{w.Site, w.Zone}, from: day.From.UnixMilli(), to: day.To.UnixMilli()}
	var err error
	if d.keep, err = k.s.serverTime(ctx); err != nil {
		return err
	}
	counts, values := w.SQL(day)
	rows := make([][]*dayRow, len(counts)+len(values))
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(keepAtOnce)
	for i, q := range slices.Concat(counts, values) {
		columns := countColumns
		if i >= len(counts) {
			columns = valueColumns
		}
		g.Go(func() (err error) {
			rows[i], err = k.read(asking, d, q, columns)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		if strings.Contains(err.Error(), "MEMORY_LIMIT_EXCEEDED") {
			k.s.o.Log.WarnContext(ctx, "a day is not kept: counting it needs more memory than there is", "site", w.Site, "day", day.From, "error", err.Error())
			return nil
		}
		return err
	}
	k.counts = append(k.counts, slices.Concat(rows[:len(counts)]...)...)
	k.values = append(k.values, slices.Concat(rows[len(counts):]...)...)
	k.days = append(k.days, d)
	return nil
}

// serverTime is the server's, in microseconds.
func (s *Store) serverTime(ctx context.Context) (at int64, err error) {
	err = event.Each(ctx, s, "select toUnixTimestamp64Micro(now64(6))", func(r *sql.Rows) error { return r.Scan(&at) })
	if err != nil {
		return 0, fmt.Errorf("ask for the server's time: %w", err)
	}
	return at, nil
}

// read reads rows of a day, and refuses such as are not of it: they would be
// found by nobody, or by the wrong one.
func (k *dayKeeping) read(ctx context.Context, d keptDay, query string, columns []columnOf[dayRow]) (rows []*dayRow, err error) {
	columns = columns[:len(columns)-1] // but the keeping
	err = event.Each(ctx, k.s, query, func(r *sql.Rows) error {
		row := &dayRow{keep: d.keep}
		var day time.Time
		to := make([]any, len(columns))
		for i, c := range columns {
			if to[i] = c.field(row); c.name == "day" {
				to[i] = &day
			}
		}
		if err := r.Scan(to...); err != nil {
			return err
		}
		if row.day = day.UnixMilli(); row.site != d.site || row.zone != d.zone || row.day != d.from {
			return fmt.Errorf("a row is of site %d, zone %s and %s, which was not asked for", row.site, row.zone, day)
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

// store stores what was counted, and then that it is.
func (k *dayKeeping) store(ctx context.Context) error {
	if len(k.days) == 0 {
		return nil
	}
	if err := insertKept(ctx, k.s, countsTable, countColumns, k.counts); err != nil {
		return err
	}
	if err := insertKept(ctx, k.s, valuesTable, valueColumns, k.values); err != nil {
		return err
	}
	k.s.o.step("days counted")
	rows := make([]string, len(k.days))
	for i, d := range k.days {
		rows[i] = fmt.Sprintf("(%d, %s, %d, %d, %d)", d.site, quote(d.zone), d.from, d.to, d.keep)
	}
	for part := range slices.Chunk(rows, 5000) {
		if err := k.s.exec(ctx, "insert into kept_days (site_id, zone, from_ms, to_ms, keep) values "+strings.Join(part, ", ")); err != nil {
			return fmt.Errorf("store which days are kept: %w", err)
		}
	}
	k.s.kept.forget()
	*k = dayKeeping{s: k.s}
	return nil
}

// insertKept stores rows, those of each year by themselves, as a block goes into
// one partition.
func insertKept(ctx context.Context, s *Store, table string, columns []columnOf[dayRow], rows []*dayRow) error {
	slices.SortStableFunc(rows, func(a, b *dayRow) int { return int(monthOf(a.day)/100 - monthOf(b.day)/100) })
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && n < keepRows && monthOf(rows[n].day)/100 == monthOf(rows[0].day)/100 {
			n++
		}
		if err := send(ctx, s, "insert into "+table+" ("+names(columns)+")", types(columns), columns, rows[:n]); err != nil {
			return fmt.Errorf("store rows of %s: %w", table, err)
		}
		rows = rows[n:]
	}
	return nil
}

func types[T any](columns []columnOf[T]) []client.ColumnNameAndType {
	all := make([]client.ColumnNameAndType, len(columns))
	for i, c := range columns {
		all[i] = client.ColumnNameAndType{Name: c.name, Type: c.typ}
	}
	return all
}

// tidyDays removes rows of days that are kept no longer, or kept anew, and of
// keepings that came to nothing.
func (s *Store) tidyDays(ctx context.Context) error {
	days, touched, err := s.readDays(ctx, "true", "true")
	if err != nil {
		return err
	}
	gone := map[int64]bool{}
	for _, d := range days {
		if d.void(touched) {
			gone[d.keep] = true
		}
	}
	now, err := s.serverTime(ctx)
	if err != nil {
		return err
	}
	// What was counted a day ago and isn't in kept_days never will be.
	yesterday := now - 24*time.Hour.Microseconds()
	for _, query := range []string{
		"select distinct keep from kept_days where keep not in (select max(keep) from kept_days group by site_id, zone, from_ms)",
		fmt.Sprintf("select distinct keep from %s where keep not in (select keep from kept_days) and keep < %d", countsTable, yesterday),
		fmt.Sprintf("select distinct keep from %s where keep not in (select keep from kept_days) and keep < %d", valuesTable, yesterday),
	} {
		err := event.Each(ctx, s, query, func(r *sql.Rows) error {
			var keep int64
			err := r.Scan(&keep)
			gone[keep] = true
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		select { // until nobody remembers that they are kept
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(keptFresh):
		}
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(gone)), 5000) {
		keeps := make([]string, len(part))
		for i, keep := range part {
			keeps[i] = number(keep)
		}
		// Each shard has all of kept_days, and its replicas tell each other.
		for _, table := range []string{s.stored(countsTable) + s.onCluster(), s.stored(valuesTable) + s.onCluster(), "kept_days"} {
			if err := s.exec(mutating(ctx), "alter table "+table+" delete where keep in ("+strings.Join(keeps, ", ")+")"); err != nil {
				return err
			}
		}
	}
	// What they made untrue is gone.
	return s.exec(mutating(ctx), "alter table touched_days delete where void < "+number(yesterday))
}
