package transfer

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"moonbear/internal/bot"
	"moonbear/internal/db"
	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/geo"
	"moonbear/internal/kv"
	"moonbear/internal/salt"
	"moonbear/internal/site"
	"moonbear/internal/source"
)

// Options of an Importer. All but the functions and Log are needed.
type Options struct {
	DB      *db.DB
	Store   event.Store
	Formats []Format
	Salts   *salt.Salts
	Geo     *geo.DB
	Bots    *bot.Matcher
	Sources *source.Sources
	// Temp is where files are sorted whose rows are in no order; "" is the
	// system's place for such.
	Temp string

	// Pace is asked before every batch, and waits while collecting is behind;
	// nil: nothing else happens here.
	Pace func(ctx context.Context) error
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger     // nil: nowhere

	step  func(string) // where tests kill it
	batch int          // events; 0: batchEvents
}

// Importer takes files in, one at a time.
type Importer struct {
	o Options

	mu      sync.Mutex
	busy    bool
	running int64 // the import that runs; 0: none, or one that has no number yet

	// Visits go on from one file to the next of a site, as people do who give
	// a week of logs, a file a day.
	visits     *kv.Memory
	visitsSite int64
	visitsAt   time.Time
}

const (
	// openVisits bounds the visits that are open at one time of the log.
	openVisits = 100_000
	// visitsGoOn is how long after one file another may follow it.
	visitsGoOn = 10 * time.Minute
)

// New makes an Importer.
func New(o Options) *Importer {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.batch = cmp.Or(o.batch, batchEvents)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Importer{o: o}
}

// Formats are the formats that files can have.
func (im *Importer) Formats() []Format { return im.o.Formats }

var errBusy = fault.New(fault.Conflict, "Another import is running: one runs at a time, so that collecting has the other processor. Try again when it is through.")

// take makes the caller the only one who imports or undoes.
func (im *Importer) take(id int64) bool {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.busy {
		return false
	}
	im.busy, im.running = true, id
	return true
}

func (im *Importer) give() {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.busy, im.running = false, 0
}

func (im *Importer) name(id int64) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.running = id
}

func (im *Importer) runs(id int64) bool {
	im.mu.Lock()
	defer im.mu.Unlock()
	return im.busy && im.running == id
}

// visitsOf are the visits of the file before, if it was this site's.
func (im *Importer) visitsOf(s *site.Site) *kv.Memory {
	if im.visits == nil || im.visitsSite != s.ID || im.o.Now().Sub(im.visitsAt) > visitsGoOn {
		im.visits, im.visitsSite = kv.NewMemory(openVisits), s.ID
	}
	return im.visits
}

func (im *Importer) forgetVisits() { im.visits = nil }
