package transfer

import (
	"context"
	"fmt"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/salt"
	"moonbear/internal/site"
)

// day is a local date of the site.
type day struct {
	text          string // "2006-01-02"
	live          bool   // the site has events of this day that were collected
	today, before salt.Salt
}

// days tells the local date of a time, with what belongs to it. Each is asked
// for once in an import, so that the lines of one day fare alike.
type days struct {
	site    *site.Site
	store   event.Store
	salts   *salt.Salts
	now     func() time.Time
	overlap bool

	first, last time.Time // of all that was collected; zero: nothing was
	live        map[string]bool
	known       map[string]*day
	since       time.Time // when known was begun: salts are held for an hour, not past their time

	// The last answer, good for a quarter of an hour: no zone changes its date
	// inside one.
	quarter int64
	latest  *day
}

func newDays(ctx context.Context, o *Options, s *site.Site, overlap bool) (*days, error) {
	d := &days{site: s, store: o.Store, salts: o.Salts, now: o.Now, overlap: overlap, live: map[string]bool{}, known: map[string]*day{}, since: o.Now()}
	if overlap {
		return d, nil
	}
	rows, err := o.Store.Select(ctx, "select min(ts), max(ts) from events where site_id = ? and import_id = 0", s.ID)
	if err != nil {
		return nil, fmt.Errorf("ask for live events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var first, last *time.Time
		if err := rows.Scan(&first, &last); err != nil {
			return nil, fmt.Errorf("ask for live events: %w", err)
		}
		if first != nil && last != nil {
			d.first, d.last = *first, *last
		}
	}
	return d, rows.Err()
}

// of finds the day that a time is in.
func (d *days) of(ctx context.Context, at time.Time) (*day, error) {
	quarter := at.Unix() / 900
	if d.latest != nil && quarter == d.quarter {
		return d.latest, nil
	}
	date := at.In(d.site.Location)
	found, err := d.on(ctx, date)
	if err != nil {
		return nil, err
	}
	d.quarter, d.latest = quarter, found
	return found, nil
}

// on finds the day of a date: its year, month and day.
func (d *days) on(ctx context.Context, date time.Time) (*day, error) {
	if now := d.now(); now.Sub(d.since) > time.Hour {
		clear(d.known)
		d.since = now
	}
	text := date.Format(time.DateOnly)
	if found := d.known[text]; found != nil {
		return found, nil
	}
	found := &day{text: text}
	var err error
	if found.today, found.before, err = d.salts.Past(d.site.TimeZone, date); err != nil {
		return nil, err
	}
	if found.live, err = d.isLive(ctx, date, text); err != nil {
		return nil, err
	}
	d.known[text] = found
	return found, nil
}

func (d *days) isLive(ctx context.Context, date time.Time, text string) (bool, error) {
	live, asked := d.live[text]
	if asked || d.first.IsZero() {
		return live, nil
	}
	y, m, n := date.Date()
	from := time.Date(y, m, n, 0, 0, 0, 0, d.site.Location)
	to := time.Date(y, m, n+1, 0, 0, 0, 0, d.site.Location)
	if from.After(d.last) || !to.After(d.first) {
		return false, nil
	}
	live, err := d.collected(ctx, from, to)
	if err == nil {
		d.live[text] = live
	}
	return live, err
}

// collected says whether something was collected between two times.
func (d *days) collected(ctx context.Context, from, to time.Time) (bool, error) {
	rows, err := d.store.Select(ctx, "select 1 from events where site_id = ? and import_id = 0 and ts >= ? and ts < ? limit 1",
		d.site.ID, from.UTC(), to.UTC())
	if err != nil {
		return false, fmt.Errorf("ask for live events: %w", err)
	}
	defer rows.Close()
	live := rows.Next()
	return live, rows.Err()
}
