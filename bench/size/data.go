package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"time"

	"moonbear/bench/figures"
)

// dataset is a data directory with events, and what is known of it without
// asking the server.
type dataset struct {
	dir    string
	link   string         // signs in, once
	jar    http.CookieJar // signed in
	engine *engine        // nil: its events are in the directory

	Stored        int64   `json:"stored"`
	Sites         []site  `json:"sites"` // most events first
	From          string  `json:"from"`  // first and last day, the sites' own
	To            string  `json:"to"`
	LoadPerSecond float64 `json:"load_per_second"`
	Compacted     float64 `json:"compacted_s"`
	Kept          float64 `json:"kept_s"`

	Loading *figures.Engine `json:"engine,omitempty"` // what loading took of it
}

// site is one of a dataset's.
type site struct {
	Number int64  `json:"number"`
	ID     string `json:"id"`
	Domain string `json:"domain"`
	Zone   string `json:"zone"`
	Stored int64  `json:"stored"`
	Count  counts `json:"count"` // of the biggest and of the smallest
}

func (d *dataset) big() *site { return &d.Sites[0] }

func (d *dataset) small() *site { return &d.Sites[len(d.Sites)-1] }

// busy is the site that hits are sent to while measuring: one whose numbers
// aren't looked at, so that theirs stay true. There is none beside a single one.
func (d *dataset) busy() *site {
	if len(d.Sites) < 3 {
		return nil
	}
	return &d.Sites[len(d.Sites)-2]
}

// period is what every question asks about: the days the events are of.
func (d *dataset) period() string { return "from=" + d.From + "&to=" + d.To }

// environ is what the server and moonbear demo find it by.
func (d *dataset) environ(o options) []string {
	env := []string{"DATA_DIR=" + d.dir, "EVENTS_MEMORY=" + o.memory, "ENV=production"}
	if d.engine != nil {
		env = append(env, "EVENTS_URL="+d.engine.url())
	}
	return env
}

// prepare finds the data directory of a size, or makes it. The caller closes
// the dataset.
func prepare(ctx context.Context, o options, s size) (d *dataset, err error) {
	dir, err := filepath.Abs(filepath.Join(o.data, s.name()))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.data, 0o755); err != nil {
		return nil, err
	}
	d = &dataset{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	// What is known is written down beside the directory, which holds nothing
	// that isn't the server's.
	facts := dir + ".json"
	b, err := os.ReadFile(facts)
	known := err == nil
	if known {
		say("taking the events in %s", dir)
		err = json.Unmarshal(b, d)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return d, err
	}
	if d.jar, err = cookiejar.New(nil); err != nil {
		return d, err
	}
	if s.store == clickhouse {
		if d.engine, err = startEngine(dir+".engine", s); err != nil {
			return d, err
		}
	}
	begun := time.Now()
	if err := d.load(ctx, o, s); err != nil {
		return d, err
	}
	if known {
		return d, d.settle(ctx, o)
	}
	say("%s million events made, loaded and sorted in %.0f s: loading %s, compaction %.1f s",
		figures.Millions(s.events), time.Since(begun).Seconds(), figures.PerSecond(d.LoadPerSecond), d.Compacted)
	if err := d.describe(s); err != nil {
		return d, err
	}
	if err := d.settle(ctx, o); err != nil {
		return d, err
	}
	if b, err = json.MarshalIndent(d, "", "  "); err != nil {
		return d, err
	}
	return d, os.WriteFile(facts, append(b, '\n'), 0o644)
}

// close ends what runs beside the server.
func (d *dataset) close() error {
	if d.engine == nil {
		return nil
	}
	return d.engine.Close()
}

// load fills the dataset, wherever its events are.
func (d *dataset) load(ctx context.Context, o options, s size) error {
	if d.engine == nil {
		_, err := d.fill(ctx, o, s)
		return err
	}
	if d.Loading == nil {
		d.Loading = &figures.Engine{}
	}
	err := d.engine.load(ctx, d.Loading, func() (int64, error) { return d.fill(ctx, o, s) })
	d.Compacted = d.Loading.Merged
	return err
}

// settle has the server do what it does every night, and signs in.
func (d *dataset) settle(ctx context.Context, o options) error {
	s, err := start(ctx, o, d)
	if err != nil {
		return err
	}
	defer s.kill() // harmless when it has been stopped
	if err := s.signIn(d.link); err != nil {
		return err
	}
	if d.engine != nil {
		if err := d.engine.settled(ctx); err != nil {
			return err
		}
	}
	took, err := s.night(ctx, d.dir)
	if err != nil {
		return err
	}
	if d.Kept == 0 {
		d.Kept = took.Seconds()
		say("the night's job, keeping whole days, took %.1f s", d.Kept)
	}
	return s.stop()
}
