package export

import (
	"bufio"
	"bytes"
	"io"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// BenchmarkWrite and BenchmarkRead are events of a real day's mixture, without
// a store: ns/op is an event's time, B/event its bytes.
func BenchmarkWrite(b *testing.B) {
	for _, f := range All() {
		b.Run(string(f), func(b *testing.B) {
			events := (&eventtest.Bulk{Seed: 1}).Next(20_000)
			var n count
			out := bufio.NewWriterSize(&n, 64<<10)
			w, err := newRowWriter(f, out, "k3TdV9xQ2mA")
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				if err := w.write(&events[i%len(events)]); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(n)/float64(b.N), "B/event")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, f := range All() {
		b.Run(string(f), func(b *testing.B) {
			file := fileOf(b, f, (&eventtest.Bulk{Seed: 1, Gap: time.Minute}).Next(20_000))
			var r eventReader
			for b.Loop() {
				if r == nil {
					r = readerOf(b, f, file)
				}
				var e event.Event
				if err := r.next(&e); err == io.EOF {
					r = nil
				} else if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type count int64

func (n *count) Write(b []byte) (int, error) {
	*n += count(len(b))
	return len(b), nil
}

// fileOf writes events without a store.
func fileOf(t testing.TB, f Format, events []event.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	out := bufio.NewWriter(&b)
	w, err := newRowWriter(f, out, "k3TdV9xQ2mA")
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if err := w.write(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readerOf(t testing.TB, f Format, file []byte) (r eventReader) {
	t.Helper()
	var err error
	switch f {
	case CSV:
		r, err = newCSVReader(bytes.NewReader(file))
	case NDJSON:
		r = newNDJSONReader(bytes.NewReader(file))
	case Parquet:
		r, err = newParquetReader(bytes.NewReader(file), int64(len(file)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}
