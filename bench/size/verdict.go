package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// line is one promise and what was measured.
type line struct {
	what       string
	floor, aim float64 // aim 0: the floor is all there is
	atLeast    bool    // more is better
	got        float64
	write      func(float64) string
}

func (l line) holds(limit float64) bool {
	if l.atLeast {
		return l.got >= limit
	}
	return l.got <= limit
}

func (l line) verdict() string {
	switch {
	case !l.holds(l.floor):
		return "**missed**"
	case l.aim != 0 && l.holds(l.aim):
		return "aim met"
	}
	return "met"
}

func (l line) row() string {
	sign, aim := "≤ ", "–"
	if l.atLeast {
		sign = "≥ "
	}
	if l.aim != 0 {
		aim = sign + l.write(l.aim)
	}
	return fmt.Sprintf("| %s | %s%s | %s | %s | %s |", l.what, sign, l.write(l.floor), aim, l.write(l.got), l.verdict())
}

func millis(v float64) string {
	if v >= 10 {
		return strconv.FormatFloat(v, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " ms"
}

func seconds(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + " s" }
func byteCount(v float64) string {
	return strconv.FormatFloat(v, 'f', 1, 64) + " bytes"
}
func mebibytes(v float64) string { return strconv.FormatFloat(v/(1<<20), 'f', 0, 64) + " MiB" }

// perSecond groups digits by thousands.
func perSecond(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s + "/s"
}

const (
	peers      = "GoatCounter 2.2 s, Medama 4.1 s, HitKeep 6.8 s, Umami 13 s"
	overEvents = 250 << 20 // beyond EVENTS_MEMORY, in the heaviest question
)

// answers are the promises about how fast questions are answered: each is about
// one size.
func (f *figures) answers() (ls []line) {
	add := func(what string, floor, aim, got float64, write func(float64) string) {
		ls = append(ls, line{what: what, floor: floor, aim: aim, got: got, write: write})
	}
	cold := 0.0
	if len(f.Cold) > 0 {
		cold = slices.Max(f.Cold)
	}
	switch name := millions(round(f.Events)); {
	case name == "2":
		add("2 million events of one site, 30 days, warm: the whole dashboard, p95", 400, 200, f.Big[dashboard].P95, millis)
	case name == "10":
		add("10 million events, the biggest site, 30 days: the slowest panel's p95 ("+f.Big.worst().Name+")", 300, 150, f.Big.worst().P95, millis)
		add("10 million: a small site's slowest panel, p95 ("+f.Small.worst().Name+")", 50, 20, f.Small.worst().P95, millis)
		add("10 million: the whole dashboard, cold", 1500, 0, cold, millis)
	case name == "50":
		add("50 million: the slowest answer of any panel ("+f.Big.slowest().Name+")", 1000, 0, f.Big.slowest().Max, millis)
		add("50 million: a small site's slowest panel, p95 ("+f.Small.worst().Name+")", 50, 0, f.Small.worst().P95, millis)
	}
	return ls
}

// upkeep are the promises that hold at every size.
func (f *figures) upkeep(memory float64) []line {
	of := millions(round(f.Events)) + " million: "
	ls := []line{
		{what: of + "on disk after compaction, per event", floor: 52, got: f.Bytes, write: byteCount},
		{what: of + "resident, idle", floor: 200 << 20, got: float64(f.Idle), write: mebibytes},
		{what: of + "resident, heaviest questions", floor: memory + overEvents, got: float64(f.Peak), write: mebibytes},
		{what: of + "heaviest questions without an answer", got: float64(f.Unanswered), write: func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }},
		{what: of + "ready after a start, files not in memory", floor: 1, got: f.Ready, write: seconds},
	}
	if f.LoadPerSecond != 0 { // known of the run that made the data
		ls = append(ls, line{what: of + "loading, events", floor: 50_000, aim: 100_000, atLeast: true, got: f.LoadPerSecond, write: perSecond})
	}
	if f.ReadyKilled != 0 {
		ls = append(ls, line{what: of + "ready after SIGKILL under load", floor: 1, got: f.ReadyKilled, write: seconds})
	}
	return ls
}

// round is the size meant: traffic is drawn by chance, so events are some more
// or fewer than asked for.
func round(events int64) int64 {
	step := int64(10_000)
	if events >= 950_000 {
		step = 1_000_000
	}
	return (events + step/2) / step * step
}

// verdicts is the table of all promises, and whether each floor holds.
func verdicts(all []*figures, memory float64) (table string, ok bool) {
	var b strings.Builder
	b.WriteString("| what | promised | aim | measured | |\n|---|---|---|---|---|\n")
	ok = true
	var ls []line
	for _, f := range all {
		ls = append(ls, f.answers()...)
	}
	for _, f := range all {
		ls = append(ls, f.upkeep(memory)...)
	}
	for _, l := range ls {
		b.WriteString(l.row() + "\n")
		ok = ok && l.holds(l.floor)
	}
	b.WriteString("\nFor the first line, on this class of machine: " + peers + ".\n")
	return b.String(), ok
}
