package main

import "moonbear/internal/app"

type demoCmd struct {
	Events int64   `default:"1000000" help:"How many events to make; exactly so many are made."`
	Days   int     `default:"30" help:"Over how many days they are spread."`
	Sites  int     `default:"1" help:"Of how many sites they are."`
	Share  float64 `default:"0.5" help:"The first site's share of them; the other sites share the rest, the next one most."`
	Until  string  `placeholder:"DATE" help:"The traffic ends where this date begins, UTC. Default: today, so nothing lies in the future. The same command with the same date makes the same events anywhere."`
}

func (c *demoCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	return app.Demo(w.ctx, cfg, app.DemoRequest{Events: c.Events, Days: c.Days, Sites: c.Sites, Share: c.Share, Until: c.Until}, w.out)
}
