package job

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sayAgain is how long a thing that River says is not said again. While the
// database is away it says the same each second.
const sayAgain = time.Minute

// riverLog is what River logs to.
func riverLog(log *slog.Logger) *slog.Logger {
	return slog.New(quiet{log.Handler(), &said{last: map[string]time.Time{}, more: map[string]int{}}})
}

// quiet lets only River's warnings through, worker.Work says the rest, and each
// of them once in a while.
type quiet struct {
	slog.Handler
	said *said
}

// said is what was said and when, and how often it wasn't said since.
type said struct {
	mu   sync.Mutex
	last map[string]time.Time
	more map[string]int
}

// again says whether something is to be said, and how often it was not.
func (s *said) again(what string, now time.Time) (say bool, before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.last[what]; ok && now.Sub(last) < sayAgain {
		s.more[what]++
		return false, 0
	}
	before = s.more[what]
	s.last[what], s.more[what] = now, 0
	return true, before
}

// Enabled refuses what is below a warning.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

// Handle passes a record on, with how often it was kept back before.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	say, before := q.said.again(r.Message, r.Time)
	if !say {
		return nil
	}
	if before > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("unsaid_before", before))
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs stays quiet.
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a), q.said} }

// WithGroup stays quiet.
func (q quiet) WithGroup(n string) slog.Handler { return quiet{q.Handler.WithGroup(n), q.said} }
