// Command size measures how answers, memory and disk grow with the number of
// events, on the binary as it ships.
//
// For each size it makes a data directory (or takes the one an earlier run
// made), starts the server on it as anybody would, signs in, and asks for what
// a browser asks for: the whole dashboard, each panel and each of its tabs, of
// the biggest site and of the smallest. What the pages say is held against a
// plain count of the generated events meanwhile. The figures are kept beside
// the data, so that sizes can be measured one at a time; the table and the
// chart at the end are of all that were.
//
// With -store clickhouse the events are in ClickHouse's engine behind a test
// listener, with its files beside the data; bench/scale puts those figures into
// the document.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"moonbear/bench/figures"
)

// options are the command line.
type options struct {
	bin     string
	data    string // where each size has its directory
	sizes   []size
	repeat  int
	memory  string // EVENTS_MEMORY
	chart   string
	doc     string
	profile string
	filters bool
	lenient bool
}

// size is one store to measure.
type size struct {
	events int64
	sites  int
	store  string // clickhouse; "": the embedded one
}

// sizeOf is a size from the command line, in millions of events. Two million
// are what the other tools were measured with: one site has them all. In every
// other size twenty sites share them, and the biggest has half.
func sizeOf(word string) (size, error) {
	millions, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
	if err != nil || millions < 0.01 || millions > 1000 {
		return size{}, fmt.Errorf("size %q: want millions of events, 0.01 to 1000", word)
	}
	s := size{events: int64(millions * 1e6), sites: 20}
	if millions == 2 {
		s.sites = 1
	}
	return s, nil
}

// name is that of its directory: "10m-20", "10m-20-clickhouse".
func (s size) name() string {
	name := figures.Millions(s.events) + "m-" + strconv.Itoa(s.sites)
	if s.store != "" {
		name += "-" + strings.ToLower(s.store)
	}
	return name
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

var errMissed = errors.New("a floor is missed")

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/moonbear", "the binary to measure")
	flag.StringVar(&o.data, "data", filepath.Join(os.TempDir(), "moonbear-bench-size"), "where the data directories are made, or found again")
	sizes := flag.String("sizes", "1,2,10", "millions of events, separated by commas; none only prints what was measured")
	store := flag.String("store", "duckdb", "where the events are: duckdb, or clickhouse, its engine behind a test listener (TEST_CLICKHOUSE_URL: a server)")
	flag.IntVar(&o.repeat, "n", 20, "how often a warm question is asked")
	flag.BoolVar(&o.filters, "filters", true, "ask with filters, too: raw questions about 50 million events in ClickHouse take half an hour")
	flag.StringVar(&o.memory, "memory", "1GiB", "EVENTS_MEMORY of the server")
	flag.StringVar(&o.chart, "chart", "", "an SVG file to draw how cost grows into")
	flag.StringVar(&o.doc, "doc", "", "a document to put the tables into")
	flag.StringVar(&o.profile, "profile", "", "a directory for a CPU profile of the server while it is asked")
	flag.BoolVar(&o.lenient, "report", false, "only report: exit 0 also when a floor is missed")
	flag.Parse()
	stores := map[string]string{"duckdb": "", "clickhouse": clickhouse}
	in, ok := stores[*store]
	if !ok {
		return fmt.Errorf("-store %s: want duckdb or clickhouse", *store)
	}
	for word := range strings.SplitSeq(*sizes, ",") {
		if *sizes == "" {
			break
		}
		s, err := sizeOf(word)
		if err != nil {
			return err
		}
		s.store = in
		o.sizes = append(o.sizes, s)
	}
	for _, s := range o.sizes {
		if err := measure(ctx, o, s); err != nil {
			return fmt.Errorf("%s million events: %w", figures.Millions(s.events), err)
		}
	}
	if in == clickhouse {
		return tell(o)
	}
	return report(o)
}

// measure makes, asks and keeps the figures of one size.
func measure(ctx context.Context, o options, s size) (err error) {
	say("%s million events, %d sites", figures.Millions(s.events), s.sites)
	d, err := prepare(ctx, o, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	m := &measuring{&figures.Size{Store: s.store, Events: d.Stored, Sites: len(d.Sites), Memory: o.memory, LoadPerSecond: d.LoadPerSecond,
		Compacted: d.Compacted, Kept: d.Kept, Engine: d.Loading}, o, d}
	if err := m.disk(); err != nil {
		return err
	}
	if err := m.ask(ctx); err != nil {
		return err
	}
	return m.Keep(o.data, s.name())
}

// say tells whoever waits what is being done.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "size: "+format+"\n", args...) }
