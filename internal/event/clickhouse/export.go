package clickhouse

import (
	"context"
	"fmt"
	"time"

	"moonbear/internal/event"
)

// exportRows is about how many events Export holds in memory at a time: 7 MB.
// A site is read in spans of time, so that the server never sorts more than that
// and a slow reader holds no connection.
const exportRows = 10_000

// Export yields a site's events with from <= ts < to by time. What is appended
// or deleted meanwhile may be in it or not. The event is reused: copy what is
// kept.
func (s *Store) Export(ctx context.Context, site int64, from, to time.Time, yield func(*event.Event) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	where := covers(event.Selection{Site: site, From: from, To: to}, "ts")
	spans, err := s.exportSpans(ctx, where)
	if err != nil {
		return fmt.Errorf("plan export of site %d: %w", site, err)
	}
	var events []event.Event
	for _, sp := range spans {
		events, err = s.exportSpan(ctx, where, sp, events[:0])
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

// span is whole minutes, from <= ts < to.
type span struct{ from, to time.Time }

// exportSpans cuts what is exported into spans of about exportRows.
func (s *Store) exportSpans(ctx context.Context, where string) ([]span, error) {
	rows, err := s.conn.Query(ctx, "select toStartOfMinute(ts) as minute, count() from events where "+where+" group by minute order by minute")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var spans []span
	held := uint64(exportRows)
	for rows.Next() {
		var minute time.Time
		var n uint64
		if err := rows.Scan(&minute, &n); err != nil {
			return nil, err
		}
		if held += n; held > exportRows {
			spans = append(spans, span{from: minute})
			held = n
		}
		spans[len(spans)-1].to = minute.Add(time.Minute)
	}
	return spans, rows.Err()
}

// exportSpan reads every column. Visit, name and path only make the order of
// one millisecond's events the same each time.
func (s *Store) exportSpan(ctx context.Context, where string, sp span, events []event.Event) ([]event.Event, error) {
	rows, err := s.conn.Query(ctx, "select "+names(eventColumns)+" from events where "+where+
		" and ts >= "+moment(sp.from)+" and ts < "+moment(sp.to)+" order by ts, visit_id, name, path")
	if err != nil {
		return events, err
	}
	defer rows.Close()
	var e event.Event
	dst := make([]any, len(eventColumns))
	for i, c := range eventColumns {
		dst[i] = target(c.field(&e))
	}
	for rows.Next() {
		e.Props = nil
		if err := rows.Scan(dst...); err != nil {
			return events, err
		}
		(*props)(&e.Props).sort()
		events = append(events, e)
	}
	return events, rows.Err()
}
