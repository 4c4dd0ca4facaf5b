package stats

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"moonbear/internal/event"
)

// Moment is an event as the live view shows it: nothing of who it was.
type Moment struct {
	Time    time.Time
	Name    string // "pageview" or the custom event's
	Path    string
	Country string // ISO 3166-1, "" not known
	Source  string // "" direct or not known
}

// recently is how far back the live view looks.
const recently = 30 * time.Minute

// Recent answers a site's newest events of the last thirty minutes, newest
// first, at most limit. Engagement messages are no events of their own.
func (s *Stats) Recent(ctx context.Context, siteID int64, limit int) (list []Moment, err error) {
	now := s.now()
	st := recentSQL(s.store.Dialect(), siteID, now, limit)
	err = s.each(ctx, siteID, st, func(rows *sql.Rows) error {
		var m Moment
		if err := rows.Scan(&m.Time, &m.Name, &m.Path, &m.Country, &m.Source); err != nil {
			return err
		}
		list = append(list, m)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select recent events: %w", err)
	}
	return list, nil
}

// recentSQL looks a minute ahead too, for clocks that differ.
func recentSQL(dialect event.Dialect, siteID int64, now time.Time, limit int) statement {
	b := &builder{dialect: dialect, plan: plan{site: siteID}}
	text := sel([]string{"ts", "name", "path", "country", "source"}, "events",
		append(b.within("ts", now.Add(-recently), now.Add(time.Minute)), counted), nil)
	return b.statement(text + "\norder by ts desc, name, path, country, source\nlimit " + b.arg(int64(limit)))
}
