package app

import (
	"context"
	"fmt"
	"time"

	"moonbear/internal/event"
)

// destroySites destroys sites that were deleted three days ago, and takes
// their bytes off the disk.
func (s *server) destroySites(ctx context.Context) error {
	n, err := s.control.sites.Destroy(ctx, func(ctx context.Context, sites []int64) error {
		if err := s.caughtUp(ctx); err != nil {
			return err
		}
		for _, id := range sites {
			if err := s.store.Delete(ctx, event.Selection{Site: id}); err != nil {
				return err
			}
		}
		return s.store.Compact(ctx)
	})
	if n > 0 {
		s.log.InfoContext(ctx, "sites destroyed", "sites", n)
	}
	return err
}

// caughtUp waits until everything the spool has now is in the store. The hits
// of a deleted site are older than its deletion, so none comes after this.
func (s *server) caughtUp(ctx context.Context) error {
	const patience = time.Minute // a loader that is well is a second behind
	until := s.spool.Durable()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		at, err := s.store.Loaded(ctx, s.spool.ID())
		if err != nil {
			return err
		}
		if at >= until {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %d bytes of the spool to be loaded: %w", until-at, ctx.Err())
		case <-poll.C:
		}
	}
}
