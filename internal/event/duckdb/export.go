package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	driver "github.com/duckdb/duckdb-go/v2"

	"moonbear/internal/event"
)

// exportRows is about how many events Export holds in memory at a time: 7 MB.
// DuckDB hands over whole results only, and a slow reader must not hold its
// connection, so a site is read in spans of time.
const exportRows = 10_000

// Export yields a site's events with from <= ts < to by time. What is appended
// or deleted meanwhile may be in it or not. The event is reused: copy what is
// kept.
func (s *Store) Export(ctx context.Context, site int64, from, to time.Time, yield func(*event.Event) error) error {
	var spans []span
	err := s.reading(ctx, func(e *engine) (err error) {
		spans, err = exportSpans(ctx, e.db, site, from, to)
		return err
	})
	if err != nil {
		return fmt.Errorf("plan export of site %d: %w", site, err)
	}
	var events []event.Event
	for _, sp := range spans {
		err := s.reading(ctx, func(e *engine) (err error) {
			events, err = exportSpan(ctx, e.db, site, sp, events[:0])
			return err
		})
		if err != nil {
			return fmt.Errorf("export site %d: %w", site, err)
		}
		for i := range events {
			if err := yield(&events[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// span is a period, in milliseconds, from <= ts < to.
type span struct{ from, to int64 }

// spanSQL is a condition for from <= ts < to; zero times are open ends.
func spanSQL(from, to time.Time) (cond string, args []any) {
	if !from.IsZero() {
		cond += " and ts >= ?"
		args = append(args, from.UTC())
	}
	if !to.IsZero() {
		cond += " and ts < ?"
		args = append(args, to.UTC())
	}
	return cond, args
}

// exportSpans cuts a period into spans of about exportRows, at seconds.
func exportSpans(ctx context.Context, q queryer, site int64, from, to time.Time) ([]span, error) {
	cond, args := spanSQL(from, to)
	rows, err := q.QueryContext(ctx, `
		select s, count(*) from (select epoch_ms(time_bucket(interval 1 minute, ts)) as s from events where site_id = ?`+cond+`)
		group by s order by s`, append([]any{site}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var spans []span
	held := exportRows
	for rows.Next() {
		var minute, n int64
		if err := rows.Scan(&minute, &n); err != nil {
			return nil, err
		}
		if held += int(n); held > exportRows {
			spans = append(spans, span{from: minute})
			held = int(n)
		}
		spans[len(spans)-1].to = minute + 60_000
	}
	if len(spans) > 0 && !from.IsZero() {
		spans[0].from = max(spans[0].from, from.UnixMilli())
	}
	if len(spans) > 0 && !to.IsZero() {
		spans[len(spans)-1].to = min(spans[len(spans)-1].to, to.UnixMilli())
	}
	return spans, rows.Err()
}

func exportSpan(ctx context.Context, q queryer, site int64, sp span, events []event.Event) ([]event.Event, error) {
	rows, err := q.QueryContext(ctx, exportSQL(), site, time.UnixMilli(sp.from).UTC(), time.UnixMilli(sp.to).UTC())
	if err != nil {
		return events, err
	}
	defer rows.Close()
	var e event.Event
	var measures [event.MeasureCount]sql.NullInt64
	var props driver.OrderedMap
	dst := scanTargets(&e, &measures, &props)
	for rows.Next() {
		if err := rows.Scan(dst...); err != nil {
			return events, err
		}
		for i, m := range measures {
			e.Measures[i] = 0
			if m.Valid {
				e.Measures[i] = event.Measured(m.Int64)
			}
		}
		e.Props = nil
		values := props.Values()
		for i, k := range props.Keys() {
			e.Props = append(e.Props, event.Prop{Key: k.(string), Value: values[i].(string)})
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

// exportSQL reads every column, times as milliseconds. Visit and name only
// make the order of one millisecond's events the same each time.
func exportSQL() string {
	var b strings.Builder
	b.WriteString("select ")
	for i, c := range eventColumns {
		if i > 0 {
			b.WriteString(", ")
		}
		if c.kind == timestamp {
			b.WriteString("epoch_ms(" + c.name + ")")
			continue
		}
		b.WriteString(c.name)
	}
	b.WriteString(" from events where site_id = ? and ts >= ? and ts < ? order by ts, visit_id, name, path")
	return b.String()
}

// scanTargets lists where the columns go, in the order of eventColumns.
func scanTargets(e *event.Event, measures *[event.MeasureCount]sql.NullInt64, props *driver.OrderedMap) []any {
	dst := []any{
		&e.Site, &e.Time, &e.Name, &e.Visitor, &e.Visit, &e.VisitStart, &e.Path, &e.Hostname, &e.Interactive,
		&e.EntryPath, &e.Referrer, &e.Source, &e.Channel,
		&e.UTMSource, &e.UTMMedium, &e.UTMCampaign, &e.UTMContent, &e.UTMTerm,
		&e.Country, &e.Region, &e.City,
		&e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Device,
		&e.ScreenWidth, &e.Language, &e.TimeZone, &e.ConnectionSpeed,
	}
	for i := range measures {
		dst = append(dst, &measures[i])
	}
	return append(dst, &e.Revenue, &e.Currency, props, &e.Import)
}
