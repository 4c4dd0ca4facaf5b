package transfer_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the same zones everywhere

	"moonbear/internal/account"
	"moonbear/internal/bot"
	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"
	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/fault"
	"moonbear/internal/geo"
	"moonbear/internal/salt"
	"moonbear/internal/site"
	"moonbear/internal/source"
	"moonbear/internal/transfer"
	"moonbear/internal/transfer/formats"
)

// The look-ups are the real ones; loading them takes a while, so once.
var lookups = sync.OnceValues(func() (l struct {
	geo     *geo.DB
	bots    *bot.Matcher
	sources *source.Sources
}, err error) {
	var errs [3]error
	l.geo, errs[0] = geo.Open("")
	l.bots, errs[1] = bot.New()
	l.sources, errs[2] = source.New()
	return l, errors.Join(errs[:]...)
})

// world is a server's parts that an import needs, over real engines.
type world struct {
	*transfer.Importer
	db    *db.DB
	store *duckdb.Store
	salts *salt.Salts
	site  *site.Site
	dir   string
	now   time.Time
	o     transfer.Options
}

// again is the Importer of the next process.
func (w *world) again() *transfer.Importer { return transfer.New(w.o) }

// newWorld has one site, shop.test in a zone, on which any hostname counts.
func newWorld(t testing.TB, tz string, change ...func(*transfer.Options)) *world {
	t.Helper()
	l, err := lookups()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: t.TempDir(), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), db: dbtest.New(t)}
	ctx := context.Background()
	now := func() time.Time { return w.now }
	accounts := account.New(w.db, account.Options{Log: slog.New(slog.DiscardHandler), Now: now})
	sites := site.New(w.db, accounts, site.Options{Log: slog.New(slog.DiscardHandler), Now: now})
	res, err := sites.FirstRun(ctx, site.FirstRun{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test", TimeZone: tz})
	if err != nil {
		t.Fatal(err)
	}
	s := res.Site
	s.Hostnames = nil
	w.site = &s
	if w.store, err = duckdb.Open(ctx, duckdb.Options{Path: filepath.Join(w.dir, "events"), Memory: 256 << 20}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	if w.salts, err = salt.Open(filepath.Join(w.dir, "salts"), now); err != nil {
		t.Fatal(err)
	}
	o := transfer.Options{
		DB: w.db, Store: w.store, Formats: formats.All(), Salts: w.salts,
		Geo: l.geo, Bots: l.bots, Sources: l.sources, Now: now,
	}
	for _, f := range change {
		f(&o)
	}
	w.o = o
	w.Importer = transfer.New(o)
	return w
}

// take imports a text as a file of a name.
func (w *world) take(t testing.TB, name, text string, change ...func(*transfer.Request)) *transfer.Summary {
	t.Helper()
	s, err := w.tryTake(t, name, text, change...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) tryTake(t testing.TB, name, text string, change ...func(*transfer.Request)) (*transfer.Summary, error) {
	t.Helper()
	r := transfer.Request{Site: w.site, File: transfer.File{Name: name, Reader: strings.NewReader(text), Size: int64(len(text))}}
	for _, f := range change {
		f(&r)
	}
	return w.Import(t.Context(), r, nil)
}

// number asks the store for one.
func (w *world) number(t testing.TB, query string, args ...any) (n int64) {
	t.Helper()
	rows, err := w.store.Select(context.Background(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// events are all of the site's, in order.
func (w *world) events(t testing.TB) (all []event.Event) {
	t.Helper()
	err := w.store.Export(context.Background(), w.site.ID, time.Time{}, w.now.AddDate(10, 0, 0), func(e *event.Event) error {
		c := *e
		c.Props = append([]event.Prop(nil), e.Props...)
		all = append(all, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func dropped(c transfer.Counts, r transfer.Reason) (n int64) {
	for _, d := range c.Dropped {
		if d.Reason == r {
			n += d.Lines
		}
	}
	return n
}

func isFault(err error, says string) bool {
	f, ok := fault.From(err)
	return ok && strings.Contains(f.Message, says)
}
