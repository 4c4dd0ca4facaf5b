package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrDiskShort is Compact's answer when it was postponed because too little
// disk is free. Nothing was changed, and nothing is wrong but speed and space.
var ErrDiskShort = errors.New("compaction postponed: too little disk is free")

const (
	// minSegment events make a segment worth its place in the view: a scan of
	// so many unsorted ones costs a query about as much as one more table, half
	// a millisecond.
	minSegment = 200_000
	// maxSegment bounds what is rewritten when one site is deleted from it:
	// 40 million events are about 2.5 GB and four minutes of one core.
	maxSegment = 40_000_000
	// renewBytes free in the hot file, as events leave them that moved away, have
	// it written anew: DuckDB gives back only what is free at a file's end.
	renewBytes = 4 << 20
	// keyLife is longer than the 24 hours an idempotency key is promised.
	keyLife = 48 * time.Hour
	// diskReserve is left free for the spool, whatever compaction would like.
	diskReserve = 256 << 20
)

// Compact moves events out of the hot file into segments sorted by site and
// visit, merges segments so that they stay few, and takes deleted bytes off the
// disk. Appending and selecting go on meanwhile, but for moments: the hot
// file's tables are changed in one transaction, and after a Delete the hot
// file is rewritten with what is left in it, at most minSegment events.
//
// A kill at any point leaves the store as it was before or after a
// transaction; what was half made is deleted when it is opened.
func (s *Store) Compact(ctx context.Context) error {
	s.tending.Lock()
	defer s.tending.Unlock()
	defer s.observe("all", time.Now())
	few := func() bool { return s.unsorted.Load() < max(s.o.minSegment, minSegment) }
	var p plan
	for range 3 { // what an import brought meanwhile need not be copied with the hot file
		var err error
		if p, err = s.plan(ctx); err != nil {
			return fmt.Errorf("plan compaction: %w", err)
		}
		for _, u := range p.units {
			if err := s.compactUnit(ctx, u); err != nil {
				return err
			}
		}
		if !p.purge || few() {
			break
		}
	}
	if err := s.expireKeys(ctx); err != nil {
		return err
	}
	if err := s.tendDays(ctx, p.purge); err != nil {
		return err
	}
	if !p.purge {
		err := s.use(ctx, func(e *engine) error { return e.checkpoint(ctx) })
		if err != nil && !strings.Contains(err.Error(), "other write transactions") { // a batch is being appended: a later one writes it
			return err
		}
		if free, err := s.freeBytes(ctx); err != nil || free <= renewBytes || !few() {
			return err
		}
	}
	if err := s.renew(ctx); err != nil {
		return fmt.Errorf("rewrite the hot file: %w", err)
	}
	return nil
}

// freeBytes are those of the hot file that hold nothing, as of its last
// checkpoint.
func (s *Store) freeBytes(ctx context.Context) (free int64, err error) {
	err = s.use(ctx, func(e *engine) error {
		return e.db.QueryRowContext(ctx, "select free_blocks * block_size from pragma_database_size() where database_name = current_database()").Scan(&free)
	})
	if err != nil {
		return 0, fmt.Errorf("see what is free in the hot file: %w", err)
	}
	return free, nil
}

func (s *Store) observe(step string, start time.Time) {
	s.metrics.compacts.WithLabelValues(step).Observe(time.Since(start).Seconds())
}

// step is where tests kill the process.
func (s *Store) step(name string) {
	if s.o.step != nil {
		s.o.step(name)
	}
}

// doubt is where tests have a step fail after it was done, as a failing disk
// makes a commit or a rename look.
func (s *Store) doubt(name string) error {
	if s.o.doubt == nil {
		return nil
	}
	return s.o.doubt(name)
}

// unit is what becomes one new segment.
type unit struct {
	hot      bool // all events in the hot file
	segments []segment
	events   int64 // about: tombstones not deducted
}

type plan struct {
	units []unit
	purge bool
}

// plan decides what to do. The events of the hot file are merged with every
// segment that is at most twice as large as all smaller ones together, so that
// sizes grow geometrically: few segments, and an event is rewritten about once
// for each doubling of the store. Segments with tombstones are rewritten.
func (s *Store) plan(ctx context.Context) (plan, error) {
	var p plan
	err := s.use(ctx, func(e *engine) error {
		l, err := readLayout(ctx, e.db)
		if err != nil {
			return err
		}
		hot, err := countRecent(ctx, e.db, l)
		if err != nil {
			return err
		}
		p = decide(l, hot, s.o.minSegment)
		return nil
	})
	return p, err
}

// countRecent is how many events are in the hot file.
func countRecent(ctx context.Context, q rower, l *layout) (all int64, err error) {
	for _, id := range l.recents {
		var n int64
		if err := q.QueryRowContext(ctx, "select count(*) from "+recentTable(id)).Scan(&n); err != nil {
			return 0, fmt.Errorf("count new events: %w", err)
		}
		all += n
	}
	return all, nil
}

func decide(l *layout, hot, least int64) plan {
	p := plan{purge: l.purge}
	bySize := slices.Clone(l.segments)
	slices.SortFunc(bySize, func(a, b segment) int { return int(a.events - b.events) })
	if hot >= least {
		u := unit{hot: true, events: hot}
		for len(bySize) > 0 && bySize[0].events <= 2*u.events && u.events+bySize[0].events <= maxSegment {
			u.segments = append(u.segments, bySize[0])
			u.events += bySize[0].events
			bySize = bySize[1:]
		}
		p.units = append(p.units, u)
	}
	for _, sg := range bySize {
		if len(sg.tombstones) > 0 {
			p.units = append(p.units, unit{segments: []segment{sg}, events: sg.events})
		}
	}
	return p
}

func (s *Store) compactUnit(ctx context.Context, u unit) error {
	const eventBytes = 100                                           // a generous guess; 50 is usual
	if err := s.enoughDisk(ctx, 2*eventBytes*u.events); err != nil { // a copy, twice: staged and sorted
		return err
	}
	start := time.Now()
	b := &build{o: s.options()}
	defer b.clean()
	if err := s.freeze(ctx, u, b); err != nil {
		return fmt.Errorf("freeze new events: %w", err)
	}
	s.step("frozen")
	if err := s.use(ctx, func(e *engine) error { return stage(ctx, e, b) }); err != nil {
		return fmt.Errorf("stage new events: %w", err)
	}
	s.observe("stage", start)
	s.step("staged")
	start = time.Now()
	if err := b.run(ctx); err != nil {
		if strings.Contains(err.Error(), "itpacking") && !s.unpacked.Load() {
			// github.com/duckdb/duckdb/issues/22823: some data cannot be
			// packed. Without packing the file is half as large again.
			s.o.Log.WarnContext(ctx, "segment could not be packed, trying without bitpacking", "error", err.Error())
			s.unpacked.Store(true)
			b.o.noBitpacking = true
			err = b.run(ctx)
		}
		if err != nil {
			return fmt.Errorf("build segment %d: %w", b.id, err)
		}
	}
	s.observe("build", start)
	s.step("built")
	if err := b.publish(); err != nil {
		return fmt.Errorf("publish segment %d: %w", b.id, err)
	}
	s.step("published")
	commit := time.Now()
	if err := s.adopt(ctx, b); err != nil {
		return fmt.Errorf("adopt segment %d: %w", b.id, err)
	}
	s.observe("commit", commit)
	s.step("adopted")
	s.o.Log.InfoContext(ctx, "events compacted", "segment", b.id, "events", b.events, "merged", len(b.sources), "took", time.Since(start))
	var old []retiree
	for _, sg := range b.sources {
		old = append(old, retiree{sg.catalog(), segmentFile(sg.id)})
	}
	return s.retire(ctx, old)
}

// stage copies the frozen events into a file the builder can open: Parquet,
// because to write a DuckDB file tries every compression on every column, which
// took longer than the sorting after it (measured: 8.2 µs an event, 2.5 µs so).
// One transaction, so that the checksum is of what was copied.
func stage(ctx context.Context, e *engine, b *build) error {
	if len(b.frozen) == 0 {
		return nil
	}
	if err := removeDatabase(b.stagePath()); err != nil {
		return err
	}
	var from []string
	for _, id := range b.frozen {
		from = append(from, "select "+names(eventColumns)+" from "+recentTable(id))
	}
	all := strings.Join(from, " union all ")
	return inTx(ctx, e.db, func(tx *sql.Tx) (err error) {
		_, err = tx.ExecContext(ctx, "copy ("+all+") to "+quote(b.stagePath())+" ("+stageFormat+")")
		if err != nil {
			return err
		}
		b.staged, err = sumUp(ctx, tx, eventColumns, "("+all+")")
		return err
	})
}

// stageFormat bounds what a thread holds while it stages to about 20 MB: the
// usual row groups take 80, and dictionaries of up to 1 MiB in each column 50.
const stageFormat = "format parquet, compression lz4_raw, row_group_size 20480, string_dictionary_page_size_limit 16384, write_bloom_filter false"

// freeze lets new events go to a new table, so that the others stand still
// while they are copied. Deletions from now on are repeated in adopt.
func (s *Store) freeze(ctx context.Context, u unit, b *build) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.use(ctx, func(e *engine) error { return s.freezeIn(ctx, e, u, b) })
}

func (s *Store) freezeIn(ctx context.Context, e *engine, u unit, b *build) error {
	b.dir = e.dir
	l, err := readLayout(ctx, e.db)
	if err != nil {
		return err
	}
	for _, sg := range l.segments {
		s.lastSegment = max(s.lastSegment, sg.id)
		if slices.ContainsFunc(u.segments, func(x segment) bool { return x.id == sg.id }) {
			b.sources = append(b.sources, sg)
		}
	}
	s.lastSegment++
	b.id = s.lastSegment
	s.buried = nil
	if !u.hot {
		return nil
	}
	b.frozen = slices.Clone(l.recents)
	next := l.recents[len(l.recents)-1] + 1
	l.recents = append(l.recents, next)
	err = inTx(ctx, e.db, func(tx *sql.Tx) error {
		return execAll(ctx, tx,
			"create table "+recentTable(next)+" ("+definitions(eventColumns)+")",
			"insert into recents values ("+strconv.FormatInt(next, 10)+")",
			viewSQL(l))
	})
	if err != nil {
		return err
	}
	e.kept.frozen(next)
	e.writer.recent = next
	return nil
}

// adopt puts a published segment in the place of what it was made from.
func (s *Store) adopt(ctx context.Context, b *build) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.use(ctx, func(e *engine) error { return s.adoptIn(ctx, e, b) })
}

func (s *Store) adoptIn(ctx context.Context, e *engine, b *build) error {
	made := segment{id: b.id, events: b.events, format: segmentFormat}
	if b.events > 0 {
		if _, err := e.db.ExecContext(ctx, attachSQL(e.dir, made)); err != nil {
			return err
		}
	}
	err := inTx(ctx, e.db, func(tx *sql.Tx) error {
		l, err := readLayout(ctx, tx)
		if err != nil {
			return err
		}
		l.recents = slices.DeleteFunc(l.recents, func(id int64) bool { return slices.Contains(b.frozen, id) })
		l.segments = slices.DeleteFunc(l.segments, b.from)
		for _, sg := range b.sources {
			id := strconv.FormatInt(sg.id, 10)
			if err := execAll(ctx, tx, "delete from segments where id = "+id, "delete from tombstones where segment = "+id); err != nil {
				return err
			}
		}
		if b.events > 0 {
			q := fmt.Sprintf("insert into segments values (%d, %d, %d)", b.id, b.events, segmentFormat)
			if err := execAll(ctx, tx, q); err != nil {
				return err
			}
			for _, t := range s.buried { // deleted while the segment was built
				if err := addTombstone(ctx, tx, &made, t); err != nil {
					return err
				}
			}
			l.segments = append(l.segments, made)
		}
		if err := execAll(ctx, tx, viewSQL(l)); err != nil {
			return err
		}
		if err := s.takeBack(ctx, tx, e.kept, touch{spans: b.touched}); err != nil {
			return err
		}
		for _, id := range b.frozen {
			err := execAll(ctx, tx, "drop table "+recentTable(id), "delete from recents where id = "+strconv.FormatInt(id, 10))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.doubt("adopted")
	}
	b.adopted = true // even after an error the hot file may list the segment; if not, opening deletes it
	if err != nil && b.events > 0 {
		_, detachErr := e.db.ExecContext(context.WithoutCancel(ctx), "detach "+made.catalog())
		// Whether the transaction was committed is not known: open again and see.
		return errUnsure{errors.Join(err, detachErr)}
	}
	if err == nil {
		e.kept.sorted(b.frozen)
		s.unsorted.Add(-b.staged.events)
	}
	return err
}

func (s *Store) expireKeys(ctx context.Context) error {
	return s.use(ctx, func(e *engine) error {
		if _, err := e.db.ExecContext(ctx, "delete from keys where ts < ?", s.o.Now().Add(-keyLife).UTC()); err != nil {
			return fmt.Errorf("forget old keys: %w", err)
		}
		return nil
	})
}

func execAll(ctx context.Context, q queryer, queries ...string) error {
	for _, x := range queries {
		if _, err := q.ExecContext(ctx, x); err != nil {
			return err
		}
	}
	return nil
}
