package collect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/kv"
)

// load copies everything durable to the store, as package load does.
func (w *world) load(store event.Store) {
	w.t.Helper()
	from, err := store.Loaded(context.Background(), w.spool.ID())
	if err != nil {
		w.t.Fatal(err)
	}
	b := event.Batch{Spool: w.spool.ID(), From: from, To: from}
	for b.To < w.spool.Durable() {
		b.To, err = w.spool.Read(context.Background(), b.To, 1<<20, func(_ int64, record []byte) error { return b.Decode(record) })
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := store.Append(context.Background(), &b); err != nil {
		w.t.Fatal(err)
	}
}

// After a restart open visits go on, engagement finds its visit, and a batch's
// key is still known, whether they were loaded or are in the spool only.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	store, err := duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(dir, "events.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	before := newWorld(t, dir)
	noon := before.clock.now() // 12:00 in Seoul
	tagged := `,"referrer":"https://www.google.com/","screen_width":1440,"user_language":"ko-KR","utm_campaign":"봄"`
	seen := func(w *world, who string) {
		w.hit("/event", pv("https://example.com/"+who, tagged), "User-Agent", chrome+who)
	}

	seen(before, "old") // its visit will be over, and its engagement not
	before.clock.add(4 * time.Hour)
	seen(before, "loaded")
	before.hit("/v1/events", list(`{"url":"https://example.com/","visitor_id":"b","timestamp":"`+before.ago(2*time.Minute)+`"}`), keyed("k1")...)
	before.load(store)
	before.clock.add(10 * time.Minute)
	seen(before, "spooled")
	seen(before, "loaded") // one event loaded, one not
	before.hit("/v1/events", list(`{"url":"https://example.com/"}`), keyed("k2")...)
	was := map[string]event.Event{}
	for _, e := range before.stored().Events {
		if _, known := was[e.Path]; !known {
			was[e.Path] = e
		}
	}
	before.stop()

	w := newWorld(t, dir)
	w.clock.set(noon.Add(4*time.Hour + 20*time.Minute))
	if err := w.Restore(ctx, store, w.spool); err != nil {
		t.Fatal(err)
	}
	n := len(w.read().Events)
	seen(w, "loaded")
	seen(w, "spooled")
	// An engagement of a visit that isn't known yet waits until it is.
	left := make(chan struct{})
	go func() {
		defer close(left)
		w.hit("/event", pv("https://example.com/old", `,"event":"engagement"`), "User-Agent", chrome+"old")
	}()
	select {
	case <-left:
		t.Error("an engagement was judged before ended visits were restored")
	case <-time.After(50 * time.Millisecond):
	}
	if err := w.RestoreEnded(ctx, store); err != nil {
		t.Fatal(err)
	}
	<-left
	seen(w, "old")
	w.hit("/v1/events", list(`{"url":"https://example.com/b","visitor_id":"b"}`), auth...) // must not join a batch's visit
	got := w.stored().Events[n:]
	for i, want := range []struct {
		path string
		same bool
	}{{"/loaded", true}, {"/spooled", true}, {"/old", true}, {"/old", false}} {
		e, first := got[i], was[want.path]
		if same := e.Visit == first.Visit && e.Entry == first.Entry; same != want.same || e.Visitor != first.Visitor {
			t.Errorf("event %d, %s: the visit of before: %v, want %v\n%+v\n%+v", i, e.Path, same, want.same, e, first)
		}
	}
	if got[4].Visit == was["/"].Visit {
		t.Error("a live event joined the visit of a batch")
	}
	for key, want := range map[string]int{"k1": 202, "k2": 202} {
		if status, answer := w.send(request("/v1/events", list(`{"url":"https://example.com/"}`), keyed(key)...)); key == "k2" && status != want || key == "k1" && status != 422 {
			t.Errorf("key %s: %d %s", key, status, answer)
		}
	}
	if m := len(w.stored().Events); m != n+5 {
		t.Errorf("%d new events, want 5: a batch with a known key was stored again", m-n)
	}
}

// What is past its time is not restored, and is forgotten.
func TestRestoreForgets(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	store, err := duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(dir, "events.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	before := newWorld(t, dir)
	before.hit("/event", pv("https://example.com/", ""))
	before.hit("/v1/events", list(`{"url":"https://example.com/"}`), keyed("k1")...)
	before.load(store)
	now := before.clock.now()
	before.stop()
	for _, tc := range []struct {
		after        time.Duration
		visits, keys int
	}{{kv.Retention, 1, 1}, {kv.Retention + time.Millisecond, 0, 1}, {kv.KeyRetention + time.Millisecond, 0, 0}} {
		visits, keys := kv.NewMemory(100), kv.NewMemoryKeys()
		w := newWorld(t, dir, func(o *Options) { o.Visits, o.Keys = visits, keys })
		w.clock.set(now.Add(tc.after))
		if err := w.Restore(ctx, store, w.spool); err != nil {
			t.Fatal(err)
		}
		if err := w.RestoreEnded(ctx, store); err != nil {
			t.Fatal(err)
		}
		if visits.Len() != tc.visits || keys.Len() != tc.keys {
			t.Errorf("%v later %d visits and %d keys are restored, want %d and %d", tc.after, visits.Len(), keys.Len(), tc.visits, tc.keys)
		}
		w.forget(now.Add(25 * time.Hour).UnixMilli())
		if visits.Len()+keys.Len() != 0 {
			t.Errorf("%d visits and %d keys are kept past their time", visits.Len(), keys.Len())
		}
		w.stop()
	}
}

// A start reads the last hours in slices, so that a busy server's do not ask
// for more memory than the event store may use.
func TestRestoreOfManyVisits(t *testing.T) {
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
	dir := t.TempDir()
	store, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(dir, "events.duckdb"), Memory: 128 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := newWorld(t, dir)
	const visits = 300_000
	first := w.clock.now().Add(-3 * time.Hour)
	b := event.Batch{Spool: "many"}
	for i := range int64(visits) {
		at := first.Add(time.Duration(i) * 30 * time.Millisecond).UnixMilli()
		path := fmt.Sprintf("/a-path-long-enough-to-need-room-of-its-own/%d", i)
		b.Events = append(b.Events, event.Event{Site: 1, Time: at, Name: event.Pageview, Visitor: i + 1, Visit: 2*i + 1, Path: path,
			Entry: event.Entry{VisitStart: at, EntryPath: path, Referrer: "example.org" + path, UTMCampaign: path, UTMContent: path}})
		if len(b.Events) == 50_000 {
			b.From, b.To = b.To, b.To+50_000
			if err := store.Append(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			b.Events = b.Events[:0]
		}
	}
	known := kv.NewMemory(2 * visits)
	w.Collector.visits = known
	if err := w.Collector.Restore(t.Context(), store, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.RestoreEnded(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if known.Len() != visits {
		t.Errorf("%d visits are known again, want %d", known.Len(), visits)
	}
}

func TestSpans(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(m float64) time.Time { return noon.Add(time.Duration(m * float64(time.Minute))) }
	for _, tc := range []struct {
		name string
		busy []minute
		want []span
	}{
		{"nothing", nil, nil},
		{"quiet minutes together, with the gap between them", []minute{{at(0), 5}, {at(7), 9}}, []span{{at(0), at(8)}}},
		{"a full slice ends", []minute{{at(0), restoreSlice - 1}, {at(1), 2}}, []span{{at(0), at(1)}, {at(1), at(2)}}},
		{"a busy minute is cut", []minute{{at(0), 2*restoreSlice + 1}, {at(1), 3}},
			[]span{{at(0), at(1.0 / 3)}, {at(1.0 / 3), at(2.0 / 3)}, {at(2.0 / 3), at(1)}, {at(1), at(2)}}},
		{"only so far back", []minute{{at(0), 1}, {at(1), restoreEvents}, {at(2), 1}}, []span{{at(2), at(3)}}},
		{"the latest minute always", []minute{{at(0), 1}, {at(1), restoreEvents + 1}}, cutMinute(at(1), restoreEvents/restoreSlice+1)},
	} {
		if got := spans(tc.busy); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func cutMinute(at time.Time, parts int) (out []span) {
	for i := range parts {
		out = append(out, span{at.Add(time.Minute * time.Duration(i) / time.Duration(parts)), at.Add(time.Minute * time.Duration(i+1) / time.Duration(parts))})
	}
	return out
}
