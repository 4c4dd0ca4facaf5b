package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"moonbear/internal/demo"
	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
)

const (
	owner    = "limits@bench.example"
	password = "a long bench password"
	siteMany = 21 // the first has half of all events
	days     = 30
	// canary is in the biggest site's events, and nowhere when it is deleted.
	canary = "canary-3vNqZr8kXwPd"
)

// grown is a data directory with events in it.
type grownData struct {
	Dir    string   `json:"-"`
	Events int64    `json:"events"`
	Sites  []string `json:"sites"` // public IDs, the biggest first
	Token  string   `json:"token"` // may do anything
	Made   time.Time
}

// grown makes a data directory, or finds one made before in dir.
func grown(ctx context.Context, bin, dir string, events int) (*grownData, error) {
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "moonbear-limits-"); err != nil {
			return nil, err
		}
	}
	g := &grownData{Dir: filepath.Join(dir, fmt.Sprintf("%d", events))}
	note := filepath.Join(g.Dir, "made.json")
	if b, err := os.ReadFile(note); err == nil {
		return g, json.Unmarshal(b, g)
	}
	if err := os.RemoveAll(g.Dir); err != nil {
		return nil, err
	}
	if err := g.claim(ctx, bin); err != nil {
		return nil, err
	}
	if err := g.fill(ctx, float64(events)); err != nil {
		return nil, err
	}
	g.Made = time.Now()
	b, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	return g, os.WriteFile(note, b, 0o600)
}

// claim sets the server up, with its sites and a token.
func (g *grownData) claim(ctx context.Context, bin string) error {
	s, err := newServer(bin, g.Dir)
	if err != nil {
		return err
	}
	defer s.end()
	var first struct {
		SiteID string `json:"site_id"`
	}
	if err := s.command(ctx, &first, "setup", "--email", owner, "--password", password, "--domain", domainOf(0)); err != nil {
		return err
	}
	var made struct{ Token string }
	if err := s.command(ctx, &made, "token", "--email", owner, "--name", "limits", "--scope", "read_stats,write_events,manage_sites"); err != nil {
		return err
	}
	g.Token, g.Sites, s.token = made.Token, []string{first.SiteID}, made.Token
	if err := s.start(ctx); err != nil {
		return err
	}
	for i := 1; i < siteMany; i++ {
		var site struct{ ID string }
		if err := s.api(ctx, "POST", "/v1/sites", map[string]any{"domain": domainOf(i)}, &site); err != nil {
			return err
		}
		g.Sites = append(g.Sites, site.ID)
	}
	return s.end()
}

func domainOf(i int) string { return fmt.Sprintf("site-%d.bench.example", i) }

// fill writes the events straight into the store, an hour after the other, and
// sorts them. Sites have the IDs 1, 2, … in the order they were made.
func (g *grownData) fill(ctx context.Context, events float64) (err error) {
	store, err := duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(g.Dir, "events.duckdb")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	to := time.Now().UTC().Truncate(time.Minute)
	from := to.AddDate(0, 0, -days)
	sample, _ := demo.New(demo.Options{Site: 1, PerDay: 1000, Epoch: from}).Window(from, to)
	perVisit := float64(len(sample)) / 1000
	var sites []*demo.Traffic
	for i := range siteMany {
		n := events / 2
		if i > 0 {
			n = events / 2 / (siteMany - 1)
		}
		sites = append(sites, demo.New(demo.Options{Site: int64(i + 1), PerDay: n / perVisit, Epoch: from}))
	}
	var pos int64
	for at := from; at.Before(to); at = at.Add(time.Hour) {
		end := at.Add(time.Hour)
		if end.After(to) {
			end = to
		}
		b := &event.Batch{Spool: "bench-limits", From: pos, To: pos + 1}
		pos++
		for i, t := range sites {
			es, ds := t.Window(at, end)
			if i == 0 && len(es) > 0 {
				es[0].Referrer = canary
			}
			b.Events, b.Drops = append(b.Events, es...), append(b.Drops, ds...)
		}
		if err := store.Append(ctx, b); err != nil {
			return err
		}
		g.Events += int64(len(b.Events))
		if pos%100 == 0 {
			fmt.Fprintf(os.Stderr, "%d events\n", g.Events)
		}
	}
	return store.Compact(ctx)
}

// copy is a server over a copy of the data, so that what is done to it is not
// kept.
func (g *grownData) copy(bin string) (*server, error) {
	dir, err := os.MkdirTemp(filepath.Dir(g.Dir), "run-")
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if out, err := exec.Command("cp", "-a", "--reflink=auto", g.Dir, dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy the data: %w: %s", err, out)
	}
	s, err := newServer(bin, dir)
	if err != nil {
		return nil, err
	}
	s.token, s.sites, s.events = g.Token, g.Sites, g.Events
	return s, nil
}
