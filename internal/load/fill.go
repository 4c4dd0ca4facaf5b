package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"moonbear/internal/event"
	"moonbear/internal/spool"
)

// Log is what is copied: a spool, or a copy of a part of one.
type Log interface {
	ID() string
	Oldest() int64  // the first position that can be read
	Durable() int64 // where it ends
	// Read and SetAside are as spool.Spool's.
	Read(ctx context.Context, from int64, max int, yield func(pos int64, record []byte) error) (next int64, err error)
	SetAside(from, to int64) (path string, err error)
}

// copier makes batches of a log's records.
type copier struct {
	from        Log
	log         *slog.Logger
	metrics     *metrics
	rows        int
	onMalformed func(pos int64, path string, err error)

	pos   atomic.Int64 // everything before is stored
	batch event.Batch  // built, or being built, from pos on
}

func newCopier(from Log, o Options) *copier {
	return &copier{
		from: from, rows: cmp.Or(o.Rows, defaultRows), onMalformed: o.OnMalformed,
		log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
	}
}

// full says that the batch is large enough.
func (c *copier) full() bool { return c.size() >= c.rows || c.batch.To-c.batch.From >= batchBytes }

func (c *copier) size() int { return len(c.batch.Events) + len(c.batch.Drops) + len(c.batch.Keys) }

// errFull ends a Read once the batch is large enough.
var errFull = errors.New("batch is full")

// fill builds the batch that begins at pos, of what is durable by now.
func (c *copier) fill(ctx context.Context) error {
	b := &c.batch
	b.Spool = c.from.ID()
	b.From, b.To = c.pos.Load(), c.pos.Load()
	b.Events, b.Drops, b.Keys = b.Events[:0], b.Drops[:0], b.Keys[:0]
	for end := c.from.Durable(); b.To < end && !c.full(); {
		next, err := c.from.Read(ctx, b.To, readBytes, c.decode)
		var damage *spool.Damage
		switch {
		case errors.As(err, &damage):
			if next, err = c.skipDamage(damage); err != nil {
				return err
			}
		case err != nil && !errors.Is(err, errFull):
			return err
		}
		b.To = next
	}
	return nil
}

// decode adds one record to the batch. A record that holds nothing we know is
// set aside, and the next one goes on.
func (c *copier) decode(pos int64, record []byte) error {
	if c.size() >= c.rows {
		return errFull
	}
	err := c.batch.Decode(record)
	if err == nil {
		return nil
	}
	path, aside := c.from.SetAside(pos, pos+int64(len(record))+spool.RecordOverhead)
	if aside != nil {
		return fmt.Errorf("keep a malformed record at %d: %w", pos, aside)
	}
	c.metrics.malformed.Inc()
	c.log.Error("a record in the spool can't be decoded: it was set aside", "position", pos, "file", path, "error", err)
	if c.onMalformed != nil {
		c.onMalformed(pos, path, err)
	}
	return nil
}

// skipDamage keeps a copy of damaged bytes and returns the position behind them.
func (c *copier) skipDamage(d *spool.Damage) (next int64, err error) {
	path, err := c.from.SetAside(d.From, d.To)
	if err != nil {
		return 0, err
	}
	c.metrics.damaged.Add(float64(d.To - d.From))
	c.log.Error("the spool is damaged: acknowledged hits are lost; the bytes were set aside",
		"from", d.From, "to", d.To, "file", path)
	return d.To, nil
}
