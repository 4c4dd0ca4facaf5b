package move

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/dchest/siphash"

	"moonbear/internal/event"
)

// Sum is how many rows there are and what they add up to: 128 bits, whatever
// their order, computed here so that it is the same whichever engine they come
// from. Two sums of disjoint rows can be added.
type Sum struct {
	Rows int64
	A, B uint64
}

func (s *Sum) row(b []byte) {
	lo, hi := siphash.Hash128(0x6d6f6f6e62656172, 0x6d6f766564726f77, b)
	s.Rows++
	s.A += lo
	s.B += hi
}

func (s *Sum) add(o Sum) {
	s.Rows += o.Rows
	s.A += o.A
	s.B += o.B
}

// summer adds up rows, in memory of its own.
type summer struct{ buf []byte }

func (s *summer) event(sum *Sum, e *event.Event) {
	s.buf = binary.AppendVarint(event.AppendEvent(s.buf[:0], e), e.Import)
	sum.row(s.buf)
}

func (s *summer) drop(sum *Sum, d *event.Drop) {
	s.buf = event.AppendDrops(s.buf[:0], []event.Drop{*d})
	sum.row(s.buf)
}

func (s *summer) day(sum *Sum, d *event.DayCount) {
	b := s.buf[:0]
	for _, n := range [...]int64{d.Site, d.Import, d.Day, d.Visitors, d.Pageviews, d.Events, d.Visits, d.Views, d.Bounces, d.Duration} {
		b = binary.AppendVarint(b, n)
	}
	for _, t := range [...]string{d.Dimension, d.Value} {
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	s.buf = b
	sum.row(b)
}

// Cell is a site's month, the unit of copying and comparing.
type Cell struct {
	Site  int64
	Month int // months since year 0, UTC
}

func (c Cell) from() time.Time {
	return time.Date(c.Month/12, time.Month(c.Month%12+1), 1, 0, 0, 0, 0, time.UTC)
}
func (c Cell) to() time.Time { return c.from().AddDate(0, 1, 0) }

func (c Cell) String() string { return fmt.Sprintf("site %d, %s", c.Site, c.from().Format("2006-01")) }

// sums are those of what a store has of a time of a site.
type sums struct{ Events, Drops, Days Sum }

func (s *sums) add(o sums) {
	s.Events.add(o.Events)
	s.Drops.add(o.Drops)
	s.Days.add(o.Days)
}

// sumOf reads everything of a site with from <= time < to.
func sumOf(ctx context.Context, s event.Store, site int64, from, to time.Time) (all sums, err error) {
	var add summer
	err = s.Export(ctx, site, from, to, func(e *event.Event) error {
		add.event(&all.Events, e)
		return nil
	})
	if err != nil {
		return all, err
	}
	if err := readDrops(ctx, s, site, from, to, func(d *event.Drop) error { add.drop(&all.Drops, d); return nil }); err != nil {
		return all, err
	}
	return all, readDays(ctx, s, site, from, to, func(d *event.DayCount) error { add.day(&all.Days, d); return nil })
}

// The questions here are in words that both dialects have.

// readDrops yields a site's drops of a time, in an order in which only equal
// rows are alike.
func readDrops(ctx context.Context, s event.Store, site int64, from, to time.Time, yield func(*event.Drop) error) error {
	err := event.Each(ctx, s, `
		select site_id, ts, reason, detail, count from drops
		where site_id = ? and ts >= ? and ts < ?
		order by ts, reason, detail, count`, func(r *sql.Rows) error {
		var d event.Drop
		var at time.Time
		if err := r.Scan(&d.Site, &at, &d.Reason, &d.Detail, &d.Count); err != nil {
			return err
		}
		d.Time = at.UnixMilli()
		return yield(&d)
	}, site, from.UTC(), to.UTC())
	if err != nil {
		return fmt.Errorf("read drops of site %d: %w", site, err)
	}
	return nil
}

// readDays is readDrops for imported days.
func readDays(ctx context.Context, s event.Store, site int64, from, to time.Time, yield func(*event.DayCount) error) error {
	err := event.Each(ctx, s, `
		select site_id, import_id, day, dimension, value, visitors, pageviews, events, visits, views, bounces, duration
		from imported_days
		where site_id = ? and day >= ? and day < ?
		order by day, import_id, dimension, value, visitors, pageviews, events, visits, views, bounces, duration`, func(r *sql.Rows) error {
		var d event.DayCount
		var day time.Time
		var n [len(event.SumColumns)]sql.NullInt64
		if err := r.Scan(&d.Site, &d.Import, &day, &d.Dimension, &d.Value, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6]); err != nil {
			return err
		}
		d.Day = day.UnixMilli()
		for i, to := range [...]*int64{&d.Visitors, &d.Pageviews, &d.Sums.Events, &d.Visits, &d.Views, &d.Bounces, &d.Duration} {
			*to = event.Untold
			if n[i].Valid {
				*to = n[i].Int64
			}
		}
		return yield(&d)
	}, site, from.UTC(), to.UTC())
	if err != nil {
		return fmt.Errorf("read imported days of site %d: %w", site, err)
	}
	return nil
}

// readKeys yields the idempotency keys since a time.
func readKeys(ctx context.Context, s event.Store, since time.Time, yield func(event.Key) error) error {
	err := event.Each(ctx, s, "select site_id, ts, key, body from keys where site_id > 0 and ts >= ? order by ts, site_id, key, body", func(r *sql.Rows) error {
		var k event.Key
		var at time.Time
		var key, body []byte
		if err := r.Scan(&k.Site, &at, &key, &body); err != nil {
			return err
		}
		k.Time = at.UnixMilli()
		copy(k.Key[:], key)
		copy(k.Body[:], body)
		return yield(k)
	}, since.UTC())
	if err != nil {
		return fmt.Errorf("read idempotency keys: %w", err)
	}
	return nil
}
