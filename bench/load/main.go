// Command load measures collecting beside the barest server there can be.
//
// Three servers take the same hits from the same generator on the same
// machine, in turn, round after round: a net/http handler that reads the body;
// the same handler with a group-committed fsync before its answer; Moonbear as
// it ships. What counts are the ratios within one run, since absolute figures
// change with the machine. Then Moonbear alone takes half of its own best rate,
// for latency and processor time, while the stats API is asked how soon what
// was acknowledged can be seen.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"moonbear/bench/figures"
	"moonbear/bench/hits"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	bin := flag.String("bin", "bin/moonbear", "the binary to measure")
	conns := flag.Int("conns", 128, "connections, one request in flight on each")
	secs := flag.Int("seconds", 8, "seconds a round")
	rounds := flag.Int("rounds", 3, "rounds of each server")
	mode := flag.String("serve", "", "be a yardstick server: bare or durable")
	metrics := flag.String("metrics", "off", "where the measured Moonbear serves /metrics and /debug/pprof meanwhile")
	data := flag.String("data", "", "a directory to keep the figures in, for bench/scale")
	addr := flag.String("addr", "", "where the yardstick listens")
	flag.Parse()
	if *mode != "" {
		return serveBare(ctx, *addr, *mode == "durable")
	}
	return measure(ctx, *bin, *metrics, *data, *conns, *rounds, time.Duration(*secs)*time.Second)
}

func measure(ctx context.Context, bin, metrics, data string, conns, rounds int, d time.Duration) (err error) {
	bare, err := startBare("bare handler", "bare")
	if err != nil {
		return err
	}
	defer bare.stop()
	durable, err := startBare("bare handler + group-commit fsync", "durable")
	if err != nil {
		return err
	}
	defer durable.stop()
	moonbear, err := startMoonbear(ctx, bin, metrics)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, moonbear.stop()) }()
	h := hits.New(moonbear.made.SiteID)
	best, acked, err := saturate([]*server{bare, durable, moonbear.server}, moonbear, h, conns, rounds, d)
	if err != nil {
		return err
	}
	rate := best[moonbear.server]
	us, err := half(moonbear, h, conns, rate/2, acked, 2*d)
	if err != nil || data == "" {
		return err
	}
	return (&figures.Collecting{PerSecond: rate, HalfCPU: us}).Keep(data)
}

// saturate loads the servers in turn as fast as they answer and prints the
// table; the medians and the hits Moonbear acknowledged come back.
func saturate(servers []*server, moonbear *measured, h *hits.Hits, conns, rounds int, d time.Duration) (map[*server]float64, int64, error) {
	rates, cpus, p99s := map[*server][]float64{}, map[*server][]float64{}, map[*server][]float64{}
	var acked atomic.Int64
	var late time.Duration
	for round := range rounds + 1 {
		for _, s := range servers {
			before, err := s.cpu()
			if err != nil {
				return nil, 0, err
			}
			l := hits.Load{Addr: s.addr, Path: path, Conns: conns, Duration: d, Hits: h}
			var watch func() (time.Duration, error)
			if s == moonbear.server {
				l.Acked = &acked
				watch = visible(moonbear, &acked)
			}
			t, err := l.Run()
			if err != nil {
				return nil, 0, fmt.Errorf("%s: %w\n%s", s.name, err, s.said())
			}
			if t.OK() != len(t.Latencies) {
				return nil, 0, fmt.Errorf("%s: answers by status %v, want 202 only", s.name, t.Answers)
			}
			after, err := s.cpu()
			if err != nil {
				return nil, 0, err
			}
			if watch != nil {
				w, err := watch()
				if err != nil {
					return nil, 0, err
				}
				late = max(late, w)
			}
			if round == 0 {
				continue // warms up
			}
			rates[s] = append(rates[s], t.PerSecond())
			cpus[s] = append(cpus[s], (after-before).Seconds()*1e6/float64(t.OK()))
			p99s[s] = append(p99s[s], float64(t.Quantile(0.99).Microseconds())/1000)
		}
	}
	fmt.Printf("As fast as answers come: %d connections, %v a round, %d rounds after one to warm up, medians.\n\n", conns, d, rounds)
	fmt.Println("| server | hits/s | of bare | of bare + fsync | CPU µs/hit | p99 ms |")
	fmt.Println("|---|---|---|---|---|---|")
	best := map[*server]float64{}
	for _, s := range servers {
		best[s] = median(rates[s])
		fmt.Printf("| %s | %.0f | %.0f %% | %.0f %% | %.0f | %.1f |\n", s.name, best[s],
			100*ratio(rates[s], rates[servers[0]]), 100*ratio(rates[s], rates[servers[1]]), median(cpus[s]), median(p99s[s]))
	}
	fmt.Printf("\nAt that rate an acknowledged hit was in the stats API's answers at most %.1f s later.\n", late.Seconds())
	return best, acked.Load(), nil
}

// half loads Moonbear at a steady rate, and tells what a hit cost it: µs of
// processor time.
func half(s *measured, h *hits.Hits, conns int, rate float64, before int64, d time.Duration) (us float64, err error) {
	var acked atomic.Int64
	acked.Store(before)
	cpu0, err := s.cpu()
	if err != nil {
		return 0, err
	}
	watch := visible(s, &acked)
	t, err := hits.Load{Addr: s.addr, Path: path, Conns: conns, Duration: d, Rate: rate, Hits: h, Acked: &acked}.Run()
	if err != nil {
		return 0, err
	}
	cpu1, err := s.cpu()
	if err != nil {
		return 0, err
	}
	late, err := watch()
	if err != nil {
		return 0, err
	}
	us = (cpu1 - cpu0).Seconds() * 1e6 / float64(t.OK())
	fmt.Printf("\nAt half of that, %.0f hits/s for %v: p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms; %.0f µs of server CPU a hit; answers by status %v; visible after at most %.1f s.\n",
		t.PerSecond(), d, ms(t.Quantile(0.5)), ms(t.Quantile(0.99)), ms(t.Quantile(0.999)),
		us, t.Answers, late.Seconds())
	n, err := s.pageviews()
	if err != nil {
		return 0, err
	}
	if n != acked.Load() {
		return 0, fmt.Errorf("%d hits were acknowledged, %d are counted", acked.Load(), n)
	}
	fmt.Printf("Acknowledged %d hits in all, counted %d.\n", acked.Load(), n)
	return us, nil
}

// visible asks, over and over, how long what has just been acknowledged takes
// to show in the stats; the function it gives waits for the last hit and tells
// the longest wait seen.
func visible(s *measured, acked *atomic.Int64) func() (time.Duration, error) {
	stop := make(chan struct{})
	type end struct {
		worst time.Duration
		err   error
	}
	done := make(chan end, 1)
	go func() {
		var worst time.Duration
		for last := false; ; {
			select {
			case <-stop:
				last = true
			case <-time.After(time.Second):
			}
			want, since := acked.Load(), time.Now()
			for {
				n, err := s.pageviews()
				if err != nil {
					done <- end{worst, err}
					return
				}
				if n >= want {
					break
				}
				if time.Since(since) > time.Minute {
					done <- end{worst, fmt.Errorf("a minute after it was acknowledged, hit %d is not counted: %d are", want, n)}
					return
				}
				time.Sleep(200 * time.Millisecond)
			}
			worst = max(worst, time.Since(since))
			if last {
				done <- end{worst, nil}
				return
			}
		}
	}()
	return func() (time.Duration, error) {
		close(stop)
		e := <-done
		return e.worst, e.err
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// ratio is the median of the rounds' own ratios, so that a machine whose speed
// drifts from round to round does not bend it.
func ratio(a, b []float64) float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return median(r)
}
