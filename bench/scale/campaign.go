package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"moonbear/bench/figures"
	"moonbear/bench/hits"
	"moonbear/bench/moonbear"
	"moonbear/bench/process"
)

// many is how many replicas are held against one.
const many = 4

// campaign is one run of all rounds.
type campaign struct {
	o      options
	dir    string
	stores *stores
	made   moonbear.Made
	hits   *hits.Hits
	acked  int // of all hits ever sent
}

// measure runs the rounds and keeps the figures.
func measure(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp(o.data, "scale-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	s, err := openStores(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	c := &campaign{o: o, dir: dir, stores: s}
	if c.made, err = moonbear.Setup(ctx, o.bin, "bench.example", c.environ(0)...); err != nil {
		return err
	}
	c.hits = hits.New(c.made.SiteID)
	f := &figures.Replicas{Engine: s.version, Seconds: int(o.load.Seconds()), Cases: []*figures.Case{
		{Replicas: 1, Rate: 2 * o.rate / many}, {Replicas: 1, Rate: o.rate}, {Replicas: many, Rate: o.rate}, {Replicas: many, Rate: 2 * o.rate},
	}}
	if err := c.rounds(ctx, f.Cases); err != nil {
		return err
	}
	if err := c.counted(ctx); err != nil {
		return err
	}
	return f.Keep(o.data)
}

// environ is that of the n-th replica.
func (c *campaign) environ(n int) []string {
	return append(c.stores.environ(), "DATA_DIR="+filepath.Join(c.dir, "replica-"+strconv.Itoa(n+1)))
}

// rounds goes through the cases, there and back, so that none is always the one
// after the same other.
func (c *campaign) rounds(ctx context.Context, cases []*figures.Case) error {
	order := slices.Clone(cases)
	for n := range c.o.rounds + 1 {
		for _, of := range order {
			into := of
			if n == 0 {
				into = &figures.Case{Replicas: of.Replicas, Rate: of.Rate} // warms up
			}
			if err := c.round(ctx, into, n); err != nil {
				return fmt.Errorf("%d replicas, %.0f hits/s: %w", of.Replicas, of.Rate, err)
			}
			say("round %d of %d: %d replicas, %.0f hits/s: %.0f µs a hit of the servers, %.0f of ClickHouse, %.0f of Redis, %.0f of PostgreSQL; p99 %.0f ms",
				n, c.o.rounds, into.Replicas, into.Rate, last(into.Server), last(into.Engine), last(into.Redis), last(into.Postgres), last(into.P99))
		}
		slices.Reverse(order)
	}
	return nil
}

func last(x []float64) float64 { return x[len(x)-1] }

// round starts the replicas of a case, loads them, and ends them; n is its number.
func (c *campaign) round(ctx context.Context, into *figures.Case, n int) (err error) {
	var replicas []*moonbear.Server
	defer func() {
		var wg sync.WaitGroup
		errs := make([]error, len(replicas))
		for i, r := range replicas {
			wg.Go(func() { errs[i] = r.Stop() })
		}
		wg.Wait()
		err = errors.Join(err, errors.Join(errs...))
	}()
	for i := range into.Replicas {
		r, err := moonbear.Start(ctx, c.o.bin, c.environ(i)...)
		if err != nil {
			return err
		}
		replicas = append(replicas, r)
	}
	if _, err := c.load(ctx, replicas, into.Rate, c.o.warm); err != nil {
		return err
	}
	before, err := c.look(ctx, replicas)
	if err != nil {
		return err
	}
	stop := replicas[0].Watch(c.o.profile, fmt.Sprintf("%d-%.0f-%d", into.Replicas, into.Rate, n), int(c.o.load.Seconds()))
	t, err := c.load(ctx, replicas, into.Rate, c.o.load)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	after, err := c.look(ctx, replicas)
	if err != nil {
		return err
	}
	after.since(before, t, into)
	return nil
}

// load sends hits to the replicas, to each those of its own clients.
func (c *campaign) load(ctx context.Context, replicas []*moonbear.Server, rate float64, d time.Duration) (*hits.Tally, error) {
	n := len(replicas)
	tallies, errs := make([]*hits.Tally, n), make([]error, n)
	var wg sync.WaitGroup
	for i, share := range c.hits.Shares(n) {
		l := hits.Load{Addr: replicas[i].Addr, Path: "/event", Conns: max(1, c.o.conns/n), Duration: d, Rate: rate / float64(n), Hits: share}
		wg.Go(func() { tallies[i], errs[i] = l.Run() })
	}
	wg.Wait()
	t := hits.Sum(tallies)
	c.acked += t.OK()
	err := errors.Join(append(errs, ctx.Err())...)
	if err == nil && t.OK() != len(t.Latencies) {
		err = fmt.Errorf("answers by status %v, want 202 only", t.Answers)
	}
	return t, err
}

// looked is what had been used at a moment, by all replicas together and by
// their stores.
type looked struct {
	spent
	at                      time.Time
	server                  time.Duration // of processor time
	written, syncs, batches float64       // into spools, bytes; of spools; out of spools
}

func (c *campaign) look(ctx context.Context, replicas []*moonbear.Server) (l looked, err error) {
	l.at = time.Now()
	for _, r := range replicas {
		cpu, err := process.CPU(r.PID())
		if err != nil {
			return l, err
		}
		l.server += cpu
		for name, to := range map[string]*float64{
			"moonbear_spool_written_bytes_total": &l.written, "moonbear_spool_fsync_seconds_count": &l.syncs, "moonbear_load_batch_seconds_count": &l.batches,
		} {
			n, err := r.Count(name)
			if err != nil {
				return l, err
			}
			*to += n
		}
	}
	l.spent, err = c.stores.spent(ctx)
	return l, err
}

// since adds what was used since an earlier moment to the figures of a case.
func (l looked) since(b looked, t *hits.Tally, c *figures.Case) {
	n, seconds := float64(t.OK()), l.at.Sub(b.at).Seconds()
	add := func(to *[]float64, v float64) { *to = append(*to, v) }
	add(&c.Server, (l.server-b.server).Seconds()*1e6/n)
	add(&c.Engine, (l.events-b.events).Seconds()*1e6/n)
	add(&c.Redis, (l.redis-b.redis).Seconds()*1e6/n)
	add(&c.Postgres, (l.postgres-b.postgres).Seconds()*1e6/n)
	add(&c.P99, figures.Milliseconds(t.Quantile(0.99)))
	add(&c.PerSecond, t.PerSecond())
	add(&c.Commands, (l.commands-b.commands)/n)
	add(&c.Transactions, (l.transactions-b.transactions)/seconds)
	add(&c.Inserts, (l.inserts-b.inserts)/seconds)
	add(&c.Batches, (l.batches-b.batches)/seconds)
	add(&c.Written, (l.written-b.written)/n)
	add(&c.Syncs, (l.syncs-b.syncs)/seconds)
}

// counted holds what was acknowledged against what is counted.
func (c *campaign) counted(ctx context.Context) (err error) {
	r, err := moonbear.Start(ctx, c.o.bin, c.environ(0)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	var n int64
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		if n, err = r.Pageviews(c.made); err != nil {
			return err
		}
		if n >= int64(c.acked) {
			break
		}
	}
	if n != int64(c.acked) {
		return fmt.Errorf("%d hits were acknowledged, %d are counted", c.acked, n)
	}
	say("%d hits were acknowledged, and counted", n)
	return nil
}
