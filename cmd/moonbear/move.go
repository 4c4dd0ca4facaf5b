package main

import "moonbear/internal/app"

type moveCmd struct {
	ToDatabase string `placeholder:"URL" help:"Where the control database goes, as in DATABASE_URL. It must be empty."`
	ToEvents   string `placeholder:"URL" help:"Where the events go, as in EVENTS_URL. It must be empty."`
	Verify     bool   `help:"Move nothing: compare what is in use with these, and say what differs."`
	Before     string `placeholder:"DATE" help:"With --verify: compare only events before this day, like 2026-03-01 (UTC), or this moment, like 2026-03-01T12:00:00Z. Default: all."`
}

func (c *moveCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	return app.Move(w.ctx, cfg, app.MoveRequest{ToDatabase: c.ToDatabase, ToEvents: c.ToEvents, Verify: c.Verify, Before: c.Before}, w.out, w.err)
}
