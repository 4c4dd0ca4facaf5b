// Package move takes everything of an instance from one pair of stores to
// another, and proves it equal.
//
//	source events at P  → Export, a site's month at a time → Append    copy.go
//	both sides          → rows and checksums by site and month         sum.go, verify.go
//	spool from P on     → load.Loader → target, until level            feed.go
//	control database    → one transaction, while writes are held       control.go
//	→ DATA_DIR/moved.json                                              state.go
//
// The source is only read. While a move runs nothing may be appended to or
// deleted from its events (whoever calls Run sees to that): hits wait in the
// spool. Until moved.json is written everything is as it was, and a run that
// was broken off goes on where the target says it got to.
package move

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/spool"
)

// Pair is where an instance keeps what it knows. What is nil isn't moved.
type Pair struct {
	Database *db.DB
	Events   event.Store
}

// Options are what Run needs.
type Options struct {
	From, To   Pair
	FromAt, At Addresses // where they are, as an operator writes it
	Dir        string    // of move.json and moved.json
	Spool      *spool.Spool
	// Sites are asked about on both sides.
	Sites []*site.Site
	// Before ends what Verify compares of the events; zero compares all.
	Before time.Time
	// Hold keeps the control database of the source from being changed by
	// anybody but in transactions, and its jobs from running, till release.
	Hold func(ctx context.Context) (release func(), err error)
	// Tell is told how far it is; nil tells nobody.
	Tell func(Progress)
	Log  *slog.Logger
	Now  func() time.Time

	// Step is called between the steps, by name; what it returns ends the move.
	// For tests; nil is nothing.
	Step func(name string) error
}

// Progress is how far a move is.
type Progress struct {
	Phase Phase  `json:"phase"`
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Unit  string `json:"unit"`
}

// Phase is what a move does at the moment.
type Phase string

// The phases, in their order.
const (
	Waiting   Phase = "waiting for what changes the events to end"
	Copying   Phase = "copying events"
	Verifying Phase = "comparing events"
	Asking    Phase = "asking both sides"
	Feeding   Phase = "feeding what came meanwhile"
	Holding   Phase = "moving the control database"
)

// Report is what a move or a comparison found.
type Report struct {
	Resumed     bool
	Events      int64 // compared, on each side
	Cells       int   // months of sites compared
	Answers     int   // questions answered alike
	Fed         int64 // events that came while it ran
	Tables      int
	Rows        int64 // of the control database
	Held        time.Duration
	Repaired    int // months that were copied again
	Took        time.Duration
	Differences []string
}

// mover is one run.
type mover struct {
	o      Options
	state  *state
	report Report
	pos    int64 // of the move's own spool in the target
	began  time.Time
}

// ErrDifferent is in the chain when the sides are not equal.
var ErrDifferent = errors.New("the two sides are not equal")

// Run moves. When it returns nil moved.json is on the disk, and the source must
// not be used any more; the control database is held still. After an error the
// source is what counts, and nothing is held.
func Run(ctx context.Context, o Options) (*Report, error) {
	m := newMover(o)
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	feed, err := m.moveEvents(ctx)
	if err != nil {
		return nil, err
	}
	if feed != nil {
		defer feed.stop()
	}
	if err := m.switchOver(ctx, feed); err != nil {
		return nil, err
	}
	m.report.Took = m.o.Now().Sub(m.began)
	return &m.report, nil
}

func newMover(o Options) *mover {
	if o.Tell == nil {
		o.Tell = func(Progress) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Step == nil {
		o.Step = func(string) error { return nil }
	}
	return &mover{o: o, began: o.Now()}
}

// begin claims the targets: each must be empty, or what an earlier run of this
// move left.
func (m *mover) begin(ctx context.Context) (err error) {
	m.state, m.report.Resumed, err = openState(m.o.Dir, m.o.At, m.o.Now())
	if err != nil {
		return err
	}
	if err := m.o.Step("begun"); err != nil {
		return err
	}
	if m.o.To.Database != nil {
		if err := claim(ctx, m.o.To.Database, m.state.ID); err != nil {
			return err
		}
	}
	if m.o.To.Events != nil {
		if err := m.claimEvents(ctx); err != nil {
			return err
		}
	}
	return m.o.Step("claimed")
}

// moveEvents copies what the source has, proves it, and begins to feed the
// target with what came since. nil: events aren't moved.
func (m *mover) moveEvents(ctx context.Context) (*feeder, error) {
	if m.o.To.Events == nil {
		return nil, nil
	}
	from, err := m.o.From.Events.Loaded(ctx, m.o.Spool.ID())
	if err != nil {
		return nil, fmt.Errorf("ask the source for its position: %w", err)
	}
	if err := m.copyEvents(ctx); err != nil {
		return nil, err
	}
	if err := m.o.Step("copied"); err != nil {
		return nil, err
	}
	if err := m.proveEvents(ctx); err != nil {
		return nil, err
	}
	if err := m.o.Step("verified"); err != nil {
		return nil, err
	}
	if err := m.copyPositions(ctx, from); err != nil {
		return nil, err
	}
	if err := m.o.Step("positioned"); err != nil {
		return nil, err
	}
	feed := m.feed(ctx, from)
	if err := feed.level(ctx); err != nil {
		feed.stop()
		return nil, err
	}
	if err := m.o.Step("fed"); err != nil {
		feed.stop()
		return nil, err
	}
	return feed, nil
}

// switchOver holds the control database, moves it, and makes the move final.
func (m *mover) switchOver(ctx context.Context, feed *feeder) (err error) {
	release := func() {}
	held := m.o.Now()
	m.o.Tell(Progress{Phase: Holding})
	if m.o.Hold != nil {
		if release, err = m.o.Hold(ctx); err != nil {
			return err
		}
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	if err := m.o.Step("held"); err != nil {
		return err
	}
	if feed != nil {
		if err := feed.level(ctx); err != nil {
			return err
		}
		feed.stop()
		if err := m.proveFed(ctx, feed); err != nil {
			return err
		}
	}
	if err := m.o.Step("level"); err != nil {
		return err
	}
	if m.o.To.Database != nil {
		if err := m.moveControl(ctx); err != nil {
			return err
		}
	}
	if err := m.o.Step("proved"); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	made := Made{ID: m.state.ID, At: m.o.Now().UTC(), From: m.o.FromAt, To: m.o.At}
	if err := addMoved(m.o.Dir, made); err != nil {
		return err
	}
	m.report.Held = m.o.Now().Sub(held)
	// From here on the move is made, whatever comes.
	_ = m.o.Step("moved")
	if m.o.To.Database != nil {
		if err := unclaim(context.WithoutCancel(ctx), m.o.To.Database); err != nil {
			m.o.Log.WarnContext(ctx, "the mark of the move stays in the database: it does no harm", "error", err)
		}
	}
	if err := m.state.remove(); err != nil {
		m.o.Log.WarnContext(ctx, "move.json stays: it does no harm", "error", err)
	}
	return nil
}
