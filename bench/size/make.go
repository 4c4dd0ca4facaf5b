package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	_ "github.com/mattn/go-sqlite3" // the control database

	"moonbear/bench/figures"
	"moonbear/internal/demo"
	"moonbear/internal/event"
)

// dataDays is what the events are spread over.
const dataDays = 30

var (
	linkMade  = regexp.MustCompile(`/login/link/[A-Z2-7]+`)
	loadMade  = regexp.MustCompile(`([\d,]+) added in [\d.]+ s, ([\d,]+) events/s(?:; compacted in ([\d.]+) s)?`)
	untilMade = regexp.MustCompile(`"until": "([\d-]+)"`)
)

// fill runs moonbear demo, which adds nothing to a directory that it has filled
// before, and says how many events it added. Each time it prints a link that
// signs in.
func (d *dataset) fill(ctx context.Context, o options, s size) (added int64, err error) {
	cmd := exec.CommandContext(ctx, o.bin, "demo", "--events", strconv.FormatInt(s.events, 10), "--sites", strconv.Itoa(s.sites),
		"--days", strconv.Itoa(dataDays), "--share", strconv.FormatFloat(figures.BigShare, 'f', -1, 64))
	cmd.Env = append(os.Environ(), d.environ(o)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("moonbear demo: %w\n%s", err, &out)
	}
	if d.link = linkMade.FindString(out.String()); d.link == "" {
		return 0, fmt.Errorf("moonbear demo printed no link:\n%s", &out)
	}
	m := loadMade.FindStringSubmatch(out.String())
	if m == nil {
		return 0, nil
	}
	rate, err := number(m[2])
	if err != nil {
		return 0, err
	}
	d.LoadPerSecond = float64(rate)
	if m[3] != "" {
		if d.Compacted, err = strconv.ParseFloat(m[3], 64); err != nil {
			return 0, err
		}
	}
	return number(m[1])
}

// describe notes the period and the sites, and counts the two that are looked
// at: it makes their events again and loops over them.
func (d *dataset) describe(s size) error {
	b, err := os.ReadFile(filepath.Join(d.dir, "demo.json"))
	if err != nil {
		return err
	}
	m := untilMade.FindSubmatch(b)
	if m == nil {
		return fmt.Errorf("demo.json doesn't say until when: %s", b)
	}
	until, err := time.Parse(time.DateOnly, string(m[1]))
	if err != nil {
		return err
	}
	// The last of the days is the one that the others are followed by, which
	// has only begun: a dashboard always ends with such a day.
	d.From, d.To = until.AddDate(0, 0, 1-dataDays).Format(time.DateOnly), string(m[1])
	if err := d.findSites(); err != nil {
		return err
	}
	if len(d.Sites) != s.sites {
		return fmt.Errorf("there are %d sites, want %d", len(d.Sites), s.sites)
	}
	for i, n := range demo.Split(s.events, s.sites, figures.BigShare) {
		d.Sites[i].Stored = n
		d.Stored += n
	}
	for i := range d.Sites {
		if i != 0 && i != len(d.Sites)-1 {
			continue
		}
		if d.Sites[i].Count, err = d.count(i, s.sites, until); err != nil {
			return err
		}
	}
	return nil
}

// findSites reads the sites from the control database: in the order they were
// made in, which is the order of their events.
func (d *dataset) findSites() error {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(d.dir, "moonbear.db")+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Query("select id, public_id, domain, time_zone from sites order by id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s site
		if err := rows.Scan(&s.Number, &s.ID, &s.Domain, &s.Zone); err != nil {
			return err
		}
		d.Sites = append(d.Sites, s)
	}
	return rows.Err()
}

// count makes a site's events again, as moonbear demo did, and counts them.
func (d *dataset) count(i, sites int, until time.Time) (counts, error) {
	s := &d.Sites[i]
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return counts{}, err
	}
	from, err := time.ParseInLocation(time.DateOnly, d.From, zone)
	if err != nil {
		return counts{}, err
	}
	begin := until.AddDate(0, 0, -dataDays)
	fill := demo.New(demo.Options{
		Site: s.Number, Seed: uint64(i + 1), Shop: demo.Shops(sites)[i], Zone: zone,
		PerDay: demo.PerDay(s.Stored, until.Sub(begin)), Epoch: begin,
	}).Fill(s.Stored, begin, until)
	c, made := newCounter(zone, from, from.AddDate(0, 0, dataDays)), int64(0)
	for b := (&event.Batch{}); fill.More(); b.Events, b.Drops = b.Events[:0], b.Drops[:0] {
		fill.Next(b, 10_000)
		for e := range b.Events {
			c.add(&b.Events[e])
		}
		made += int64(len(b.Events))
	}
	if made != s.Stored {
		return counts{}, fmt.Errorf("%s: %d events made again, %d stored", s.Domain, made, s.Stored)
	}
	return c.counted(), nil
}
