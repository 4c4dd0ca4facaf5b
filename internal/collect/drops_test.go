package collect

import (
	"context"
	"errors"
	"fmt"
	"testing"
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
