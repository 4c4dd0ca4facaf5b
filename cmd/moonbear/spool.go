package main

import "moonbear/internal/app"

type spoolCmd struct {
	HandOver handOverCmd `cmd:"" help:"Put what is in the spool of a data directory that no server will run on again into BACKUP_URL, where a running server adopts it: for an orphaned volume."`
}

type handOverCmd struct {
	Data string `placeholder:"DIR" help:"The data directory, where its volume is mounted. Default: DATA_DIR."`
}

func (c *handOverCmd) Run(w *world) error {
	cfg, err := app.ReadConfig(w.environ)
	if err != nil {
		return err
	}
	if c.Data != "" {
		cfg.DataDir = c.Data
	}
	return app.HandOver(w.ctx, cfg, w.out, w.err)
}
