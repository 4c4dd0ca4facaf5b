package demo

import (
	"encoding/binary"
	"hash/fnv"
	"io"
	"reflect"
	"testing"
	"time"

	"moonbear/internal/event"
)

// month is thirty days with a launch in them and a slow release.
var month = time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC)

const thirtyDays = 30 * 24 * time.Hour

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func filling(t testing.TB, n int, shop Shop, events int64, period time.Duration) *Fill {
	t.Helper()
	return New(Options{Site: int64(n), Shop: shop, Zone: zone(t, shop.Zone), PerDay: PerDay(events, period), Epoch: month}).
		Fill(events, month, month.Add(period))
}

// all empties a filling in batches of a size.
func all(f *Fill, size int) (events []event.Event, drops []event.Drop) {
	for f.More() {
		var b event.Batch
		f.Next(&b, size)
		events, drops = append(events, b.Events...), append(drops, b.Drops...)
	}
	return events, drops
}

// TestExactly counts events of sites large and tiny, over long and short times.
func TestExactly(t *testing.T) {
	for _, c := range []struct {
		events int64
		days   int
	}{{0, 30}, {1, 30}, {7, 1}, {999, 30}, {10_001, 365}, {60_000, 2}, {123_457, 30}} {
		period := time.Duration(c.days) * 24 * time.Hour
		events, _ := all(filling(t, 1, Shops(1)[0], c.events, period), 5000)
		if int64(len(events)) != c.events {
			t.Errorf("%d events in %d days were asked for, %d made", c.events, c.days, len(events))
		}
		for _, e := range events {
			if at := time.UnixMilli(e.Time); at.Before(month) || !at.Before(month.Add(period)) {
				t.Fatalf("an event at %v, outside of the %d days", at, c.days)
			}
		}
	}
}

// TestFillGoesOn stops a filling after each batch, as a kill does, and begins
// another at the position it had.
func TestFillGoesOn(t *testing.T) {
	const n = 20_000
	whole, drops := all(filling(t, 1, Shops(2)[1], n, thirtyDays), n)
	var pieces []event.Event
	var pieceDrops []event.Drop
	var at int64
	for {
		f := filling(t, 1, Shops(2)[1], n, thirtyDays)
		f.Resume(at)
		if f.Stored() != int64(len(pieces)) {
			t.Fatalf("%d events are said to be stored, %d are", f.Stored(), len(pieces))
		}
		if !f.More() {
			break
		}
		var b event.Batch
		f.Next(&b, 900)
		pieces, pieceDrops, at = append(pieces, b.Events...), append(pieceDrops, b.Drops...), b.To
	}
	if !reflect.DeepEqual(whole, pieces) || !reflect.DeepEqual(drops, pieceDrops) {
		t.Errorf("made at once: %d events, %d drops; made in pieces: %d, %d; they must be the same", len(whole), len(drops), len(pieces), len(pieceDrops))
	}
}

// TestSameBytesEverywhere freezes what a command makes: on another machine,
// another processor and in another year it must be the same. A change of the
// generator changes it, and Version with it.
func TestSameBytesEverywhere(t *testing.T) {
	h := fnv.New64a()
	for i, n := range Split(60_000, 5, 0.5) {
		events, drops := all(filling(t, i+1, Shops(5)[i], n, thirtyDays), 4000)
		for k := range events {
			addEvent(h, &events[k])
		}
		for _, d := range drops {
			h.Write([]byte(d.Reason + d.Detail))
			addInts(h, d.Site, d.Time, d.Count)
		}
	}
	const want = 0xb4edfc9d05ee52c
	if got := h.Sum64(); got != want || Version != 1 {
		t.Errorf("the traffic of version %d is %#x; version 1's is %#x. If the change is meant, both change", Version, got, uint64(want))
	}
}

func addEvent(h io.Writer, e *event.Event) {
	h.Write(event.AppendEvent(nil, e))
	addInts(h, e.Site, e.Visitor, e.Visit)
}

func addInts(h io.Writer, list ...int64) {
	for _, n := range list {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	}
}

// TestSplit gives the first site half, and the others the rest, the next most.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		events int64
		sites  int
		share  float64
	}{{10_000_000, 20, 0.5}, {10_000_001, 3, 0.9}, {5, 20, 0.5}, {77, 1, 0.5}} {
		parts := Split(c.events, c.sites, c.share)
		var sum int64
		for i, n := range parts {
			sum += n
			if i > 1 && n > parts[i-1]+1 {
				t.Errorf("%+v: site %d has %d, the one before %d", c, i+1, n, parts[i-1])
			}
		}
		if len(parts) != c.sites || sum != c.events {
			t.Errorf("%+v: %v adds up to %d", c, parts, sum)
		}
	}
	if parts := Split(10_000_000, 20, 0.5); parts[0] != 5_000_000 || parts[1] < 10*parts[19] {
		t.Errorf("of 10 million the first of twenty sites has %d, the second %d, the last %d", parts[0], parts[1], parts[19])
	}
}

// TestShops says that sites can be made of them, however many.
func TestShops(t *testing.T) {
	domains := map[string]bool{}
	for _, s := range Shops(45) {
		if domains[s.Domain] {
			t.Errorf("%s is there twice", s.Domain)
		}
		domains[s.Domain] = true
		zone(t, s.Zone)
		paths := map[string]bool{}
		for _, p := range catalogue(s.kind, 60_000) {
			if paths[p.path] || p.path[0] != '/' || len(p.path) > 80 {
				t.Fatalf("%s: the page %q is there twice, or is none", s.Domain, p.path)
			}
			paths[p.path] = true
		}
		if len(paths) != 6000 {
			t.Fatalf("%s: %d pages for 60,000 visits a day", s.Domain, len(paths))
		}
	}
}
