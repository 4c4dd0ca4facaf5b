package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"moonbear/internal/event"
)

// destroySites destroys sites that were deleted three days ago, and takes
// their bytes off the disk: out of the spool's files, the event store's, and
// the control database's.
func (s *server) destroySites(ctx context.Context) error {
	if !s.moving.events.TryRLock() {
		return nil // a move: in an hour there's another time
	}
	defer s.moving.events.RUnlock()
	n, err := s.control.sites.Destroy(ctx, func(ctx context.Context, sites []int64) error {
		if err := s.noneHandedOver(ctx); err != nil {
			return err
		}
		if err := s.spool.Scrub(ctx, s.stored); err != nil {
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
	// Each hour, whether something was destroyed or not: the last time may have
	// been cut short before this, and it costs nothing.
	return errors.Join(err, s.control.db.Settle(ctx))
}

// stored waits until what the spool has before a position is in the store. The
// hits of a deleted site are older than its deletion, so none comes after this.
func (s *server) stored(ctx context.Context, until int64) error {
	const patience = time.Minute // a loader that is well is a second behind
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
