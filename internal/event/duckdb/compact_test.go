package duckdb

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

func tiny(o *Options) { o.minSegment = 500; o.Memory = 256 << 20 }

// TestChangesWhileCompacting appends and deletes at each step of a compaction.
func TestChangesWhileCompacting(t *testing.T) {
	for _, step := range []string{"frozen", "staged", "built", "published", "adopted"} {
		t.Run(step, func(t *testing.T) {
			ctx := context.Background()
			var s *Store
			g := &eventtest.Bulk{Seed: 2, Weights: map[int64]int{1: 2, 2: 1}}
			first, second, late := g.Next(3000), g.Next(1000), g.Next(700)
			armed, met := false, false
			s = openAt(t, t.TempDir(), func(o *Options) {
				tiny(o)
				o.step = func(name string) {
					if !armed || name != step {
						return
					}
					met = true
					eventtest.Append(t, s, eventtest.Batch("a", 4000, late))
					if err := s.Delete(ctx, event.Selection{Site: 2}); err != nil {
						t.Error(err)
					}
				}
			})
			defer s.Close()
			eventtest.Append(t, s, eventtest.Batch("a", 0, first))
			if err := s.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			eventtest.Append(t, s, eventtest.Batch("a", 3000, second))
			armed = true
			if err := s.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			armed = false
			if !met {
				t.Fatal("the step was not met")
			}
			var want []event.Event
			for _, e := range slices.Concat(first, second, late) {
				if e.Site == 1 {
					want = append(want, e)
				}
			}
			for range 2 {
				eventtest.Same(t, eventtest.All(t, s, 1), want)
				if n := eventtest.Number(t, s, "select count(*) from events where site_id = 2"); n != 0 {
					t.Errorf("%d deleted events are back", n)
				}
				if err := s.Compact(ctx); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestSelectWhileCompacting: a query sees every event once, whatever moves.
func TestSelectWhileCompacting(t *testing.T) {
	long(t)
	ctx := context.Background()
	s := openAt(t, t.TempDir(), tiny)
	defer s.Close()
	g := &eventtest.Bulk{Seed: 2}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			var last int64
			for {
				select {
				case <-done:
					return
				default:
				}
				n := eventtest.Number(t, s, "select count(*) from events")
				if n < last || n%1000 != 0 {
					t.Errorf("%d events after %d", n, last)
					return
				}
				last = n
			}
		})
	}
	for i := range int64(6) {
		eventtest.Append(t, s, eventtest.Batch("a", i*1000, g.Next(1000)))
		if i == 3 {
			// So that the hot file is renewed under the readers.
			if err := s.Delete(ctx, event.Selection{Site: 99}); err != nil {
				t.Error(err)
			}
		}
		if err := s.Compact(ctx); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
	if n := eventtest.Number(t, s, "select count(*) from events"); n != 6000 {
		t.Errorf("%d events, want 6000", n)
	}
}

// TestRenewWithOpenRows: rows nobody closes hold the old file, not the store.
func TestRenewWithOpenRows(t *testing.T) {
	ctx := context.Background()
	s := openAt(t, t.TempDir(), tiny)
	defer s.Close()
	eventtest.Append(t, s, eventtest.Batch("a", 0, (&eventtest.Bulk{Seed: 1}).Next(2000)))
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	rows, err := s.Select(ctx, "select path from events")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() { rows.Close() })
	if err := s.Delete(ctx, event.Selection{Site: 5}); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if s.engine.hot != 2 {
		t.Errorf("the hot file is number %d, want 2", s.engine.hot)
	}
	if n := eventtest.Number(t, s, "select count(*) from events"); n != 2000 {
		t.Errorf("%d events, want 2000", n)
	}
}

func TestPostponed(t *testing.T) {
	ctx := context.Background()
	var log bytes.Buffer
	metrics := prometheus.NewRegistry()
	free := int64(100 << 20)
	s := openAt(t, t.TempDir(), func(o *Options) {
		tiny(o)
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Metrics = metrics
		o.diskFree = func(string) (int64, error) { return free, nil }
	})
	defer s.Close()
	eventtest.Append(t, s, eventtest.Batch("a", 0, (&eventtest.Bulk{Seed: 1}).Next(2000)))
	if err := s.Compact(ctx); !errors.Is(err, ErrDiskShort) {
		t.Errorf("compact with 100 MiB free = %v, want ErrDiskShort", err)
	}
	if !strings.Contains(log.String(), "compaction postponed") || !strings.Contains(log.String(), "free_bytes=104857600") {
		t.Errorf("the log does not say so: %s", log.String())
	}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		got[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	for name, want := range map[string]float64{
		"moonbear_store_compactions_postponed_total": 1, "moonbear_store_appended_rows_total": 2000, "moonbear_store_append_seconds": 1,
		"moonbear_store_compact_seconds": 1,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	if got["moonbear_store_file_bytes"] < 1000 || got["moonbear_store_disk_free_bytes"] < 1000 {
		t.Errorf("no sizes in %v", got)
	}
	free = 10 << 30
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	l, err := readLayout(ctx, s.engine.db)
	if err != nil || len(l.segments) != 1 {
		t.Errorf("%d segments, %v; want 1 after space was made", len(l.segments), err)
	}
}

// TestFatal: after an error that closes DuckDB the store opens it again.
func TestFatal(t *testing.T) {
	ctx := context.Background()
	s := openAt(t, t.TempDir(), tiny)
	defer s.Close()
	eventtest.Append(t, s, eventtest.Batch("a", 0, (&eventtest.Bulk{Seed: 1}).Next(2000)))
	before := s.engine
	err := s.use(ctx, func(*engine) error {
		return errors.New("FATAL Error: Failed: database has been invalidated because of a previous fatal error")
	})
	if err == nil {
		t.Fatal("the error was swallowed")
	}
	if n := eventtest.Number(t, s, "select count(*) from events"); n != 2000 {
		t.Errorf("%d events, want 2000", n)
	}
	if s.engine == before {
		t.Error("the engine was not replaced")
	}
	eventtest.Append(t, s, eventtest.Batch("a", 2000, (&eventtest.Bulk{Seed: 2}).Next(10)))
	if got, err := s.Loaded(ctx, "a"); err != nil || got != 2010 {
		t.Errorf("loaded %d, %v; want 2010", got, err)
	}
}

func TestDecide(t *testing.T) {
	dead := []tombstone{newTombstone(event.Selection{Site: 1})}
	for _, c := range []struct {
		name     string
		segments []segment
		hot      int64
		want     string
	}{
		{"nothing", nil, 0, ""},
		{"too few", nil, 99, ""},
		{"first", nil, 100, "hot"},
		{"merge the like", []segment{{id: 1, events: 100}}, 100, "hot+1"},
		{"leave the large", []segment{{id: 1, events: 1000}}, 100, "hot"},
		{"merge upwards", []segment{{id: 1, events: 1000}, {id: 2, events: 200}, {id: 3, events: 500}}, 100, "hot+2+3+1"},
		{"not beyond the greatest", []segment{{id: 1, events: maxSegment - 50}}, maxSegment, "hot"},
		{"rewrite the buried", []segment{{id: 1, events: 1000, tombstones: dead}}, 0, "1"},
		{"rewrite the buried in the merge", []segment{{id: 1, events: 100, tombstones: dead}, {id: 2, events: 900, tombstones: dead}}, 100, "hot+1 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := decide(&layout{segments: c.segments}, c.hot, 100)
			var units []string
			for _, u := range p.units {
				var parts []string
				if u.hot {
					parts = append(parts, "hot")
				}
				for _, sg := range u.segments {
					parts = append(parts, fmt.Sprint(sg.id))
				}
				units = append(units, strings.Join(parts, "+"))
			}
			if got := strings.Join(units, " "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestFewSegments: many nights leave few tables for a query to plan with.
func TestFewSegments(t *testing.T) {
	l, id := &layout{}, int64(0)
	var rewritten, total int64
	for night := range 3650 {
		hot := int64(200_000 + 1000*(night%100))
		total += hot
		for _, u := range decide(l, hot, minSegment).units {
			rewritten += u.events
			l.segments = slices.DeleteFunc(l.segments, func(s segment) bool {
				return slices.ContainsFunc(u.segments, func(x segment) bool { return x.id == s.id })
			})
			id++
			l.segments = append(l.segments, segment{id: id, events: u.events})
		}
		if limit := 8 + int(total/(maxSegment/2)); len(l.segments) > limit {
			t.Fatalf("%d segments after night %d and %d events, want at most %d", len(l.segments), night, total, limit)
		}
	}
	if each := float64(rewritten) / float64(total); each > 9 {
		t.Errorf("an event is rewritten %.1f times, want at most 9", each)
	}
}

// TestPruning asks DuckDB what a hot query reads: of a site's week, in a store
// of four row groups, it must not read more than a few.
func TestPruning(t *testing.T) {
	ctx := context.Background()
	s := openAt(t, t.TempDir(), nil)
	defer s.Close()
	g := &eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 20, 2: 1, 3: 20}, Gap: 10 * time.Second}
	const n = 450_000
	for pos := int64(0); pos < n; pos += 50_000 {
		eventtest.Append(t, s, eventtest.Batch("a", pos, g.Next(50_000)))
	}
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	from := eventtest.Start.AddDate(0, 0, 20)
	for _, c := range []struct {
		name, query string
		args        []any
		most        int64
	}{
		{"small site", "select count(distinct visit_id) from events where site_id = ? and ts >= ? and ts < ?", []any{int64(2), from, from.AddDate(0, 0, 7)}, 122_880 * 2},
		{"big site's day", "select path, count(*) from events where site_id = ? and ts >= ? and ts < ? group by 1", []any{int64(1), from, from.AddDate(0, 0, 1)}, 122_880 * 2},
		{"int instead of int64", "select count(distinct visit_id) from events where site_id = ? and ts >= ?", []any{2, from}, 122_880 * 2},
		{"unknown site", "select count(distinct visit_id) from events where site_id = ?", []any{int64(99)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			scanned := scannedRows(t, s, c.query, c.args...)
			if scanned > c.most {
				t.Errorf("%d rows read of %d, want at most %d", scanned, n, c.most)
			}
		})
	}
	if all := scannedRows(t, s, "select count(distinct visit_id) from events where site_id % 2 = ?", int64(0)); all != n {
		t.Errorf("a condition that prunes nothing reads %d rows, want %d: this test could not fail", all, n)
	}
}

func scannedRows(t *testing.T, s *Store, query string, args ...any) int64 {
	t.Helper()
	rows, err := s.Select(context.Background(), "explain (analyze, format json) "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var key, plan string
	for rows.Next() {
		if err := rows.Scan(&key, &plan); err != nil {
			t.Fatal(err)
		}
	}
	type node struct {
		Scanned  int64  `json:"operator_rows_scanned"`
		Children []node `json:"children"`
	}
	var root node
	if err := json.Unmarshal([]byte(plan), &root); err != nil {
		t.Fatalf("%v: %s", err, plan)
	}
	var sum func(node) int64
	sum = func(n node) int64 {
		total := n.Scanned
		for _, c := range n.Children {
			total += sum(c)
		}
		return total
	}
	return sum(root)
}

func TestShrinks(t *testing.T) {
	ctx := context.Background()
	s := openAt(t, t.TempDir(), func(o *Options) { o.minSegment = 10_000 })
	defer s.Close()
	g := &eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 9, 2: 1}}
	eventtest.Append(t, s, eventtest.Batch("a", 0, g.Next(150_000)))
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	before := filesBytes(s.o.Path, "")
	if err := s.Delete(ctx, event.Selection{Site: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if after := filesBytes(s.o.Path, ""); after > before/3 {
		t.Errorf("%d bytes after deleting nine tenths of %d", after, before)
	}
}

func TestDefaultMemory(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	const gib = 1 << 30
	for _, c := range []struct {
		name string
		root fstest.MapFS
		want int64
	}{
		{"big machine", fstest.MapFS{"proc/meminfo": file("MemTotal: 25165824 kB\n")}, gib},
		{"1 GiB machine", fstest.MapFS{"proc/meminfo": file("MemTotal:  1048576 kB\nMemFree: 1 kB\n")}, gib / 4},
		{"cgroup v2", fstest.MapFS{"proc/meminfo": file("MemTotal: 25165824 kB\n"), "sys/fs/cgroup/memory.max": file("536870912\n")}, gib / 8},
		{"cgroup v2 without limit", fstest.MapFS{"proc/meminfo": file("MemTotal: 2097152 kB\n"), "sys/fs/cgroup/memory.max": file("max\n")}, gib / 2},
		{"cgroup v2 of a parent", fstest.MapFS{"proc/meminfo": file("MemTotal: 25165824 kB\n"), "proc/self/cgroup": file("0::/a.slice/b.service\n"),
			"sys/fs/cgroup/a.slice/memory.max": file("1073741824\n"), "sys/fs/cgroup/a.slice/b.service/memory.max": file("max\n")}, gib / 4},
		{"cgroup v1", fstest.MapFS{"proc/meminfo": file("MemTotal: 25165824 kB\n"), "proc/self/cgroup": file("9:cpu,cpuacct:/x\n4:memory:/docker/x\n"),
			"sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": file("1073741824\n")}, gib / 4},
		{"cgroup v1 without limit", fstest.MapFS{"proc/meminfo": file("MemTotal: 1048576 kB\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n")}, gib / 4},
		{"nothing known", fstest.MapFS{}, gib / 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := memoryFor(c.root); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
	if n := DefaultMemory(); n <= 0 || n > gib {
		t.Errorf("here: %d", n)
	}
}

func TestOneProcess(t *testing.T) {
	if _, err := Open(context.Background(), Options{}); err == nil {
		t.Error("a store without a path was opened")
	}
	if _, err := Open(context.Background(), Options{Path: t.TempDir() + "/a#b"}); err == nil || !strings.Contains(err.Error(), "must not contain") {
		t.Errorf("a path the driver cannot parse: %v", err)
	}
}

// TestNewerSchema: an old program leaves a newer store alone.
func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, nil)
	err := s.use(context.Background(), func(e *engine) error {
		_, err := e.db.Exec("insert into schema_version values (1000)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), Options{Path: dir}); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("open = %v, want a hint at the newer program", err)
	}
}

// TestBoundedMemory takes, compacts and asks for more than the memory holds.
func TestBoundedMemory(t *testing.T) {
	long(t)
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	ctx := context.Background()
	const limit = 128 << 20
	s := openAt(t, t.TempDir(), func(o *Options) { o.Memory = limit; o.minSegment = 100_000 })
	defer s.Close()
	g := &eventtest.Bulk{Seed: 1}
	for pos := int64(0); pos < 300_000; pos += 20_000 {
		eventtest.Append(t, s, eventtest.Batch("a", pos, g.Next(20_000)))
	}
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	var rows *sql.Rows
	rows, err := s.Select(ctx, "select path, count(distinct visit_id), quantile_cont(page_load, 0.75) from events group by 1")
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
	if n := eventtest.Number(t, s, "select memory_usage_bytes::bigint from (select sum(memory_usage_bytes) as memory_usage_bytes from duckdb_memory())"); n > limit {
		t.Errorf("DuckDB holds %d MiB, its limit is %d", n>>20, limit>>20)
	}
}
