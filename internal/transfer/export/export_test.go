package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/site"
	"moonbear/internal/transfer"
)

// long skips a test that takes five seconds or more, but where everything is
// tested: make test sets TEST_LONG, so that go test ./... stays a short loop.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
}

func openStore(t testing.TB) event.Store {
	t.Helper()
	s, err := duckdb.Open(t.Context(), duckdb.Options{Path: t.TempDir(), Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func siteNumber(id int64) *site.Site {
	return &site.Site{ID: id, PublicID: fmt.Sprintf("site%d", id), Domain: "shop.example", TimeZone: "Asia/Seoul", Location: time.UTC}
}

// oddTexts are those that formats are known to change.
var oddTexts = []string{
	"", "x", "exactly 12 b", "thirteen byte", "\x00", "a\x00b", "'; drop table events; --", `"\`, `"quoted"`, `a "b" c`, ",", "a,b", "\n", "\r", "\r\n", "a\r\nb", "a\rb", "a\n", "\n\r\t",
	" leading", "trailing ", " ", "'", "''", "'=", "=1+1", "+1", "-1", "@x", "＝1", "\t", "-12.5", "null", "true", "{}", "[]", "NaN", "1e9", "2026-11-22",
	"한국어 텍스트", "🐻", "e\u0301", "\u2028", "\ufeff", "\ufeffmoonbear_export,", "moonbear_export", "\u007f", "\u001f", "<script>&amp;", "\ufffd", strings.Repeat("ㄱ", 700),
}

// oddEvents has every field at its edges, and every odd text in every column
// of text.
func oddEvents(siteID int64) []event.Event {
	var all []event.Event
	add := func(change func(*event.Event)) {
		e := event.Event{Site: siteID, Time: eventtest.Start.UnixMilli() + int64(len(all)), Name: event.Pageview}
		e.VisitStart = e.Time
		change(&e)
		all = append(all, e)
	}
	add(func(*event.Event) {})
	add(func(e *event.Event) { f := eventtest.Full(); f.Site, f.Time = e.Site, e.Time; *e = f })
	add(func(e *event.Event) { e.VisitStart = 0 })
	add(func(e *event.Event) { e.Visitor, e.Visit = math.MinInt64, math.MaxInt64 })
	add(func(e *event.Event) { e.Visitor, e.Visit, e.Import = -1, 1, math.MaxInt64 })
	add(func(e *event.Event) { e.Revenue, e.Currency = math.MinInt64, "KRW" })
	add(func(e *event.Event) { e.Revenue, e.Currency = 0, "KRW" })
	add(func(e *event.Event) { e.Revenue, e.ScreenWidth = math.MaxInt64, math.MaxInt32 })
	for i := range event.MeasureCount {
		for _, v := range []int64{0, 1, math.MaxInt32 - 1} {
			add(func(e *event.Event) { e.Measures[i] = event.Measured(v) })
		}
	}
	for _, s := range oddTexts {
		for i := range exportColumns {
			if c := &exportColumns[i]; c.kind == text && (c.name != "name" || s != "") {
				add(func(e *event.Event) { *c.at(e).(*string) = s })
			}
		}
		add(func(e *event.Event) { e.Props = []event.Prop{{Key: s, Value: s}} })
	}
	for _, n := range []int{2, 30, 2500} {
		add(func(e *event.Event) {
			for i := range n {
				e.Props = append(e.Props, event.Prop{Key: fmt.Sprintf("key %05d", i), Value: oddTexts[i%len(oddTexts)]})
			}
		})
	}
	return all
}

// randomEvents has each field filled by chance.
func randomEvents(siteID int64, n int, seed uint64) []event.Event {
	r := rand.New(rand.NewPCG(seed, 1))
	some := func() string { return oddTexts[r.IntN(len(oddTexts))] }
	all := make([]event.Event, n)
	for i := range all {
		e := &all[i]
		for c := range exportColumns {
			col := &exportColumns[c]
			if col.at == nil || r.IntN(3) == 0 {
				continue
			}
			switch v := col.at(e).(type) {
			case *string:
				*v = some()
			case *int64:
				*v = int64(r.Uint64()) >> r.IntN(63)
			case *int32:
				*v = r.Int32()
			case *bool:
				*v = true
			case *event.Measure:
				*v = event.Measured(r.Int64N(1 << r.IntN(31)))
			case *[]event.Prop:
				for k := range r.IntN(4) {
					*v = append(*v, event.Prop{Key: fmt.Sprint(k, some()), Value: some()})
				}
			}
		}
		e.Site, e.Name = siteID, "n"+e.Name
		e.Time = eventtest.Start.UnixMilli() + r.Int64N(30*86_400_000)
		e.VisitStart = e.Time - r.Int64N(1800_000)
	}
	return all
}

// fill puts events into a store, in batches as load does.
func fill(t testing.TB, s event.Store, spool string, events []event.Event) {
	t.Helper()
	for at := 0; at < len(events); at += 20_000 {
		eventtest.Append(t, s, eventtest.Batch(spool, int64(at), events[at:min(at+20_000, len(events))]))
	}
}

// written exports into memory.
func written(t testing.TB, s event.Store, r Request) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := New(s, slog.New(slog.DiscardHandler)).Write(t.Context(), &b, r, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll reads a file as an import does, and fails on any row it drops.
func readAll(t testing.TB, f Format, file io.Reader, size int64) []event.Event {
	t.Helper()
	var all []event.Event
	items(t, f, file, size, func(it *transfer.Item) {
		if it.Drop.Reason != "" {
			t.Fatalf("line %d is dropped: %+v", it.Line, it.Drop)
		}
		all = append(all, *it.Record.Exact)
	})
	return all
}

// items finds a file's format by its beginning, and reads it.
func items(t testing.TB, f Format, file io.Reader, size int64, each func(*transfer.Item)) {
	t.Helper()
	in, err := transfer.NewInput(transfer.File{Name: "file", Reader: file, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	var src transfer.Source
	for _, format := range Formats() {
		if why := format.Looks(in.Head()); (why == "") != (format.Name == "moonbear-"+string(f)) {
			t.Fatalf("%s says of %s: %q", format.Name, f, why)
		} else if why == "" {
			if src, err = format.Open(in, transfer.Settings{Temp: t.TempDir()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for {
		var it transfer.Item
		if err := src.Next(&it); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		each(&it)
	}
}

// TestRoundTrip exports a site, imports that into another site of another
// store, exports that too, and finds no difference but the site and the import.
func TestRoundTrip(t *testing.T) {
	const here, there, imported = 1, 7, 42
	events := append(oddEvents(here), randomEvents(here, 3000, 1)...)
	events = append(events, (&eventtest.Bulk{Seed: 3}).Next(3000)...)
	a := openStore(t)
	fill(t, a, "a", append(events, randomEvents(2, 50, 2)...)) // and another site's
	stored := eventtest.All(t, a, here)
	eventtest.Same(t, stored, events)
	for i, f := range All() {
		for _, gz := range []bool{false, true} {
			name := string(f)
			if gz {
				name += ".gz"
			}
			t.Run(name, func(t *testing.T) {
				file := written(t, a, Request{Site: siteNumber(here), Format: f, Gzip: gz})
				back := readAll(t, f, bytes.NewReader(file), int64(len(file)))
				for i := range back {
					back[i].Site = here
				}
				eventtest.Same(t, back, stored)
				if gz {
					return
				}
				b := openStore(t)
				site := int64(there + i)
				for i := range back {
					back[i].Site, back[i].Import = site, imported
				}
				fill(t, b, "import", back)
				again := eventtest.All(t, b, site)
				want := append([]event.Event(nil), stored...)
				for i := range want {
					want[i].Site, want[i].Import = site, imported
				}
				eventtest.Same(t, again, want)
				if f == Parquet {
					return // its bytes are compressed
				}
				// The two files are the same, byte by byte, but for the two columns.
				second := written(t, b, Request{Site: siteNumber(site), Format: f})
				if strip(f, file) != strip(f, second) {
					t.Error("the second export differs from the first")
				}
			})
		}
	}
}

// strip takes the import's column out of a file, by reading it again.
func strip(f Format, file []byte) string {
	var r eventReader
	if f == CSV {
		c, err := newCSVReader(bytes.NewReader(file))
		if err != nil {
			return err.Error()
		}
		r = c
	} else {
		r = newNDJSONReader(bytes.NewReader(file))
	}
	var b strings.Builder
	for {
		var e event.Event
		if err := r.next(&e); err != nil {
			return b.String() + err.Error()
		}
		e.Import = 0
		fmt.Fprintf(&b, "%+v\n", e)
	}
}

// TestPipes reads files that can't be gone back in.
func TestPipes(t *testing.T) {
	s := openStore(t)
	events := (&eventtest.Bulk{Seed: 4}).Next(700)
	fill(t, s, "a", events)
	for _, f := range All() {
		file := written(t, s, Request{Site: siteNumber(1), Format: f})
		dir := t.TempDir()
		in, err := transfer.NewInput(transfer.File{Name: "-", Reader: io.MultiReader(bytes.NewReader(file))})
		if err != nil {
			t.Fatal(err)
		}
		src, err := open(f, in, transfer.Settings{Temp: dir})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			var it transfer.Item
			if err := src.Next(&it); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if n++; f == Parquet && it.Line != int64(n) {
				t.Errorf("%s: row %d is line %d", f, n, it.Line)
			}
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*")); n != len(events) || err != nil || len(left) > 0 {
			t.Errorf("%s: %d events, want %d; %v is left in the folder, %v", f, n, len(events), left, err)
		}
	}
}

func TestFileName(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	days := func(from, to string) Days {
		d, err := ParseDays(from, to, seoul)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{Days: days("", ""), Format: CSV}, "shop.example-events.csv"},
		{Request{Days: days("2026-03-01", "2026-03-31"), Format: NDJSON, Gzip: true}, "shop.example-events-2026-03-01-to-2026-03-31.ndjson.gz"},
		{Request{Days: days("2026-03-01", ""), Format: Parquet, Gzip: true}, "shop.example-events-2026-03-01.parquet"},
	} {
		c.r.Site = siteNumber(1)
		if got := c.r.FileName(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	r := Request{Site: &site.Site{Domain: "가게.한국/\"\r\n" + strings.Repeat("x", 200)}, Format: CSV}
	if got := r.FileName(); strings.ContainsAny(got, "/\"\r\n") || len(got) > 120 {
		t.Errorf("a strange domain's file is called %q", got)
	}
}

// TestDays holds a period to an independent idea of a day: every minute's
// local date.
func TestDays(t *testing.T) {
	for _, c := range []struct{ zone, from, to string }{
		{"UTC", "2026-03-02", "2026-03-02"},
		{"Asia/Seoul", "2026-03-02", "2026-03-03"},
		{"Europe/Berlin", "2026-03-29", "2026-03-29"},     // 23 hours
		{"Europe/Berlin", "2026-10-25", "2026-10-25"},     // 25 hours
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04"}, // begins at 01:00
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-05"},
		{"Asia/Kathmandu", "2026-05-01", "2026-05-31"},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseDays(c.from, c.to, loc)
		if err != nil {
			t.Fatal(err)
		}
		begin, err := time.Parse(time.DateOnly, c.from)
		if err != nil {
			t.Fatal(err)
		}
		for at := begin.Add(-40 * time.Hour); at.Before(begin.Add(33 * 24 * time.Hour)); at = at.Add(time.Minute) {
			date := at.In(loc).Format(time.DateOnly)
			if in, want := !at.Before(d.From) && at.Before(d.To), date >= c.from && date <= c.to; in != want {
				t.Errorf("%s, %s to %s: %s is in: %v, want %v", c.zone, c.from, c.to, at.In(loc), in, want)
				break
			}
		}
	}
	for _, c := range []struct{ from, to, says string }{
		{"yesterday", "", "from must be a date"}, {"", "2026-13-01", "to must be a date"}, {"2026-03-02", "2026-03-01", "to is before from"}, {"1969-12-31", "", "from must be"},
	} {
		if _, err := ParseDays(c.from, c.to, time.UTC); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s to %s: %v, want %q", c.from, c.to, err, c.says)
		}
	}
}

// TestPeriodEdges exports the first and the last millisecond of days, and
// none more.
func TestPeriodEdges(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDays("2026-03-29", "2026-03-29", berlin)
	if err != nil {
		t.Fatal(err)
	}
	var events []event.Event
	for i, at := range []time.Time{d.From.Add(-time.Millisecond), d.From, d.To.Add(-time.Millisecond), d.To} {
		events = append(events, event.Event{Site: 1, Time: at.UnixMilli(), Name: event.Pageview, Path: fmt.Sprint("/", i), Entry: event.Entry{VisitStart: at.UnixMilli()}})
	}
	s := openStore(t)
	fill(t, s, "a", events)
	x := New(s, nil)
	extent, err := x.Extent(t.Context(), 1, d)
	if err != nil || extent.Events != 2 || !extent.First.Equal(d.From) || !extent.Last.Equal(d.To.Add(-time.Millisecond)) {
		t.Errorf("got %+v, %v", extent, err)
	}
	for _, f := range All() {
		file := written(t, s, Request{Site: siteNumber(1), Format: f, Days: d})
		got := readAll(t, f, bytes.NewReader(file), int64(len(file)))
		if len(got) != 2 || got[0].Path != "/1" || got[1].Path != "/2" {
			t.Errorf("%s: got %+v", f, got)
		}
	}
}

// TestNothing exports a site without events: a header, and nothing to drop.
func TestNothing(t *testing.T) {
	s := openStore(t)
	x, err := New(s, nil).Extent(t.Context(), 1, Days{})
	if err != nil || x.Events != 0 || !x.First.IsZero() {
		t.Errorf("got %+v, %v", x, err)
	}
	for _, f := range All() {
		file := written(t, s, Request{Site: siteNumber(1), Format: f})
		if f == NDJSON {
			if len(file) > 0 {
				t.Errorf("ndjson: %q", file)
			}
			continue
		}
		if got := readAll(t, f, bytes.NewReader(file), int64(len(file))); len(got) != 0 {
			t.Errorf("%s: %d events", f, len(got))
		}
	}
}

// TestStops gives up as soon as nobody reads, or asks, any more.
func TestStops(t *testing.T) {
	s := openStore(t)
	fill(t, s, "a", (&eventtest.Bulk{Seed: 5, Gap: time.Minute}).Next(12_000))
	x := New(s, nil)
	for _, f := range All() {
		w := &failing{after: 70_000}
		if err := x.Write(t.Context(), w, Request{Site: siteNumber(1), Format: f}, nil); !errors.Is(err, errGone) {
			t.Errorf("%s to a reader who has gone: %v", f, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := x.Write(ctx, io.Discard, Request{Site: siteNumber(1), Format: f}, nil); err == nil {
			t.Errorf("%s, cancelled, ended well", f)
		}
	}
}

var errGone = errors.New("the reader has gone")

// failing takes some bytes and no more.
type failing struct{ after int }

func (w *failing) Write(b []byte) (int, error) {
	if w.after -= len(b); w.after < 0 {
		return 0, errGone
	}
	return len(b), nil
}
