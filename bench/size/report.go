package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"moonbear/bench/figures"
	"moonbear/internal/app"
)

// mark is where the tables are in the document.
const mark = "bench/size"

// picture shows the chart in the document, which is beside it.
const picture = "\n![How cost grows from 1 to 50 million events: the slowest panel of the biggest and of a small site, the whole dashboard cold, bytes on disk, loading, memory](performance.svg)\n"

// report prints all that was measured, draws it, and says whether a floor is
// missed.
func report(o options) error {
	all, err := figures.Sizes(o.data, "")
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
	var when []time.Time
	for _, f := range all {
		text += "\n" + f.Panels()
		when = append(when, f.When)
	}
	fmt.Println(text)
	if o.chart != "" {
		if err := os.WriteFile(o.chart, []byte(chart(all)), 0o644); err != nil {
			return err
		}
	}
	if o.doc != "" {
		if err := figures.Place(o.doc, mark, figures.Measured(when...)+"\n\n"+text+picture); err != nil {
			return err
		}
	}
	if !ok && !o.lenient {
		return errMissed
	}
	return nil
}

// growth is what the chart shows, as a table.
func growth(all []*figures.Size) string {
	var b strings.Builder
	b.WriteString("| events | sites | panel p95 | small site's p95 | dashboard warm p95 | dashboard cold | bytes/event (kept days) | loading | compaction | idle | at most | 30 s after | ready | a page after SIGKILL |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, f := range all {
		small := "–"
		if len(f.Small) > 0 {
			small = figures.Millis(f.Small.Worst().P95)
		}
		fmt.Fprintf(&b, "| %s M | %d | %s | %s | %s | %s | %.1f (%.1f) | %s | %.0f s | %s | %s | %s | %s | %s |\n",
			figures.Millions(figures.Round(f.Events)), f.Sites, figures.Millis(f.Big.Worst().P95), small, figures.Millis(f.Big[figures.Dashboard].P95), figures.Millis(slices.Max(f.Cold)),
			f.Bytes, f.KeptBytes, figures.PerSecond(f.LoadPerSecond), f.Compacted+f.Kept, figures.Mebibytes(float64(f.Idle)), figures.Mebibytes(float64(f.Peak)), figures.Mebibytes(float64(f.Rested)),
			figures.Seconds(f.Ready), figures.Seconds(f.PageKilled))
	}
	return b.String()
}

// tell prints what was measured of ClickHouse; nothing is promised of it.
func tell(o options) error {
	all, err := figures.Sizes(o.data, clickhouse)
	for _, f := range all {
		fmt.Println(f.Panels())
	}
	return err
}
