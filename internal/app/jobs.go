package app

import (
	"context"
	"errors"
	"time"

	"moonbear/internal/job"
)

// scheduled is the one table of what happens by the clock (UTC).
func (s *server) scheduled() []job.Scheduled {
	return []job.Scheduled{
		// A salt is gone 48 hours after it was made, to the minute while hits come in;
		// a server without any destroys hourly, one that was off for days at its start.
		{Name: "destroy salts", Every: time.Hour, RunOnStart: true, Run: s.destroySalts},
		// Sorting a closed day makes a small site's questions fast beside a big
		// one's. Then the days of busy sites are counted, once and for all.
		{Name: "compact events", Every: 24 * time.Hour, At: 3 * time.Hour, Run: s.tendEvents},
		{Name: "destroy deleted sites", Every: time.Hour, Run: s.destroySites},
		{Name: "forget expired logins", Every: time.Hour, RunOnStart: true, Run: s.forgetLogins},
	}
}

// tendEvents sorts new events, and has the days that are sorted now counted,
// also those of other nights when nothing could be sorted in this.
func (s *server) tendEvents(ctx context.Context) error {
	if !s.moving.events.TryRLock() {
		return nil // a move: its target is tended tomorrow
	}
	defer s.moving.events.RUnlock()
	err := s.store.Compact(ctx)
	if ctx.Err() != nil {
		return err
	}
	return errors.Join(err, s.keeper.Keep(ctx, s.control.sites.Directory().Sites()))
}

func (s *server) destroySalts(ctx context.Context) error {
	n, err := s.salts.Destroy(time.Now())
	if n > 0 {
		s.log.InfoContext(ctx, "salts destroyed", "salts", n)
	}
	return err
}

func (s *server) forgetLogins(ctx context.Context) error {
	_, err := s.control.accounts.Expire(ctx)
	return err
}
