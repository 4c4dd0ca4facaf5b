package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"moonbear/internal/app"
)

// The table goes between these in the document.
const (
	tableBegin = "<!-- bench/size -->\n"
	tableEnd   = "<!-- /bench/size -->\n"
)

// picture shows the chart in the document, which is beside it.
const picture = "\n![How cost grows from 1 to 50 million events: the slowest panel of the biggest and of a small site, the whole dashboard cold, bytes on disk, loading, memory](performance.svg)\n"

// latest is the day of the last measurement.
func latest(all []*figures) string {
	var t time.Time
	for _, f := range all {
		if f.When.After(t) {
			t = f.When
		}
	}
	return t.Format("2 January 2006")
}

// report prints all that was measured, draws it, and says whether a floor is
// missed.
func report(o options) error {
	all, err := measured(o)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("nothing was measured in %s", o.data)
	}
	var memory app.Bytes
	if err := memory.UnmarshalText([]byte(o.memory)); err != nil {
		return err
	}
	table, ok := verdicts(all, float64(memory))
	text := table + "\n" + growth(all)
	for _, f := range all {
		text += "\n" + panels(f)
	}
	fmt.Println(text)
	if o.chart != "" {
		if err := os.WriteFile(o.chart, []byte(chart(all)), 0o644); err != nil {
			return err
		}
	}
	if o.doc != "" {
		if err := place(o.doc, fmt.Sprintf("Measured on %s.\n\n%s", latest(all), text)+picture); err != nil {
			return err
		}
	}
	if !ok && !o.lenient {
		return errMissed
	}
	return nil
}

// place puts the text into a document, between its marks.
func place(name, text string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(b), tableBegin)
	_, after, end := strings.Cut(rest, tableEnd)
	if !ok || !end {
		return fmt.Errorf("%s has no place for the table, between %q and %q", name, tableBegin, tableEnd)
	}
	return os.WriteFile(name, []byte(before+tableBegin+text+tableEnd+after), 0o644)
}

// growth is what the chart shows, as a table.
func growth(all []*figures) string {
	var b strings.Builder
	b.WriteString("| events | sites | panel p95 | small site's p95 | dashboard warm p95 | dashboard cold | bytes/event (kept days) | loading | compaction | idle | at most | 30 s after | ready | a page after SIGKILL |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, f := range all {
		small := "–"
		if len(f.Small) > 0 {
			small = millis(f.Small.worst().P95)
		}
		fmt.Fprintf(&b, "| %s M | %d | %s | %s | %s | %s | %.1f (%.1f) | %s | %.0f s | %s | %s | %s | %s | %s |\n",
			millions(round(f.Events)), f.Sites, millis(f.Big.worst().P95), small, millis(f.Big[dashboard].P95), millis(slices.Max(f.Cold)),
			f.Bytes, f.KeptBytes, perSecond(f.LoadPerSecond), f.Compacted+f.Kept, mebibytes(float64(f.Idle)), mebibytes(float64(f.Peak)), mebibytes(float64(f.Rested)),
			seconds(f.Ready), seconds(f.PageKilled))
	}
	return b.String()
}

// panels is each question of one size: p50 and p95.
func panels(f *figures) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s million events, by panel and tab: p50 / p95 in ms, and in brackets the server's CPU time, ms</summary>\n\n", millions(round(f.Events)))
	b.WriteString("| panel | biggest site | small site |")
	rule := "|---|---|---|"
	for _, x := range filters {
		b.WriteString(" biggest, by " + x.name + " |")
		rule += "---|"
	}
	b.WriteString("\n" + rule + "\n")
	names := slices.Sorted(maps.Keys(f.Big))
	slices.SortStableFunc(names, func(x, y string) int { return rank(x) - rank(y) })
	for _, name := range names {
		cells := []string{name, cell(f.Big, name), cell(f.Small, name)}
		for _, x := range filters {
			cells = append(cells, cell(f.Filtered[x.name], name))
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// rank puts the whole page first.
func rank(name string) int {
	if name == dashboard {
		return 0
	}
	return 1
}

func cell(a asked, name string) string {
	t, ok := a[name]
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.0f / %.0f (%.0f)", t.P50, t.P95, t.CPU)
}
