// Command build rewrites tracker/dist from tracker/src.
//
//	go run ./tracker/build          rewrite
//	go run ./tracker/build -check   fail if a committed file differs or is over its budget
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"moonbear/tracker/bundle"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tracker/build:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	check := flags.Bool("check", false, "compare with the committed files instead of writing them")
	dir := flags.String("dir", "tracker", "the tracker's directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	files, err := bundle.Files(filepath.Join(*dir, "src"))
	if err != nil {
		return err
	}
	dist := filepath.Join(*dir, "dist")
	for _, f := range files {
		size, err := bundle.Gzipped(f.Body)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-12s %5d bytes, %5d gzipped of %d\n", f.Name, len(f.Body), size, f.Budget)
		if *check {
			continue
		}
		if err := os.WriteFile(filepath.Join(dist, f.Name), f.Body, 0o644); err != nil {
			return err
		}
	}
	return bundle.Check(files, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dist, name)) })
}
