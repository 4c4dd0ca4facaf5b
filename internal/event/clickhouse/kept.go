package clickhouse

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dchest/siphash"

	"moonbear/internal/event"
)

// What is kept of days is true as long as nothing is stored or deleted in them.
// Several processes write, so that none of them knows alone: whoever changes an
// old day says so in touched_days, before; and a day that was kept before that
// was said is kept no longer. The clock of what was first is the server's.
//
// Nothing is said of events of today, so a day is kept only when it has been over
// for longer than such events come.
const (
	// lateAfter is how old an event is, or its visit, whose storing is said.
	lateAfter = 24 * time.Hour
	// settledAfter is how long a day is over before it is kept. What it is longer
	// than lateAfter is how wrong clocks may be.
	settledAfter = 48 * time.Hour
	// doubtTime is how long after it is said that a day changes it is not kept: an
	// insert takes a minute at most (statementTime), one that is tried again is said
	// again, and so is the end of a mutation.
	doubtTime = 5 * time.Minute
	// keptFresh is for how long it is remembered which days are kept. What this
	// process changes it knows at once.
	keptFresh = 2 * time.Second
	// visitTail is how long after its start a visit is followed.
	visitTail = 24 * time.Hour
	// longestDay is longer than any.
	longestDay = 26 * time.Hour
)

// keptKey is a site in a zone.
type keptKey struct {
	site int64
	zone string
}

// keptKnown is what was read of one.
type keptKnown struct {
	event.Kept
	at time.Time
}

// keptCache remembers which days are kept.
type keptCache struct {
	mu    sync.Mutex
	known map[keptKey]*keptKnown
	asked map[keptKey]*keptAsked
	gen   int64 // counts what this process changed
}

// keptAsked is a question under way, which others wait for.
type keptAsked struct {
	done chan struct{}
	gen  int64
	is   *keptKnown
	err  error
}

// forget is told of a change.
func (c *keptCache) forget() {
	c.mu.Lock()
	c.gen++
	clear(c.known)
	c.mu.Unlock()
}

// Kept tells which days of a site are kept, as they were in the last seconds.
func (s *Store) Kept(ctx context.Context, site int64, zone string) (event.Kept, error) {
	if err := s.ready(ctx); err != nil {
		return event.Kept{}, err
	}
	k, err := s.kept.of(ctx, keptKey{site, zone}, func(ctx context.Context) (*keptKnown, error) { return s.readKept(ctx, site, zone) })
	if err != nil {
		return event.Kept{}, fmt.Errorf("read which days of site %d are kept: %w", site, err)
	}
	kept := k.Kept
	kept.Settled = s.o.Now().Add(-settledAfter).UTC()
	return kept, nil
}

// of is what is remembered, or what read reads, once for all who ask meanwhile.
func (c *keptCache) of(ctx context.Context, key keptKey, read func(context.Context) (*keptKnown, error)) (*keptKnown, error) {
	for {
		c.mu.Lock()
		if k := c.known[key]; k != nil && time.Since(k.at) < keptFresh {
			c.mu.Unlock()
			return k, nil
		}
		a := c.asked[key]
		if a != nil && a.gen == c.gen {
			c.mu.Unlock()
			select {
			case <-a.done:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			if a.err != nil && errors.Is(a.err, context.Canceled) && ctx.Err() == nil {
				continue // whoever asked has gone
			}
			return a.is, a.err
		}
		a = &keptAsked{done: make(chan struct{}), gen: c.gen}
		c.asked[key] = a
		c.mu.Unlock()
		at := time.Now()
		a.is, a.err = read(ctx)
		c.mu.Lock()
		if a.err == nil {
			a.is.at = at
			if a.gen == c.gen {
				c.known[key] = a.is
			}
		}
		if c.asked[key] == a {
			delete(c.asked, key)
		}
		c.mu.Unlock()
		close(a.done)
		return a.is, a.err
	}
}

// readKept reads which days of a site are kept and still true.
func (s *Store) readKept(ctx context.Context, site int64, zone string) (*keptKnown, error) {
	of := "site_id = " + number(site)
	k := &keptKnown{}
	// Most sites have neither, and are asked about once.
	imports := "select 0, '', 0, 0, toInt64(count()) from (select 1 from " + daysTable + " where " + of + " limit 1)"
	days, touched, err := s.readDays(ctx, of+" and zone = "+quote(zone), of+" and zone in ('', "+quote(zone)+")", imports)
	if err != nil {
		return nil, err
	}
	days = slices.DeleteFunc(days, func(d keptDay) bool {
		k.Imports = k.Imports || d.site == 0 && d.keep > 0
		return d.site == 0
	})
	var version []byte
	for _, d := range days {
		if !d.void(touched) {
			k.Days = append(k.Days, event.Day{From: time.UnixMilli(d.from).UTC(), To: time.UnixMilli(d.to).UTC()})
			version = binary.AppendVarint(binary.AppendVarint(version, d.from), d.keep)
		}
	}
	k.Version = int64(siphash.Hash(0, 0, version) >> 1)
	return k, nil
}

// keptDay is a day as it was kept last.
type keptDay struct {
	keptKey
	from, to, keep int64
}

// touch is a time of a site of which something changed: days that were kept
// before void, the server's time in microseconds, are kept no longer.
type touch struct {
	keptKey        // zone "": of all
	from, to, void int64
}

// touches are those of each site.
type touches map[int64][]touch

// since is when its counting began; of what is no day, later than of any.
func (d keptDay) since() int64 {
	if d.site == 0 {
		return always
	}
	return d.keep
}

// void says that a day isn't what its events say any more.
func (d keptDay) void(all touches) bool {
	return slices.ContainsFunc(all[d.site], func(t touch) bool {
		return t.from < d.to && d.from < t.to && d.keep <= t.void && (t.zone == "" || t.zone == d.zone)
	})
}

// readDays reads days in order of time, with the rows of some more selects, and
// then what was touched, so that a day is told only if nothing was said of it
// until it was read.
func (s *Store) readDays(ctx context.Context, which, touched string, more ...string) (days []keptDay, all touches, err error) {
	selects := append([]string{"select site_id, zone, from_ms, to_ms, max(keep) as keep from kept_days where " + which + " group by site_id, zone, from_ms, to_ms"}, more...)
	err = event.Each(ctx, s, "select * from (\n"+strings.Join(selects, "\nunion all\n")+"\n) order by from_ms", func(r *sql.Rows) error {
		var d keptDay
		err := r.Scan(&d.site, &d.zone, &d.from, &d.to, &d.keep)
		days = append(days, d)
		return err
	})
	if err != nil || !slices.ContainsFunc(days, func(d keptDay) bool { return d.site > 0 }) {
		return days, nil, err
	}
	first := slices.MinFunc(days, func(a, b keptDay) int { return cmp.Compare(a.since(), b.since()) })
	all = touches{}
	query := "select site_id, zone, from_ms, to_ms, max(void) from touched_days where " + touched + " and void >= " + number(first.since()) + " group by site_id, zone, from_ms, to_ms"
	err = event.Each(ctx, s, query, func(r *sql.Rows) error {
		var t touch
		err := r.Scan(&t.site, &t.zone, &t.from, &t.to, &t.void)
		all[t.site] = append(all[t.site], t)
		return err
	})
	return days, all, err
}

// say writes down that days change, for as long as an insert may be on its way.
func (s *Store) say(ctx context.Context, changed []touch, doubt time.Duration) error {
	if len(changed) == 0 {
		return nil
	}
	for part := range slices.Chunk(changed, 5000) {
		rows := make([]string, len(part))
		for i, t := range part {
			rows[i] = fmt.Sprintf("(%d, %s, %d, %d)", t.site, quote(t.zone), t.from, t.to)
		}
		err := s.exec(ctx, fmt.Sprintf("insert into touched_days (site_id, zone, from_ms, to_ms, void) select *, toUnixTimestamp64Micro(now64(6)) + %d from values('s Int64, z String, f Int64, t Int64', %s)",
			doubt.Microseconds(), strings.Join(rows, ", ")))
		if err != nil {
			return fmt.Errorf("say which days change: %w", err)
		}
	}
	s.kept.forget()
	return nil
}

// late are the days that a batch changes which may be kept: by what its events
// are about, themselves and by the start of their visit.
func (s *Store) late(b *event.Batch) []touch {
	old := s.o.Now().Add(-lateAfter).UnixMilli()
	days := map[int64]map[int64]bool{}
	mark := func(site, ms int64) {
		if ms >= old {
			return
		}
		of := days[site]
		if of == nil {
			of = map[int64]bool{}
			days[site] = of
		}
		of[ms-mod(ms)] = true
	}
	for i := range b.Events {
		e := &b.Events[i]
		mark(e.Site, e.Time)
		if e.Visit != 0 && e.Time-e.VisitStart < visitTail.Milliseconds() {
			mark(e.Site, e.VisitStart)
		}
	}
	var all []touch
	for site, of := range days {
		var at []int64
		for ms := range of {
			at = append(at, ms)
		}
		slices.Sort(at)
		for _, ms := range at {
			if n := len(all); n > 0 && all[n-1].site == site && all[n-1].to == ms {
				all[n-1].to += dayMillis
				continue
			}
			all = append(all, touch{keptKey: keptKey{site: site}, from: ms, to: ms + dayMillis})
		}
	}
	return all
}

// always is a time that is later than any.
const always = int64(1) << 60

const dayMillis = int64(24 * time.Hour / time.Millisecond)

// mod is the time since midnight UTC.
func mod(ms int64) int64 { return (ms%dayMillis + dayMillis) % dayMillis }

// deleting is what a deletion changes: also the days before, of visits that went
// on in it. Its bounds are those of the days that are deleted with it.
func deleting(sel event.Selection) touch {
	t := touch{keptKey: keptKey{site: sel.Site}, from: -always, to: always}
	if !sel.From.IsZero() {
		t.from = sel.From.Add(-visitTail - longestDay).UnixMilli()
	}
	if !sel.To.IsZero() {
		t.to = sel.To.UnixMilli()
	}
	return t
}

// within is true of the rows of days that a deletion changes.
func (t touch) within() string {
	where := "site_id = " + number(t.site)
	if t.from != -always {
		where += " and day >= " + moment(time.UnixMilli(t.from))
	}
	if t.to != always {
		where += " and day < " + moment(time.UnixMilli(t.to))
	}
	return where
}

// deleteDays removes what is kept of the days that a deletion changes.
func (s *Store) deleteDays(ctx context.Context, t touch) error {
	for _, table := range keptTables {
		var any int64
		err := event.Each(ctx, s, "select count() from (select 1 from "+table+" where site_id = "+number(t.site)+" limit 1)", func(r *sql.Rows) error { return r.Scan(&any) })
		if err == nil && any > 0 {
			err = s.exec(mutating(ctx), "alter table "+s.stored(table)+s.onCluster()+" delete where "+t.within())
		}
		if err != nil {
			return fmt.Errorf("delete what is kept of days of site %d in %s: %w", t.site, table, err)
		}
	}
	return nil
}

// ForgetDays takes days back that were found to be wrong.
func (s *Store) ForgetDays(ctx context.Context, site int64, zone string, days []event.Day) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	all := make([]touch, len(days))
	for i, d := range days {
		all[i] = touch{keptKey{site, zone}, d.From.UnixMilli(), d.To.UnixMilli(), 0}
	}
	return s.say(ctx, all, 0)
}
