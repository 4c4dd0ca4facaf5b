package event

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// someEvent makes an event whose every field is absent, small, large or
// extreme by chance.
func someEvent(r *rand.Rand) Event {
	text := func() string {
		switch r.IntN(5) {
		case 0, 1:
			return ""
		case 2:
			return "한국어 \x00\xff\"\\"
		case 3:
			return strings.Repeat("x", r.IntN(3000))
		}
		return "/docs/" + string(rune('a'+r.IntN(26)))
	}
	number := func() int64 {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return int64(r.Uint64())
		case 2:
			return -1 << 63
		}
		return r.Int64N(1 << 41)
	}
	e := Event{
		Site: number(), Time: number(), Name: text(), Visitor: number(), Visit: number(),
		Path: text(), Hostname: text(), Interactive: r.IntN(2) == 0, ConnectionSpeed: text(),
		Revenue: number(), Currency: text(),
	}
	e.VisitStart = number()
	for _, s := range e.Entry.texts() {
		*s = text()
	}
	e.ScreenWidth = int32(r.IntN(3) * r.IntN(1<<31/3))
	for i := range e.Measures {
		if r.IntN(2) == 0 {
			e.Measures[i] = Measured(r.Int64N(1 << 31))
		}
	}
	for range r.IntN(3) * r.IntN(16) {
		e.Props = append(e.Props, Prop{text(), text()})
	}
	return e
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		e := someEvent(r)
		var got Batch
		record := AppendEvent([]byte("before"), &e)[len("before"):]
		if err := got.Decode(record); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if len(got.Events) != 1 || !reflect.DeepEqual(got.Events[0], e) {
			t.Fatalf("event %d\n got %+v\nwant %+v", i, got.Events, e)
		}

		entry := AppendEntry(nil, &e.Entry)
		bare := e
		bare.Entry = Entry{EntryPath: "not looked at"}
		if joined := AppendEventWithEntry(nil, &bare, entry); !bytes.Equal(joined, record) {
			t.Fatalf("event %d: joined bytes differ from encoded ones", i)
		}
		back, err := DecodeEntry(entry)
		if err != nil || back != e.Entry {
			t.Fatalf("entry %d: %v\n got %+v\nwant %+v", i, err, back, e.Entry)
		}
	}
}

func TestRoundTripBatchAndDrops(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 100 {
		var want, got Batch
		for range r.IntN(40) {
			want.Events = append(want.Events, someEvent(r))
		}
		var k *Key
		if i%2 == 0 {
			want.Keys = []Key{{Site: 7, Time: 1_700_000_000_000, Key: [16]byte{1, 15: 2}, Body: [16]byte{3, 15: 4}}}
			k = &want.Keys[0]
		}
		for range r.IntN(5) {
			want.Drops = append(want.Drops, Drop{Site: r.Int64(), Time: -r.Int64(), Reason: "bot", Detail: "Yeti", Count: r.Int64()})
		}
		if err := got.Decode(AppendBatch(nil, k, want.Events)); err != nil {
			t.Fatal(err)
		}
		if err := got.Decode(AppendDrops(nil, want.Drops)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("batch %d differs:\n got %+v\nwant %+v", i, got, want)
		}
	}
}

// A value no decoder would accept must not be written: a record that cannot
// be read is an event that is lost.
func TestNonsenseIsNotWritten(t *testing.T) {
	e := Event{Name: Pageview, Entry: Entry{ScreenWidth: -100}}
	e.Measures[LCP] = -5
	var b Batch
	if err := b.Decode(AppendEvent(nil, &e)); err != nil {
		t.Fatal(err)
	}
	if got := b.Events[0]; got.ScreenWidth != 0 || got.Measures[LCP] != 0 {
		t.Errorf("screen width %d, lcp %d: want both not known", got.ScreenWidth, got.Measures[LCP])
	}
}

func TestDecodeFaults(t *testing.T) {
	whole := AppendEvent(nil, &Event{Name: Pageview, Path: "/", Currency: "EUR", Props: []Prop{{"a", "b"}}})
	change := func(at int, to byte) []byte {
		b := bytes.Clone(whole)
		b[at] = to
		return b
	}
	for name, tc := range map[string]struct {
		record []byte
		says   string
	}{
		"empty":            {nil, "byte 0: kind needs 1 bytes, 0 are left"},
		"unknown kind":     {change(0, 9), "kind 9 is none"},
		"future version":   {change(1, 2), "version 2 is not one"},
		"unknown flag":     {change(2, 0x80), "flags 0x80"},
		"trailing bytes":   {append(bytes.Clone(whole), 0), "1 bytes follow"},
		"endless number":   {append([]byte{kindEvent, 1, 0}, bytes.Repeat([]byte{0xff}, 20)...), "site is a number of more than 64 bits"},
		"claimed text":     {[]byte{kindDrops, 1, 1, 0, 0, 0xff, 0x7f, 0, 0, 0}, "drop reason claims 16383 bytes"},
		"claimed count":    {[]byte{kindBatch, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}, "4294967295 events cannot be"},
		"claimed drops":    {[]byte{kindDrops, 1, 0xff, 0xff, 0x03}, "65535 drops cannot be"},
		"key mark":         {[]byte{kindBatch, 1, 2}, "key mark is 2"},
		"key cut":          {[]byte{kindBatch, 1, 1, 0, 0, 1, 2}, "key needs 16 bytes, 2 are left"},
		"batch cut inside": {AppendBatch(nil, nil, []Event{{Path: "/a/longer/path/than/most"}, {}})[:60], "byte 56: visitor needs 8 bytes"},
	} {
		b := Batch{Events: []Event{{Name: "kept"}}}
		err := b.Decode(tc.record)
		if err == nil || !errors.Is(err, errRecord) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want it to say %q", name, err, tc.says)
		}
		if len(b.Events) != 1 || b.Events[0].Name != "kept" || len(b.Drops)+len(b.Keys) != 0 {
			t.Errorf("%s: the batch changed: %+v", name, b)
		}
	}
	for cut := range whole {
		var b Batch
		if err := b.Decode(whole[:cut]); err == nil {
			t.Errorf("%d of %d bytes were taken for a record", cut, len(whole))
		}
	}
}

// The bytes of version 1, frozen: a spool written by a released program must
// be readable for ever.
func TestFrozenBytes(t *testing.T) {
	e := Event{
		Site: 3, Time: 1_700_000_000_123, Name: "pageview", Visitor: -2, Visit: 5, Path: "/a", Hostname: "h.kr",
		Interactive: true, ConnectionSpeed: "4g", Revenue: 1250, Currency: "EUR", Props: []Prop{{"k", "v"}},
		Entry: Entry{VisitStart: 1_700_000_000_000, EntryPath: "/e", Country: "KR", TimeZone: "Asia/Seoul", ScreenWidth: 1400},
	}
	e.Measures[DNS], e.Measures[ScrollDepth] = Measured(0), Measured(100)
	const want = "\x01\x01\x1f\x06\xf6\xa1\xab\xfe\xf9b\xfe\xff\xff\xff\xff\xff\xff\xff\x05\x00\x00\x00\x00\x00\x00\x00" +
		"\x08pageview\x02/a\x04h.kr\x024g\x81\x80\x02\x01e\xc4\x13\x03EUR\x01\x01k\x01v" +
		"\x01\x80\xa0\xab\xfe\xf9b\x81\x84\x30\x02/e\x02KR\nAsia/Seoul\xf0\x15"
	if got := string(AppendEvent(nil, &e)); got != want {
		t.Errorf("the bytes of a version 1 record changed:\n got %q\nwant %q", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	e := someEvent(r)
	f.Add(AppendEvent(nil, &e))
	f.Add(AppendEvent(nil, &Event{}))
	f.Add(AppendDrops(nil, []Drop{{1, 2, "bot", "Yeti", 3}}))
	f.Add(AppendBatch(nil, &Key{Site: 1}, []Event{{}, {Name: "a"}}))
	f.Fuzz(func(t *testing.T, record []byte) {
		var b, again Batch
		if err := b.Decode(record); err != nil {
			if len(b.Events)+len(b.Drops)+len(b.Keys) != 0 {
				t.Fatalf("half a record was kept: %+v", b)
			}
			return
		}
		if len(b.Events)*minEvent > len(record) || len(b.Drops)*minDrop > len(record) {
			t.Fatalf("%d events and %d drops out of %d bytes", len(b.Events), len(b.Drops), len(record))
		}
		// What was read can be written and read again, the same.
		var k *Key
		if len(b.Keys) == 1 {
			k = &b.Keys[0]
		}
		if err := again.Decode(AppendBatch(nil, k, b.Events)); err != nil {
			t.Fatal(err)
		}
		if err := again.Decode(AppendDrops(nil, b.Drops)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(normal(again), normal(b)) {
			t.Fatalf("read again\n got %+v\nwant %+v", again, b)
		}
	})
}

// normal makes no difference between an empty list and none.
func normal(b Batch) Batch {
	if len(b.Events) == 0 {
		b.Events = nil
	}
	if len(b.Drops) == 0 {
		b.Drops = nil
	}
	if len(b.Keys) == 0 {
		b.Keys = nil
	}
	return b
}

func benchEvent() Event {
	return Event{
		Site: 3, Time: 1_700_000_000_123, Name: Pageview, Visitor: -2, Visit: 5, Path: "/blog/a-post", Hostname: "www.example.com",
		Entry: Entry{
			VisitStart: 1_700_000_000_000, EntryPath: "/blog/a-post", Source: "Google", Channel: "Organic Search", Referrer: "google.com/",
			Country: "KR", Region: "KR-11", City: "Seoul", Browser: "Chrome", BrowserVersion: "131", OS: "Windows", OSVersion: "10",
			Device: DeviceDesktop, Language: "ko-KR", TimeZone: "Asia/Seoul", ScreenWidth: 1400,
		},
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	e := benchEvent()
	buf := AppendEvent(nil, &e)
	b.ReportMetric(float64(len(buf)), "bytes/event")
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendEvent(buf[:0], &e)
	}
}

func BenchmarkAppendEventWithEntry(b *testing.B) {
	e := benchEvent()
	entry := AppendEntry(nil, &e.Entry)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendEventWithEntry(buf[:0], &e, entry)
	}
}

func BenchmarkDecode(b *testing.B) {
	e := benchEvent()
	buf := AppendEvent(nil, &e)
	var batch Batch
	b.ReportAllocs()
	for b.Loop() {
		batch.Events = batch.Events[:0]
		if err := batch.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}
