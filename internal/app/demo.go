package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"moonbear/internal/demo"
	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

const (
	demoDays   = 60
	demoEmail  = "demo@" + demo.Domain
	demoPerDay = 900
)

// demoSite fills a site with traffic up to the present and goes on with it.
// The position of its batches is the minute they end in, so the store itself
// knows where the demo stopped, and a restart adds only what is missing.
type demoSite struct {
	site    site.Site
	user    int64
	store   event.Store
	traffic *demo.Traffic
	log     *slog.Logger
}

// openDemo finds the demo site, or claims a fresh server with it.
func openDemo(ctx context.Context, c *control, store event.Store, log *slog.Logger) (*demoSite, error) {
	d := &demoSite{store: store, log: log}
	res, err := c.sites.FirstRun(ctx, site.FirstRun{Email: demoEmail, Password: rand.Text(), Domain: demo.Domain, TimeZone: "Asia/Seoul"})
	switch f, isFault := fault.From(err); {
	case err == nil:
		d.site, d.user = res.Site, res.User
		if err := demoGoals(ctx, c.sites, d.site.ID); err != nil {
			return nil, err
		}
	case isFault && f.Kind == fault.Conflict:
		u, err := c.accounts.UserByEmail(ctx, demoEmail)
		if err != nil {
			return nil, errors.New("this server belongs to somebody: --demo wants an empty DATA_DIR, or the one it made itself")
		}
		d.user = u.ID
		st, ok := c.sites.Directory().Lookup(demo.Domain)
		if !ok {
			return nil, fmt.Errorf("the demo site %s was deleted: --demo wants an empty DATA_DIR", demo.Domain)
		}
		d.site = *st
	default:
		return nil, err
	}
	d.traffic = demo.New(demo.Options{Site: d.site.ID, PerDay: demoPerDay, Epoch: d.site.CreatedAt.AddDate(0, 0, -demoDays)})
	return d, nil
}

// demoGoals gives a new demo site what its owner would have made by now.
func demoGoals(ctx context.Context, sites *site.Service, id int64) error {
	for _, g := range []site.Goal{
		{Name: "Purchase", Rule: site.Rule{Event: demo.Purchase}},
		{Name: "Home subscription", Value: 24_000, Rule: site.Rule{Event: demo.Signup,
			Properties: []site.PropertyCondition{{Key: "plan", Operator: "eq", Value: "home"}}}},
		{Name: "Reached the checkout", Rule: site.Rule{Path: "/checkout"}},
	} {
		g.Site = id
		if _, err := sites.AddGoal(ctx, g); err != nil {
			return fmt.Errorf("demo goal %s: %w", g.Name, err)
		}
	}
	_, err := sites.AddSegment(ctx, site.Segment{Site: id, Name: "Korea, on a phone",
		Filter: `{"and":[{"dimension":"country","operator":"eq","value":["KR"]},{"dimension":"device","operator":"eq","value":["mobile"]}]}`})
	if err != nil {
		return fmt.Errorf("demo segment: %w", err)
	}
	return nil
}

func (d *demoSite) spoolID() string { return fmt.Sprintf("demo-%d", d.site.ID) }

// fill appends what is missing up to now, six hours at a time.
func (d *demoSite) fill(ctx context.Context, now time.Time) (rows int, err error) {
	done, err := d.store.Loaded(ctx, d.spoolID())
	if err != nil {
		return 0, err
	}
	if done == 0 {
		done = d.site.CreatedAt.AddDate(0, 0, -demoDays).Unix() / 60
	}
	for end := now.Unix() / 60; done < end; {
		next := min(done+6*60, end)
		events, drops := d.traffic.Window(time.Unix(done*60, 0), time.Unix(next*60, 0))
		b := &event.Batch{Spool: d.spoolID(), From: done, To: next, Events: events, Drops: drops}
		if err := d.store.Append(ctx, b); err != nil {
			return rows, fmt.Errorf("demo traffic: %w", err)
		}
		rows += len(events)
		done = next
	}
	return rows, nil
}

// Run adds each minute's traffic as it passes.
func (d *demoSite) Run(ctx context.Context) error {
	t := time.NewTicker(5 * time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-t.C:
			if _, err := d.fill(ctx, now); err != nil && ctx.Err() == nil {
				d.log.ErrorContext(ctx, "demo traffic", "error", err)
			}
		}
	}
}
