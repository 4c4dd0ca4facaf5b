package figures

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPercentileIsNearestRank(t *testing.T) {
	var twenty []time.Duration
	for i := range 20 {
		twenty = append(twenty, time.Duration(20-i)*time.Millisecond) // not in order
	}
	got := Summarize("x", twenty, 40*time.Millisecond, 60*time.Millisecond)
	if want := (Took{Name: "x", N: 20, P50: 10, P95: 19, Max: 20, CPU: 2, Engine: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, tc := range []struct {
		of   []int
		p    float64
		want int
	}{{[]int{7}, 50, 7}, {[]int{7}, 95, 7}, {[]int{1, 2, 3}, 50, 2}, {[]int{1, 2, 3, 4}, 50, 2}, {[]int{1, 2}, 100, 2}, {nil, 95, 0}} {
		if got := percentile(tc.of, tc.p); got != tc.want {
			t.Errorf("the %v. percentile of %v is %d, want %d", tc.p, tc.of, got, tc.want)
		}
	}
}

func TestWorst(t *testing.T) {
	a := Asked{Dashboard: {P95: 999, Max: 999}, "pages": {P95: 10, Max: 11}, "sources": {P95: 9, Max: 300}}
	if w := a.Worst(); w.Name != "pages" || w.P95 != 10 {
		t.Errorf("the worst p95 is %+v, want that of pages", w)
	}
	if w := a.Slowest(); w.Name != "sources" || w.Max != 300 {
		t.Errorf("the slowest is %+v, want sources", w)
	}
}

func TestPanelsTable(t *testing.T) {
	f := &Size{Events: 1_000_123, Big: Asked{Dashboard: {P50: 1, P95: 190}, "pages": {P50: 1, P95: 10}, "goals": {N: 2, P95: 30_000, Unanswered: 1}},
		Small: Asked{"pages": {P50: 1, P95: 20}}, Filtered: map[string]Asked{"path": {}, "country": {"pages": {P50: 3, P95: 4, CPU: 5}}}}
	text := f.Panels()
	for _, want := range []string{
		"1 million events, by panel",
		"| panel | biggest site | small site | biggest, by country | biggest, by path |\n|---|---|---|---|---|\n| dashboard | 1 / 190 (0) |", // first
		"| pages | 1 / 10 (0) | 1 / 20 (0) | 3 / 4 (5) | – |\n",
		"| goals | 1 of 2 not answered | – |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	f.Store, f.Engine, f.Filtered = "ClickHouse", &Engine{}, nil
	f.Big["pages"] = Took{P50: 1, P95: 10, CPU: 2, Engine: 7}
	text = f.Panels()
	for _, want := range []string{"1 million events in ClickHouse, by panel", "of the server and of ClickHouse", "| panel | biggest site | small site |\n", "| pages | 1 / 10 (2 + 7) | 1 / 20 (0) |\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	if n := f.Big.Unanswered(); n != 1 {
		t.Errorf("%d questions not answered, want 1", n)
	}
}

func TestVerdicts(t *testing.T) {
	line := Line{What: "loading", Floor: 50_000, Aim: 100_000, AtLeast: true, Write: PerSecond}
	for got, want := range map[float64]string{49_999: "**missed**", 50_000: "met", 100_000: "aim met"} {
		line.Got = got
		table, ok := Verdicts([]Line{{Floor: 1, Got: 1, Write: Count}, line})
		if row := "| loading | ≥ 50,000/s | ≥ 100,000/s | " + PerSecond(got) + " | " + want + " |\n"; !strings.HasSuffix(table, row) || ok != (got >= 50_000) {
			t.Errorf("%v: %v\n%s\nwant %s", got, ok, table, row)
		}
	}
}

func TestGrouped(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 11574.07: "11,574", 1e9: "1,000,000,000"} {
		if got := Grouped(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

func TestPlace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "doc.md")
	write := func(text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const begin, end = "<!-- bench/x -->\n", "<!-- /bench/x -->\n"
	write("a\n" + begin + "old\n" + end + "b\n")
	if err := Place(name, "bench/x", "new\n"); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(name); string(b) != "a\n"+begin+"new\n"+end+"b\n" {
		t.Errorf("the document is %q", b)
	}
	write("a\n" + end + begin)
	if err := Place(name, "bench/x", "new\n"); err == nil {
		t.Error("a document without the place was written")
	}
}

// What is kept of one store is not taken for another's, and what of replicas for
// neither.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	for name, f := range map[string]*Size{"10m-20": {Events: 10}, "1m-20": {Events: 1}, "1m-20-clickhouse": {Events: 1, Store: "ClickHouse", Engine: &Engine{LoadCPU: 3}}} {
		if err := f.Keep(dir, name); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := ReadReplicas(dir); r != nil || err != nil {
		t.Errorf("replicas that weren't measured: %v, %v", r, err)
	}
	if err := (&Replicas{Cases: []*Case{{Replicas: 1, Rate: 1000, Server: []float64{1, 2}}}}).Keep(dir); err != nil {
		t.Fatal(err)
	}
	all, err := Sizes(dir, "")
	if err != nil || len(all) != 2 || all[0].Events != 1 || all[1].Events != 10 {
		t.Errorf("embedded: %v, %v", all, err)
	}
	all, err = Sizes(dir, "ClickHouse")
	if err != nil || len(all) != 1 || all[0].Engine.LoadCPU != 3 || all[0].When.IsZero() {
		t.Errorf("ClickHouse: %v, %v", all, err)
	}
	r, err := ReadReplicas(dir)
	if err != nil || r.Find(1, 1000) == nil || r.Find(4, 1000) != nil || Median(r.Find(1, 1000).Server) != 2 {
		t.Errorf("replicas: %+v, %v", r, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.measured.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Sizes(dir, ""); err == nil {
		t.Error("a broken file was read")
	}
}
