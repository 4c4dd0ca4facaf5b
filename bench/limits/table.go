package main

import (
	"fmt"
	"io"
	"time"
)

// table is what a campaign found, held against what is promised.
type table struct {
	rows   [][3]string
	failed int
}

// add notes a figure; bound is "" where nothing is promised.
func (t *table) add(what, figure, bound string, holds bool) {
	if bound != "" && !holds {
		bound += " **broken**"
		t.failed++
	}
	t.rows = append(t.rows, [3]string{what, figure, bound})
}

// tell adds a figure that nothing is promised about.
func (t *table) tell(what, format string, args ...any) {
	t.add(what, fmt.Sprintf(format, args...), "", true)
}

func (t *table) print(w io.Writer, title string) {
	fmt.Fprintf(w, "\n### %s\n\n| what | measured | promised |\n|---|---|---|\n", title)
	for _, r := range t.rows {
		fmt.Fprintf(w, "| %s | %s | %s |\n", r[0], r[1], r[2])
	}
}

func ms(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f ms", float64(d)/1e6)
}

func mib(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
