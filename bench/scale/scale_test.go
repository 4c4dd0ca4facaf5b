package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/bench/figures"
	"moonbear/bench/hits"
)

// What was not measured is said to be so, and nothing is made up of it.
func TestNothingMeasured(t *testing.T) {
	f, err := read(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text, ok := f.measured()
	if !ok {
		t.Error("a floor is missed that was not measured")
	}
	in := f.inputs()
	for name, table := range map[string]string{"measured": text, "steps": stepsTable(in), "billion": billionTable(in)} {
		if !strings.Contains(table, unknown) {
			t.Errorf("%s: nothing is said to be unknown:\n%s", name, table)
		}
		for _, wrong := range []string{"NaN", "Inf", "%!"} {
			if strings.Contains(table, wrong) {
				t.Errorf("%s has %q:\n%s", name, wrong, table)
			}
		}
	}
	for _, row := range []string{"| 10 M | DuckDB | " + unknown, "| 50 M | ClickHouse | " + unknown, "| 1 and 4 | " + unknown} {
		if !strings.Contains(text, row) {
			t.Errorf("want %q in\n%s", row, text)
		}
	}
	// What needs no measuring: prices and a day's seconds.
	if table := stepsTable(in); !strings.Contains(table, "| the smallest VPS, one binary | 2 vCPU, 2 GiB, 40 GB | 5 |") || !strings.Contains(table, "| Kubernetes, 2 replicas | 2 × 1 vCPU; ClickHouse 1 shard, 2 × 4 vCPU and 500 GB | 384 |") {
		t.Errorf("the prices are\n%s", table)
	}
	if table := billionTable(in); !strings.Contains(table, "11,574/s on average, 34,722/s at most") {
		t.Errorf("a billion is\n%s", table)
	}
}

// everything is figures of round numbers.
func everything(t *testing.T) found {
	t.Helper()
	dir := t.TempDir()
	panel := func(p95, engine float64) figures.Asked {
		return figures.Asked{figures.Dashboard: {P95: 900, CPU: 50}, "pages": {P95: p95, CPU: 10, Engine: engine}, "sources": {P95: 1, CPU: 20}}
	}
	for _, f := range []*figures.Size{
		{Events: 50_000_000, Sites: 20, LoadPerSecond: 60_000, Bytes: 50, Big: panel(500, 0), Small: panel(50, 0), Peak: 500 << 20},
		{Store: "ClickHouse", Events: 50_000_000, Sites: 20, LoadPerSecond: 90_000, Bytes: 30, Big: panel(700, 1000), Small: panel(20, 1), Peak: 200 << 20, Engine: &figures.Engine{LoadCPU: 8, Peak: 900 << 20}},
	} {
		if err := f.Keep(dir, "50m-20"+f.Store); err != nil {
			t.Fatal(err)
		}
	}
	one := func(v float64) []float64 { return []float64{v} }
	c := func(replicas int, rate, server float64) *figures.Case {
		return &figures.Case{Replicas: replicas, Rate: rate, Server: one(server), Engine: one(100), Redis: one(20), Postgres: one(1), P99: one(4), PerSecond: one(rate),
			Commands: one(2), Transactions: one(8), Inserts: one(40), Batches: one(16), Written: one(1000), Syncs: one(400)}
	}
	if err := (&figures.Replicas{Seconds: 20, Engine: "26.7", Cases: []*figures.Case{c(1, 1000, 126), c(1, 4000, 100), c(4, 4000, 144)}}).Keep(dir); err != nil {
		t.Fatal(err)
	}
	if err := (&figures.Collecting{HalfCPU: 100}).Keep(dir); err != nil {
		t.Fatal(err)
	}
	f, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTables(t *testing.T) {
	f := everything(t)
	text, ok := f.measured()
	in := f.inputs()
	if !ok {
		t.Error("1.14 times is taken for too much")
	}
	for table, rows := range map[string][]string{
		text: {
			"| server CPU a hit, 4 replicas of one replica's, each with 1,000 hits/s | ≤ 1.15 times | – | 1.14 times | met |\n",
			"| 50 M | DuckDB | 60,000/s | – | 50.0 | 500 ms (pages) | 50 ms (pages) | 900 ms | 15 ms | 500 MiB |\n",
			"| 50 M | ClickHouse | 90,000/s | 8.0 µs | 30.0 | 700 ms (pages) | 20 ms (pages) | 900 ms | 15 ms + 500 ms | 200 MiB + 900 MiB |\n",
			"| 10 M | ClickHouse | " + unknown,
			"| 4 | 4,000 | 144 µs (144 to 144) | 1.14 | 1.44 | 100 µs (100 to 100) |",
			"<details><summary>50 million events in ClickHouse",
		},
		stepsTable(in): {
			// 2 processors, half of them at 100 µs a hit: 10,000 a second at most, a third of it on average.
			"collecting 288.0 million; loading 864.0 million; disk, a year kept 1.5 million | disk, a year kept |\n",
			"collecting 200.0 million; loading 576.0 million; disk, a year kept 32.0 million; Redis 720.0 million | disk, a year kept |\n",
			"with 50.0 million events of 30 days on two cores the biggest site's slowest panel takes 500 ms",
		},
		billionTable(in): {
			"| replicas | 144 µs a hit | 5.0 processors busy, so 3 × 4 processors |\n",
			"| spools | 1000 bytes a hit; 100 fsyncs a second and replica, more hits in each the more come | 35 MB/s, 11.6 MB/s a replica |\n",
			"| Redis | 20 µs a hit, one thread; 2.0 commands a hit | 69444 commands/s, so 2 of them, by visitor |\n",
			"| ClickHouse, loading | 100 µs a hit | 3.5 processors busy, so 1 × 16 processors as shards, each twice |\n",
			"| ClickHouse, inserts | 10.0 a second and replica | 30/s; of one table's tokens Keeper remembers 333 s and must remember 60 |\n",
			"| disk | 30.0 bytes an event | 30 GB a day, 3 TB for 30 days and 31 TB for a year, twice, 70 % full |\n",
			// 40 ms a million, 300 million.
			"| 12 s for 30 days of a customer with 1 % of all events, 0.8 s on all shards at once |\n",
		},
	} {
		for _, row := range rows {
			if !strings.Contains(table, row) {
				t.Errorf("want %q in\n%s", row, table)
			}
		}
	}
	f.replicas.Cases[0].Server[0] = 124
	if _, ok := f.measured(); ok {
		t.Error("more than 1.15 times is taken for enough")
	}
}

// The document has the places, and they are filled alone.
func TestReport(t *testing.T) {
	doc := filepath.Join(t.TempDir(), "doc.md")
	text := "a\n"
	for _, m := range []string{markMeasured, markSteps, markBillion} {
		text += "<!-- " + m + " -->\n<!-- /" + m + " -->\nb\n"
	}
	if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := report(options{data: t.TempDir(), doc: doc}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(doc)
	if err != nil || strings.Count(string(b), "\nb\n") != 3 || !strings.Contains(string(b), "| questions |") {
		t.Errorf("the document is %s; %v", b, err)
	}
	for _, m := range []string{markMeasured, markSteps, markBillion} {
		if real, err := os.ReadFile("../../docs/performance.md"); err != nil || !strings.Contains(string(real), "<!-- "+m+" -->\n") {
			t.Errorf("docs/performance.md has no place for %q; %v", m, err)
		}
	}
}

func TestSince(t *testing.T) {
	begun := time.Now()
	before := looked{at: begun, server: time.Second, written: 1000, syncs: 100, batches: 10, spent: spent{commands: 5}}
	after := looked{at: begun.Add(20 * time.Second), server: 3 * time.Second, written: 3_001_000, syncs: 2100, batches: 90,
		spent: spent{events: time.Second, redis: 100 * time.Millisecond, postgres: 10 * time.Millisecond, inserts: 40, commands: 20_005, transactions: 10}}
	c := &figures.Case{}
	after.since(before, &hits.Tally{Answers: map[int]int{202: 10_000}, Took: 20 * time.Second, Latencies: []time.Duration{time.Millisecond}}, c)
	for name, x := range map[string]struct {
		got  []float64
		want float64
	}{
		"server": {c.Server, 200}, "engine": {c.Engine, 100}, "redis": {c.Redis, 10}, "postgres": {c.Postgres, 1}, "p99": {c.P99, 1}, "rate": {c.PerSecond, 500},
		"commands": {c.Commands, 2}, "transactions": {c.Transactions, 0.5}, "inserts": {c.Inserts, 2}, "written": {c.Written, 300}, "syncs": {c.Syncs, 100}, "batches": {c.Batches, 4},
	} {
		if len(x.got) != 1 || math.Abs(x.got[0]-x.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, x.got, x.want)
		}
	}
}

func TestReadInfo(t *testing.T) {
	const info = "# CPU\r\nused_cpu_sys:1.5\r\nused_cpu_user:0.25\r\nused_cpu_user_children:9\r\n\r\n# Stats\r\ntotal_commands_processed:42\r\n"
	cpu, commands, err := readInfo(info)
	if err != nil || cpu != 1750*time.Millisecond || commands != 42 {
		t.Errorf("%v, %v, %v", cpu, commands, err)
	}
	for _, wrong := range []string{"", "# CPU\r\n", strings.Replace(info, "1.5", "x", 1)} {
		if _, _, err := readInfo(wrong); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}
