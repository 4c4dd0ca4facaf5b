package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"moonbear/internal/event"
)

// writer is the one connection that appends, used through DuckDB's C API
// because database/sql hides it. It belongs to whoever holds Store.writing.
type writer struct {
	db     mapping.Database
	conn   mapping.Connection
	event  *chunk
	drop   *chunk
	key    *chunk
	day    *chunk
	recent int64            // events go to recent_N
	loads  map[string]int64 // spool: position, as committed
}

func (w *writer) close() {
	w.event.destroy()
	w.drop.destroy()
	w.key.destroy()
	w.day.destroy()
	mapping.Disconnect(&w.conn)
	mapping.Close(&w.db)
}

func (w *writer) exec(query string) error {
	var r mapping.Result
	defer mapping.DestroyResult(&r)
	if mapping.Query(w.conn, query, &r) == mapping.StateError {
		return errors.New(mapping.ResultError(&r))
	}
	return nil
}

// Append stores a batch once. A batch that ends at or before Loaded was stored
// before and adds nothing. One that begins before Loaded and ends after it was
// cut elsewhere than what was stored, and a batch does not say which of its
// events are new, so it adds nothing either and the error is ErrOverlap: read
// again from Loaded.
func (s *Store) Append(ctx context.Context, b *event.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.makeRoom(ctx, b); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.use(ctx, func(e *engine) error {
		return s.append(ctx, e, b)
	})
	if err == nil {
		s.checkpointIfDue(ctx)
	}
	return err
}

func (s *Store) append(ctx context.Context, e *engine, b *event.Batch) error {
	w := e.writer
	have := w.loads[b.Spool]
	switch {
	case b.To <= have:
		return nil
	case b.From < have:
		return fmt.Errorf("append %d to %d of spool %s: %w (%d)", b.From, b.To, b.Spool, ErrOverlap, have)
	}
	start := time.Now()
	if err := w.exec("begin"); err != nil {
		return fmt.Errorf("begin append: %w", err)
	}
	if err := w.rows(ctx, b); err != nil {
		if undone := w.exec("rollback"); undone != nil {
			return errUnsure{errors.Join(err, undone)}
		}
		return err
	}
	e.kept.arrived(w.recent, b)
	// From here the outcome is DuckDB's: a commit is not interrupted, because
	// its caller must know whether it happened.
	if err := w.exec("commit"); err != nil {
		_ = w.exec("rollback") // a failed commit has ended the transaction already; this makes sure
		return errUnsure{fmt.Errorf("commit append: %w", err)}
	}
	w.loads[b.Spool] = b.To
	if s.unsorted.Add(int64(len(b.Events))) >= s.o.tendAt {
		s.tender.needed()
	}
	s.metrics.appended(len(b.Events), time.Since(start))
	return nil
}

// rows writes everything of a batch, and its position, into the open transaction.
func (w *writer) rows(ctx context.Context, b *event.Batch) error {
	err := w.appendTo(ctx, recentTable(w.recent), w.event, len(b.Events), func(c *chunk, row, i int) {
		c.event(row, &b.Events[i])
	})
	if err != nil {
		return err
	}
	err = w.appendTo(ctx, "drops", w.drop, len(b.Drops), func(c *chunk, row, i int) {
		d, v := &b.Drops[i], c.vectors
		v[0].i64[row] = d.Site
		v[1].i64[row] = d.Time * 1000
		c.arena.text(&v[2].texts[row], d.Reason)
		c.arena.text(&v[3].texts[row], d.Detail)
		v[4].i64[row] = d.Count
	})
	if err != nil {
		return err
	}
	err = w.appendTo(ctx, "keys", w.key, len(b.Keys), func(c *chunk, row, i int) {
		k, v := &b.Keys[i], c.vectors
		v[0].i64[row] = k.Site
		v[1].i64[row] = k.Time * 1000
		c.bytes(&v[2], row, k.Key[:])
		c.bytes(&v[3], row, k.Body[:])
	})
	if err != nil {
		return err
	}
	err = w.appendTo(ctx, "imported_days", w.day, len(b.Days), func(c *chunk, row, i int) {
		c.importedDay(row, &b.Days[i])
	})
	if err != nil {
		return err
	}
	q := fmt.Sprintf("update positions set pos = %d where spool = %s", b.To, quote(b.Spool))
	if _, known := w.loads[b.Spool]; !known {
		q = fmt.Sprintf("insert into positions values (%s, %d)", quote(b.Spool), b.To)
	}
	if err := w.exec(q); err != nil {
		return fmt.Errorf("store position: %w", err)
	}
	return ctx.Err()
}

// appendTo adds n rows to a table, each written by put.
func (w *writer) appendTo(ctx context.Context, table string, c *chunk, n int, put func(c *chunk, row, i int)) error {
	if n == 0 {
		return nil
	}
	var a mapping.Appender
	state := mapping.AppenderCreateExt(w.conn, "", "", table, &a)
	defer mapping.AppenderDestroy(&a)
	if state == mapping.StateError {
		return fmt.Errorf("append to %s: %s", table, appenderError(a))
	}
	for i := 0; i < n; {
		if err := ctx.Err(); err != nil {
			mapping.AppenderClear(a) // or destroying it would add the rows
			return err
		}
		c.reset()
		for ; i < n && c.rows < chunkRows; i++ {
			put(c, c.rows, i)
			c.rows++
		}
		c.finish()
		if mapping.AppendDataChunk(a, c.data) == mapping.StateError {
			return fmt.Errorf("append to %s: %s", table, appenderError(a))
		}
	}
	if mapping.AppenderFlush(a) == mapping.StateError {
		return fmt.Errorf("append to %s: %s", table, appenderError(a))
	}
	return nil
}

func appenderError(a mapping.Appender) string {
	d := mapping.AppenderErrorData(a)
	defer mapping.DestroyErrorData(&d)
	return mapping.ErrorDataMessage(d)
}

// event writes one row, in the order of eventColumns.
func (c *chunk) event(row int, e *event.Event) {
	v, a := c.vectors, &c.arena
	v[0].i64[row] = e.Site
	v[1].i64[row] = e.Time * 1000
	a.text(&v[2].texts[row], e.Name)
	v[3].i64[row] = e.Visitor
	v[4].i64[row] = e.Visit
	v[5].i64[row] = e.VisitStart * 1000
	a.text(&v[6].texts[row], e.Path)
	a.text(&v[7].texts[row], e.Hostname)
	v[8].bools[row] = e.Interactive
	a.text(&v[9].texts[row], e.EntryPath)
	a.text(&v[10].texts[row], e.Referrer)
	a.text(&v[11].texts[row], e.Source)
	a.text(&v[12].texts[row], e.Channel)
	a.text(&v[13].texts[row], e.UTMSource)
	a.text(&v[14].texts[row], e.UTMMedium)
	a.text(&v[15].texts[row], e.UTMCampaign)
	a.text(&v[16].texts[row], e.UTMContent)
	a.text(&v[17].texts[row], e.UTMTerm)
	a.text(&v[18].texts[row], e.Country)
	a.text(&v[19].texts[row], e.Region)
	a.text(&v[20].texts[row], e.City)
	a.text(&v[21].texts[row], e.Browser)
	a.text(&v[22].texts[row], e.BrowserVersion)
	a.text(&v[23].texts[row], e.OS)
	a.text(&v[24].texts[row], e.OSVersion)
	a.text(&v[25].texts[row], e.Device)
	v[26].i32[row] = e.ScreenWidth
	a.text(&v[27].texts[row], e.Language)
	a.text(&v[28].texts[row], e.TimeZone)
	a.text(&v[29].texts[row], e.ConnectionSpeed)
	const measures = 30
	for i, m := range e.Measures {
		v[measures+i].optional(row, m)
	}
	const rest = measures + event.MeasureCount
	v[rest].i64[row] = e.Revenue
	a.text(&v[rest+1].texts[row], e.Currency)
	c.props(&v[rest+2], row, e.Props)
	v[rest+3].i64[row] = e.Import
}

// importedDay writes one row, in the order of dayColumns.
func (c *chunk) importedDay(row int, d *event.DayCount) {
	v := c.vectors
	v[0].i64[row] = d.Site
	v[1].i64[row] = d.Import
	v[2].i64[row] = d.Day * 1000
	c.arena.text(&v[3].texts[row], d.Dimension)
	c.arena.text(&v[4].texts[row], d.Value)
	for i, n := range [...]int64{d.Visitors, d.Pageviews, d.Events, d.Visits, d.Views, d.Bounces, d.Duration} {
		v[5+i].sum(row, n)
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
