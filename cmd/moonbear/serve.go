package main

import "moonbear/internal/app"

type serveCmd struct {
	Demo bool `help:"Fill a demo site with traffic and print a one-time link that opens its dashboard signed in."`
}

func (c *serveCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	return app.Serve(w.ctx, cfg, app.ServeOptions{Demo: c.Demo, Version: version, Out: w.out, Log: w.err})
}
