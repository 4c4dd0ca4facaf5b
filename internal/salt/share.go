package salt

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// syncEvery is how soon replicas agree again after they could not.
	syncEvery = 5 * time.Second
	// formerly is how long the salt that gave way to a shared one still finds
	// the visits under it: as long as a visit may pause.
	formerly = 30 * time.Minute
)

// Sharing is how the replicas of a service agree on salts.
type Sharing struct {
	// Agree keeps a value under a name for ttl unless one is there already, and
	// returns the one that is there then. Without a value it only looks; nil is
	// none. An error means that nobody can be asked, and must come soon: hits
	// wait for it.
	Agree func(ctx context.Context, name string, value []byte, ttl time.Duration) ([]byte, error)

	Log     *slog.Logger          // of Run; nil: nowhere
	Metrics prometheus.Registerer // nil: none
}

// sharing is a Sharing in use.
type sharing struct {
	Sharing
	alone, gaveWay prometheus.Counter
	again          chan struct{} // Sync at once
}

// former is a salt that gave way to the one the replicas share.
type former struct {
	salt  Salt
	until time.Time
}

// Share has the salts agree with those of other replicas: whoever is the first
// to make one makes it for all. When nobody can be asked a replica makes its
// own, and gives it up for the shared one later, if there is one. Imports keep
// salts of their own. Call it before Pair, and have Run running.
func (s *Salts) Share(ctx context.Context, o Sharing) error {
	sh := &sharing{Sharing: o, again: make(chan struct{}, 1),
		alone: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_salts_made_alone_total",
			Help: "Salts made while the other replicas could not be asked.",
		}),
		gaveWay: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_salts_gave_way_total",
			Help: "Salts that gave way to another replica's: a zone's visitors of that day who came here count twice.",
		})}
	if sh.Log == nil {
		sh.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics != nil {
		for _, c := range []prometheus.Collector{sh.alone, sh.gaveWay} {
			if err := o.Metrics.Register(c); err != nil {
				return fmt.Errorf("register salt metrics: %w", err)
			}
		}
	}
	s.mu.Lock()
	s.sharing = sh
	s.mu.Unlock()
	return s.Sync(ctx)
}

// Again has Run sync at once: the others can be asked again.
func (s *Salts) Again() {
	select {
	case s.sharing.again <- struct{}{}:
	default:
	}
}

// Run keeps the salts of the replicas the same until ctx ends.
func (s *Salts) Run(ctx context.Context) error {
	t := time.NewTicker(syncEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-s.sharing.again:
		}
		if err := s.Sync(ctx); err != nil && ctx.Err() == nil {
			s.sharing.Log.ErrorContext(ctx, "the replicas' salts are not kept", "error", err)
		}
	}
}

// Sync tells the others this replica's salts, should they have lost theirs,
// and takes over those that differ and the days before that it doesn't know.
// When nobody can be asked it changes nothing. An error is one of the disk.
func (s *Salts) Sync(ctx context.Context) error {
	s.mu.Lock()
	mine := slices.Clone(s.entries)
	s.mu.Unlock()
	var theirs []entry
	for _, e := range slices.Concat(mine, daysBefore(mine)) {
		if strings.HasPrefix(e.zone, pastZone) {
			continue
		}
		got, ok, err := s.agree(ctx, e)
		if err != nil {
			return nil // the next Sync is soon
		}
		if ok && got.salt != e.salt {
			theirs = append(theirs, got)
		}
	}
	if len(theirs) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeOver(theirs)
}

// daysBefore are the days, without salts, before the first of each zone's.
func daysBefore(entries []entry) (out []entry) {
	first := map[string]string{}
	for _, e := range entries {
		if f, ok := first[e.zone]; !ok || e.date < f {
			first[e.zone] = e.date
		}
	}
	for zone, date := range first {
		if e, ok := dayBefore(zone, date); ok {
			out = append(out, e)
		}
	}
	return out
}

func dayBefore(zone, date string) (entry, bool) {
	t, err := time.Parse(time.DateOnly, date)
	return entry{zone: zone, date: t.AddDate(0, 0, -1).Format(time.DateOnly)}, err == nil
}

// ask proposes a new entry to the other replicas, and returns the one they have
// and, unless latest is its date, that of the day before. Pair has no context,
// and its caller waits: Agree comes back soon.
func (s *Salts) ask(e entry, latest string) ([]entry, error) {
	ctx := context.Background()
	got, ok, err := s.agree(ctx, e)
	if err != nil {
		return nil, err
	}
	if ok {
		e = got
	}
	before, valid := dayBefore(e.zone, e.date)
	if !valid || before.date == latest {
		return []entry{e}, nil
	}
	if before, ok, err = s.agree(ctx, before); err != nil || !ok {
		return []entry{e}, nil // only visits over midnight need it
	}
	return []entry{e, before}, nil
}

// agree proposes an entry and returns the one the replicas have; ok is false if
// there is none. An entry without a salt is only looked for.
func (s *Salts) agree(ctx context.Context, e entry) (got entry, ok bool, err error) {
	var value []byte
	if e.salt != (Salt{}) {
		value = append(binary.BigEndian.AppendUint64(nil, uint64(e.made.Unix())), e.salt[:]...)
	}
	name := "salt " + e.zone + " " + e.date
	now := s.now()
	b, err := s.sharing.Agree(ctx, name, value, lifetime-now.Sub(e.made))
	if err != nil || b == nil {
		return e, false, err
	}
	if len(b) != 8+len(e.salt) {
		return e, false, fmt.Errorf("a shared salt has %d bytes, want %d", len(b), 8+len(e.salt))
	}
	e.made = time.Unix(int64(binary.BigEndian.Uint64(b)), 0).UTC()
	copy(e.salt[:], b[8:])
	return e, now.Sub(e.made) < lifetime, nil
}

// takeOver files salts of other replicas, in place of this one's.
func (s *Salts) takeOver(theirs []entry) error {
	all := slices.Clone(s.entries)
	gaveWay := map[string]former{}
	n := 0
	for _, e := range theirs {
		i := slices.IndexFunc(all, func(o entry) bool { return o.zone == e.zone && o.date == e.date })
		if i < 0 {
			all = append(all, e)
			continue
		}
		if all[i].salt == e.salt {
			continue
		}
		// Nothing is known for longer than any salt is.
		until := slices.MinFunc([]time.Time{s.now().Add(formerly), all[i].made.Add(lifetime)}, time.Time.Compare)
		gaveWay[e.zone] = former{all[i].salt, until}
		n++
		all[i] = e
	}
	if err := s.replace(all); err != nil {
		return err
	}
	for zone, f := range gaveWay {
		s.former[zone] = f
	}
	s.days.Store(&map[string]day{})
	s.sharing.gaveWay.Add(float64(n))
	return nil
}

// Former is the salt of the same day that gave way to a zone's shared one less
// than half an hour ago: visits may be open under it.
func (s *Salts) Former(tz string) (f Salt, ok bool) {
	f = (*s.days.Load())[tz].former
	return f, f != (Salt{})
}
