// Command moonbear is the whole system in one binary.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "moonbear:", err)
		os.Exit(1)
	}
}

// world is what a subcommand may touch besides its own flags.
type world struct {
	ctx     context.Context
	environ []string
	out     io.Writer
	err     io.Writer
}

type commands struct {
	Serve   serveCmd   `cmd:"" default:"withargs" help:"Run the server (what happens without a command)."`
	Setup   setupCmd   `cmd:"" help:"Claim a fresh server: make its owner and first site, print the site's ID and an API token as JSON."`
	Token   tokenCmd   `cmd:"" help:"Make an API token of an account, and print it as JSON: the only time it is shown."`
	Import  importCmd  `cmd:"" help:"Bring in history: server logs, other tools' exports. List imports, or take one back."`
	Demo    demoCmd    `cmd:"" help:"Fill an empty DATA_DIR with made-up traffic of any size, for looking around and for benchmarks."`
	Export  exportCmd  `cmd:"" help:"Write a site's raw events as CSV, NDJSON or Parquet; import takes them again."`
	Move    moveCmd    `cmd:"" help:"Move to another control database, event store or both, with the server running: everything is compared before it counts. Or only compare."`
	Doctor  doctorCmd  `cmd:"" help:"Say on one screen whether this instance is well, and what to do where it isn't. Exits with 1 when something is broken."`
	Spool   spoolCmd   `cmd:"" help:"Hand over the spool of a volume that no server will run on again."`
	Help    helpCmd    `cmd:"" help:"List the commands; help env explains the configuration."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	var c commands
	p, err := kong.New(&c, kong.Name("moonbear"), kong.Writers(stdout, stderr),
		kong.Description("Web traffic and performance analytics in one binary. Everything is configured by environment variables: moonbear help env."))
	if err != nil {
		return err
	}
	k, err := p.Parse(args)
	if err != nil {
		return fmt.Errorf("%w (moonbear help lists the commands)", err)
	}
	return k.Run(&world{ctx, environ, stdout, stderr})
}
