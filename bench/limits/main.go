// Limits shows what a small machine bears: it runs the real server over a data
// directory of any size, does to it what is hard, and prints a table in
// Markdown. It fails when a bound that docs/performance.md promises is broken.
//
//	go run ./bench/limits -bin bin/moonbear -campaign small
//
// The campaigns: beside (collecting while heavy questions run), memory (idle
// and in the heaviest questions), start (how soon hits are acknowledged, after
// SIGKILL too), delete (the biggest site goes while the others live), small
// (everything in 512 MiB and one core).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	var (
		bin      = flag.String("bin", "bin/moonbear", "the server")
		campaign = flag.String("campaign", "small", "beside, memory, start, delete, small or move; several with commas")
		events   = flag.Int("events", 0, "events to begin with; 0: one million for small, ten for the others")
		dir      = flag.String("dir", "", "keep the data made here, and use it again; default: a temporary directory")
	)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *bin, *dir, *campaign, *events)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

// campaigns by name. Each is given a server that isn't started yet, over data
// of its own.
var campaigns = map[string]struct {
	events int
	do     func(context.Context, *server) (*table, error)
}{
	"beside": {10_000_000, beside},
	"memory": {10_000_000, memory},
	"start":  {10_000_000, startUp},
	"delete": {10_000_000, deletion},
	"small":  {1_000_000, small},
	"move":   {10_000_000, moving},
}

func run(ctx context.Context, bin, dir, names string, events int) error {
	for name := range strings.SplitSeq(names, ",") {
		c, ok := campaigns[name]
		if !ok {
			return fmt.Errorf("there is no campaign %q", name)
		}
		if events > 0 {
			c.events = events
		}
		if err := one(ctx, bin, dir, name, c.events, c.do); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func one(ctx context.Context, bin, kept, name string, events int, do func(context.Context, *server) (*table, error)) error {
	made, err := grown(ctx, bin, kept, events)
	if err != nil {
		return err
	}
	s, err := made.copy(bin)
	if err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	defer s.end()
	t, err := do(ctx, s)
	if t != nil {
		t.print(os.Stdout, fmt.Sprintf("%s, %d events", name, made.Events))
	}
	if err == nil && t.failed > 0 {
		err = fmt.Errorf("%d of its bounds are broken", t.failed)
	}
	return err
}
