package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/db"
	"moonbear/internal/fault"
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

// Setup claims the server of a data directory from the command line, whether
// it runs (through its control socket) or not (under the directory's lock).
// Who can reach either is its operator, so no one-time code is asked for.
func Setup(ctx context.Context, cfg Config, r SetupRequest) (SetupResult, error) {
	dir, err := openDataDir(cfg.DataDir)
	if errors.Is(err, errRunning) {
		return askSetup(ctx, cfg.DataDir, r)
	}
	if err != nil {
		return SetupResult{}, err
	}
	defer dir.close()
	c, err := openControl(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return SetupResult{}, err
	}
	defer c.db.Close()
	return c.setup(ctx, r)
}

// control is the control database and the services over it.
type control struct {
	db       *db.DB
	accounts *account.Service
	sites    *site.Service
}

func openControl(ctx context.Context, cfg Config, log *slog.Logger) (*control, error) {
	d, err := db.Open(ctx, cfg.DatabaseURL, log)
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx); err != nil {
		d.Close()
		return nil, err
	}
	accounts := account.New(d, account.Options{Log: log, Now: time.Now, Secure: cfg.secure()})
	return &control{d, accounts, site.New(d, accounts, site.Options{Log: log, Now: time.Now})}, nil
}

func (c *control) setup(ctx context.Context, r SetupRequest) (SetupResult, error) {
	res, err := c.sites.FirstRun(ctx, site.FirstRun{Email: r.Email, Password: r.Password, Domain: r.Domain, TimeZone: r.TimeZone})
	if err != nil {
		return SetupResult{}, err
	}
	return SetupResult{SiteID: res.Site.PublicID, Token: res.Token}, nil
}

// controlSocket answers subcommands of other processes; only this user can
// open it.
func (c *control) controlSocket(l net.Listener, log *slog.Logger) func(context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /setup", func(w http.ResponseWriter, r *http.Request) {
		var req SetupRequest
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&req)
		var res SetupResult
		if err == nil {
			res, err = c.setup(r.Context(), req)
		}
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			status, message := http.StatusInternalServerError, "The server could not be set up; its log says why."
			if f, ok := fault.From(err); ok {
				status, message = int(f.Kind), f.Message
			} else {
				log.ErrorContext(r.Context(), "setup from the command line", "error", err)
			}
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
			return
		}
		_ = json.NewEncoder(w).Encode(res)
	})
	return serveHTTP(&http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, l)
}

// askSetup has the running server claim itself.
func askSetup(ctx context.Context, dir string, r SetupRequest) (SetupResult, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return SetupResult{}, err
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return dialSocket(dir) },
	}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://moonbear/setup", bytes.NewReader(body))
	if err != nil {
		return SetupResult{}, err
	}
	res, err := client.Do(req)
	if err != nil {
		return SetupResult{}, fmt.Errorf("a server holds %s but does not answer: %w", dir, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return SetupResult{}, err
	}
	if res.StatusCode != http.StatusOK {
		var m struct{ Message string }
		if err := json.Unmarshal(b, &m); err != nil || m.Message == "" {
			return SetupResult{}, fmt.Errorf("the running server answered %d %s", res.StatusCode, b)
		}
		return SetupResult{}, errors.New(m.Message)
	}
	var out SetupResult
	return out, json.Unmarshal(b, &out)
}
