package main

import (
	"encoding/json"

	"moonbear/internal/app"
)

type setupCmd struct {
	Email    string `required:"" help:"The owner's email address."`
	Password string `required:"" help:"The owner's password, 10 characters or more."`
	Domain   string `required:"" help:"The first site's domain, like example.com."`
	TimeZone string `default:"UTC" help:"The first site's time zone, like Asia/Seoul."`
}

func (c *setupCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	res, err := app.Setup(w.ctx, cfg, app.SetupRequest{Email: c.Email, Password: c.Password, Domain: c.Domain, TimeZone: c.TimeZone})
	if err != nil {
		return err
	}
	return json.NewEncoder(w.out).Encode(res)
}
