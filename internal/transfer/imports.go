package transfer

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/event"
	"moonbear/internal/fault"
)

// State is how far an import is.
type State string

// The states there are.
const (
	Running State = "running"
	Stopped State = "stopped" // before its file's end; importing the file again goes on
	Done    State = "done"
	Undoing State = "undoing"
	Undone  State = "undone"
)

// Import is one file that was taken in, or as much of it as there was.
type Import struct {
	ID     int64
	Site   int64
	Name   string // the file's
	Format string
	State  State
	Counts // of all runs
	Visits int64
	// Visitors are those of each day, added up.
	Visitors   int64
	StartedAt  time.Time
	FinishedAt time.Time // zero: not yet
	UndoneAt   time.Time // zero: not
}

// ErrNotFound answers for an import that there isn't.
var ErrNotFound = fault.New(fault.NotFound, "There is no import with this ID.")

// row is an import as the control database keeps it.
type row struct {
	bun.BaseModel `bun:"table:imports,alias:i"`

	ID         int64 `bun:",pk,autoincrement"`
	SiteID     int64
	HeadHash   []byte
	HeadBytes  int64
	Name       string
	Format     string
	State      State
	Progress   string
	Lines      int64
	Stored     int64
	Visits     int64
	Visitors   int64
	FirstDay   string
	LastDay    string
	StartedAt  time.Time
	FinishedAt time.Time `bun:",nullzero"`
	UndoneAt   time.Time `bun:",nullzero"`
}

// progress is where to go on with a file.
//
// Everything that comes out of the window has a number, its position, and the
// event store says up to which of them everything is stored. A rerun reads the
// file from its beginning, gives out the same numbers, and stores what comes
// after. So the store alone decides, and a kill between its commit and this
// record's does no harm.
type progress struct {
	// Ends are the lines (counted as Items) at which the file ended when it was
	// read: there the window was emptied, and is again.
	Ends []int64 `json:"ends,omitempty"`
	// Marks are what was counted up to some positions: the last two, because
	// one is written before the store has got there.
	Marks []mark `json:"marks,omitempty"`
}

type mark struct {
	Position int64  `json:"position"`
	Items    int64  `json:"items"` // read when the position was reached
	Counts   Counts `json:"counts"`
}

func (r *row) progress() (p progress, err error) {
	if r.Progress == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(r.Progress), &p); err != nil {
		return p, fmt.Errorf("progress of import %d: %w", r.ID, err)
	}
	return p, nil
}

func (r *row) imported() (Import, error) {
	p, err := r.progress()
	i := Import{
		ID: r.ID, Site: r.SiteID, Name: r.Name, Format: r.Format, State: r.State,
		Visits: r.Visits, Visitors: r.Visitors,
		StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, UndoneAt: r.UndoneAt,
	}
	if n := len(p.Marks); n > 0 {
		i.Counts = p.Marks[n-1].Counts
	}
	return i, err
}

// Imports are a site's imports, the latest first, those that were undone among
// them; of site 0, every site's.
func (im *Importer) Imports(ctx context.Context, siteID int64) ([]Import, error) {
	var rows []row
	err := im.o.DB.Bun().NewSelect().Model(&rows).Where("i.site_id = ? or ? = 0", siteID, siteID).Order("i.id desc").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("select imports: %w", err)
	}
	var out []Import
	for i := range rows {
		m, err := rows[i].imported()
		if err != nil {
			return nil, err
		}
		if m.State == Running && !im.runs(m.ID) {
			m.State = Stopped // its process was killed
		}
		out = append(out, m)
	}
	return out, nil
}

// ByID finds an import of any site; ErrNotFound when there is none.
func (im *Importer) ByID(ctx context.Context, id int64) (Import, error) {
	r, err := im.row(ctx, id)
	if err != nil {
		return Import{}, err
	}
	m, err := r.imported()
	if m.State == Running && !im.runs(m.ID) {
		m.State = Stopped
	}
	return m, err
}

func (im *Importer) row(ctx context.Context, id int64) (*row, error) {
	var r row
	err := im.o.DB.Bun().NewSelect().Model(&r).Where("i.id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("select import: %w", err)
	}
	return &r, nil
}

// Undo takes back everything that one import of a site stored. No question
// finds it any more when Undo has returned; its bytes leave the disk with the
// next compaction. The file may be imported again then. ErrNotFound when the
// site has no such import; one that runs is refused.
func (im *Importer) Undo(ctx context.Context, siteID, id int64) (Import, error) {
	r, err := im.row(ctx, id)
	if err != nil {
		return Import{}, err
	}
	switch {
	case r.SiteID != siteID:
		return Import{}, ErrNotFound
	case r.State == Undone:
		return Import{}, fault.New(fault.Conflict, fmt.Sprintf("Import %d was taken back already.", id))
	}
	if !im.take(id) {
		return Import{}, fault.New(fault.Conflict, "An import is running. Stop it, or wait for its end, before one is taken back.")
	}
	defer im.give()
	im.forgetVisits()
	// First that it is being undone, so that a file that is imported again now
	// begins anew even when this is interrupted; then the events.
	if err := im.set(ctx, id, "state = ?", Undoing); err != nil {
		return Import{}, err
	}
	if err := im.o.Store.Delete(ctx, event.Selection{Site: siteID, Import: id}); err != nil {
		return Import{}, fmt.Errorf("take back import %d: %w", id, err)
	}
	if err := im.set(ctx, id, "state = ?, undone_at = ?", Undone, db.Time(im.o.Now())); err != nil {
		return Import{}, err
	}
	im.o.Log.InfoContext(ctx, "import taken back", "import", id, "site", siteID, "lines", r.Stored)
	return im.ByID(ctx, id)
}

func (im *Importer) set(ctx context.Context, id int64, what string, args ...any) error {
	_, err := im.o.DB.Bun().NewRaw("update imports set "+what+" where id = ?", append(args, id)...).Exec(ctx)
	if err != nil {
		return fmt.Errorf("update import %d: %w", id, err)
	}
	return nil
}

// find looks for an import of this file that wasn't undone.
func (im *Importer) find(ctx context.Context, siteID int64, in *Input) (*row, error) {
	var rows []row
	err := im.o.DB.Bun().NewSelect().Model(&rows).
		Where("i.site_id = ?", siteID).Where("i.head_bytes <= ?", in.identity(identityBytes).bytes).
		Where("i.state not in (?, ?)", Undoing, Undone).Order("i.head_bytes desc", "i.id desc").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("select imports: %w", err)
	}
	for i := range rows {
		id := in.identity(int(rows[i].HeadBytes))
		if bytes.Equal(id.hash[:], rows[i].HeadHash) {
			return &rows[i], nil
		}
	}
	return nil, nil
}

// begin finds the import of a file, or makes one.
func (im *Importer) begin(ctx context.Context, siteID int64, in *Input, format string) (*row, error) {
	now := db.Time(im.o.Now())
	r, err := im.find(ctx, siteID, in)
	if err != nil {
		return nil, err
	}
	if r != nil {
		if r.Format != format {
			return nil, fault.Field("format", fmt.Sprintf("%s was imported as %s (import %d). Take that back to import it as %s: moonbear import --undo %d", in.Name, r.Format, r.ID, format, r.ID))
		}
		r.State, r.FinishedAt = Running, time.Time{}
		return r, im.set(ctx, r.ID, "state = ?, finished_at = null", Running)
	}
	id := in.identity(identityBytes)
	r = &row{
		SiteID: siteID, HeadHash: id.hash[:], HeadBytes: int64(id.bytes), Name: in.Name, Format: format,
		State: Running, StartedAt: now,
	}
	if _, err := im.o.DB.Bun().NewInsert().Model(r).Returning("id").Exec(ctx); err != nil {
		return nil, fmt.Errorf("insert import: %w", err)
	}
	return r, nil
}

// keep writes where to go on, and what was counted.
func (im *Importer) keep(ctx context.Context, r *row, p *progress) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	r.Progress = string(b)
	if n := len(p.Marks); n > 0 {
		c := &p.Marks[n-1].Counts
		r.Lines, r.Stored, r.FirstDay, r.LastDay = c.Lines, c.Stored, c.First, c.Last
	}
	return im.set(ctx, r.ID, "progress = ?, lines = ?, stored = ?, first_day = ?, last_day = ?",
		r.Progress, r.Lines, r.Stored, r.FirstDay, r.LastDay)
}

// finish ends a run. Visits and visitors are the event store's own count.
func (im *Importer) finish(ctx context.Context, r *row, s State) error {
	r.Visits, r.Visitors = 0, 0
	for _, query := range []string{
		`select count(distinct visit_id) filter (where visit_id <> 0), count(distinct visitor_id) filter (where visitor_id <> 0)
		from events
		where site_id = ? and import_id = ?`,
		`select cast(coalesce(sum(visits), 0) as bigint), cast(coalesce(sum(visitors), 0) as bigint)
		from imported_days
		where site_id = ? and import_id = ? and dimension = ''`,
	} {
		visits, visitors, err := im.two(ctx, query, r.SiteID, r.ID)
		if err != nil {
			return fmt.Errorf("count import %d: %w", r.ID, err)
		}
		r.Visits, r.Visitors = r.Visits+visits, r.Visitors+visitors
	}
	r.State, r.FinishedAt = s, db.Time(im.o.Now())
	return im.set(ctx, r.ID, "state = ?, visits = ?, visitors = ?, finished_at = ?", s, r.Visits, r.Visitors, r.FinishedAt)
}

// two selects two numbers.
func (im *Importer) two(ctx context.Context, query string, args ...any) (a, b int64, err error) {
	rows, err := im.o.Store.Select(ctx, query, args...)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&a, &b); err != nil {
			return 0, 0, err
		}
	}
	return a, b, rows.Err()
}
