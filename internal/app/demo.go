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

// demoSite is one site filled with traffic up to the present, and on with it.
// The position of its batches is the minute they end in, so the store itself
// knows where the demo stopped, and a restart adds only what is missing.
type demoSite struct {
	site    site.Site
	from    time.Time // where its traffic begins when there is none yet
	store   event.Store
	traffic *demo.Traffic
}

// demoSites are those of a server that shows what Moonbear does.
type demoSites struct {
	list []demoSite // the first is demo.Domain
	user int64
	log  *slog.Logger
}

// openDemo finds the demo's sites, or claims a fresh server with the first. A
// directory that `moonbear demo` filled goes on as busy as it was.
func openDemo(ctx context.Context, c *control, store event.Store, dir string, log *slog.Logger) (*demoSites, error) {
	plan, err := readDemoPlan(dir)
	if err != nil {
		return nil, err
	}
	owner, err := demoOwner(ctx, c)
	if err != nil {
		return nil, err
	}
	d := &demoSites{user: owner.user, log: log}
	if plan == nil {
		st := owner.site
		from := st.CreatedAt.AddDate(0, 0, -demoDays)
		d.list = []demoSite{{st, from, store, demo.New(demo.Options{Site: st.ID, Zone: st.Location, PerDay: demoPerDay, Epoch: from})}}
		return d, nil
	}
	sites, err := owner.all(ctx, c, plan.Sites)
	if err != nil {
		return nil, err
	}
	for i := range sites {
		t, _ := plan.traffic(i, &sites[i], plan.to())
		d.list = append(d.list, demoSite{sites[i], plan.to(), store, t})
	}
	return d, nil
}

// demoOwned is the demo's user and first site.
type demoOwned struct {
	user int64
	site site.Site
}

// demoOwner finds them, or makes them on a fresh server.
func demoOwner(ctx context.Context, c *control) (demoOwned, error) {
	res, err := c.sites.FirstRun(ctx, site.FirstRun{Email: demoEmail, Password: rand.Text(), Domain: demo.Domain, TimeZone: demo.Shops(1)[0].Zone})
	switch f, isFault := fault.From(err); {
	case err == nil:
		return demoOwned{res.User, res.Site}, demoGoals(ctx, c.sites, res.Site.ID)
	case !isFault || f.Kind != fault.Conflict:
		return demoOwned{}, err
	}
	u, err := c.accounts.UserByEmail(ctx, demoEmail)
	if err != nil {
		return demoOwned{}, errors.New("this server belongs to somebody: the demo wants an empty DATA_DIR, or the one it made itself")
	}
	st, ok := c.sites.Directory().Lookup(demo.Domain)
	if !ok {
		return demoOwned{}, fmt.Errorf("the demo site %s was deleted: the demo wants an empty DATA_DIR", demo.Domain)
	}
	return demoOwned{u.ID, *st}, nil
}

// all are the sites of n shops; what is not there yet is made.
func (o demoOwned) all(ctx context.Context, c *control, n int) ([]site.Site, error) {
	sites := []site.Site{o.site}
	for _, shop := range demo.Shops(n)[1:] {
		if st, ok := c.sites.Directory().Lookup(shop.Domain); ok {
			sites = append(sites, *st)
			continue
		}
		st, err := c.sites.Create(ctx, site.NewSite{Account: o.site.Account, Domain: shop.Domain, TimeZone: shop.Zone})
		if err != nil {
			return nil, fmt.Errorf("demo site %s: %w", shop.Domain, err)
		}
		sites = append(sites, st)
	}
	return sites, nil
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

// demoSpool names the batches of a demo site.
func demoSpool(site int64) string { return fmt.Sprintf("demo-%d", site) }

// fill appends what is missing up to now.
func (d *demoSites) fill(ctx context.Context, now time.Time) (rows int, err error) {
	for i := range d.list {
		n, err := d.list[i].fill(ctx, now)
		rows += n
		if err != nil {
			return rows, fmt.Errorf("demo traffic: %w", err)
		}
	}
	return rows, nil
}

// fill goes six hours at a time.
func (d *demoSite) fill(ctx context.Context, now time.Time) (rows int, err error) {
	done, err := d.store.Loaded(ctx, demoSpool(d.site.ID))
	if err != nil {
		return 0, err
	}
	if done == 0 {
		done = d.from.Unix() / 60
	}
	for end := now.Unix() / 60; done < end; {
		next := min(done+6*60, end)
		events, drops := d.traffic.Window(time.Unix(done*60, 0), time.Unix(next*60, 0))
		b := &event.Batch{Spool: demoSpool(d.site.ID), From: done, To: next, Events: events, Drops: drops}
		if err := d.store.Append(ctx, b); err != nil {
			return rows, err
		}
		rows += len(events)
		done = next
	}
	return rows, nil
}

// Run adds each minute's traffic as it passes.
func (d *demoSites) Run(ctx context.Context) error {
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
