package stats_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/stats"
)

const memoryDir = "STATS_TEST_MEMORY_DIR"

// TestMemory asks the heaviest questions about a million events, in a process
// of its own, as what a process has had resident is of all its tests.
func TestMemory(t *testing.T) {
	if !long() && os.Getenv(memoryDir) == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("only Linux tells how much memory is resident")
	}
	if dir := os.Getenv(memoryDir); dir != "" {
		weighQuestions(t, dir)
		return
	}
	dir := filepath.Join(t.TempDir(), "store")
	store, err := duckdb.Open(t.Context(), duckdb.Options{Path: dir, Memory: 512 << 20, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	g := &eventtest.Bulk{Seed: 5, Weights: map[int64]int{eventtest.Site: 1}, From: eventtest.Start, Gap: 100 * time.Millisecond}
	for n := int64(0); n < 1_000_000; n += 50_000 {
		es := g.Next(50_000)
		for i := range es {
			for m := range es[i].Measures { // all of them, on every event
				es[i].Measures[m] = event.Measured(int64((int(n) + i*(m+7)) % 9000))
			}
		}
		if err := store.Append(t.Context(), eventtest.Batch("spool", n, es)); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemory$", "-test.v")
	cmd.Env = append(os.Environ(), memoryDir+"="+dir)
	out, err := cmd.CombinedOutput()
	if t.Logf("%s", out); err != nil {
		t.Error(err)
	}
}

func weighQuestions(t *testing.T, dir string) {
	const memory, above, idle = 128 << 20, 250 << 20, 200 << 20
	store, err := duckdb.Open(t.Context(), duckdb.Options{Path: dir, Memory: memory, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var all []stats.Metric
	for _, measure := range event.MeasureColumns {
		for _, p := range []int{50, 75, 95} {
			if _, ok := stats.Percentile(measure, p).Info(); ok {
				all = append(all, stats.Percentile(measure, p))
			}
		}
	}
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "12m"}}
	some := q
	some.Filter = stats.Filter{Dimension: stats.Path, Op: stats.StartsWith, Values: []string{"/"}}
	s := stats.New(store, func() time.Time { return eventtest.Start.AddDate(0, 0, 10) })
	_, err = s.RunAll(t.Context(), q.Totals(all...), some.Totals(all...),
		q.By(stats.Path, 10, append(all[:4:4], stats.Visitors, stats.Visits, stats.BounceRate)...), q.Totals(stats.Visitors, stats.Visits, stats.VisitDuration))
	if err != nil {
		t.Fatal(err)
	}
	if most := resident(t, "VmHWM"); most > memory+above {
		t.Errorf("%d MiB were resident, want at most %d", most>>20, (memory+above)>>20)
	} else {
		t.Logf("%d MiB were resident", most>>20)
	}
	go func() { _ = store.Run(t.Context()) }()
	for end := time.Now().Add(30 * time.Second); resident(t, "VmRSS") > idle; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d MiB are resident of a store at rest, want at most %d", resident(t, "VmRSS")>>20, idle>>20)
		}
	}
	t.Logf("%d MiB are resident at rest", resident(t, "VmRSS")>>20)
}

// resident is a line of the kernel's account of this process, in bytes.
func resident(t *testing.T, name string) (bytes int64) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			if _, err := fmt.Sscan(v, &bytes); err != nil {
				t.Fatal(err)
			}
			return bytes << 10
		}
	}
	t.Fatalf("no %s", name)
	return 0
}
