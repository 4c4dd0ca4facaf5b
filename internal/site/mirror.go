package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// mirrorFormat is that of the file; another one is not read.
const mirrorFormat = 1

// mirror is the list of sites in a file beside the spool, so that a server
// whose control database is away can start and collect.
type mirror struct {
	Format int        `json:"format"`
	Sites  []mirrored `json:"sites"`
}

// mirrored is what collecting asks of a site.
type mirrored struct {
	ID           int64     `json:"id"`
	PublicID     string    `json:"public_id"`
	Account      int64     `json:"account"`
	Domain       string    `json:"domain"`
	TimeZone     string    `json:"timezone"`
	Currency     string    `json:"currency"`
	Hostnames    []string  `json:"hostnames,omitempty"`
	KeepFragment bool      `json:"keep_fragment,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
}

// MirrorIn has every refresh that finds a change write the list to a file. Call
// it before Run.
func (d *Directory) MirrorIn(path string) { d.mirror = path }

// Recall takes the list from the file, where it was never read from the
// database; the error says why it can't.
func (d *Directory) Recall() error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	if d.list.Load() != nil {
		return nil
	}
	b, err := os.ReadFile(d.mirror)
	if err != nil {
		return fmt.Errorf("recall the site list: %w", err)
	}
	var m mirror
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("recall the site list from %s: %w", d.mirror, err)
	}
	if m.Format != mirrorFormat {
		return fmt.Errorf("recall the site list from %s: its format is %d, this program reads %d", d.mirror, m.Format, mirrorFormat)
	}
	sites := make([]Site, len(m.Sites))
	for i, s := range m.Sites {
		sites[i] = Site{
			ID: s.ID, PublicID: s.PublicID, Account: s.Account, Domain: s.Domain, TimeZone: s.TimeZone,
			Location: d.zones.stored(s.TimeZone), Currency: s.Currency, Hostnames: s.Hostnames,
			KeepFragment: s.KeepFragment, CreatedAt: s.CreatedAt,
		}
	}
	d.set(sites)
	d.mirrorBytes = b
	return nil
}

// writeMirror writes the list to the file if it differs from what is there.
func (d *Directory) writeMirror(sites []Site) error {
	if d.mirror == "" {
		return nil
	}
	m := mirror{Format: mirrorFormat, Sites: make([]mirrored, len(sites))}
	for i, s := range sites {
		m.Sites[i] = mirrored{s.ID, s.PublicID, s.Account, s.Domain, s.TimeZone, s.Currency, s.Hostnames, s.KeepFragment, s.CreatedAt}
	}
	b, err := json.Marshal(m)
	if err != nil || bytes.Equal(b, d.mirrorBytes) {
		return err
	}
	if err := replaceFile(d.mirror, b); err != nil {
		return fmt.Errorf("mirror the site list: %w", err)
	}
	d.mirrorBytes = b
	return nil
}

// replaceFile puts b in the place of a file: whole and on the disk, or not at
// all.
func replaceFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
