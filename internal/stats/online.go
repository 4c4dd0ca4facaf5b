package stats

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// online is how recent an event is for its visitor to be there now.
const online = 5 * time.Minute

// Online is how many visitors had an event in the last five minutes.
func (s *Stats) Online(ctx context.Context, siteID int64) (n int64, err error) {
	now := s.now()
	b := &builder{dialect: s.store.Dialect(), plan: plan{site: siteID}}
	text := sel([]string{"count(distinct visitor_id)"}, "events",
		append(b.within("ts", now.Add(-online), now.Add(time.Minute)), "visitor_id <> 0", counted), nil)
	err = s.each(ctx, siteID, b.statement(text), func(rows *sql.Rows) error { return rows.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("select visitors online: %w", err)
	}
	return n, nil
}
