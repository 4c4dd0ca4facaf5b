package duckdb

import (
	"context"
	"strings"
	"time"
)

const (
	// walLimit is the size of the write-ahead log, bytes, at which a checkpoint
	// is written. A larger one makes appending smoother, and opening after a
	// kill slower, as it is replayed: 100,000 events in 0.7 s of CPU time.
	walLimit = 32 << 20
	// walSoon is the size at which one is written if the last was restAtLeast
	// ago: up to 1,700 events a second a kill leaves 0.2 s to replay, and a
	// checkpoint each 15 seconds costs nothing that can be measured.
	walSoon     = 8 << 20
	restAtLeast = 15 * time.Second
)

// After a failed checkpoint the next is tried after the first of these, then
// after twice as long, up to the last.
const (
	firstPause   = time.Minute
	longestPause = 15 * time.Minute
)

// checkpoints is when the next one may be tried. It belongs to whoever holds
// Store.writing.
type checkpoints struct {
	pause time.Duration // 0 while they succeed
	after time.Time
	last  time.Time
}

// due says whether a log of so many bytes is to be written into the file.
func (c *checkpoints) due(wal int64, now time.Time) bool {
	if wal < walSoon || now.Before(c.after) {
		return false
	}
	return wal >= walLimit || now.Sub(c.last) >= restAtLeast
}

// checkpointIfDue writes a checkpoint when the log has grown large. What has
// been appended is durable without it, so a failure (the disk or the memory is
// short) is no failure of the append: the log grows until there is room again.
// DuckDB's own automatic checkpoints would turn every commit and every start
// meanwhile into a fatal error.
func (s *Store) checkpointIfDue(ctx context.Context) {
	due := &s.checkpoints
	err := s.use(ctx, func(e *engine) error {
		if !due.due(e.walBytes(), s.o.Now()) {
			return nil
		}
		began := time.Now()
		write := e.writer.exec
		if s.o.exec != nil {
			write = s.o.exec
		}
		if err := write("checkpoint"); err != nil {
			return err
		}
		s.metrics.compacts.WithLabelValues("checkpoint").Observe(time.Since(began).Seconds())
		due.pause, due.last = 0, s.o.Now()
		return nil
	})
	if err == nil || ctx.Err() != nil {
		return
	}
	if strings.Contains(err.Error(), "other write transactions") {
		return // compaction is writing: after the next batch, then
	}
	due.pause = min(max(2*due.pause, firstPause), longestPause)
	due.after = s.o.Now().Add(due.pause)
	s.metrics.checkpointsFailed.Inc()
	s.o.Log.WarnContext(ctx, "the event store could not write a checkpoint; events are safe in its log, which grows", "error", err, "again_in", due.pause)
}
