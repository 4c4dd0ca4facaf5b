package spool

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// Scrub takes every record there is off the disk, once it is stored elsewhere,
// and with them what files used again still held of older ones and what was set
// aside: nobody can tell anymore whose hits those bytes were. Records that come
// meanwhile are stored as ever.
//
// It calls stored with the position up to which everything has to be stored
// elsewhere, durably; stored waits for that, or says why it can't be. When Scrub
// returns an error some of it may be left, and nothing acknowledged is lost;
// when it returns nil a power cut brings none of it back.
func (s *Spool) Scrub(ctx context.Context, stored func(ctx context.Context, to int64) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("scrub spool: %w", err)
		}
	}()
	s.scrubbing.Lock()
	defer s.scrubbing.Unlock()
	if err := s.cleanSpare(); err != nil {
		return err
	}
	defer s.reuse()
	to, err := s.roll()
	if err != nil {
		return err
	}
	if err := stored(ctx, to); err != nil {
		return err
	}
	if err := s.Release(to); err != nil {
		return err
	}
	return s.sweep(to)
}

// cleanSpare replaces the spare by one of zeros; until reuse is called no
// released segment becomes one. It is filled beside the writer, who waits for
// it only if he needs a file just then.
func (s *Spool) cleanSpare() error {
	s.spare.mu.Lock()
	defer s.spare.mu.Unlock()
	s.spare.fresh, s.spare.ready = true, false
	f, err := s.makeSpare(s.segBytes)
	if err != nil {
		s.spare.fresh = false
		return err
	}
	s.spare.ready = true
	return f.Close()
}

// reuse lets released segments be used again.
func (s *Spool) reuse() {
	s.spare.mu.Lock()
	s.spare.fresh = false
	s.spare.mu.Unlock()
}

// roll begins a segment that holds nothing yet, so that all there is stands in
// those before it, and returns where it begins.
func (s *Spool) roll() (to int64, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return 0, ErrClosed
	}
	// As after any failure to begin a segment, the one before is left for good:
	// the new one's name may be on the disk, and ends it there.
	if err := s.leave(); err != nil {
		return 0, err
	}
	to = s.durable.Load()
	a, err := s.begin(to, nil)
	if err != nil {
		return 0, err
	}
	s.enter(a)
	return to, nil
}

// sweep removes what is left of the records before to: segments that could not
// be removed when they were released, or hadn't the header of one, and what was
// set aside of them.
func (s *Spool) sweep(to int64) error {
	s.releasing.Lock()
	defer s.releasing.Unlock()
	names, err := s.fs.List(s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		start, ok := parseSegmentName(name)
		if ok && start >= to || !ok && !setAsideSegment(name) {
			continue
		}
		if err := s.fs.Remove(s.path(name)); err != nil {
			return err
		}
	}
	if slices.Contains(names, badName) {
		if err := s.emptyBad(); err != nil {
			return err
		}
	}
	return s.fs.SyncDir(s.dir)
}

// emptyBad removes what was set aside.
func (s *Spool) emptyBad() error {
	dir := s.path(badName)
	names, err := s.fs.List(dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return nil
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, s.fs.Remove(filepath.Join(dir, name)))
	}
	s.log.Warn("what was set aside from the spool is destroyed: something was to be deleted for good, and nobody can tell what these bytes were",
		"directory", dir, "files", len(names))
	return errors.Join(append(errs, s.fs.SyncDir(dir))...)
}
