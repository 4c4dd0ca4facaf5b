// Command scale measures what a hit costs when several servers take hits
// together, and writes what is known of growing into a document.
//
// A service of one replica and one of four, the binary as it ships, stand on
// the same PostgreSQL, Redis and ClickHouse and take the same hits, in turn,
// round after round, since what a machine gives changes by the minute. Clients
// are spread as a proxy does that hashes by them. The processor time of the
// replicas is theirs alone; that of each store is told apart. Four are held
// against one that takes as many hits as each of them, and against one that takes
// as many as all. At the end all that was acknowledged must be counted.
//
// PostgreSQL and Redis are those of TEST_POSTGRES_URL and TEST_REDIS_URL, on
// this machine (.ci/services starts them). ClickHouse is its engine behind a
// listener made for tests. What the sizes are in either event store is
// bench/size's to measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	bin     string
	data    string
	doc     string
	profile string
	lenient bool

	rounds int
	warm   time.Duration
	load   time.Duration
	rate   float64
	conns  int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

var errMissed = errors.New("a floor is missed")

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/moonbear", "the binary to measure")
	flag.StringVar(&o.data, "data", filepath.Join(os.TempDir(), "moonbear-bench-size"), "where figures are kept, those of bench/size too")
	flag.StringVar(&o.doc, "doc", "", "a document to put the tables into")
	flag.StringVar(&o.profile, "profile", "", "a directory for CPU profiles of one replica, one a round")
	flag.BoolVar(&o.lenient, "report", false, "only report: exit 0 also when a floor is missed")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each case, after one to warm up; 0 measures nothing")
	flag.DurationVar(&o.warm, "warm", 8*time.Second, "load before each measurement")
	flag.DurationVar(&o.load, "load", 20*time.Second, "load that is measured")
	flag.Float64Var(&o.rate, "rate", 1000, "hits a second")
	flag.IntVar(&o.conns, "conns", 32, "connections, of all replicas together")
	flag.Parse()
	if o.rounds > 0 {
		if err := os.MkdirAll(o.data, 0o755); err != nil {
			return err
		}
		if err := measure(ctx, o); err != nil {
			return err
		}
	}
	return report(o)
}

// say tells whoever waits what is being done.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "scale: "+format+"\n", args...) }
