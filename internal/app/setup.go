package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/db"
	"moonbear/internal/site"
)

// SetupRequest claims a fresh server.
type SetupRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Domain   string `json:"domain"`
	TimeZone string `json:"timezone"`
}

// SetupResult is what `moonbear setup` prints.
type SetupResult struct {
	SiteID string `json:"site_id"`
	Token  string `json:"token"` // may read stats and write events
}

// Setup claims the server of a data directory from the command line. Who can
// reach that is its operator, so no one-time code is asked for.
func Setup(ctx context.Context, cfg Config, r SetupRequest) (SetupResult, error) {
	return atControl(ctx, cfg, "/setup", r, (*control).setup)
}

// control is the control database and the services over it.
type control struct {
	db       *db.DB
	accounts *account.Service
	sites    *site.Service
}

// openControl opens the control database and brings it up to date.
func openControl(ctx context.Context, cfg Config, log *slog.Logger) (*control, error) {
	c, err := newControl(ctx, cfg, log, &shared{})
	if err != nil {
		return nil, err
	}
	if err := c.db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	return c, nil
}

// newControl opens the control database; sh is told of changes in it.
func newControl(ctx context.Context, cfg Config, log *slog.Logger, sh *shared) (*control, error) {
	if err := refuseMoved(cfg); err != nil {
		return nil, err
	}
	d, err := db.Open(ctx, cfg.DatabaseURL, log)
	if err != nil {
		return nil, err
	}
	accounts := account.New(d, account.Options{Log: log, Now: time.Now, Secure: cfg.secure(), Limits: sh.limits, TokensChanged: sh.changed(changedTokens)})
	return &control{d, accounts, site.New(d, accounts, site.Options{Log: log, Now: time.Now, Changed: sh.changed(changedSites)})}, nil
}

func (c *control) setup(ctx context.Context, r SetupRequest) (SetupResult, error) {
	res, err := c.sites.FirstRun(ctx, site.FirstRun{Email: r.Email, Password: r.Password, Domain: r.Domain, TimeZone: r.TimeZone})
	if err != nil {
		return SetupResult{}, err
	}
	return SetupResult{SiteID: res.Site.PublicID, Token: res.Token}, nil
}
