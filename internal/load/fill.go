package load

import (
	"context"
	"errors"
	"fmt"

	"moonbear/internal/spool"
)

// errFull ends a Read once the batch is large enough.
var errFull = errors.New("batch is full")

// fill builds the batch that begins at pos, of what is durable by now.
func (l *Loader) fill(ctx context.Context) error {
	b := &l.batch
	b.Spool = l.o.Spool.ID()
	b.From, b.To = l.pos.Load(), l.pos.Load()
	b.Events, b.Drops, b.Keys = b.Events[:0], b.Drops[:0], b.Keys[:0]
	for end := l.o.Spool.Durable(); b.To < end && !l.full(); {
		next, err := l.o.Spool.Read(ctx, b.To, readBytes, l.decode)
		var damage *spool.Damage
		switch {
		case errors.As(err, &damage):
			if next, err = l.skipDamage(damage); err != nil {
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
func (l *Loader) decode(pos int64, record []byte) error {
	if l.size() >= l.o.Rows {
		return errFull
	}
	err := l.batch.Decode(record)
	if err == nil {
		return nil
	}
	path, aside := l.o.Spool.SetAside(pos, pos+int64(len(record))+spool.RecordOverhead)
	if aside != nil {
		return fmt.Errorf("keep a malformed record at %d: %w", pos, aside)
	}
	l.metrics.malformed.Inc()
	l.log.Error("a record in the spool can't be decoded: it was set aside", "position", pos, "file", path, "error", err)
	if l.o.OnMalformed != nil {
		l.o.OnMalformed(pos, path, err)
	}
	return nil
}

// skipDamage keeps a copy of damaged bytes and returns the position behind them.
func (l *Loader) skipDamage(d *spool.Damage) (next int64, err error) {
	path, err := l.o.Spool.SetAside(d.From, d.To)
	if err != nil {
		return 0, err
	}
	l.metrics.damaged.Add(float64(d.To - d.From))
	l.log.Error("the spool is damaged: acknowledged hits are lost; the bytes were set aside",
		"from", d.From, "to", d.To, "file", path)
	return d.To, nil
}
