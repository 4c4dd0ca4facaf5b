package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// read reads what can be read of a file, and checks that each row either is an
// event or says why not.
func read(t *testing.T, r eventReader) (events []event.Event) {
	for {
		var e event.Event
		err := r.next(&e)
		var row *rowError
		switch {
		case errors.As(err, &row):
			if row.reason == "" || row.why == "" {
				t.Fatalf("a row is dropped without a reason: %+v", row)
			}
		case err != nil:
			return events
		default:
			if e.Name == "" {
				t.Fatalf("an event without a name: %+v", e)
			}
			events = append(events, e)
		}
	}
}

// again writes events and reads them: they must be the same.
func again(t *testing.T, f Format, events []event.Event) {
	t.Helper()
	file := fileOf(t, f, events)
	back := read(t, readerOf(t, f, file))
	if len(back) != len(events) {
		t.Fatalf("%s: %d events came back of %d: %q", f, len(back), len(events), file)
	}
	for i := range events {
		if !reflect.DeepEqual(back[i], events[i]) {
			t.Fatalf("%s: event %d came back as\n%+v, want\n%+v", f, i, back[i], events[i])
		}
	}
}

func seeds(f *testing.F, format Format) {
	odd := oddEvents(1)
	f.Add(fileOf(f, format, nil))
	f.Add(fileOf(f, format, odd[:2]))
	f.Add(fileOf(f, format, randomEvents(1, 3, 9)))
	f.Add(fileOf(f, format, (&eventtest.Bulk{Seed: 1}).Next(20)))
}

func FuzzCSV(f *testing.F) {
	seeds(f, CSV)
	f.Add([]byte("moonbear_export,ts,name\n1,2026-11-22T09:30:00.000Z,pageview\n1,2026-11-22T09:30:00+09:00,\"a \"\"b\"\"\"\r\n"))
	f.Add([]byte("moonbear_export,ts,name\n1,\"x\ny\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := newCSVReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		if events := read(t, r); utf8.Valid(file) {
			again(t, CSV, events)
		}
	})
}

func FuzzNDJSON(f *testing.F) {
	seeds(f, NDJSON)
	f.Add([]byte(`{"moonbear_export":1,"ts":"2026-11-22T09:30:00Z","name":"\u00e9\ud83d\udc3b","props":{"a":"b"}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		if events := read(t, newNDJSONReader(bytes.NewReader(file))); utf8.Valid(file) {
			again(t, NDJSON, events)
		}
	})
}

func FuzzParquet(f *testing.F) {
	seeds(f, Parquet)
	f.Add([]byte("PAR1PAR1")) // a length of 827 MB
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 64<<10 {
			return
		}
		r, err := newParquetReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		read(t, r)
	})
}

// FuzzJSON holds the reader of objects to encoding/json: what one takes the
// other takes too, with the same properties.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":"b"}`, ` { "a" : "\u0041\ud83d\udc3b" , "b":"" } `, `{"a":1}`, `{"a":null}`, `{"a":"b",}`, `{"a":"b"} x`, `{"a":"b","a":"c"}`, `{"a":"\x"}`, "{\"a\":\"\n\"}", `{a:1}`, `{"a":01}`, `[]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want map[string]*string
		ok := json.Unmarshal([]byte(s), &want) == nil && want != nil
		for _, v := range want {
			ok = ok && v != nil
		}
		got, err := parseProps(s)
		if strings.TrimSpace(s) == "" {
			return // no properties
		}
		if err != nil && strings.Contains(err.Error(), "twice") {
			return // encoding/json takes the last
		}
		if (err == nil) != ok {
			t.Fatalf("%q: encoding/json says %v, we %v", s, ok, err)
		}
		if err != nil || !utf8.ValidString(s) {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: got %v, want %v", s, got, want)
		}
		for _, p := range got {
			if w := want[p.Key]; w == nil || *w != p.Value {
				t.Fatalf("%q: got %v, want %v", s, got, want)
			}
		}
	})
}
