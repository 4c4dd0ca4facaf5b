package main

import (
	"encoding/json"

	"moonbear/internal/app"
)

type tokenCmd struct {
	Email string   `required:"" help:"The email address of the account's owner, or of an admin."`
	Name  string   `required:"" help:"What uses the token, like \"Deploy script\"."`
	Scope []string `required:"" help:"What it may do: read_stats, write_events, manage_sites; several with commas."`
	Site  []string `help:"The ID of a site it is for; several with commas. Without it, it is for all of the account's."`
}

func (c *tokenCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	res, err := app.MakeToken(w.ctx, cfg, app.TokenRequest{Email: c.Email, Name: c.Name, Scopes: c.Scope, Sites: c.Site})
	if err != nil {
		return err
	}
	return json.NewEncoder(w.out).Encode(res)
}
