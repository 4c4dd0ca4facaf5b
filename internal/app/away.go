package app

import (
	"context"
	"fmt"
	"time"

	"moonbear/internal/db"
)

// A server whose control database is away starts all the same if it knows the
// sites from an earlier time: it takes hits, and does the rest when the database
// is back.

// knowSites brings the control database up to date and reads the sites, or
// recalls them.
func (s *server) knowSites(ctx context.Context) error {
	dir := s.control.sites.Directory()
	dir.MirrorIn(s.dir.file("sites.json"))
	err := s.prepareControl(ctx)
	if err == nil {
		close(s.controlled)
		return nil
	}
	if !db.IsAway(err) {
		return err
	}
	if recalled := dir.Recall(); recalled != nil {
		return fmt.Errorf("%w; to take hits without it, this server would have to know the sites from an earlier time: %w", err, recalled)
	}
	s.log.WarnContext(ctx, "the control database is away: hits are taken for the sites known from before, the rest waits", "sites", dir.Len(), "error", err)
	return nil
}

func (s *server) prepareControl(ctx context.Context) error {
	if err := s.control.db.Migrate(ctx); err != nil {
		return err
	}
	return s.control.sites.Directory().Refresh(ctx)
}

// awaitControl tries until the control database is there, and says so.
func (s *server) awaitControl(ctx context.Context) error {
	select {
	case <-s.controlled:
	default:
		if err := s.retry(ctx, "the control database can't be used yet", s.prepareControl); err != nil {
			return err
		}
		s.log.InfoContext(ctx, "the control database is back")
		close(s.controlled)
	}
	<-ctx.Done()
	return nil
}

// runJobs does jobs whenever the control database is there.
func (s *server) runJobs(ctx context.Context) error {
	select {
	case <-s.controlled:
	case <-ctx.Done():
		return nil
	}
	if s.control.db.Embedded() {
		return s.jobs.Run(ctx)
	}
	return s.retry(ctx, "jobs wait for the control database", s.jobs.Run)
}

// retry calls f until it succeeds or ctx ends. A database that several use may
// be cut off at any moment: that ends no server.
func (s *server) retry(ctx context.Context, what string, f func(context.Context) error) error {
	for pause := time.Second; ; pause = min(2*pause, longestPause) {
		err := f(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		s.log.WarnContext(ctx, what, "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

const longestPause = 30 * time.Second
