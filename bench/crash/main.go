// Command crash proves that what a server acknowledged is stored once,
// whatever kills it:
//
//	go run ./bench/crash -rounds 200                     the spool, loader and DuckDB store
//	go run ./bench/crash -rounds 200 -server ./moonbear  the whole server
//
// Each round starts the server on the same data directory, sends hits that can
// be told apart from many connections at once, and kills the process (SIGKILL)
// at a random moment: while it starts, under load, or while it stops. One
// round in ten runs on a small file system of its own that is filled to the
// last byte meanwhile. Every few rounds, and at the end, the server is stopped
// properly and the event store is read: every acknowledged hit must be there
// exactly once, no hit twice, and none that was never sent.
//
// SIGKILL leaves the page cache alone, so this says nothing about power cuts:
// internal/spool/powercut_test.go does.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	if os.Getenv(childEnv) != "" {
		exit(child(os.Getenv(childEnv)))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	rounds := flags.Int("rounds", 200, "how often the server is killed")
	server := flags.String("server", "", "the moonbear binary to test; empty: the spool, loader and store alone")
	seed := flags.Uint64("seed", uint64(time.Now().UnixNano()), "makes the moments of death the same again")
	clients := flags.Int("clients", 32, "connections that send hits at once")
	dir := flags.String("dir", "", "where data directories are made; empty: the system's temporary directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	base, err := os.MkdirTemp(*dir, "crash-")
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	log.Info("crash campaign", "rounds", *rounds, "seed", *seed, "data", base)
	chance := rand.New(rand.NewPCG(*seed, 1))

	full := *rounds / 10
	plain := newCampaign(filepath.Join(base, "plain"), *server, *clients, chance, log)
	if err := plain.run(ctx, *rounds-full); err != nil {
		return fmt.Errorf("seed %d, data kept in %s: %w", *seed, base, err)
	}
	results := map[string]any{"seed": *seed, "plain": plain.result}
	if full > 0 {
		small, err := fullDisk(ctx, filepath.Join(base, "small"), *server, *clients, full, chance, log)
		if err != nil {
			return fmt.Errorf("seed %d, data kept in %s: %w", *seed, base, err)
		}
		results["full_disk"] = small
	}
	if err := os.RemoveAll(base); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}

// fullDisk runs a campaign on a small file system of its own.
func fullDisk(ctx context.Context, dir, server string, clients, rounds int, chance *rand.Rand, log *slog.Logger) (result, error) {
	unmount, err := mountSmall(dir)
	if err != nil {
		return result{}, fmt.Errorf("mount a small file system (needs root): %w", err)
	}
	c := newCampaign(dir, server, clients, chance, log)
	c.full, c.verifyEvery = true, 2
	err = c.run(ctx, rounds)
	if err == nil && c.result.Refused == 0 {
		err = fmt.Errorf("no hit was refused in %d rounds: the disk was never full", rounds)
	}
	if err != nil {
		return c.result, err // left mounted, to be looked at
	}
	return c.result, unmount()
}
