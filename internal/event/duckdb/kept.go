package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"moonbear/internal/event"
)

// kept is what an engine knows of kept days without asking DuckDB, as every
// question begins with it. Whatever makes a day untrue tells it before its
// transaction is committed: who asks for the version after reading sees that it
// changed, and who asks before reading leaves the day out.
type kept struct {
	mu       sync.RWMutex
	hot      map[int64]map[int64]int64 // table recent_N: site: earliest moment its rows are about, ms
	sites    map[int64]*keptSite
	imports  map[int64]bool // sites that may have imported days
	base     int64          // the version of a site of which nothing was taken back
	versions *atomic.Int64
}

type keptSite struct {
	version int64
	zones   map[string][]event.Day // by time; replaced, never changed, as callers hold them
	last    int64                  // none of them ends after this, ms
}

// readKept makes it from the hot file, in which the tables of new events are
// read once: 0.1 s for two million.
func readKept(ctx context.Context, q queryer, l *layout, versions *atomic.Int64) (*kept, error) {
	k := &kept{hot: map[int64]map[int64]int64{}, sites: map[int64]*keptSite{}, imports: map[int64]bool{}, base: versions.Add(1), versions: versions}
	for _, id := range l.recents {
		k.hot[id] = map[int64]int64{}
		query := "select site_id, epoch_ms(least(min(ts), min(visit_start) filter (where visit_id <> 0))) from " + recentTable(id) + " group by site_id"
		err := each(ctx, q, query, func(r *sql.Rows) error {
			var site, ms int64
			err := r.Scan(&site, &ms)
			k.hot[id][site] = ms
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	err := each(ctx, q, "select distinct site_id from imported_days", func(r *sql.Rows) error {
		var site int64
		err := r.Scan(&site)
		k.imports[site] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	var days []keptDay
	err = each(ctx, q, "select file, site_id, zone, from_ms, to_ms from kept_days where not gone order by from_ms", func(r *sql.Rows) error {
		var d keptDay
		err := r.Scan(&d.file, &d.site, &d.zone, &d.from, &d.to)
		days = append(days, d)
		return err
	})
	k.add(days)
	return k, err
}

// moment is the earliest that an event is about: itself or its visit.
func moment(e *event.Event) int64 {
	if e.Visit == 0 {
		return e.Time
	}
	return min(e.Time, e.VisitStart)
}

// settled is the first moment a site's unsorted events are about.
func (k *kept) settled(site int64) int64 {
	first := int64(math.MaxInt64)
	for _, sites := range k.hot {
		if ms, ok := sites[site]; ok {
			first = min(first, ms)
		}
	}
	return first
}

// firstUnsorted is settled for those who hold no lock.
func (k *kept) firstUnsorted(site int64) int64 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.settled(site)
}

// any says that days of a site are kept.
func (k *kept) any(site int64) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.sites[site] != nil
}

// arrived is told of a batch before it is committed.
func (k *kept) arrived(table int64, b *event.Batch) {
	first := firstMoments(b.Events)
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range b.Days {
		k.imports[b.Days[i].Site] = true
	}
	for site, ms := range first {
		was := k.settled(site)
		if ms >= was {
			continue
		}
		k.hot[table][site] = ms
		if ks := k.sites[site]; ks != nil && ms < ks.last {
			ks.version = k.versions.Add(1) // a day that was told is not settled any more
		}
	}
}

// firstMoments are the earliest that a site's events are about.
func firstMoments(events []event.Event) map[int64]int64 {
	first := map[int64]int64{}
	for i := 0; i < len(events); {
		site := events[i].Site
		ms, ok := first[site]
		if !ok {
			ms = math.MaxInt64
		}
		for ; i < len(events) && events[i].Site == site; i++ { // a look-up for each run
			ms = min(ms, moment(&events[i]))
		}
		first[site] = ms
	}
	return first
}

// frozen is told of a new table for events.
func (k *kept) frozen(table int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hot[table] = map[int64]int64{}
}

// sorted is told of tables whose events are in a segment now.
func (k *kept) sorted(tables []int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range tables {
		delete(k.hot, id)
	}
}

// add is told of days after they were committed, by time in each zone.
func (k *kept) add(days []keptDay) {
	k.mu.Lock()
	defer k.mu.Unlock()
	added := map[siteZone][]event.Day{}
	for _, d := range days {
		at := siteZone{d.site, d.zone}
		added[at] = append(added[at], event.Day{From: time.UnixMilli(d.from).UTC(), To: time.UnixMilli(d.to).UTC()})
	}
	for at, list := range added {
		ks := k.sites[at.site]
		if ks == nil {
			ks = &keptSite{version: k.base, zones: map[string][]event.Day{}, last: math.MinInt64}
			k.sites[at.site] = ks
		}
		all := slices.Concat(ks.zones[at.zone], list)
		slices.SortFunc(all, func(a, b event.Day) int { return a.From.Compare(b.From) })
		ks.zones[at.zone] = all
		ks.last = max(ks.last, all[len(all)-1].To.UnixMilli())
	}
}

type siteZone struct {
	site int64
	zone string
}

// touch is what makes kept days untrue: hours of sites, in order and apart.
type touch struct {
	zone  string // only days of this zone; "": of all
	spans map[int64][]span
}

// meets says that a day is among what was touched.
func (t touch) meets(d keptDay) bool {
	return (t.zone == "" || t.zone == d.zone) && overlaps(t.spans[d.site], d.from, d.to)
}

// takeBack removes the days that were touched, and returns them as runs:
// neighbours in one zone are one.
func (k *kept) takeBack(touched touch) (runs []keptDay, n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for site := range touched.spans {
		ks := k.sites[site]
		if ks == nil {
			continue
		}
		for zone, days := range ks.zones {
			var left []event.Day
			open := false
			for _, d := range days {
				if !touched.meets(keptDay{site: site, zone: zone, from: d.From.UnixMilli(), to: d.To.UnixMilli()}) {
					left, open = append(left, d), false
					continue
				}
				n++
				if !open {
					runs, open = append(runs, keptDay{site: site, zone: zone, from: d.From.UnixMilli()}), true
				}
				runs[len(runs)-1].to = d.To.UnixMilli()
			}
			if len(left) < len(days) {
				ks.zones[zone] = left
				ks.version = k.versions.Add(1)
			}
		}
	}
	return runs, n
}

// overlaps says that from to to has something in common with one of the spans,
// which are in order and apart.
func overlaps(spans []span, from, to int64) bool {
	i, _ := slices.BinarySearchFunc(spans, from, func(s span, from int64) int {
		if s.to <= from {
			return -1
		}
		return 1
	})
	return i < len(spans) && spans[i].from < to
}

// count is how many days are kept.
func (k *kept) count() (n int) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, ks := range k.sites {
		for _, days := range ks.zones {
			n += len(days)
		}
	}
	return n
}

func (k *kept) of(site int64, zone string) event.Kept {
	k.mu.RLock()
	defer k.mu.RUnlock()
	out := event.Kept{Version: k.base, Imports: k.imports[site]}
	ks := k.sites[site]
	if ks != nil {
		out.Version, out.Days = ks.version, ks.zones[zone]
	}
	if first := k.settled(site); first != math.MaxInt64 {
		out.Settled = time.UnixMilli(first).UTC()
		n, _ := slices.BinarySearchFunc(out.Days, out.Settled, func(d event.Day, settled time.Time) int {
			if d.To.After(settled) {
				return 1
			}
			return -1
		})
		out.Days = out.Days[:n:n]
	}
	return out
}

// keptDays is how many days are kept, 0 while the store is closed.
func (s *Store) keptDays() int {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.engine == nil {
		return 0
	}
	return s.engine.kept.count()
}

// Kept tells which days of a site are kept, from memory.
func (s *Store) Kept(ctx context.Context, site int64, zone string) (k event.Kept, err error) {
	err = s.use(ctx, func(e *engine) error {
		k = e.kept.of(site, zone)
		return nil
	})
	return k, err
}

// takeBack makes days untrue in a transaction that makes them so. What is told
// to kept before stays told when the transaction fails: those days are asked of
// the events until the store is opened again. It belongs to whoever holds
// Store.changing.
func (s *Store) takeBack(ctx context.Context, tx *sql.Tx, k *kept, touched touch) error {
	if s.keeping {
		s.touched = append(s.touched, touched)
	}
	runs, n := k.takeBack(touched)
	for _, r := range runs {
		_, err := tx.ExecContext(ctx, "update kept_days set gone = true where site_id = "+strconv.FormatInt(r.site, 10)+" and zone = "+quote(r.zone)+
			" and from_ms >= "+strconv.FormatInt(r.from, 10)+" and to_ms <= "+strconv.FormatInt(r.to, 10))
		if err != nil {
			return fmt.Errorf("take back kept days of site %d: %w", r.site, err)
		}
	}
	if n == 0 {
		return nil
	}
	s.metrics.takenBack.Add(float64(n))
	files, err := readDayFiles(ctx, tx)
	if err != nil {
		return err
	}
	return execAll(ctx, tx, dayViewSQL(files)...)
}

// ForgetDays takes days back that were found to be wrong.
func (s *Store) ForgetDays(ctx context.Context, site int64, zone string, days []event.Day) error {
	var spans []span
	for _, d := range days {
		spans = append(spans, span{d.From.UnixMilli(), d.To.UnixMilli()})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.use(ctx, func(e *engine) error {
		return inTx(ctx, e.db, func(tx *sql.Tx) error {
			return s.takeBack(ctx, tx, e.kept, touch{zone, map[int64][]span{site: spans}})
		})
	})
}

// touchedHours are the hours that rows are about, by ts and by visit_start, as
// spans in order, by site. from is what a from clause names.
func touchedHours(ctx context.Context, q queryer, from string) (map[int64][]span, error) {
	const hour = int64(time.Hour / time.Millisecond)
	touched := map[int64][]span{}
	err := each(ctx, q, `
		select distinct site_id, epoch_ms(date_trunc('hour', t)) as h from (
			select site_id, ts as t from `+from+` union all
			select site_id, visit_start from `+from+` where visit_id <> 0)
		order by all`, func(r *sql.Rows) error {
		var site, h int64
		if err := r.Scan(&site, &h); err != nil {
			return err
		}
		spans := touched[site]
		if n := len(spans); n > 0 && spans[n-1].to == h {
			spans[n-1].to = h + hour
			return nil
		}
		touched[site] = append(spans, span{h, h + hour})
		return nil
	})
	return touched, err
}
