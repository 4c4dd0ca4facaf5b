package collect

import (
	"context"
	"path/filepath"
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
	w.hit("/event", pv("https://example.com/old", `,"event":"engagement"`), "User-Agent", chrome+"old")
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
