package figures

import (
	"fmt"
	"strconv"
	"strings"
)

// Line is one promise and what was measured.
type Line struct {
	What       string
	Floor, Aim float64 // Aim 0: the floor is all there is
	AtLeast    bool    // more is better
	Got        float64
	Write      func(float64) string
}

func (l Line) holds(limit float64) bool {
	if l.AtLeast {
		return l.Got >= limit
	}
	return l.Got <= limit
}

func (l Line) verdict() string {
	switch {
	case !l.holds(l.Floor):
		return "**missed**"
	case l.Aim != 0 && l.holds(l.Aim):
		return "aim met"
	}
	return "met"
}

func (l Line) row() string {
	sign, aim := "≤ ", "–"
	if l.AtLeast {
		sign = "≥ "
	}
	if l.Aim != 0 {
		aim = sign + l.Write(l.Aim)
	}
	return fmt.Sprintf("| %s | %s%s | %s | %s | %s |\n", l.What, sign, l.Write(l.Floor), aim, l.Write(l.Got), l.verdict())
}

// Verdicts is a table of promises, and whether each floor holds.
func Verdicts(lines []Line) (table string, ok bool) {
	var b strings.Builder
	b.WriteString("| what | promised | aim | measured | |\n|---|---|---|---|---|\n")
	ok = true
	for _, l := range lines {
		b.WriteString(l.row())
		ok = ok && l.holds(l.Floor)
	}
	return b.String(), ok
}

// Millis writes milliseconds.
func Millis(v float64) string {
	if v >= 10 {
		return strconv.FormatFloat(v, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " ms"
}

// Seconds writes seconds.
func Seconds(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + " s" }

// Bytes writes a number of bytes, a few.
func Bytes(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) + " bytes" }

// Mebibytes writes bytes.
func Mebibytes(v float64) string { return strconv.FormatFloat(v/(1<<20), 'f', 0, 64) + " MiB" }

// Count writes a whole number.
func Count(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }

// PerSecond writes a rate.
func PerSecond(v float64) string { return Grouped(v) + "/s" }

// Grouped writes a whole number, its digits by thousands.
func Grouped(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Millions writes a number of events in millions.
func Millions(events int64) string {
	return strconv.FormatFloat(float64(events)/1e6, 'f', -1, 64)
}

// Round is the size meant: traffic is drawn by chance, so events are some more
// or fewer than asked for.
func Round(events int64) int64 {
	step := int64(10_000)
	if events >= 950_000 {
		step = 1_000_000
	}
	return (events + step/2) / step * step
}
