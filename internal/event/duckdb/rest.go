package duckdb

import (
	"context"
	"runtime/debug"
	"time"
)

// rest gives memory back that nobody asked for lately. DuckDB keeps what a heavy
// question took, 350 MB of 10 million events; it lets go when its limit falls.
// What Go's heap has free goes back too.
//
// Nothing writes meanwhile: a checkpoint must not meet the low limit.
func (s *Store) rest(ctx context.Context) error {
	if !s.tending.TryLock() {
		return nil // it compacts
	}
	defer s.tending.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	defer debug.FreeOSMemory()
	return s.use(ctx, func(e *engine) error {
		ctx := context.WithoutCancel(ctx) // both or none
		return execAll(ctx, e.db, "set global memory_limit = '64MiB'",
			"set global memory_limit = '"+memoryLimit(queryMemory(s.o.Memory))+"'")
	})
}

// restAfter is how long nothing must have been asked for the store to rest. A
// page's next question finds the file system's cache warm all the same. A start
// asks much, and is followed by nothing for long.
const restAfter = 4 * time.Second

// Run rests the store when nothing is asked of it, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(restAfter / 4)
	defer tick.Stop()
	var seen int64
	var since time.Time
	rested := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if turn, busy := s.queue.turns(); turn != seen || busy {
			seen, since, rested = turn, s.o.Now(), false
			continue
		}
		if rested || s.o.Now().Sub(since) < restAfter {
			continue
		}
		if err := s.rest(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.WarnContext(ctx, "the event store keeps memory it doesn't need", "error", err)
		}
		rested = true
	}
}
