package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"moonbear/internal/demo"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// DemoRequest says what `moonbear demo` fills a data directory with.
type DemoRequest struct {
	Events int64
	Days   int
	Sites  int
	Share  float64 // of the events, for the first site of several
	Until  string  // a date; the traffic ends where it begins, UTC. "" is today, or what was asked for before
}

// demoPlan is a request as it is kept beside the data, so that the same command
// goes on where it was stopped, and another one is not mixed into it.
type demoPlan struct {
	Events int64   `json:"events"`
	Days   int     `json:"days"`
	Sites  int     `json:"sites"`
	Share  float64 `json:"share"`
	Until  string  `json:"until"`
	// Traffic is what demo.Version was: the other half of a period must not be
	// made by another generator.
	Traffic int `json:"traffic"`
}

const demoPlanFile = "demo.json"

func (p demoPlan) to() time.Time {
	t, _ := time.Parse(time.DateOnly, p.Until) // checked when it was read
	return t
}

func (p demoPlan) from() time.Time { return p.to().AddDate(0, 0, -p.Days) }

// plan checks a request. Errors are faults of its flags.
func (r DemoRequest) plan(now time.Time) (demoPlan, error) {
	p := demoPlan{Events: r.Events, Days: r.Days, Sites: r.Sites, Share: r.Share, Until: r.Until, Traffic: demo.Version}
	if p.Until == "" {
		p.Until = now.UTC().Format(time.DateOnly)
	}
	switch to, err := time.Parse(time.DateOnly, p.Until); {
	case err != nil:
		return p, fault.Field("until", fmt.Sprintf("%q is not a date: write it like 2026-11-22.", p.Until))
	case to.After(now):
		return p, fault.Field("until", fmt.Sprintf("The traffic ends where this date begins, and %s is not here yet.", p.Until))
	}
	for _, c := range []struct {
		flag     string
		value    int64
		from, to int64
	}{{"events", p.Events, 1, 10_000_000_000}, {"days", int64(p.Days), 1, 3660}, {"sites", int64(p.Sites), 1, 1000}} {
		if c.value < c.from || c.value > c.to {
			return p, fault.Field(c.flag, fmt.Sprintf("--%s is %d: want %s to %s.", c.flag, c.value, digits(c.from), digits(c.to)))
		}
	}
	if !(p.Share >= 0.01 && p.Share <= 0.99) {
		return p, fault.Field("share", fmt.Sprintf("--share is %v: want 0.01 to 0.99, the first site's share of the events.", p.Share))
	}
	return p, nil
}

// readDemoPlan reads what a directory was filled with; nil when it was not.
func readDemoPlan(dir string) (*demoPlan, error) {
	b, err := os.ReadFile(filepath.Join(dir, demoPlanFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var p demoPlan
	if err = json.Unmarshal(b, &p); err == nil {
		_, err = time.Parse(time.DateOnly, p.Until)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, demoPlanFile), err)
	}
	return &p, nil
}

func (p demoPlan) write(dir string) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, demoPlanFile)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// settle makes the plan of a directory: the one it has, which must be what is
// asked for, or the one asked for, when nobody has what it would fill, which
// free says.
func (r DemoRequest) settle(dir string, now time.Time, free func() error) (demoPlan, error) {
	before, err := readDemoPlan(dir)
	if err != nil {
		return demoPlan{}, err
	}
	if before != nil && r.Until == "" {
		r.Until = before.Until
	}
	p, err := r.plan(now)
	switch {
	case err != nil:
		return p, err
	case before == nil:
		if err := free(); err != nil {
			return p, err
		}
		return p, p.write(dir)
	case *before != p:
		return p, fault.New(fault.Conflict, fmt.Sprintf("%s was filled by another command: --events %d --days %d --sites %d --share %v --until %s%s. That goes on where it stopped; anything else wants an empty DATA_DIR.",
			dir, before.Events, before.Days, before.Sites, before.Share, before.Until, otherTraffic(before.Traffic)))
	}
	return p, nil
}

func otherTraffic(v int) string {
	if v == demo.Version {
		return ""
	}
	return " of another version of Moonbear"
}

// traffic is what a plan's n-th site has; begin is where a window of it may
// begin.
func (p demoPlan) traffic(n int, st *site.Site, begin time.Time) (t *demo.Traffic, events int64) {
	events = demo.Split(p.Events, p.Sites, p.Share)[n]
	shop := demo.Shops(p.Sites)[n]
	return demo.New(demo.Options{
		Site: st.ID, Seed: uint64(n + 1), Shop: shop, Zone: st.Location,
		PerDay: demo.PerDay(events, p.to().Sub(p.from())), Epoch: p.from(), Begin: begin,
	}), events
}
