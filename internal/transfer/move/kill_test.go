package move_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/spool"
	"moonbear/internal/transfer/move"
)

// The test here runs this test binary again as a process to be killed.
const (
	killDir      = "MOONBEAR_TEST_MOVE_DIR"
	killStep     = "MOONBEAR_TEST_MOVE_STEP"
	killNth      = "MOONBEAR_TEST_MOVE_NTH"
	killDatabase = "MOONBEAR_TEST_MOVE_DATABASE"
	killEvents   = "MOONBEAR_TEST_MOVE_EVENTS"
)

func TestMain(m *testing.M) {
	if os.Getenv(killDir) != "" {
		if err := childMoves(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		return
	}
	os.Exit(m.Run())
}

// disk is an instance as it lies in a directory, and where it is moved to.
type disk struct {
	dir              string
	database, events string // the target's
}

func (d disk) from() move.Addresses {
	return move.Addresses{Database: "sqlite://" + filepath.Join(d.dir, "moonbear.db"), Events: "duckdb://" + filepath.Join(d.dir, "events.duckdb")}
}

// opened is a disk in use.
type opened struct {
	move.Options
	closers []func() error
}

func (o *opened) close() error {
	var errs []error
	for i := len(o.closers) - 1; i >= 0; i-- {
		errs = append(errs, o.closers[i]())
	}
	return errors.Join(errs...)
}

func openEvents(ctx context.Context, url string) (event.Store, error) {
	if path, ok := cutScheme(url, "duckdb"); ok {
		return duckdb.Open(ctx, duckdb.Options{Path: path, Memory: 256 << 20})
	}
	return clickhouse.Open(ctx, clickhouse.Options{URL: url})
}

func cutScheme(url, scheme string) (string, bool) {
	n := len(scheme) + len("://")
	return url[min(n, len(url)):], len(url) > n && url[:n] == scheme+"://"
}

func (d disk) open(ctx context.Context) (o *opened, err error) {
	o = &opened{}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	o.Dir, o.FromAt, o.At = d.dir, d.from(), move.Addresses{Database: d.database, Events: d.events}
	quiet := slog.New(slog.DiscardHandler)
	if o.Spool, err = spool.Open(spool.Options{Dir: filepath.Join(d.dir, "spool")}); err != nil {
		return o, err
	}
	o.closers = append(o.closers, o.Spool.Close)
	for _, side := range []struct {
		pair *move.Pair
		at   move.Addresses
	}{{&o.From, o.FromAt}, {&o.To, o.At}} {
		if side.pair.Database, err = db.Open(ctx, side.at.Database, quiet); err != nil {
			return o, err
		}
		o.closers = append(o.closers, side.pair.Database.Close)
		if side.pair.Events, err = openEvents(ctx, side.at.Events); err != nil {
			return o, err
		}
		o.closers = append(o.closers, side.pair.Events.Close)
	}
	return o, nil
}

func childMoves() error {
	d := disk{os.Getenv(killDir), os.Getenv(killDatabase), os.Getenv(killEvents)}
	nth, err := strconv.Atoi(os.Getenv(killNth))
	if err != nil {
		return err
	}
	o, err := d.open(context.Background())
	if err != nil {
		return err
	}
	o.Step = func(name string) error {
		if name == os.Getenv(killStep) {
			if nth--; nth == 0 {
				return syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
		return nil
	}
	_, err = move.Run(context.Background(), o.Options)
	return errors.Join(err, o.close())
}

// newDisk fills a directory as a server that ended would have.
func newDisk(t *testing.T) disk {
	t.Helper()
	d := disk{dir: t.TempDir()}
	w := &world{t: t, dir: d.dir}
	var err error
	if w.pair.Database, err = db.Open(t.Context(), d.from().Database, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if w.pair.Events, err = openEvents(t.Context(), d.from().Events); err != nil {
		t.Fatal(err)
	}
	if w.spool, err = spool.Open(spool.Options{Dir: filepath.Join(d.dir, "spool")}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- w.spool.Run(ctx) }()
	w.control()
	w.history()
	w.hits(200)
	w.load()
	w.hits(300)
	stop()
	if err := errors.Join(<-ran, w.spool.Close(), w.pair.Events.Close(), w.pair.Database.Close()); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestKilled kills the process that moves at each of its steps. The source is as
// it was, and the same move made again finds its way; a move that was made stays.
func TestKilled(t *testing.T) {
	long(t)
	steps := []struct {
		name string
		nth  int
	}{
		{"begun", 1}, {"claimed", 1}, {"batch", 1}, {"batch", 3}, {"copied", 1}, {"verified", 1},
		{"positioned", 1}, {"fed", 1}, {"held", 1}, {"level", 1}, {"control", 1}, {"proved", 1}, {"moved", 1},
	}
	for i, step := range steps {
		t.Run(fmt.Sprint(step.name, step.nth), func(t *testing.T) {
			d := newDisk(t)
			_, d.database = openScaled(t)
			d.events = "duckdb://" + filepath.Join(t.TempDir(), "events")
			if i%3 == 2 {
				d.events = chtest.Shared(t).Database(t)
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			c := exec.Command(self)
			c.Env = append(os.Environ(), killDir+"="+d.dir, killDatabase+"="+d.database, killEvents+"="+d.events, killStep+"="+step.name, killNth+"="+strconv.Itoa(step.nth))
			c.Stderr = t.Output()
			err = c.Run()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the process ended with %v", err)
			}
			o, err := d.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := o.close(); err != nil {
					t.Error(err)
				}
			}()
			if n := total(t, o.From.Events, "events"); n != 28_196 {
				t.Errorf("the source has %d events, want 28,196 as before", n)
			}
			m, err := move.ReadMoved(d.dir)
			if err != nil {
				t.Fatal(err)
			}
			if made := len(m.Moves) == 1; made != (step.name == "moved") {
				t.Fatalf("moved.json tells of %d moves", len(m.Moves))
			}
			if step.name == "moved" {
				return
			}
			load(t, o.Spool, o.From.Events) // a server ran meanwhile
			began := time.Now()
			r, err := move.Run(t.Context(), o.Options)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("the rest took %v, %d months were copied again", time.Since(began), r.Repaired)
			if n := total(t, o.To.Events, "events"); n != 28_490 {
				t.Errorf("the target has %d events, want 28,490", n)
			}
		})
	}
}
