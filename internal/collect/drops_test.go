package collect

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"moonbear/internal/event"
)

// noRoom is a spool without room.
type noRoom struct{ during func() }

func (r noRoom) Append(context.Context, []byte) error {
	r.during()
	return errors.New("no room")
}

// While the spool refuses, the counts wait; a scanner that makes up host names
// meanwhile must not make them grow without end.
func TestDropsAreBounded(t *testing.T) {
	d := newDrops()
	n := int64(0)
	more := func() {
		for range 3000 {
			d.add(1, 0, "hostname", fmt.Sprintf("%d.example", n))
			n++
		}
	}
	more()
	for range 10 {
		if err := d.flush(t.Context(), noRoom{more}); err == nil {
			t.Fatal("the spool took the counts")
		}
	}
	sum := int64(0)
	for _, c := range d.counts {
		sum += c
	}
	if sum != n || len(d.counts) > maxDropKinds+1 {
		t.Errorf("%d drops are %d in %d counts", n, sum, len(d.counts))
	}
}

// counting adds up the drops it is given, as the event store does.
type counting struct{ sum int64 }

func (c *counting) Append(_ context.Context, record []byte) error {
	var b event.Batch
	if err := b.Decode(record); err != nil {
		return err
	}
	for _, d := range b.Drops {
		c.sum += d.Count
	}
	return nil
}

// Hits that come in while the counts are written, the first after a quiet
// second among them, are counted once.
func TestDropsWhileFlushing(t *testing.T) {
	d, spool := newDrops(), &counting{}
	const senders, each = 4, 5000
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for range each {
				d.add(1, 0, "bot", "curl")
				runtime.Gosched()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		if err := d.flush(t.Context(), spool); err != nil {
			t.Fatal(err)
		}
	}
	if spool.sum != senders*each {
		t.Errorf("%d drops were counted, %d were there", spool.sum, senders*each)
	}
}
