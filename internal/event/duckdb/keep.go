package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"moonbear/internal/event"
)

// keepFor is how long days are counted before they are published and others
// may compact: a kill loses at most so much work.
const keepFor = 20 * time.Second

// dayJob is one day to count.
type dayJob struct {
	site int64
	zone string
	day  event.Day
	sql  func(event.Day) (counts, values []string)
}

func (j dayJob) kept(file int64) keptDay {
	return keptDay{file: file, site: j.site, zone: j.zone, from: j.day.From.UnixMilli(), to: j.day.To.UnixMilli()}
}

// KeepDays counts whole days in a DuckDB of its own, as segments are built, and
// puts them into files that are merged as segments are. Appending, selecting
// and deleting go on meanwhile; what a deletion touches is not kept.
func (s *Store) KeepDays(ctx context.Context, what []event.Keeping) error {
	var jobs []dayJob
	for _, w := range what {
		for _, d := range w.Days {
			jobs = append(jobs, dayJob{w.Site, w.Zone, d, w.SQL})
		}
	}
	for len(jobs) > 0 {
		var err error
		if jobs, err = s.keepSome(ctx, jobs); err != nil {
			return fmt.Errorf("keep days: %w", err)
		}
	}
	return nil
}

// keepSome counts the first of the jobs and returns those that are left.
func (s *Store) keepSome(ctx context.Context, jobs []dayJob) ([]dayJob, error) {
	s.tending.Lock()
	defer s.tending.Unlock()
	start := time.Now()
	b, err := s.beginDays(ctx)
	if err != nil {
		return nil, err
	}
	defer s.endDays(b)
	if b.jobs, err = s.due(ctx, b, jobs); err != nil || len(b.jobs) == 0 {
		return nil, err
	}
	if err := s.enoughDisk(ctx, 2*filesBytes(s.o.Path, daysSuffix)+64<<20); err != nil {
		return nil, err
	}
	if err := s.buildDays(ctx, b); err != nil {
		return nil, err
	}
	s.metrics.keeps.Observe(time.Since(start).Seconds())
	return b.jobs, nil
}

// due are the jobs worth doing: settled, and not done. What DuckDB lists
// decides, and not what is told to askers, which may be less.
func (s *Store) due(ctx context.Context, b *dayBuild, jobs []dayJob) (due []dayJob, err error) {
	have := map[keptDay]bool{}
	for _, f := range b.listed {
		for _, d := range f.days {
			if !d.gone {
				have[keptDay{site: d.site, zone: d.zone, from: d.from}] = true
			}
		}
	}
	err = s.use(ctx, func(e *engine) error {
		for _, j := range jobs {
			d := j.kept(0)
			same := keptDay{site: d.site, zone: d.zone, from: d.from}
			if have[same] || d.to <= d.from || d.to > e.kept.firstUnsorted(j.site) {
				continue
			}
			have[same] = true
			due = append(due, j)
		}
		return nil
	})
	return due, err
}

// beginDays begins a file of kept days: from here on what makes days untrue is
// written down.
func (s *Store) beginDays(ctx context.Context) (*dayBuild, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	b := &dayBuild{o: s.options()}
	err := s.use(ctx, func(e *engine) error {
		l, err := readLayout(ctx, e.db)
		if err != nil {
			return err
		}
		b.dir, b.segments = e.dir, l.segments
		b.listed, err = readDayFiles(ctx, e.db)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, f := range b.listed {
		s.lastDays = max(s.lastDays, f.id)
	}
	s.lastDays++
	b.id = s.lastDays
	s.keeping, s.touched = true, nil
	return b, nil
}

func (s *Store) endDays(b *dayBuild) {
	s.changing.Lock()
	s.keeping, s.touched = false, nil
	s.changing.Unlock()
	b.clean()
}

// buildDays makes a file of what b says and puts it into the place of those it
// was made from. b.jobs is then what is left to do.
func (s *Store) buildDays(ctx context.Context, b *dayBuild) error {
	if err := b.run(ctx); err != nil {
		return fmt.Errorf("count days: %w", err)
	}
	s.step("days built")
	if len(b.days) > 0 {
		if err := publish(b.makePath(), b.finalPath()); err != nil {
			return fmt.Errorf("publish days: %w", err)
		}
	}
	s.step("days published")
	if err := s.adoptDays(ctx, b); err != nil {
		return fmt.Errorf("adopt days: %w", err)
	}
	s.step("days adopted")
	var old []retiree
	for _, f := range b.sources {
		old = append(old, retiree{f.catalog(), dayFileName(f.id)})
	}
	s.o.Log.InfoContext(ctx, "days kept", "file", dayFileName(b.id), "days", b.counted, "rows", b.rows, "merged", len(b.sources), "left", len(b.jobs))
	return s.retire(ctx, old)
}

func (s *Store) adoptDays(ctx context.Context, b *dayBuild) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.use(ctx, func(e *engine) error {
		if len(b.days) > 0 {
			if _, err := e.db.ExecContext(ctx, dayFile{id: b.id}.attachSQL(e.dir)); err != nil {
				return err
			}
		}
		b.adopted = true // as for segments: opening knows whether it is listed
		err := inTx(ctx, e.db, func(tx *sql.Tx) error { return s.listDays(ctx, tx, b) })
		if err == nil {
			err = s.doubt("days adopted")
		}
		if err != nil && len(b.days) > 0 {
			_, detachErr := e.db.ExecContext(context.WithoutCancel(ctx), "detach database if exists "+dayFile{id: b.id}.catalog())
			return errUnsure{errors.Join(err, detachErr)}
		}
		if err == nil {
			e.kept.add(slices.DeleteFunc(slices.Clone(b.days[:b.counted]), func(d keptDay) bool { return untrue(s.touched, d) }))
		}
		return err
	})
}

// listDays writes into the hot file what a new file holds, and that its
// sources are no more.
func (s *Store) listDays(ctx context.Context, tx *sql.Tx, b *dayBuild) error {
	for _, f := range b.sources {
		if err := forgetDays(ctx, tx, f.id); err != nil {
			return err
		}
	}
	if len(b.days) > 0 {
		if err := execAll(ctx, tx, fmt.Sprintf("insert into kept_files values (%d, %d)", b.id, b.rows)); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(b.days, 2000) {
		var values []string
		for _, d := range part {
			values = append(values, fmt.Sprintf("(%d, %d, %s, %d, %d, %v)", b.id, d.site, quote(d.zone), d.from, d.to, untrue(s.touched, d)))
		}
		if err := execAll(ctx, tx, "insert into kept_days values "+strings.Join(values, ", ")); err != nil {
			return err
		}
	}
	files, err := readDayFiles(ctx, tx)
	if err != nil {
		return err
	}
	return execAll(ctx, tx, dayViewSQL(files)...)
}

// tendDays writes files of kept days anew that hold more of what is gone than
// of what is kept, or, to purge, any of it.
func (s *Store) tendDays(ctx context.Context, purge bool) error {
	for {
		b, err := s.beginDays(ctx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(b.listed, func(f dayFile) bool {
			gone := f.gone()
			return gone > 0 && (purge || 2*gone > len(f.days))
		})
		if at < 0 {
			s.endDays(b)
			return nil
		}
		b.sources = b.listed[at : at+1]
		err = s.enoughDisk(ctx, 2*filesBytes(s.o.Path, daysSuffix))
		if err == nil {
			err = s.buildDays(ctx, b)
		}
		s.endDays(b)
		if err != nil {
			return fmt.Errorf("rewrite kept days: %w", err)
		}
	}
}
