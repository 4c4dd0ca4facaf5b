package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/spool"
	"moonbear/internal/transfer/move"
)

// moveTo is what a move is asked.
type moveTo struct {
	Database string `json:"database"` // URL; "" stays where it is
	Events   string `json:"events"`
	Cluster  string `json:"cluster"` // of Events, if it is a ClickHouse with one
	Verify   bool   `json:"verify"`  // only compare
	// Before ends what is compared of the events; zero compares all.
	Before time.Time `json:"before,omitzero"`
}

// target is cfg with the stores a move goes to.
func (q moveTo) target(cfg Config) Config {
	if q.Database != "" {
		cfg.DatabaseURL = q.Database
	}
	if q.Events != "" {
		cfg.EventsURL, cfg.EventsCluster = q.Events, q.Cluster
	}
	return cfg
}

// options are the parts of a move that are the same beside a running server and
// without one. close closes the targets.
func (s *server) moveOptions(ctx context.Context, q moveTo, tell func(move.Progress)) (o move.Options, close func() error, err error) {
	to := q.target(s.cfg)
	o = move.Options{Dir: s.dir.path, Spool: s.spool, Sites: s.control.sites.Directory().Sites(), Before: q.Before, Tell: tell, Log: s.log, Step: s.moveStep}
	var closers []func() error
	close = func() error {
		var errs []error
		for _, c := range closers {
			errs = append(errs, c())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, close())
		}
	}()
	if !s.cfg.does(roleWeb) || !s.cfg.does(roleCollect) || !s.cfg.does(roleJobs) {
		return o, close, fault.New(fault.Conflict, "This server does only some of the work (ROLES). Stop the others, start one that does everything, and move with that.")
	}
	if q.Database != "" {
		o.FromAt.Database, o.At.Database = move.Address(s.cfg.DatabaseURL), move.Address(q.Database)
		if o.FromAt.Database == o.At.Database {
			return o, close, fault.New(fault.Invalid, "--to-database: that is the database in use.")
		}
		d, err := db.Open(ctx, q.Database, s.log)
		if err != nil {
			return o, close, fmt.Errorf("--to-database: %w", err)
		}
		closers = append(closers, d.Close)
		o.From.Database, o.To.Database = s.control.db, d
	}
	if q.Events != "" {
		o.FromAt.Events, o.At.Events = move.Address(s.cfg.EventsURL), move.Address(q.Events)
		if o.FromAt.Events == o.At.Events {
			return o, close, fault.New(fault.Invalid, "--to-events: that is the event store in use.")
		}
		e, err := openEvents(ctx, to, s.log, nil)
		if err != nil {
			return o, close, fmt.Errorf("--to-events: %w", err)
		}
		closers = append(closers, e.Close)
		o.From.Events, o.To.Events = s.store, e
	}
	return o, close, nil
}

// move moves the running server, or compares its stores with others. When it
// returns nil after a move, loading, jobs and writes stay held, and the server
// is to go on with the other stores: goOn.
func (s *server) move(ctx context.Context, q moveTo, tell func(move.Progress)) (r *move.Report, goOn func(), err error) {
	m := s.moving
	if !m.busy.TryLock() {
		return nil, nil, fault.New(fault.Conflict, "A move runs already.")
	}
	defer m.busy.Unlock()
	if m.moved() {
		return nil, nil, errHeld
	}
	o, closeTargets, err := s.moveOptions(ctx, q, tell)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, closeTargets()) }()
	o.Hold = m.hold
	if q.Events != "" {
		tell(move.Progress{Phase: move.Waiting})
		if err := m.still(ctx); err != nil {
			return nil, nil, err
		}
		defer func() {
			if !m.moved() {
				m.resumeLoading()
				m.events.Unlock()
			}
		}()
		if err := s.noneHandedOver(ctx); err != nil {
			return nil, nil, err
		}
		if err := s.standStill(ctx, o.To.Events); err != nil {
			return nil, nil, err
		}
	}
	if q.Verify {
		r, err = move.Verify(ctx, o)
		return r, nil, err
	}
	ctx, stop := watchRoom(ctx, s.spool, int64(s.cfg.SpoolMaxBytes))
	defer stop(nil)
	begun := s.log.With("to_database", o.At.Database, "to_events", o.At.Events)
	begun.InfoContext(ctx, "moving")
	if r, err = move.Run(ctx, o); err != nil {
		if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
			err = cause
		}
		begun.WarnContext(ctx, "not moved: everything is as it was", "error", err)
		return nil, nil, err
	}
	begun.InfoContext(ctx, "moved: going on with the other stores", "events", r.Events, "fed", r.Fed, "tables", r.Tables, "took", r.Took, "held", r.Held)
	to := q.target(s.cfg)
	m.next.Store(&to)
	return r, m.end, nil
}

// standStill pauses loading with the source level: at least as far as an earlier
// run of the move has fed the target.
func (s *server) standStill(ctx context.Context, target event.Store) error {
	fed, err := target.Loaded(ctx, s.spool.ID())
	if err != nil {
		return fmt.Errorf("ask the target for its position: %w", err)
	}
	for {
		s.moving.pauseLoading()
		at, err := s.store.Loaded(ctx, s.spool.ID())
		if err != nil {
			return fmt.Errorf("ask the event store for its position: %w", err)
		}
		if at >= fed {
			return nil
		}
		s.moving.resumeLoading()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// watchRoom ends a move while there is still room for hits, which all wait in
// the spool meanwhile.
func watchRoom(ctx context.Context, sp *spool.Spool, most int64) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if sp.Bytes() > most/2 {
					cancel(fault.New(fault.Conflict, "The spool is half full of hits that wait for the move, so it was broken off: they are counted first. Run the same command again and it goes on; SPOOL_MAX_BYTES makes more room."))
					return
				}
			}
		}
	}()
	return ctx, cancel
}

// moveStopped moves an instance that no server runs on. s is newly made.
func (s *server) moveStopped(ctx context.Context, q moveTo, tell func(move.Progress)) (r *move.Report, err error) {
	defer func() { err = errors.Join(err, s.close()) }()
	for _, step := range []func(context.Context) error{s.openBucket, s.openControl, s.openSpool, s.openStore} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	select {
	case <-s.controlled:
	default:
		return nil, fault.New(fault.Unavailable, "The control database is away. Move when it is back.")
	}
	o, closeTargets, err := s.moveOptions(ctx, q, tell)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeTargets()) }()
	if q.Events != "" {
		// What an earlier run fed the target must be in the source as well.
		if err := s.noneHandedOver(ctx); err != nil {
			return nil, err
		}
		if err := s.loadRest(ctx, "a move"); err != nil {
			return nil, err
		}
	}
	if q.Verify {
		return move.Verify(ctx, o)
	}
	return move.Run(ctx, o)
}

// refuseMoved says where the stores of a configuration are by now, if they were
// moved.
func refuseMoved(cfg Config) error {
	m, err := move.ReadMoved(cfg.DataDir)
	if err != nil {
		return err
	}
	here := move.Addresses{Database: move.Address(cfg.DatabaseURL), Events: move.Address(cfg.EventsURL)}
	now, last := m.Now(here)
	if last.At.IsZero() {
		return nil
	}
	return fmt.Errorf("this instance was moved on %s. What was counted since isn't here, and what would be counted here would be lost. Set\n\n%s\nand start again", last.At.Format("2006-01-02 15:04 MST"), settings(here, now))
}

// settings are the lines to set so that stores are found at other addresses.
func settings(here, now move.Addresses) (lines string) {
	if now.Database != "" && now.Database != here.Database {
		lines += "  DATABASE_URL=" + now.Database + "\n"
	}
	if now.Events != "" && now.Events != here.Events {
		lines += "  EVENTS_URL=" + now.Events + "\n"
	}
	return lines
}
