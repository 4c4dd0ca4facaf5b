package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"moonbear/bench/figures"
)

// The places in the document.
const (
	markMeasured = "bench/scale"
	markSteps    = "bench/scale steps"
	markBillion  = "bench/scale billion"
)

// riseMost is how much more a hit may cost with four replicas than with one.
const riseMost = 1.15

// found is all that was measured.
type found struct {
	embedded, scaled []*figures.Size
	replicas         *figures.Replicas   // nil: not measured yet
	collecting       *figures.Collecting // nil: not measured yet
}

func read(dir string) (f found, err error) {
	if f.embedded, err = figures.Sizes(dir, ""); err != nil {
		return f, err
	}
	if f.scaled, err = figures.Sizes(dir, "ClickHouse"); err != nil {
		return f, err
	}
	if f.replicas, err = figures.ReadReplicas(dir); err != nil {
		return f, err
	}
	f.collecting, err = figures.ReadCollecting(dir)
	return f, err
}

// report prints what was measured, puts it into the document, and says whether
// a floor is missed.
func report(o options) error {
	f, err := read(o.data)
	if err != nil {
		return err
	}
	text, ok := f.measured()
	in := f.inputs()
	places := []struct{ mark, text string }{{markMeasured, text}, {markSteps, stepsTable(in)}, {markBillion, billionTable(in)}}
	for _, p := range places {
		fmt.Println(p.text)
		if o.doc == "" {
			continue
		}
		if err := figures.Place(o.doc, p.mark, p.text); err != nil {
			return err
		}
	}
	if !ok && !o.lenient {
		return errMissed
	}
	return nil
}

// measured is what was, and whether the floors hold.
func (f found) measured() (text string, ok bool) {
	var b strings.Builder
	if when := f.when(); len(when) > 0 {
		b.WriteString(figures.Measured(when...) + "\n\n")
	}
	ok = true
	if f.replicas != nil {
		var table string
		table, ok = figures.Verdicts(f.promised())
		b.WriteString(table + "\n")
	}
	b.WriteString(f.stores() + "\n" + f.costs())
	for _, s := range f.scaled {
		b.WriteString("\n" + s.Panels())
	}
	return b.String(), ok
}

// when each of the figures was measured that are only here.
func (f found) when() (all []time.Time) {
	for _, s := range f.scaled {
		all = append(all, s.When)
	}
	if f.replicas != nil {
		all = append(all, f.replicas.When)
	}
	return all
}

// promised is what the replicas are held against.
func (f found) promised() (lines []figures.Line) {
	for _, c := range f.replicas.Cases {
		if rise := f.rise(c, c.Rate/many); c.Replicas == many && !math.IsNaN(rise) {
			lines = append(lines, figures.Line{What: fmt.Sprintf("server CPU a hit, %d replicas of one replica's, each with %s", many, hitsPerSecond(c.Rate/many)),
				Floor: riseMost, Got: rise, Write: times})
		}
	}
	return lines
}

// rise is what a hit costs of what it costs one replica with so many; NaN: that
// was not measured.
func (f found) rise(c *figures.Case, rate float64) float64 {
	one := f.replicas.Find(1, rate)
	if one == nil {
		return math.NaN()
	}
	return figures.Median(c.Server) / figures.Median(one.Server)
}

func times(v float64) string         { return fmt.Sprintf("%.2f times", v) }
func hitsPerSecond(v float64) string { return figures.Grouped(v) + " hits/s" }

// stores is a table of both event stores at each size that either was measured
// at, or is to be.
func (f found) stores() string {
	sizes := map[int64]bool{10_000_000: true, 50_000_000: true}
	for _, s := range f.scaled {
		sizes[figures.Round(s.Events)] = true
	}
	var b strings.Builder
	b.WriteString("| events | in | loading | CPU to load one | bytes/event | big site: slowest panel p95 | small site's | dashboard p95 | CPU a panel, mean | memory at most |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, n := range slices.Sorted(maps.Keys(sizes)) {
		row(&b, n, "DuckDB", of(f.embedded, n))
		row(&b, n, "ClickHouse", of(f.scaled, n))
	}
	return b.String()
}

// of is the figures of a size; nil: it was not measured.
func of(all []*figures.Size, events int64) *figures.Size {
	for _, s := range all {
		if figures.Round(s.Events) == events {
			return s
		}
	}
	return nil
}

func row(b *strings.Builder, events int64, store string, s *figures.Size) {
	cells := []string{figures.Millions(events) + " M", store}
	if s == nil {
		cells = append(cells, unknown, "–", "–", "–", "–", "–", "–", "–")
	} else {
		server, engine := s.Big.MeanCPU()
		load, cpu, memory := "–", figures.Millis(server), figures.Mebibytes(float64(s.Peak))
		if s.Engine != nil {
			load = known(s.Engine.LoadCPU, "%.1f µs")
			cpu += " + " + figures.Millis(engine)
			memory += " + " + figures.Mebibytes(float64(max(s.Engine.Peak, s.Engine.Loaded)))
		}
		cells = append(cells, rate(s.LoadPerSecond), load, fmt.Sprintf("%.1f", s.Bytes), worst(s.Big), worst(s.Small),
			figures.Millis(s.Big[figures.Dashboard].P95), cpu, memory)
	}
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

func rate(v float64) string {
	if v == 0 {
		return unknown
	}
	return figures.PerSecond(v)
}

func worst(a figures.Asked) string {
	if len(a) == 0 {
		return "–"
	}
	w := a.Worst()
	if w.Unanswered > 0 {
		return "no answer (" + w.Name + ")"
	}
	return figures.Millis(w.P95) + " (" + w.Name + ")"
}

// costs is a table of what a hit costs, case by case.
func (f found) costs() string {
	var b strings.Builder
	b.WriteString("| replicas | hits/s together | servers, CPU a hit | of one replica's with as many each | with as many together | ClickHouse | Redis | PostgreSQL | p99 | Redis commands a hit | PostgreSQL transactions | batches, in inserts | into the spool a hit | fsyncs of spools |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	if f.replicas == nil {
		fmt.Fprintf(&b, "| 1 and %d | %s | – | – | – | – | – | – | – | – | – | – | – | – |\n", many, unknown)
		return b.String()
	}
	for _, c := range f.replicas.Cases {
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s | %s | %s | %.0f ms | %.1f | %.1f/s | %.0f/s, %.0f/s | %.0f bytes | %.0f/s |\n", c.Replicas, figures.Grouped(figures.Median(c.PerSecond)),
			between(c.Server), ratio(f.rise(c, c.Rate/float64(c.Replicas))), ratio(f.rise(c, c.Rate)), between(c.Engine), between(c.Redis), between(c.Postgres), figures.Median(c.P99),
			figures.Median(c.Commands), figures.Median(c.Transactions), figures.Median(c.Batches), figures.Median(c.Inserts), figures.Median(c.Written), figures.Median(c.Syncs))
	}
	fmt.Fprintf(&b, "\nMedians of %d rounds of %d s, in brackets the least and the most; ClickHouse's engine %s, on %d cores that everything shares, the load generator too.\n",
		len(f.replicas.Cases[0].Server), f.replicas.Seconds, f.replicas.Engine, f.replicas.CPUs)
	return b.String()
}

// ratio writes a ratio, if it is known.
func ratio(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.2f", v)
}

// between writes microseconds: the median, and from where to where.
func between(x []float64) string {
	return fmt.Sprintf("%.0f µs (%.0f to %.0f)", figures.Median(x), slices.Min(x), slices.Max(x))
}

// unknown stands for what was not measured.
const unknown = "*not measured yet*"

// known writes a figure, or that there is none.
func known(v float64, format string) string {
	if math.IsNaN(v) || v == 0 {
		return unknown
	}
	return fmt.Sprintf(format, v)
}

// inputs are the measured figures that plans are made of; those not measured yet
// are NaN, and so is all that follows from them.
type inputs struct {
	hit      float64 // µs of a server on its own stores
	embedded struct{ load, bytes, events, panel float64 }

	server, engine, redis float64 // µs a hit, with several replicas
	commands, written     float64 // a hit
	transactions, inserts float64 // a second and replica
	syncs                 float64 // likewise
	load, bytes           float64 // of ClickHouse: events a second, bytes an event
	scan                  float64 // ms of ClickHouse's processor time in the slowest panel for a million events of the site
}

func (f found) inputs() (in inputs) {
	nan := math.NaN()
	in = inputs{hit: nan, server: nan, engine: nan, redis: nan, commands: nan, written: nan, transactions: nan, inserts: nan, syncs: nan, load: nan, bytes: nan, scan: nan}
	in.embedded.load, in.embedded.bytes, in.embedded.events, in.embedded.panel = nan, nan, nan, nan
	if f.collecting != nil {
		in.hit = f.collecting.HalfCPU
	}
	for _, s := range f.embedded { // the last is the largest
		if s.Sites == 1 {
			continue
		}
		in.embedded.bytes, in.embedded.events, in.embedded.panel = s.Bytes, float64(s.Events), s.Big.Worst().P95
		in.embedded.load = cmp.Or(s.LoadPerSecond, in.embedded.load)
	}
	for _, s := range f.scaled {
		in.load, in.bytes = cmp.Or(s.LoadPerSecond, in.load), s.Bytes
		if big := float64(s.Events) * figures.BigShare; s.Sites > 1 && big > 0 {
			in.scan = s.Big.Worst().Engine / (big / 1e6)
		}
	}
	if f.replicas != nil {
		c := f.replicas.Cases[len(f.replicas.Cases)-1]
		in.server, in.engine, in.redis = figures.Median(c.Server), figures.Median(c.Engine), figures.Median(c.Redis)
		in.commands, in.written = figures.Median(c.Commands), figures.Median(c.Written)
		n := float64(c.Replicas)
		in.transactions, in.inserts, in.syncs = figures.Median(c.Transactions)/n, figures.Median(c.Inserts)/n, figures.Median(c.Syncs)/n
	}
	return in
}
