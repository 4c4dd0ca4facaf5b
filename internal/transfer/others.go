package transfer

import (
	"context"
	"fmt"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/site"
)

// others knows what other imports brought of the same days. Events of several
// may share a day, as the logs of several servers do; counts may not, since
// nobody could tell what is in both.
type others struct {
	site   *site.Site
	store  event.Store
	self   int64 // the import that asks
	counts map[counted]bool
	events map[int64]bool // days with events of others, by Unix milliseconds of midnight UTC, as asked for
}

// counted is a dimension of a day that another import has counts of.
type counted struct {
	day       int64
	dimension string
}

// newOthers asks for all of them at once: ten years of twenty dimensions are
// 70,000. With overlap nothing is asked, and nothing is there.
func newOthers(ctx context.Context, store event.Store, s *site.Site, self int64, overlap bool) (*others, error) {
	o := &others{site: s, self: self, counts: map[counted]bool{}, events: map[int64]bool{}}
	if overlap {
		return o, nil
	}
	o.store = store
	rows, err := store.Select(ctx, "select distinct day, dimension from imported_days where site_id = ? and import_id <> ?", s.ID, self)
	if err != nil {
		return nil, fmt.Errorf("ask for imported days: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var day time.Time
		var dimension string
		if err := rows.Scan(&day, &dimension); err != nil {
			return nil, fmt.Errorf("ask for imported days: %w", err)
		}
		o.counts[counted{day.UnixMilli(), dimension}] = true
	}
	return o, rows.Err()
}

// haveDay says whether counts of a whole local date are there.
func (o *others) haveDay(date time.Time) bool {
	y, m, d := date.Date()
	return o.counts[counted{time.Date(y, m, d, 0, 0, 0, 0, time.UTC).UnixMilli(), ""}]
}

// have says whether the same was counted before, or events of the day are
// there, from which it could be.
func (o *others) have(ctx context.Context, c *event.DayCount) (bool, error) {
	if o.store == nil || o.counts[counted{c.Day, c.Dimension}] {
		return o.store != nil, nil
	}
	if there, asked := o.events[c.Day]; asked {
		return there, nil
	}
	y, m, d := time.UnixMilli(c.Day).UTC().Date()
	from, to := time.Date(y, m, d, 0, 0, 0, 0, o.site.Location), time.Date(y, m, d+1, 0, 0, 0, 0, o.site.Location)
	rows, err := o.store.Select(ctx, "select 1 from events where site_id = ? and import_id <> 0 and import_id <> ? and ts >= ? and ts < ? limit 1",
		o.site.ID, o.self, from.UTC(), to.UTC())
	if err != nil {
		return false, fmt.Errorf("ask for imported events: %w", err)
	}
	defer rows.Close()
	o.events[c.Day] = rows.Next()
	return o.events[c.Day], rows.Err()
}
