package main

import "moonbear/internal/app"

type exportCmd struct {
	Site   string `required:"" placeholder:"ID" help:"The site's ID, as in its snippet and its address."`
	From   string `placeholder:"DATE" help:"The first day, like 2026-03-01, in the site's time zone. Default: the first there is."`
	To     string `placeholder:"DATE" help:"The last day, inclusive. Default: the last there is."`
	Format string `placeholder:"FORMAT" help:"csv, ndjson or parquet. Default: by the name of the file, else csv."`
	Output string `short:"o" default:"-" placeholder:"FILE" help:"Where to write. Default: standard output."`
	Gzip   bool   `help:"Compress it; a file's name that ends in .gz does too."`
}

func (c *exportCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	return app.Export(w.ctx, cfg, app.ExportRequest{Site: c.Site, From: c.From, To: c.To, Format: c.Format, Gzip: c.Gzip, Output: c.Output}, w.out, w.err)
}
