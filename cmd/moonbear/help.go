package main

import (
	"fmt"

	"moonbear/internal/app"
)

type helpCmd struct {
	Topic string `arg:"" optional:"" enum:"env," default:"env" help:"What to explain: env."`
}

func (c *helpCmd) Run(w *world) error {
	return app.HelpEnv(w.out)
}

type versionCmd struct{}

func (versionCmd) Run(w *world) error {
	_, err := fmt.Fprintln(w.out, "moonbear", version)
	return err
}
