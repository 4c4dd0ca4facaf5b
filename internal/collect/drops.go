package collect

import (
	"context"
	"sync"
	"time"

	"moonbear/internal/event"
)

// maxDropKinds bounds what one flush holds: whoever sends a thousand made-up
// host names a second gets one count for the rest of them.
const maxDropKinds = 4096

// drops counts refused hits until the next flush. A kill loses at most the
// last second of these counts, and never an event.
type drops struct {
	flushing sync.Mutex
	mu       sync.Mutex
	counts   map[dropKind]int64
}

type dropKind struct {
	site, minute   int64
	reason, detail string
}

func newDrops() *drops { return &drops{counts: map[dropKind]int64{}} }

func (d *drops) add(site, now int64, reason, detail string) {
	k := dropKind{site, now - now%time.Minute.Milliseconds(), reason, cut(detail, 253)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count(k, 1)
}

// count adds n to a kind, or to that without detail when there are too many.
// d.mu is held.
func (d *drops) count(k dropKind, n int64) {
	if _, known := d.counts[k]; !known && len(d.counts) >= maxDropKinds {
		k.detail = ""
	}
	d.counts[k] += n
}

// take gives the counts away and begins anew.
func (d *drops) take() map[dropKind]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.counts) == 0 {
		return nil // not the empty map itself: hits go on being counted in that
	}
	counts := d.counts
	d.counts = map[dropKind]int64{}
	return counts
}

// flush writes the counts to the spool as one record. When the spool refuses
// it, they are counted on. Once begun it is not cancelled: a record may be
// durable although nobody waited for it, and would be counted twice.
func (d *drops) flush(ctx context.Context, s Spool) error {
	d.flushing.Lock()
	defer d.flushing.Unlock()
	counts := d.take()
	if len(counts) == 0 {
		return nil
	}
	list := make([]event.Drop, 0, len(counts))
	for k, n := range counts {
		list = append(list, event.Drop{Site: k.site, Time: k.minute, Reason: k.reason, Detail: k.detail, Count: n})
	}
	err := s.Append(context.WithoutCancel(ctx), event.AppendDrops(nil, list))
	if err == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for k, n := range counts {
		d.count(k, n)
	}
	return err
}
