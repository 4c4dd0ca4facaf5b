package main

import (
	"fmt"

	"github.com/alecthomas/kong"

	"moonbear/internal/app"
)

type helpCmd struct {
	Topic string `arg:"" optional:"" enum:"env," default:"" help:"What to explain: env. Without it, the commands are listed."`
}

func (c *helpCmd) Run(w *world, k *kong.Kong) error {
	if c.Topic == "" {
		all, err := kong.Trace(k, nil)
		if err != nil {
			return err
		}
		all.Path = all.Path[:1] // the program, without its default command
		return all.PrintUsage(false)
	}
	return app.HelpEnv(w.out)
}

type versionCmd struct{}

func (versionCmd) Run(w *world) error {
	_, err := fmt.Fprintln(w.out, "moonbear", version)
	return err
}
