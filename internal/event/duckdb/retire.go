package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// retiree is an attached file that is in no view any more.
type retiree struct{ catalog, file string }

// retire deletes files that are in the views no more, and closes them when no
// query runs that was planned with them. Without such a moment within a second
// they stay open, and their space taken, till the next compaction or start.
func (s *Store) retire(ctx context.Context, old []retiree) error {
	s.retired = append(s.retired, old...)
	if len(s.retired) == 0 {
		return nil
	}
	for _, f := range old {
		err := os.Remove(filepath.Join(s.o.Path, f.file))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("delete %s: %w", f.file, err)
		}
	}
	if !lockWithin(time.Second, s.planning.TryLock) {
		return nil
	}
	defer s.planning.Unlock()
	return s.use(ctx, func(e *engine) error {
		for _, f := range s.retired {
			if _, err := e.db.ExecContext(ctx, "detach database if exists "+f.catalog); err != nil {
				return fmt.Errorf("close %s: %w", f.file, err)
			}
		}
		s.retired = nil
		s.step("retired")
		return nil
	})
}

// lockWithin tries to take a lock without making others wait for it, as a
// waiting Lock does.
func lockWithin(d time.Duration, try func() bool) bool {
	deadline := time.Now().Add(d)
	for !try() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(time.Millisecond)
	}
	return true
}

// enoughDisk checks that there is room for what is to be written.
func (s *Store) enoughDisk(ctx context.Context, bytes int64) error {
	free, err := s.o.diskFree(s.o.Path)
	if err != nil {
		return fmt.Errorf("ask for free disk: %w", err)
	}
	need := diskReserve + bytes
	if free >= need {
		return nil
	}
	s.metrics.postponed.Inc()
	s.o.Log.WarnContext(ctx, "compaction postponed: too little disk is free", "free_bytes", free, "need_bytes", need, "path", s.o.Path)
	return fmt.Errorf("%w: %d MiB are free in %s, %d MiB are needed", ErrDiskShort, free>>20, s.o.Path, need>>20)
}
