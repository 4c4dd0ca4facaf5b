package tools

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/transfer"
)

// listed is a source of given items.
type listed []transfer.Item

func (l *listed) Next(it *transfer.Item) error {
	if len(*l) == 0 {
		return io.EOF
	}
	*it, *l = (*l)[0], (*l)[1:]
	return nil
}

// Whatever order rows are in, they come out by time, whole, and those of one
// moment as they lay in the file; also when they don't fit in memory.
func TestInOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{1 << 30, 20_000} {
		var in listed
		dir := t.TempDir()
		for i := range 500 {
			it := transfer.Item{Line: int64(i + 2)}
			if rnd.IntN(10) == 0 {
				it.Drop = dropped(transfer.Malformed, "x")
			} else {
				it.Record = transfer.Record{
					Time: time.UnixMicro(1_700_000_000_000_000 + rnd.Int64N(200)), URL: "/secret?token=abc", Visitor: "v",
					Props: []event.Prop{{Key: "a", Value: "b"}}, Facts: event.Entry{Country: "KR", ScreenWidth: 300},
				}
				it.Record.Measures[event.EngagementTime] = event.Measured(0)
			}
			in = append(in, it)
		}
		want := map[int64]transfer.Item{}
		for _, it := range in {
			want[it.Line] = it
		}
		s := &sorted{from: &in, s: transfer.Settings{Temp: dir}, most: most}
		var last timed
		for {
			var it transfer.Item
			err := s.Next(&it)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			w := want[it.Line]
			delete(want, it.Line)
			if it.Drop != w.Drop {
				t.Fatalf("line %d: %+v", it.Line, it.Drop)
			}
			same(t, it.Record, w.Record)
			if it.Drop.Reason != "" {
				continue
			}
			now := timed{At: it.Record.Time.UnixMicro(), Item: it}
			if last.At != 0 && last.compare(&now) > 0 {
				t.Fatalf("line %d comes after line %d", it.Line, last.Item.Line)
			}
			last = now
		}
		if len(want) != 0 {
			t.Errorf("%d items are gone", len(want))
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("%v left on disk, %v", left, err)
		}
	}
}

// An import that is ended while it reads ahead ends there.
func TestInOrderEnds(t *testing.T) {
	gone := errors.New("gone")
	in := make(listed, 3000)
	s := inOrder(&in, transfer.Settings{Tell: func() error { return gone }})
	if err := s.Next(&transfer.Item{}); !errors.Is(err, gone) {
		t.Fatal(err)
	}
}

// Umami's rows in another order are the same import.
func TestUmamiInAnyOrder(t *testing.T) {
	all, err := csv.NewReader(bytes.NewReader(fixture(t, "umami/website_event.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(all)-1, func(i, j int) { all[i+1], all[j+1] = all[j+1], all[i+1] })
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(all); err != nil {
		t.Fatal(err)
	}
	var last time.Time
	for _, it := range items(t, b.Bytes()) {
		if it.Drop.Reason != "" {
			continue
		}
		if it.Record.Time.Before(last) {
			t.Fatalf("line %d is out of order", it.Line)
		}
		last = it.Record.Time
	}
}
