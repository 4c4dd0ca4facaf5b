package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"moonbear/internal/demo"
	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// demoBatch is about how many events are appended at once: fewer pay more for
// each commit, more only take memory (600 bytes each, three batches).
const demoBatch = 25_000

// errDemoRunning is the answer beside a running server. Filling it through the
// control socket was not chosen: docs/decisions/0111.
func errDemoRunning(dir string) error {
	return fault.New(fault.Conflict, "A server runs on "+dir+", and filling its event store now would keep it from collecting. Stop it, run this again, and start it; or fill another DATA_DIR.")
}

// Demo fills the stores that cfg names with made-up traffic and tells people
// about it on out. Run again with the same DATA_DIR it goes on where it was
// stopped, or adds nothing. A server must not run on that directory.
func Demo(ctx context.Context, cfg Config, r DemoRequest, out io.Writer) error {
	return (&demoFill{cfg: cfg, out: out, lineEvery: lineEvery}).run(ctx, r)
}

// demoFill is one run of Demo.
type demoFill struct {
	cfg       Config
	out       io.Writer
	lineEvery time.Duration // of progress, where it is no terminal

	control *control
	store   eventStore
	plan    demoPlan
	user    int64
	sites   []site.Site

	added int64         // events of this run
	took  time.Duration // to make and to append them
}

// run opens the directory and the stores, fills them and closes them.
func (f *demoFill) run(ctx context.Context, r DemoRequest) (err error) {
	dir, err := openDataDir(f.cfg.DataDir)
	if errors.Is(err, errRunning) {
		return errDemoRunning(f.cfg.DataDir)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.close()) }()
	if f.control, err = openControl(ctx, f.cfg, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.control.db.Close()) }()
	if f.store, err = openToFill(ctx, f.cfg); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.store.Close()) }()
	if err := f.prepare(ctx, r, time.Now()); err != nil {
		return err
	}
	if err = f.fill(ctx); err == nil {
		err = f.finish(ctx)
	}
	if err != nil && ctx.Err() != nil {
		return errors.New("stopped: the same command goes on from here")
	}
	return err
}

// prepare settles what is to be done and makes the sites it is done for.
func (f *demoFill) prepare(ctx context.Context, r DemoRequest, now time.Time) (err error) {
	if f.plan, err = r.settle(f.cfg.DataDir, now, func() error { return f.free(ctx) }); err != nil {
		return err
	}
	if err := f.control.sites.Directory().Refresh(ctx); err != nil {
		return err
	}
	owner, err := demoOwner(ctx, f.control)
	if err != nil {
		return err
	}
	f.user = owner.user
	f.sites, err = owner.all(ctx, f.control, f.plan.Sites)
	return err
}

// free says whose the stores are, if they are somebody's. The sites of two
// control databases have the same numbers, so an event store that is shared
// would mix them up.
func (f *demoFill) free(ctx context.Context) error {
	claimed, err := f.control.accounts.Claimed(ctx)
	if err != nil {
		return err
	}
	if claimed {
		return fault.New(fault.Conflict, "The server in "+f.cfg.DataDir+" belongs to somebody, or was filled by serve --demo. moonbear demo wants an empty DATA_DIR, or one that it filled itself.")
	}
	rows, err := f.store.Select(ctx, "select 1 from events limit 1")
	if err != nil {
		return fmt.Errorf("see whether the event store is empty: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		return fault.New(fault.Conflict, "The event store that EVENTS_URL names has events already, and they are not of "+f.cfg.DataDir+". moonbear demo wants an empty one.")
	}
	return rows.Err()
}

// fill makes batches in one goroutine and appends them in another.
func (f *demoFill) fill(ctx context.Context) error {
	done, err := f.done(ctx)
	if err != nil {
		return err
	}
	if done > 0 && done < f.plan.Events {
		fmt.Fprintf(f.out, "%s of %s events are here already.\n", digits(done), digits(f.plan.Events))
	}
	ctx, stop := context.WithCancel(ctx)
	made := make(chan *event.Batch)
	free := make(chan *event.Batch, 2)
	free <- &event.Batch{}
	free <- &event.Batch{}
	makerErr := make(chan error, 1)
	go func() {
		defer close(made)
		makerErr <- f.make(ctx, free, made)
	}()
	start, bar := time.Now(), newProgress(f.out, "events", done, f.plan.Events)
	if !bar.terminal {
		bar.every = f.lineEvery
	}
	for b := range made {
		if err == nil {
			if err = f.store.Append(ctx, b); err != nil {
				stop() // and go on receiving until the maker has ended
				continue
			}
			f.added += int64(len(b.Events))
			bar.at(done + f.added)
		}
		free <- b
	}
	stop()
	bar.clear()
	f.took = time.Since(start)
	if made := <-makerErr; err == nil {
		err = made
	}
	if err != nil {
		return fmt.Errorf("fill the demo: %w", err)
	}
	return nil
}

// done is how many of the plan's events are stored.
func (f *demoFill) done(ctx context.Context) (n int64, err error) {
	for i := range f.sites {
		fill, _, err := f.site(ctx, i)
		if err != nil {
			return 0, err
		}
		n += fill.Stored()
	}
	return n, nil
}

// site is the n-th site's filling, where it was stopped.
func (f *demoFill) site(ctx context.Context, n int) (*demo.Fill, string, error) {
	t, events := f.plan.traffic(n, &f.sites[n], time.Time{})
	fill := t.Fill(events, f.plan.from(), f.plan.to())
	spool := demoSpool(f.sites[n].ID)
	pos, err := f.store.Loaded(ctx, spool)
	if err != nil {
		return nil, "", err
	}
	fill.Resume(pos)
	return fill, spool, nil
}

// make sends what is missing, one site after the other.
func (f *demoFill) make(ctx context.Context, free <-chan *event.Batch, made chan<- *event.Batch) error {
	for i := range f.sites {
		fill, spool, err := f.site(ctx, i)
		if err != nil {
			return err
		}
		for fill.More() {
			var b *event.Batch
			select {
			case b = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			b.Spool, b.Events, b.Drops = spool, b.Events[:0], b.Drops[:0]
			fill.Next(b, demoBatch)
			select {
			case made <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// finish sorts what is there and says what that is.
func (f *demoFill) finish(ctx context.Context) error {
	sorted, disk, err := f.compact(ctx)
	if err != nil {
		return err
	}
	link, err := f.control.accounts.LoginLink(ctx, f.user)
	if err != nil {
		return err
	}
	p := f.plan
	fmt.Fprintf(f.out, "\n  %s events of %d %s in %d days, %s to %s.\n", digits(p.Events), p.Sites, plural(p.Sites, "site"), p.Days,
		p.from().Format(time.DateOnly), p.to().AddDate(0, 0, -1).Format(time.DateOnly))
	if f.added > 0 {
		fmt.Fprintf(f.out, "  %s added in %.1f s, %s events/s%s.\n", digits(f.added), f.took.Seconds(),
			digits(int64(float64(f.added)/f.took.Seconds())), sorted)
	} else {
		fmt.Fprintln(f.out, "  All of them were here already: nothing was added.")
	}
	fmt.Fprint(f.out, disk)
	_, err = fmt.Fprintf(f.out, `
  Start the server with moonbear serve and open, signed in (the link works once, within an hour):

    %s/login/link/%s?next=%%2Fsites%%2F%s%%3Fperiod%%3D4w

  moonbear serve --demo goes on with the traffic, and prints another link.

`, f.cfg.BaseURL, link, f.sites[0].PublicID)
	return err
}

// compact sorts an embedded event store and says how long that took and what
// its files weigh. ClickHouse sorts and merges by itself, where it is.
func (f *demoFill) compact(ctx context.Context) (sorted, disk string, err error) {
	files, ok := f.store.(interface{ Directory() string })
	if !ok {
		return "", "", nil
	}
	fmt.Fprintln(f.out, "Compacting: sorting the events by site and visit …")
	start := time.Now()
	if err := f.store.Compact(ctx); err != nil {
		return "", "", fmt.Errorf("compact: %w", err)
	}
	sorted = fmt.Sprintf("; compacted in %.1f s", time.Since(start).Seconds())
	size, err := sizeOf(files.Directory())
	if err != nil {
		return "", "", err
	}
	return sorted, fmt.Sprintf("  %.1f MB on disk, %.1f bytes an event.\n", float64(size)/1e6, float64(size)/float64(f.plan.Events)), nil
}

func plural(n int, one string) string {
	if n == 1 {
		return one
	}
	return one + "s"
}

// sizeOf adds up the files of a directory.
func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
