package duckdb

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// The tests here run this test binary again as a process to be killed.
const (
	killRole = "MOONBEAR_TEST_STORE_ROLE" // what the child does
	killDir  = "MOONBEAR_TEST_STORE_DIR"
	killStep = "MOONBEAR_TEST_STORE_STEP" // where it kills itself
)

func TestMain(m *testing.M) {
	switch os.Getenv(killRole) {
	case "append":
		childAppend()
	case "compact":
		childCompact()
	default:
		os.Exit(m.Run())
	}
}

func child(t *testing.T, role, dir, step string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), killRole+"="+role, killDir+"="+dir, killStep+"="+step)
	c.Stderr = t.Output()
	return c
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

// numbered makes events whose visit is their position, so that a lost, a
// doubled and an invented one all show.
func numbered(from, n int64) []event.Event {
	g := &eventtest.Bulk{Seed: uint64(from), Weights: map[int64]int{1: 1}, From: time.UnixMilli(1_770_000_000_000 + from*1000)}
	es := g.Next(int(n))
	for i := range es {
		es[i].Visit = from + int64(i)
	}
	return es
}

// childAppend appends for ever, and says after each batch up to where.
func childAppend() {
	s, err := Open(context.Background(), Options{Path: os.Getenv(killDir), Memory: 256 << 20, Threads: 1})
	must(err)
	pos, err := s.Loaded(context.Background(), "a")
	must(err)
	for {
		const n = 700
		must(s.Append(context.Background(), eventtest.Batch("a", pos, numbered(pos, n))))
		pos += n
		fmt.Println(pos)
	}
}

// TestKillAppending kills a process that appends, at any moment, from before
// the first checkpoint on.
func TestKillAppending(t *testing.T) {
	long(t)
	dir := filepath.Join(t.TempDir(), "store")
	r := rand.New(rand.NewPCG(1, 2))
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		c := child(t, "append", dir, "")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		var acked int64
		until := 1 + r.IntN(25)
		lines := bufio.NewScanner(out)
		for i := 0; lines.Scan(); i++ {
			if _, err := fmt.Sscan(lines.Text(), &acked); err != nil {
				t.Fatal(err)
			}
			if i == until {
				// Not right after an answer only: somewhere in the next batch.
				time.AfterFunc(time.Duration(r.IntN(9000))*time.Microsecond, func() { _ = c.Process.Kill() })
			}
		}
		if err := c.Wait(); err == nil || c.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("round %d: the child was not killed: %v", round, err)
		}
		start := time.Now()
		s := openAt(t, dir, nil)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("round %d: opened in %v", round, took)
		}
		got, err := s.Loaded(context.Background(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if got < acked {
			t.Errorf("round %d: loaded %d, but %d were acknowledged", round, got, acked)
		}
		checkNumbered(t, s, got)
		if round%3 == 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		// Closed without a checkpoint, as by a second kill.
		if err := s.engine.close(); err != nil {
			t.Fatal(err)
		}
	}
}

func checkNumbered(t *testing.T, s *Store, n int64) {
	t.Helper()
	for _, q := range []string{"select count(*) from events", "select count(distinct visit_id) from events", "select coalesce(max(visit_id) + 1, 0) from events"} {
		if got := eventtest.Number(t, s, q); got != n {
			t.Errorf("%s = %d, want %d", q, got, n)
		}
	}
}

const (
	killCanary = "canary-8fJq2LmZx0"
	killEvents = 5000
)

// killKeeping before a step means that of KeepDays, not of Compact.
const killKeeping = "keeping: "

// killKeep are the days of a site before the second half of the events.
func killKeep(site int64) []event.Keeping {
	es := numbered(0, killEvents)
	return []event.Keeping{{Site: site, Zone: keptZone, SQL: keptSQL(site),
		Days: seoulDays(time.UnixMilli(es[0].Time).AddDate(0, 0, -2), time.UnixMilli(es[0].Time).AddDate(0, 0, 40))}}
}

// childCompact fills a store, keeps days, deletes a site of it, and compacts;
// at a step it kills itself.
func childCompact() {
	ctx := context.Background()
	o := killOptions(os.Getenv(killDir))
	at, keeping := strings.CutPrefix(os.Getenv(killStep), killKeeping)
	armed := false
	o.step = func(name string) {
		if armed && name == at {
			must(syscall.Kill(os.Getpid(), syscall.SIGKILL))
		}
	}
	s, err := Open(ctx, o)
	must(err)
	canary := func(site, pos int64) {
		es := eventtest.Events(eventtest.Visit(eventtest.OnSite(site), eventtest.View("/"+killCanary), eventtest.Custom("x", "k", killCanary)))
		must(s.Append(ctx, eventtest.Batch("b", pos, es)))
	}
	must(s.Append(ctx, eventtest.Batch("a", 0, numbered(0, killEvents))))
	canary(7, 0)
	must(s.Compact(ctx))
	must(s.KeepDays(ctx, killKeep(7)))
	if !keeping {
		must(s.KeepDays(ctx, killKeep(1)))
	}
	must(s.Append(ctx, eventtest.Batch("a", killEvents, numbered(killEvents, killEvents))))
	canary(7, 2)
	if keeping {
		must(s.Compact(ctx))
		armed = true
		must(s.KeepDays(ctx, killKeep(1)))
	}
	must(s.Delete(ctx, event.Selection{Site: 7}))
	armed = true
	must(s.Compact(ctx))
	os.Exit(0) // the step was not met
}

func killOptions(dir string) Options {
	return Options{Path: dir, Memory: 256 << 20, Threads: 1, minSegment: 1000, partRows: 3000}
}

// TestKillCompacting kills compaction at each of its steps: nothing is lost or
// doubled, what was deleted stays deleted, and the next compaction finishes.
func TestKillCompacting(t *testing.T) {
	long(t)
	for _, step := range []string{"frozen", "staged", "built", "published", "adopted", "retired", "copied", "renewed",
		"days built", "days published", "days adopted",
		killKeeping + "days built", killKeeping + "days published", killKeeping + "days adopted", killKeeping + "retired"} {
		t.Run(step, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			c := child(t, "compact", dir, step)
			if err := c.Run(); err == nil || c.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the child was not killed at %s: %v", step, err)
			}
			ctx := context.Background()
			s, err := Open(ctx, killOptions(dir))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if keeping := strings.HasPrefix(step, killKeeping); keeping {
				if days := checkKept(t, s, 7, eventtest.All(t, s, 7)); len(days) < 2 {
					t.Errorf("%d days kept of before, want them all", len(days))
				}
				if err := s.Delete(ctx, event.Selection{Site: 7}); err != nil {
					t.Fatal(err)
				}
			}
			check := func() {
				t.Helper()
				checkNumbered(t, s, 2*killEvents)
				for _, table := range []string{"events", "day_counts", "day_values"} {
					if n := eventtest.Number(t, s, "select count(*) from "+table+" where site_id = 7"); n != 0 {
						t.Errorf("%d deleted rows of %s are back", n, table)
					}
				}
				checkKept(t, s, 1, eventtest.All(t, s, 1))
				for spool, want := range map[string]int64{"a": 2 * killEvents, "b": 4} {
					if got, err := s.Loaded(ctx, spool); err != nil || got != want {
						t.Errorf("loaded %s = %d, %v; want %d", spool, got, err, want)
					}
				}
			}
			check()
			if err := s.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			check()
			if err := s.KeepDays(ctx, killKeep(1)); err != nil {
				t.Fatal(err)
			}
			if days := checkKept(t, s, 1, eventtest.All(t, s, 1)); len(days) < 40 {
				t.Errorf("%d days kept in the end, want 40", len(days))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				b, err := os.ReadFile(path)
				if strings.Contains(string(b), killCanary) {
					t.Errorf("deleted text is still in %s", d.Name())
				}
				if strings.Contains(d.Name(), makingSuffix) {
					t.Errorf("%s was left", d.Name())
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
