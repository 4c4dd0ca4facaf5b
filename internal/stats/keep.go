package stats

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/event"
	"moonbear/internal/site"
)

// Keeper has whole days of busy sites counted once, by night, so that
// questions add them up instead of reading their events again:
// settled days → those without a visitor of another day → event.DayKeeper.
type Keeper struct {
	o     KeeperOptions
	stats *Stats
	store event.DayKeeper
	wrong prometheus.Counter
}

// KeeperOptions are what NewKeeper needs. Only Store is required.
type KeeperOptions struct {
	Store event.DayKeeper
	Now   func() time.Time
	// Busy is how many events the month around a day has at least for the day
	// to be kept; 0: busyMonth.
	Busy    int64
	Checks  int // how many kept days are counted again by Check; 0: nightlyChecks
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

const (
	// busyMonth events of a month are read by path in less time than thirty kept
	// days are added up; but their load times take three times as long to look at.
	busyMonth = 60_000
	// month is how many days around one say how busy it is: kept days are added
	// up in runs, so a quiet Sunday must not cut them.
	month = 31
	// sharedEvents bounds the days whose visitors are looked for elsewhere at
	// once: their visitors are held in memory.
	sharedEvents = 3_000_000
	// nightlyChecks kept days are counted again each night.
	nightlyChecks = 5
)

// NewKeeper makes a Keeper.
func NewKeeper(o KeeperOptions) *Keeper {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Busy == 0 {
		o.Busy = busyMonth
	}
	if o.Checks == 0 {
		o.Checks = nightlyChecks
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{o: o, stats: New(o.Store, o.Now), store: o.Store, wrong: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "moonbear_stats_kept_days_wrong_total", Help: "Kept days that were found not to be what their events say, and were taken back."})}
	if o.Metrics != nil {
		o.Metrics.MustRegister(k.wrong)
	}
	return k
}

// Keep takes back what is kept of sites that are gone or have another zone
// now, counts some kept days again, and has those counted that are due.
func (k *Keeper) Keep(ctx context.Context, sites []*site.Site) error {
	if err := k.forgetStrangers(ctx, sites); err != nil {
		return fmt.Errorf("forget days of other sites: %w", err)
	}
	if err := k.Check(ctx, sites); err != nil {
		return fmt.Errorf("check kept days: %w", err)
	}
	known, err := k.known(ctx)
	if err != nil {
		return fmt.Errorf("find busy sites: %w", err)
	}
	var errs []error
	for _, st := range sites {
		first, ok := known[st.ID]
		if !ok || first.events < k.o.Busy {
			continue
		}
		what, err := k.due(ctx, st, first.at)
		if err != nil {
			errs = append(errs, fmt.Errorf("find days of site %d: %w", st.ID, err))
			continue
		}
		if len(what.Days) == 0 {
			continue
		}
		if err := k.store.KeepDays(ctx, []event.Keeping{what}); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// forgetStrangers takes back the days of zones that are no site's (any more).
func (k *Keeper) forgetStrangers(ctx context.Context, sites []*site.Site) error {
	zones := map[int64]string{}
	for _, st := range sites {
		zones[st.ID] = st.TimeZone
	}
	type stranger struct {
		site int64
		zone string
	}
	var strangers []stranger
	err := k.rows(ctx, statement{text: "select distinct site_id, zone from day_counts where dimension = ''"}, func(rows *sql.Rows) error {
		var s stranger
		if err := rows.Scan(&s.site, &s.zone); err != nil {
			return err
		}
		if zone, ok := zones[s.site]; !ok || zone != s.zone {
			strangers = append(strangers, s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range strangers {
		kept, err := k.store.Kept(ctx, s.site, s.zone)
		if err != nil {
			return err
		}
		if err := k.store.ForgetDays(ctx, s.site, s.zone, kept.Days); err != nil {
			return err
		}
	}
	return nil
}

// extent is what a site has in all.
type extent struct {
	events int64
	at     time.Time // of the first
}

func (k *Keeper) known(ctx context.Context) (map[int64]extent, error) {
	all := map[int64]extent{}
	err := k.rows(ctx, statement{text: "select site_id, count(*), min(ts) from events group by site_id"}, func(rows *sql.Rows) error {
		var id int64
		var e extent
		if err := rows.Scan(&id, &e.events, &e.at); err != nil {
			return err
		}
		all[id] = e
		return nil
	})
	return all, err
}

// due are a site's days to keep: over and settled, not kept yet, busy, and
// without a visitor that was there on another day. A kept day that shares one
// is taken back.
func (k *Keeper) due(ctx context.Context, st *site.Site, first time.Time) (event.Keeping, error) {
	what := event.Keeping{Site: st.ID, Zone: st.TimeZone, SQL: keepSQL(k.store.Dialect(), st)}
	kept, err := k.store.Kept(ctx, st.ID, st.TimeZone)
	if err != nil {
		return what, err
	}
	now := k.o.Now()
	days := Span{From: dateOf(first.In(st.Location)).in(st.Location), To: dateOf(now.In(st.Location)).add(2).in(st.Location)}.buckets(Day)
	if len(days) == 0 { // every event is said to be of a day to come
		return what, nil
	}
	counts, err := k.countDays(ctx, st, days)
	if err != nil {
		return what, err
	}
	is := map[int64]bool{}
	for _, d := range kept.Days {
		is[d.From.UnixMilli()] = true
	}
	past := len(days)
	for past > 0 && days[past-1].to.After(now) {
		past--
	}
	wanted := make([]bool, len(days))
	for i, d := range days[:past] {
		settled := kept.Settled.IsZero() || !d.to.After(kept.Settled)
		wanted[i] = settled && !is[d.from.UnixMilli()] && around(counts[:past], i) >= k.o.Busy
	}
	shared, err := k.shared(ctx, st.ID, days, counts, wanted)
	if err != nil {
		return what, err
	}
	var wrong []event.Day
	for i, d := range days {
		day := event.Day{From: d.from.UTC(), To: d.to.UTC()}
		switch {
		case shared[i] && is[d.from.UnixMilli()]:
			wrong = append(wrong, day)
		case wanted[i] && !shared[i]:
			what.Days = append(what.Days, day)
		}
	}
	if len(wrong) > 0 {
		err = k.store.ForgetDays(ctx, st.ID, st.TimeZone, wrong)
	}
	return what, err
}

// around is how many events the month around a day has: of a month that began
// before the site did, or goes on, as many as it would have by those of its days
// that are known.
func around(counts []int64, day int) (n int64) {
	known := counts[max(0, day-month/2):min(len(counts), day+month/2+1)]
	for _, c := range known {
		n += c
	}
	return n * month / int64(len(known))
}

func (k *Keeper) countDays(ctx context.Context, st *site.Site, days []bucket) ([]int64, error) {
	counts := make([]int64, len(days))
	b := &builder{dialect: k.store.Dialect(), plan: plan{site: st.ID, runs: runs(days)}}
	text := sel([]string{b.bucket("ts") + " as k0", "count(*)"}, "events", b.within("ts", days[0].from, days[len(days)-1].to), []string{"1"})
	err := k.rows(ctx, statement{text, b.args}, func(rows *sql.Rows) error {
		var day int
		var n int64
		if err := rows.Scan(&day, &n); err != nil {
			return err
		}
		counts[day] = n
		return nil
	})
	return counts, err
}

// shared finds the days, wanted ones and others, that have a visitor in common
// of whom at least one day is wanted. The numbers of such days don't add up:
// the visitor counts once in both together. A visitor lasts one day of a site,
// but the site may have had another zone then, or an import other visitors.
func (k *Keeper) shared(ctx context.Context, id int64, days []bucket, counts []int64, wanted []bool) (map[int]bool, error) {
	shared := map[int]bool{}
	for first := 0; first < len(days); {
		if !wanted[first] {
			first++
			continue
		}
		last, n := first+1, counts[first]
		for last < len(days) && wanted[last] && n+counts[last] <= sharedEvents {
			n += counts[last]
			last++
		}
		err := k.rows(ctx, sharedDays(k.store.Dialect(), id, days, first, last), func(rows *sql.Rows) error {
			var day int
			if err := rows.Scan(&day); err != nil {
				return err
			}
			shared[day] = true
			return nil
		})
		if err != nil {
			return nil, err
		}
		first = last
	}
	return shared, nil
}

// rows reads what the store answers; it has all night.
func (k *Keeper) rows(ctx context.Context, st statement, read func(*sql.Rows) error) error {
	return event.Each(ctx, k.store, st.text, read, st.args...)
}

// Check counts some kept days again, chosen at random. One that isn't what its
// events say is taken back, counted and logged: it is a fault in this program.
func (k *Keeper) Check(ctx context.Context, sites []*site.Site) error {
	var with []*site.Site
	for _, st := range sites {
		kept, err := k.store.Kept(ctx, st.ID, st.TimeZone)
		if err != nil {
			return err
		}
		if len(kept.Days) > 0 {
			with = append(with, st)
		}
	}
	if len(with) == 0 {
		return nil
	}
	for range k.o.Checks {
		if err := k.checkOne(ctx, with[rand.IntN(len(with))]); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) checkOne(ctx context.Context, st *site.Site) error {
	kept, err := k.store.Kept(ctx, st.ID, st.TimeZone)
	if err != nil || len(kept.Days) == 0 {
		return err
	}
	day := kept.Days[rand.IntN(len(kept.Days))]
	dim := append([]Dimension{""}, keptDimensions...)[rand.IntN(len(keptDimensions)+1)]
	same, err := k.holds(ctx, st, day, dim)
	if err != nil || same {
		return err
	}
	// An event may have come between the two answers, and the day not be kept
	// any more.
	if now, err := k.store.Kept(ctx, st.ID, st.TimeZone); err != nil || now.Version != kept.Version {
		return err
	}
	k.wrong.Inc()
	k.o.Log.ErrorContext(ctx, "a kept day isn't what its events say; it is counted again", "site", st.ID, "zone", st.TimeZone, "day", day.From, "dimension", dim)
	return k.store.ForgetDays(ctx, st.ID, st.TimeZone, []event.Day{day})
}

// holds asks about a day with and without what is kept of it.
func (k *Keeper) holds(ctx context.Context, st *site.Site, day event.Day, d Dimension) (bool, error) {
	q := dayQuery(st, d)
	if d == "" {
		for _, m := range metrics {
			if m.keeps() {
				q.Metrics = append(q.Metrics, m.Name)
			}
		}
	} else {
		q.Order, q.PageSize = []Order{{By: string(d)}}, 10*MaxPageSize
	}
	p := planFor(q, day.From, day.To, nil)
	fresh, err := k.stats.answers(ctx, q, p)
	if err != nil {
		return false, err
	}
	added, err := k.stats.answersOf(ctx, q, p.withDays(keptIn(st.TimeZone, []event.Day{day}, p.from, p.to), nil))
	return slices.EqualFunc(fresh, added, func(a, b answer) bool {
		return slices.Equal(a.keys, b.keys) && slices.Equal(a.values, b.values) && a.inAll == b.inAll
	}), err
}
