package eventtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"moonbear/internal/event"
)

func selectArguments(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	Append(t, s, Batch("a", 0, Events(
		Visit(View("/"), View("/docs"), Custom("signup", "plan", "pro")),
		Visit(OnSite(2), View("/")),
		Visit(At(Start.Add(time.Hour)), View("/it's")),
	)))
	for _, c := range []struct {
		query string
		args  []any
		want  int64
	}{
		{"select count(*) from events where site_id = ?", []any{int64(1)}, 4},
		{"select count(*) from events where site_id = ? and path = ?", []any{int64(1), "/it's"}, 1},
		{"select count(*) from events where site_id = ? and ts >= ? and ts < ?", []any{int64(1), Start, Start.Add(10 * time.Second)}, 1},
		{"select count(*) from events where site_id = ? and ts >= ? and ts < ?", []any{int64(1), Start, Start.Add(time.Minute)}, 3},
		{"select count(distinct visit_id) from events where site_id = ?", []any{int64(1)}, 2},
		{"select count(*) from events where props['plan'] = ?", []any{"pro"}, 1},
		{"select count(*) from events where interactive", nil, 1},
		{"select count(*) from events where page_load is null", nil, 5},
	} {
		if n := Number(t, s, c.query, c.args...); n != c.want {
			t.Errorf("%s %v = %d, want %d", c.query, c.args, n, c.want)
		}
	}
	// Another zone's clock names the same moment.
	seoul := time.FixedZone("KST", 9*3600)
	if n := Number(t, s, "select count(*) from events where ts >= ? and ts < ?", Start.In(seoul), Start.Add(time.Second).In(seoul)); n != 2 {
		t.Errorf("%d events in the first second by another zone's clock, want 2", n)
	}
	if _, err := s.Select(context.Background(), "select nonsense from events"); err == nil {
		t.Error("a query for a column that is not there was answered")
	}
	if n := count(t, s); n != 5 {
		t.Errorf("%d events after a bad query, want 5", n)
	}
}

func selectCancelled(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	g := &Bulk{Seed: 3}
	Append(t, s, Batch("a", 0, g.Next(5000)))
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	// 1.25e11 pairs: minutes on any machine.
	rows, err := s.Select(ctx, "select count(*) from events a, events b, events c where a.visit_id + b.visit_id % 7 < c.visit_id % 11")
	if err == nil {
		for rows.Next() {
		}
		err = rows.Err()
		rows.Close()
	}
	if err == nil {
		t.Error("the query was not stopped")
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want context.DeadlineExceeded in its chain", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("stopped after %v", took)
	}
	if n := count(t, s); n != 5000 {
		t.Errorf("%d events, want 5000: the store must go on", n)
	}
}

// selectWhileAppending: a reader sees whole batches only, and more and more.
func selectWhileAppending(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	const batches, size = 20, 500
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			var last int64
			for {
				select {
				case <-done:
					return
				default:
				}
				rows, err := s.Select(context.Background(), "select count(*) from events")
				if err != nil {
					t.Errorf("select: %v", err)
					return
				}
				var n int64
				for rows.Next() {
					if err := rows.Scan(&n); err != nil {
						t.Errorf("select: %v", err)
					}
				}
				rows.Close()
				if n%size != 0 || n < last {
					t.Errorf("%d events after %d: half a batch, or fewer than before", n, last)
					return
				}
				last = n
			}
		})
	}
	g := &Bulk{Seed: 4}
	for i := range batches {
		Append(t, s, Batch("a", int64(i*size), g.Next(size)))
	}
	close(done)
	readers.Wait()
	if n := count(t, s); n != batches*size {
		t.Errorf("%d events, want %d", n, batches*size)
	}
}

func exportOrder(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	g := &Bulk{Seed: 5, Weights: map[int64]int{1: 2, 2: 1}}
	es := g.Next(6000)
	slices.Reverse(es)
	Append(t, s, Batch("a", 0, es))
	slices.Reverse(es)
	from, to := time.UnixMilli(es[1500].Time), time.UnixMilli(es[4500].Time)
	for _, c := range []struct {
		name     string
		from, to time.Time
	}{
		{"all", time.Time{}, time.Time{}}, {"from", from, time.Time{}}, {"to", time.Time{}, to}, {"both", from, to}, {"none", to, to},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Between(t, s, 1, c.from, c.to)
			if !slices.IsSortedFunc(got, func(a, b event.Event) int { return int(a.Time - b.Time) }) {
				t.Error("not by time")
			}
			Same(t, got, within(es, 1, c.from, c.to))
		})
	}
	if got := All(t, s, 99); len(got) != 0 {
		t.Errorf("%d events of a site that has none", len(got))
	}
}

// within picks a site's events of a period.
func within(es []event.Event, site int64, from, to time.Time) []event.Event {
	var in []event.Event
	for _, e := range es {
		if e.Site == site && (from.IsZero() || e.Time >= from.UnixMilli()) && (to.IsZero() || e.Time < to.UnixMilli()) {
			in = append(in, e)
		}
	}
	return in
}

func exportStopped(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	Append(t, s, Batch("a", 0, views(100)))
	enough := errors.New("enough")
	n := 0
	err := s.Export(context.Background(), Site, time.Time{}, time.Time{}, func(*event.Event) error {
		if n++; n == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 3 {
		t.Errorf("%v after %d events, want the caller's error after 3", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Export(ctx, Site, time.Time{}, time.Time{}, func(*event.Event) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("export with a cancelled context = %v", err)
	}
	Append(t, s, Batch("a", 100, views(1)))
}

// selectWhileReading: rows that are not yet read must not keep others waiting.
func selectWhileReading(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	Append(t, s, Batch("a", 0, views(3)))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for range 20 {
		rows, err := s.Select(ctx, "select path from events")
		if err != nil {
			t.Fatalf("select beside open rows: %v", err)
		}
		defer rows.Close()
	}
}

func closed(t *testing.T, open Opener) {
	s := open(t)
	closing(t, s)
	closing(t, s) // twice does no harm
	if err := s.Append(context.Background(), Batch("a", 0, views(1))); err == nil {
		t.Error("a closed store took a batch")
	}
	if _, err := s.Select(context.Background(), "select 1"); err == nil {
		t.Error("a closed store answered")
	}
	if _, err := s.Loaded(context.Background(), "a"); err == nil {
		t.Error("a closed store told a position")
	}
}
