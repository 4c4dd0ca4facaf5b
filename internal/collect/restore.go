package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/kv"
	"moonbear/internal/spool"
)

// Log is what Restore reads of a spool.
type Log interface {
	ID() string
	Oldest() int64
	Durable() int64
	Read(ctx context.Context, from int64, max int, yield func(pos int64, record []byte) error) (next int64, err error)
}

// restoreBytes is how much of the spool is read at once.
const restoreBytes = 4 << 20

// Restore makes what a restart forgot known again: the visits that may be open,
// and the idempotency keys of the last 24 hours. It reads the store, and of the
// spool what was not loaded yet. Call it before the first hit is taken, and
// then RestoreEnded. Engines that outlive the process need neither.
func (c *Collector) Restore(ctx context.Context, store event.Store, log Log) error {
	c.ended = make(chan struct{})
	r := c.restorer()
	if r.visits != nil {
		if err := r.visitsFrom(ctx, store, r.now.Add(-kv.VisitTimeout), r.now.Add(ahead)); err != nil {
			return fmt.Errorf("restore open visits: %w", err)
		}
	}
	if r.keys != nil {
		if err := r.keysFrom(ctx, store); err != nil {
			return fmt.Errorf("restore idempotency keys: %w", err)
		}
	}
	if log != nil {
		loaded, err := store.Loaded(ctx, log.ID())
		if err == nil {
			err = r.fromLog(ctx, loaded, log)
		}
		if err != nil {
			return fmt.Errorf("restore from the spool: %w", err)
		}
	}
	c.log.InfoContext(ctx, "open visits and keys restored", "visits", r.nVisits, "keys", r.nKeys, "took", c.now().Sub(r.now))
	return nil
}

// RestoreFromSpool is Restore without a store, which is away: what the spool
// still has, loaded or not, is made known again.
func (c *Collector) RestoreFromSpool(ctx context.Context, log Log) error {
	c.ended = make(chan struct{})
	close(c.ended)
	r := c.restorer()
	if err := r.fromLog(ctx, log.Oldest(), log); err != nil {
		return fmt.Errorf("restore from the spool: %w", err)
	}
	c.log.InfoContext(ctx, "open visits and keys restored from the spool", "visits", r.nVisits, "keys", r.nKeys, "took", c.now().Sub(r.now))
	return nil
}

// RestoreEnded makes the visits known that ended in the last six hours, which a
// page that is closed late still joins. Hits are taken meanwhile; messages of
// such pages wait for it, and would be dropped without it.
func (c *Collector) RestoreEnded(ctx context.Context, store event.Store) error {
	defer close(c.ended)
	r := c.restorer()
	if r.visits == nil {
		return nil
	}
	r.newestFirst = true
	if err := r.visitsFrom(ctx, store, r.now.Add(-kv.Retention), r.now.Add(-kv.VisitTimeout)); err != nil {
		return fmt.Errorf("restore ended visits: %w", err)
	}
	c.log.InfoContext(ctx, "ended visits restored", "visits", r.nVisits, "took", c.now().Sub(r.now))
	return nil
}

// ahead is how far events may be ahead of the clock, which may have been set back.
const ahead = 10 * 365 * 24 * time.Hour

// waits says whether visits are still to be restored.
func (c *Collector) waits() bool {
	if c.ended == nil {
		return false // nothing was forgotten
	}
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

func (c *Collector) restorer() *restorer {
	r := &restorer{now: c.now()}
	r.visits, _ = c.visits.(visitRestorer)
	r.keys, _ = c.keys.(keyRestorer)
	return r
}

type visitRestorer interface {
	Restore(key kv.VisitKey, v kv.Visit)
}

type keyRestorer interface {
	Restore(key, body [16]byte, time int64)
}

type restorer struct {
	now            time.Time
	visits         visitRestorer
	keys           keyRestorer
	nVisits, nKeys int
	newestFirst    bool
	entry          []byte
}

// visitsFrom reads the visits with an event in from <= ts < to, the oldest first
// unless newestFirst, a slice of time after the other, so that its memory is
// bounded however many there are.
func (r *restorer) visitsFrom(ctx context.Context, store event.Store, from, to time.Time) error {
	rows, err := store.Select(ctx, `
		select date_trunc('minute', ts) as minute, count(*)
		from events
		where ts >= ? and ts < ?
		group by minute
		order by minute`, from.UTC(), to.UTC())
	if err != nil {
		return err
	}
	defer rows.Close()
	var busy []minute
	for rows.Next() {
		var m minute
		if err := rows.Scan(&m.at, &m.events); err != nil {
			return err
		}
		busy = append(busy, m)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	cut := spans(busy)
	if r.newestFirst {
		slices.Reverse(cut)
	}
	for _, s := range cut {
		if err := r.visitsOf(ctx, store, s); err != nil {
			return err
		}
	}
	return nil
}

const (
	// restoreSlice events have their visits grouped at once: about 20 MB of
	// the store's memory, and a twentieth of a second.
	restoreSlice = 20_000
	// restoreEvents is how far a start looks back at most, so that it takes
	// seconds on the busiest server: two minutes at 16,000 a second, six hours
	// at 90. A visit older than that goes on as a new one.
	restoreEvents = 2_000_000
)

// minute is how many events a minute has; span a slice of time.
type (
	minute struct {
		at     time.Time
		events int64
	}
	span struct{ from, to time.Time }
)

// spans cuts the latest restoreEvents of busy, which is in order of time,
// into spans of about restoreSlice events.
func spans(busy []minute) (out []span) {
	first, total := len(busy), int64(0)
	for first > 0 && (total == 0 || total+busy[first-1].events <= restoreEvents) {
		first--
		total += busy[first].events
	}
	var held int64
	for _, m := range busy[first:] {
		end := m.at.Add(time.Minute)
		if n := len(out); held > 0 && held+m.events <= restoreSlice {
			out[n-1].to = end
			held += m.events
			continue
		}
		parts := max((m.events+restoreSlice-1)/restoreSlice, 1)
		for i := range parts {
			out = append(out, span{
				m.at.Add(time.Minute * time.Duration(i) / time.Duration(parts)),
				m.at.Add(time.Minute * time.Duration(i+1) / time.Duration(parts)),
			})
		}
		held = m.events
	}
	return out
}

// visitsOf reads the visits that have an event in a slice of time. A visit
// that crossed midnight is its visitor's latest hash's. Visits formed inside a
// batch (even IDs) have ended.
func (r *restorer) visitsOf(ctx context.Context, store event.Store, s span) error {
	order := "latest"
	if r.newestFirst {
		order = "latest desc"
	}
	rows, err := store.Select(ctx, `
		select site_id, argMax(visitor_id, ts) as visitor, visit_id, max(ts) as latest, max(visit_start),
			max(entry_path), max(referrer), max(source), max(channel),
			max(utm_source), max(utm_medium), max(utm_campaign), max(utm_content), max(utm_term),
			max(country), max(region), max(city),
			max(browser), max(browser_version), max(os), max(os_version), max(device),
			max(screen_width), max(language), max(time_zone)
		from events
		where ts >= ? and ts < ? and name <> 'engagement' and visitor_id <> 0 and visit_id % 2 <> 0
		group by site_id, visit_id
		order by `+order, s.from.UTC(), s.to.UTC())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e event.Event
		var latest, start time.Time
		if err := rows.Scan(&e.Site, &e.Visitor, &e.Visit, &latest, &start,
			&e.EntryPath, &e.Referrer, &e.Source, &e.Channel,
			&e.UTMSource, &e.UTMMedium, &e.UTMCampaign, &e.UTMContent, &e.UTMTerm,
			&e.Country, &e.Region, &e.City,
			&e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Device,
			&e.ScreenWidth, &e.Language, &e.TimeZone); err != nil {
			return err
		}
		e.Time, e.VisitStart = latest.UnixMilli(), start.UnixMilli()
		r.visit(&e)
	}
	return rows.Err()
}

func (r *restorer) keysFrom(ctx context.Context, store event.Store) error {
	rows, err := store.Select(ctx, `select key, body, ts from keys where ts >= ? order by ts`, r.now.Add(-kv.KeyRetention).UTC())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k event.Key
		var key, body []byte
		var at time.Time
		if err := rows.Scan(&key, &body, &at); err != nil {
			return err
		}
		if copy(k.Key[:], key)+copy(k.Body[:], body) != len(k.Key)+len(k.Body) {
			return fmt.Errorf("a key of %d and %d bytes, not 16 and 16", len(key), len(body))
		}
		k.Time = at.UnixMilli()
		r.key(&k)
	}
	return rows.Err()
}

// fromLog reads the records the store does not have yet. A record that cannot
// be read is for load to set aside and to report, not for a start to fail on.
func (r *restorer) fromLog(ctx context.Context, pos int64, log Log) error {
	pos = max(pos, log.Oldest())
	for end := log.Durable(); pos < end; {
		var b event.Batch
		next, err := log.Read(ctx, pos, restoreBytes, func(_ int64, record []byte) error {
			b.Events, b.Keys, b.Drops = b.Events[:0], b.Keys[:0], b.Drops[:0]
			if b.Decode(record) != nil {
				return nil
			}
			for i := range b.Events {
				if e := &b.Events[i]; e.Name != event.Engagement && e.Visitor != 0 && e.Visit%2 != 0 {
					r.visit(e)
				}
			}
			for i := range b.Keys {
				r.key(&b.Keys[i])
			}
			return nil
		})
		if d, ok := errors.AsType[*spool.Damage](err); ok { // load's to report, too
			next, err = d.To, nil
		}
		if err != nil {
			return err
		}
		if next <= pos {
			return nil
		}
		pos = next
	}
	return nil
}

func (r *restorer) visit(e *event.Event) {
	if r.visits == nil || e.Time < r.now.Add(-kv.Retention).UnixMilli() {
		return
	}
	r.entry = event.AppendEntry(r.entry[:0], &e.Entry)
	r.visits.Restore(kv.VisitKey{Site: e.Site, Visitor: e.Visitor}, kv.Visit{
		ID: e.Visit, Start: e.VisitStart, Last: e.Time, Origin: origin(&e.Entry), Entry: r.entry,
	})
	r.nVisits++
}

func (r *restorer) key(k *event.Key) {
	if r.keys == nil || k.Time < r.now.Add(-kv.KeyRetention).UnixMilli() {
		return
	}
	r.keys.Restore(k.Key, k.Body, k.Time)
	r.nKeys++
}
