package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dchest/siphash"

	"moonbear/internal/collect"
	"moonbear/internal/db"
	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/salt"
	"moonbear/internal/site"
)

const (
	// batchEvents are stored at once: an append of so many holds the store for
	// a tenth of a second, and the loader of hits waits no longer than that.
	batchEvents = 10_000
	// tell is how often progress is told.
	tell = 100 * time.Millisecond
)

// Request is one file to take in.
type Request struct {
	Site    *site.Site
	File    File
	Format  string // a format's name; "" or Auto: by the file's head
	Overlap bool   // also days that have live events
}

// Progress is how far an import is.
type Progress struct {
	Name    string `json:"name"`
	Format  string `json:"format"`
	Lines   int64  `json:"lines"`   // read in this run
	Bytes   int64  `json:"bytes"`   // of the file as it lies there
	Size    int64  `json:"size"`    // of the same; 0: not known
	Known   bool   `json:"known"`   // what is read now was read by an earlier run
	Sorting bool   `json:"sorting"` // everything is stored, and being put in order
	Ahead   bool   `json:"ahead"`   // the file is read to be put in order; nothing is stored yet
}

// Summary is what became of a file in one run. Run.Lines is the number of
// lines read: those stored, those dropped, and those that an earlier run had,
// which are counted under the reason Known.
type Summary struct {
	Import         // as it is now: all runs
	Run     Counts // this one
	Resumed bool   // an earlier run had some of it
}

// run is one file being read.
type run struct {
	im     *Importer
	req    *Request
	row    *row
	prog   progress
	from   mark // where this run goes on: what came before is stored and counted
	past   *collect.Past
	days   *days
	others *others
	ids    [2]uint64 // key of the visits' IDs
	told   salt.Salt // of visits that the source names

	win      window
	items    int64 // read
	position int64 // given out by the window
	torn     bool
	tally    *tally
	batch    event.Batch
	appended int64 // position
	nextEnd  int   // in prog.Ends

	hit    collect.PastHit
	judged collect.Judged
	decode event.Batch
}

// Import takes a file in. Progress is told ten times a second; tell may be nil.
// Errors a person can do something about are faults; what was stored before
// one stays, and importing the same file again goes on from there.
func (im *Importer) Import(ctx context.Context, req Request, tell func(Progress)) (*Summary, error) {
	if !im.take(0) {
		return nil, errBusy
	}
	defer im.give()
	in, err := NewInput(req.File)
	if err != nil {
		return nil, err
	}
	f, err := detect(im.o.Formats, req.Format, in)
	if err != nil {
		return nil, err
	}
	if tell == nil {
		tell = func(Progress) {}
	}
	src, err := f.Open(in, im.settings(ctx, &req, in, f, tell))
	if err != nil {
		return nil, err
	}
	var first Item
	switch err := src.Next(&first); {
	case errors.Is(err, io.EOF): // nothing to remember it by, and nothing to take back
		return &Summary{Import: Import{Site: req.Site.ID, Name: in.Name, Format: f.Name, State: Done}}, nil
	case err != nil:
		return nil, unreadable(in, err)
	}
	r, err := im.newRun(ctx, &req, in, f)
	if err != nil {
		return nil, err
	}
	if err := r.grown(src, in); err != nil {
		return nil, errors.Join(err, im.set(ctx, r.row.ID, "state = ?, finished_at = ?", Done, db.Time(im.o.Now())))
	}
	began := im.o.Now()
	err = r.read(ctx, src, in, &first, tell)
	im.visitsAt = im.o.Now()
	sum, err := r.end(ctx, err)
	if err == nil {
		im.o.Log.InfoContext(ctx, "file imported", "import", r.row.ID, "site", req.Site.ID, "format", f.Name,
			"lines", sum.Run.Lines, "stored", sum.Run.Stored, "took", im.o.Now().Sub(began))
	}
	return sum, err
}

func (im *Importer) newRun(ctx context.Context, req *Request, in *Input, f *Format) (r *run, err error) {
	r = &run{im: im, req: req}
	if r.row, err = im.begin(ctx, req.Site.ID, in, f.Name); err != nil {
		return nil, err
	}
	im.name(r.row.ID)
	if r.prog, err = r.row.progress(); err != nil {
		return nil, err
	}
	r.batch.Spool = fmt.Sprintf("import-%d-%d-%x", req.Site.ID, r.row.ID, r.row.HeadHash[:8])
	loaded, err := im.o.Store.Loaded(ctx, r.batch.Spool)
	if err != nil {
		return nil, fmt.Errorf("ask the store for its position: %w", err)
	}
	for _, m := range r.prog.Marks {
		if m.Position == loaded {
			r.from = m
		}
	}
	// Without a mark (the control database is an older copy) all is counted
	// anew, and what is stored is still not stored again.
	r.from.Position, r.appended = loaded, loaded
	r.tally = newTally(&r.from.Counts)
	sum := sha256.Sum256([]byte(r.batch.Spool))
	r.ids = [2]uint64{binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:])}
	if r.days, err = newDays(ctx, &im.o, req.Site, req.Overlap); err != nil {
		return nil, err
	}
	if r.others, err = newOthers(ctx, im.o.Store, req.Site, r.row.ID, req.Overlap); err != nil {
		return nil, err
	}
	r.past, err = collect.NewPast(collect.PastOptions{
		Site: req.Site, Geo: im.o.Geo, Bots: im.o.Bots, Sources: im.o.Sources,
		Salts: r.salts, Visits: im.visitsOf(req.Site),
	})
	return r, err
}

// read takes in every line.
func (r *run) read(ctx context.Context, src Source, in *Input, it *Item, say func(Progress)) error {
	told := time.Time{}
	for err := error(nil); ; err = src.Next(it) {
		switch {
		case errors.Is(err, io.EOF):
			return r.fileEnds(ctx)
		case err != nil:
			return unreadable(in, err)
		}
		if err := r.item(ctx, it); err != nil {
			return err
		}
		if r.items%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if now := time.Now(); now.Sub(told) >= tell {
				told = now
				say(Progress{Name: in.Name, Format: r.row.Format, Lines: r.items, Bytes: in.raw.n, Size: in.size, Known: r.items <= r.from.Items})
			}
		}
		*it = Item{}
	}
}

// item takes in one line.
func (r *run) item(ctx context.Context, it *Item) error {
	if it.Drop.Reason == Torn {
		// It is no line yet: the next run sees it whole.
		r.torn = true
		return nil
	}
	r.items++
	var err error
	switch {
	case it.Drop.Reason != "":
		if r.items > r.from.Items {
			r.tally.drop(it.Drop, it.Line)
		}
	case len(it.Days) > 0:
		err = r.counts(ctx, it)
	case it.Record.Exact != nil:
		err = r.exact(ctx, it)
	default:
		err = r.record(ctx, it)
	}
	if err != nil {
		return err
	}
	if r.win.turned() {
		if err := r.empty(ctx); err != nil {
			return err
		}
	}
	for r.win.due() {
		if err := r.giveOut(ctx); err != nil {
			return err
		}
	}
	if r.nextEnd < len(r.prog.Ends) && r.prog.Ends[r.nextEnd] == r.items {
		r.nextEnd++
		return r.empty(ctx)
	}
	return nil
}

// empty takes everything out of the window, which begins again.
func (r *run) empty(ctx context.Context) error {
	for len(r.win.heap) > 0 {
		if err := r.giveOut(ctx); err != nil {
			return err
		}
	}
	r.win.restart()
	return nil
}

// giveOut takes the oldest line out of the window.
func (r *run) giveOut(ctx context.Context) error {
	p := r.win.pop()
	if p.drop.Reason == "" {
		if err := r.join(ctx, &p); err != nil {
			return err
		}
	}
	return r.passed(ctx, &p.drop, p.line)
}

// passed counts a line whose turn has come. Its event, if it has one, is the
// judged one; lines that an earlier run stored end here.
func (r *run) passed(ctx context.Context, d *Drop, line int64) error {
	r.position++
	if r.position <= r.from.Position && r.from.Items > 0 {
		return nil
	}
	if d.Reason != "" {
		r.tally.drop(*d, line)
		return nil
	}
	e := &r.judged.Event
	e.Site, e.Import = r.req.Site.ID, r.row.ID
	at, err := r.days.of(ctx, time.UnixMilli(e.Time))
	if err != nil {
		return err
	}
	r.tally.store(at.text)
	if r.position <= r.appended {
		return nil
	}
	r.batch.Events = append(r.batch.Events, *e)
	return r.appendIfFull(ctx)
}

func (r *run) appendIfFull(ctx context.Context) error {
	if len(r.batch.Events)+len(r.batch.Days) < r.im.o.batch {
		return nil
	}
	return r.append(ctx)
}

// append stores the batch. Where the file is then is written before, so that
// a kill in between finds both.
func (r *run) append(ctx context.Context) error {
	if r.position <= r.appended {
		return nil
	}
	if r.im.o.Pace != nil {
		if err := r.im.o.Pace(ctx); err != nil {
			return err
		}
	}
	if n := len(r.prog.Marks); n > 1 {
		r.prog.Marks = r.prog.Marks[n-1:]
	}
	r.prog.Marks = append(r.prog.Marks, mark{Position: r.position, Items: r.items, Counts: r.tally.counts()})
	if err := r.im.keep(ctx, r.row, &r.prog); err != nil {
		return err
	}
	r.step("marked")
	r.batch.From, r.batch.To = r.appended, r.position
	if err := r.im.o.Store.Append(ctx, &r.batch); err != nil {
		return fmt.Errorf("store a batch of import %d: %w", r.row.ID, err)
	}
	r.step("appended")
	r.appended = r.position
	clear(r.batch.Events) // their texts
	r.batch.Events, r.batch.Days = r.batch.Events[:0], r.batch.Days[:0]
	return nil
}

func (r *run) step(name string) {
	if r.im.o.step != nil {
		r.im.o.step(name)
	}
}

// fileEnds stores what is left. That the file ended here is written first: a
// rerun must empty the window here as well, however much was added since.
func (r *run) fileEnds(ctx context.Context) error {
	if r.items < r.from.Items {
		return nil // a shorter copy: nothing new
	}
	if n := len(r.prog.Ends); n == 0 || r.prog.Ends[n-1] < r.items {
		r.prog.Ends = append(r.prog.Ends, r.items)
		if err := r.im.keep(ctx, r.row, &r.prog); err != nil {
			return err
		}
		r.step("ended")
	}
	if err := r.empty(ctx); err != nil {
		return err
	}
	if err := r.append(ctx); err != nil {
		return err
	}
	r.prog.Marks = []mark{{Position: r.position, Items: r.items, Counts: r.tally.counts()}}
	return r.im.keep(ctx, r.row, &r.prog)
}

// end writes how it went.
func (r *run) end(ctx context.Context, failed error) (*Summary, error) {
	// A dead context must not leave it running for ever.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if failed != nil {
		return nil, errors.Join(failed, r.im.set(ctx, r.row.ID, "state = ?, finished_at = null", Stopped))
	}
	whole := Done
	if r.items < r.from.Items { // a shorter copy: the rest is still to come
		whole = Stopped
	}
	if err := r.im.finish(ctx, r.row, whole); err != nil {
		return nil, err
	}
	sum := &Summary{Resumed: r.from.Items > 0}
	var err error
	if sum.Import, err = r.row.imported(); err != nil {
		return nil, err
	}
	sum.Run = r.tally.counts().less(r.from.Counts)
	sum.Run.Lines = r.items
	known := r.from.Counts.Lines
	if whole == Stopped {
		known = r.items
	}
	if known > 0 {
		sum.Run.Dropped = append(sum.Run.Dropped, Count{Drop: Drop{Reason: Known}, Lines: known, First: 1})
	}
	if r.torn {
		sum.Run.Lines++
		sum.Run.Dropped = append(sum.Run.Dropped, Count{Drop: Drop{Reason: Torn}, Lines: 1})
	}
	return sum, sum.Run.addUp()
}

// visitID is the ID of a visit that the line at the present position opens:
// the same in every run. It is even: a visit that no hit goes on with.
func (r *run) visitID() int64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(r.position))
	return max(int64(siphash.Hash(r.ids[0], r.ids[1], b[:])>>1)&^1, 2)
}

func unreadable(in *Input, err error) error {
	if _, ok := fault.From(err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.New(fault.Invalid, in.Name+": it can't be read to its end: "+err.Error()+". What came before is stored; importing the whole file goes on from there.")
}
