package site

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moonbear/internal/db"
)

// refreshEvery bounds how old the Directory is when another process changed a
// site and could not say so (Stale); a change made by this process is in it
// before the change returns.
const refreshEvery = 30 * time.Second

// Directory is every site in memory, for collecting: looking one up takes no
// lock, no allocation and no database. What it returns is shared and read only.
type Directory struct {
	db    *db.DB
	log   *slog.Logger
	zones *zones
	stale chan struct{} // Run must read the list anew

	mirror      string // a file; "" for none
	mirrorBytes []byte // what is in it; under refreshing

	refreshing sync.Mutex // one at a time, so that an older list never replaces a newer
	list       atomic.Pointer[directoryList]
}

type directoryList struct {
	byPublicID map[string]*Site
	byDomain   map[string]*Site
}

// Ready says whether the list of sites is known; until then nobody can say
// that a site does not exist.
func (d *Directory) Ready() bool { return d.list.Load() != nil }

// Lookup finds a site by its public ID, or by its domain in any case (the
// second dialect names sites so); known is false when there is none.
func (d *Directory) Lookup(id string) (s *Site, known bool) {
	l := d.list.Load()
	if l == nil {
		return nil, false
	}
	if s, known = l.byPublicID[id]; known {
		return s, true
	}
	s, known = l.byDomain[strings.ToLower(id)]
	return s, known
}

// Sites lists every site, by its number.
func (d *Directory) Sites() []*Site {
	l := d.list.Load()
	if l == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(l.byPublicID), func(a, b *Site) int { return cmp.Compare(a.ID, b.ID) })
}

// Len is the number of sites.
func (d *Directory) Len() int {
	if l := d.list.Load(); l != nil {
		return len(l.byPublicID)
	}
	return 0
}

// Run keeps the list fresh until ctx ends. A database that does not answer
// leaves the last list in force.
func (d *Directory) Run(ctx context.Context) error {
	t := time.NewTicker(refreshEvery)
	defer t.Stop()
	for {
		if err := d.Refresh(ctx); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "site list is stale", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-d.stale:
		}
	}
}

// Stale has Run read the list anew at once.
func (d *Directory) Stale() {
	select {
	case d.stale <- struct{}{}:
	default: // it is about to
	}
}

// Refresh reads the list anew.
func (d *Directory) Refresh(ctx context.Context) error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	sites, err := selectSites(ctx, d.db.Bun(), d.zones, allSites)
	if err != nil {
		return fmt.Errorf("refresh the site list: %w", err)
	}
	d.set(sites)
	if err := d.writeMirror(sites); err != nil { // the list is in force all the same
		d.log.ErrorContext(ctx, "a start without the control database would not know the newest sites", "error", err)
	}
	return nil
}

func (d *Directory) set(sites []Site) {
	l := &directoryList{
		byPublicID: make(map[string]*Site, len(sites)),
		byDomain:   make(map[string]*Site, len(sites)),
	}
	for i := range sites {
		s := &sites[i]
		l.byPublicID[s.PublicID] = s
		l.byDomain[s.Domain] = s
	}
	d.list.Store(l)
}
