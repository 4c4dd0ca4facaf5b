package main

import (
	"os"

	"moonbear/internal/app"
)

type importCmd struct {
	Site    string   `help:"The site's ID, or its domain."`
	Format  string   `default:"auto" help:"How the files are written: combined, common, caddy, cloudfront, s3, iis, json, another tool's (docs/moving.md), or auto, which looks."`
	Overlap bool     `help:"Import days that have live events, too. Without it they are skipped, so that nobody counts twice."`
	List    bool     `help:"List what was imported."`
	Undo    int64    `placeholder:"ID" help:"Take an import back."`
	Files   []string `arg:"" optional:"" name:"file" help:"Files to import, gzip and zstd too; - is standard input."`
}

func (c *importCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	r := app.ImportRequest{Site: c.Site, Format: c.Format, Overlap: c.Overlap, Files: c.Files, Undo: c.Undo, List: c.List}
	return app.Import(w.ctx, cfg, r, os.Stdin, w.out, w.err)
}
