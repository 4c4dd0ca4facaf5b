package main

import (
	"slices"

	"moonbear/bench/figures"
)

const (
	peers      = "GoatCounter 2.2 s, Medama 4.1 s, HitKeep 6.8 s, Umami 13 s"
	overEvents = 250 << 20 // beyond EVENTS_MEMORY, in the heaviest question
)

// answers are the promises about how fast questions are answered: each is about
// one size.
func answers(f *figures.Size) (ls []figures.Line) {
	add := func(what string, floor, aim, got float64, write func(float64) string) {
		ls = append(ls, figures.Line{What: what, Floor: floor, Aim: aim, Got: got, Write: write})
	}
	cold := 0.0
	if len(f.Cold) > 0 {
		cold = slices.Max(f.Cold)
	}
	switch name := figures.Millions(figures.Round(f.Events)); {
	case name == "2":
		add("2 million events of one site, 30 days, warm: the whole dashboard, p95", 400, 200, f.Big[figures.Dashboard].P95, figures.Millis)
	case name == "10":
		add("10 million events, the biggest site, 30 days: the slowest panel's p95 ("+f.Big.Worst().Name+")", 300, 150, f.Big.Worst().P95, figures.Millis)
		add("10 million: a small site's slowest panel, p95 ("+f.Small.Worst().Name+")", 50, 20, f.Small.Worst().P95, figures.Millis)
		add("10 million: the whole dashboard, cold", 1500, 0, cold, figures.Millis)
	case name == "50":
		add("50 million: the slowest answer of any panel ("+f.Big.Slowest().Name+")", 1000, 0, f.Big.Slowest().Max, figures.Millis)
		add("50 million: a small site's slowest panel, p95 ("+f.Small.Worst().Name+")", 50, 0, f.Small.Worst().P95, figures.Millis)
	}
	return ls
}

// upkeep are the promises that hold at every size.
func upkeep(f *figures.Size, memory float64) []figures.Line {
	of := figures.Millions(figures.Round(f.Events)) + " million: "
	ls := []figures.Line{
		{What: of + "on disk after compaction, per event", Floor: 52, Got: f.Bytes, Write: figures.Bytes},
		{What: of + "resident, idle", Floor: 200 << 20, Got: float64(f.Idle), Write: figures.Mebibytes},
		{What: of + "resident, heaviest questions", Floor: memory + overEvents, Got: float64(f.Peak), Write: figures.Mebibytes},
		{What: of + "questions without an answer, the heaviest too", Got: float64(f.Unanswered) + float64(f.Big.Unanswered()+f.Small.Unanswered()), Write: figures.Count},
		{What: of + "ready after a start, files not in memory", Floor: 1, Got: f.Ready, Write: figures.Seconds},
	}
	if f.LoadPerSecond != 0 { // known of the run that made the data
		ls = append(ls, figures.Line{What: of + "loading, events", Floor: 50_000, Aim: 100_000, AtLeast: true, Got: f.LoadPerSecond, Write: figures.PerSecond})
	}
	if f.ReadyKilled != 0 {
		ls = append(ls, figures.Line{What: of + "ready after SIGKILL under load", Floor: 1, Got: f.ReadyKilled, Write: figures.Seconds})
	}
	return ls
}

// verdicts is the table of all promises, and whether each floor holds.
func verdicts(all []*figures.Size, memory float64) (table string, ok bool) {
	var ls []figures.Line
	for _, f := range all {
		ls = append(ls, answers(f)...)
	}
	for _, f := range all {
		ls = append(ls, upkeep(f, memory)...)
	}
	table, ok = figures.Verdicts(ls)
	return table + "\nFor the first line, on this class of machine: " + peers + ".\n", ok
}
