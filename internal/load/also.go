package load

import (
	"context"
	"fmt"
)

// Also copies another log to the loader's store, exactly once, until everything
// is stored or, after the batch under way, leave has ended. Nothing is added to
// that log meanwhile. An error is the caller's to try again: Also then goes on
// from where the store is. It may be called while Run runs.
func (l *Loader) Also(ctx, leave context.Context, from Log) error {
	c := newCopier(from, l.o)
	c.metrics = l.metrics
	resume := func() (moved bool, err error) {
		loaded, err := l.o.Store.Loaded(ctx, from.ID())
		if err != nil {
			return false, fmt.Errorf("ask the store for its position: %w", err)
		}
		was := c.pos.Swap(max(loaded, from.Oldest()))
		return c.pos.Load() != was, nil
	}
	if _, err := resume(); err != nil {
		return err
	}
	for c.pos.Load() < from.Durable() && leave.Err() == nil {
		if err := c.fill(ctx); err != nil {
			return err
		}
		if err := l.o.Store.Append(ctx, &c.batch); err != nil {
			// It may be stored nevertheless, or somebody else stored another.
			if moved, asked := resume(); asked != nil || !moved {
				return err
			}
			continue
		}
		c.pos.Store(c.batch.To)
		if l.o.OnStored != nil {
			l.o.OnStored(&c.batch)
		}
	}
	return nil
}
