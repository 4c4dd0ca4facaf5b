package main

import (
	"encoding/json"

	"moonbear/internal/app"
)

type doctorCmd struct {
	JSON bool `help:"Print the findings as JSON, for programs."`
}

func (c *doctorCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	found, err := app.Doctor(w.ctx, cfg, version)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(w.out)
		e.SetIndent("", "  ")
		err = e.Encode(found)
	} else {
		err = found.Write(w.out)
	}
	if err == nil && found.Worst() == app.Broken {
		return app.ErrUnwell
	}
	return err
}
