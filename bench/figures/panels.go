package figures

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Panels is each question of one size as a table: p50 and p95.
func (f *Size) Panels() string {
	filters := slices.Sorted(maps.Keys(f.Filtered))
	what := "the server's CPU time, ms"
	if f.Engine != nil {
		what = "the CPU time of the server and of ClickHouse, ms"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s million events%s, by panel and tab: p50 / p95 in ms, and in brackets %s</summary>\n\n", Millions(Round(f.Events)), f.in(), what)
	b.WriteString("| panel | biggest site | small site |")
	rule := "|---|---|---|"
	for _, x := range filters {
		b.WriteString(" biggest, by " + x + " |")
		rule += "---|"
	}
	b.WriteString("\n" + rule + "\n")
	names := slices.Sorted(maps.Keys(f.Big))
	slices.SortStableFunc(names, func(x, y string) int { return rank(x) - rank(y) })
	for _, name := range names {
		cells := []string{name, f.Big.cell(name), f.Small.cell(name)}
		for _, x := range filters {
			cells = append(cells, f.Filtered[x].cell(name))
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// in names a store that isn't the embedded one.
func (f *Size) in() string {
	if f.Store == "" {
		return ""
	}
	return " in " + f.Store
}

// rank puts the whole page first.
func rank(name string) int {
	if name == Dashboard {
		return 0
	}
	return 1
}

func (a Asked) cell(name string) string {
	t, ok := a[name]
	switch {
	case !ok:
		return "–"
	case t.Unanswered > 0:
		return fmt.Sprintf("%d of %d not answered", t.Unanswered, t.N)
	case t.Engine > 0:
		return fmt.Sprintf("%.0f / %.0f (%.0f + %.0f)", t.P50, t.P95, t.CPU, t.Engine)
	}
	return fmt.Sprintf("%.0f / %.0f (%.0f)", t.P50, t.P95, t.CPU)
}
