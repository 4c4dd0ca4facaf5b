package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// campaign kills one server on one data directory, again and again.
type campaign struct {
	dir         string
	server      string // the binary; "" is the child in this program
	clients     int
	chance      *rand.Rand
	log         *slog.Logger
	verifyEvery int
	full        bool // fill the disk in each round

	ledger ledger
	result result

	batchMu    sync.Mutex
	unanswered []batch // to be sent again under their keys
}

// batch is a request of several hits that is sent until it is answered.
type batch struct {
	key string
	ids []string
}

// result is what a campaign counted.
type result struct {
	Rounds       int `json:"rounds"`
	Sent         int `json:"sent"`
	Acknowledged int `json:"acknowledged"`
	Refused      int `json:"refused_503"`
	Again        int `json:"batches_sent_again"`
	Survived     int `json:"stored_unacknowledged"` // allowed: the answer was lost, not the hit
	Stored       int `json:"stored"`
	Checks       int `json:"checks"`
}

func newCampaign(dir, server string, clients int, chance *rand.Rand, log *slog.Logger) *campaign {
	return &campaign{dir: dir, server: server, clients: clients, chance: chance, log: log, verifyEvery: 20,
		ledger: ledger{sent: map[string]bool{}}}
}

func (c *campaign) run(ctx context.Context, rounds int) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	t, err := newTarget(ctx, c.server, c.dir)
	if err != nil {
		return err
	}
	for round := 1; round <= rounds; round++ {
		if err := c.round(ctx, t, round); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		c.result.Rounds++
		if round%c.verifyEvery == 0 || round == rounds {
			if err := c.verify(ctx, t); err != nil {
				return fmt.Errorf("after round %d: %w", round, err)
			}
			c.log.Info("every acknowledged hit is stored once", "round", round, "acknowledged", c.result.Acknowledged,
				"refused", c.result.Refused, "survived", c.result.Survived)
		}
	}
	return nil
}

// death is how a round ends.
type death int

const (
	underLoad death = iota
	starting
	stopping
)

func (c *campaign) how() death {
	switch n := c.chance.IntN(10); {
	case n == 0 && !c.full:
		return starting
	case n <= 2:
		return stopping
	default:
		return underLoad
	}
}

// round starts the server, loads it and kills it.
func (c *campaign) round(ctx context.Context, t target, round int) error {
	how := c.how()
	p, err := start(ctx, t)
	if err != nil {
		return err
	}
	defer p.kill()
	if how == starting {
		sleep(ctx, c.upTo(150*time.Millisecond))
		p.kill()
		return nil
	}
	addr, err := p.ready(ctx, t)
	if err != nil {
		return err
	}
	sent := c.send(ctx, t, addr, round)
	if c.full {
		if err := c.fill(ctx, sent); err != nil {
			sent.stop()
			return err
		}
	}
	sleep(ctx, 50*time.Millisecond+c.upTo(time.Second))
	if how == stopping {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		sleep(ctx, c.upTo(200*time.Millisecond))
	}
	p.kill()
	sent.stop()
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.result.Sent, c.result.Acknowledged, c.result.Refused = len(c.ledger.sent), c.ledger.acked, c.ledger.refused
	return ctx.Err()
}

func (c *campaign) upTo(d time.Duration) time.Duration {
	return time.Duration(c.chance.Int64N(int64(d)))
}

// sleep waits in real time: there is a real process on the other side.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// swarm is the clients of one round.
type swarm struct {
	cancel  context.CancelFunc
	done    sync.WaitGroup
	acked   atomic.Int64
	refused atomic.Int64
}

func (l *swarm) stop() {
	l.cancel()
	l.done.Wait()
}

// send lets every client send hits, one after the other, until it is stopped
// or the server is gone.
func (c *campaign) send(ctx context.Context, t target, addr string, round int) *swarm {
	ctx, cancel := context.WithCancel(ctx)
	l := &swarm{cancel: cancel}
	client := newClient(c.clients)
	pad, pause := 0, time.Duration(0)
	if c.full {
		// The room the spool holds in advance is soon used up, and what is
		// stored doesn't fill the disk for good.
		pad, pause = 3000, 5*time.Millisecond
	}
	if _, ok := t.batch(addr, "", nil); ok {
		for i := range 1 + c.clients/8 {
			l.done.Go(func() { c.sendBatches(ctx, t, client, addr, fmt.Sprintf("b%d-c%d", round, i)) })
		}
	}
	for i := range c.clients {
		l.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("r%d-c%d-n%d", round, i, n)
				c.ledger.send(id)
				status, err := post(ctx, client, t.hit(addr, id, strings.Repeat("x", pad)))
				c.ledger.answer(id, status)
				switch {
				case status == 202:
					l.acked.Add(1)
					sleep(ctx, pause)
				case status == 503:
					l.refused.Add(1)
					sleep(ctx, 20*time.Millisecond)
				case err == nil:
					c.ledger.fault(fmt.Errorf("hit %s was answered with %d", id, status))
					return
				default:
					sleep(ctx, 5*time.Millisecond) // refused connections: it is dead
				}
			}
		})
	}
	return l
}

// sendBatches sends batches, those first that were never answered before: some
// of these were stored just before the server was killed.
func (c *campaign) sendBatches(ctx context.Context, t target, client *http.Client, addr, name string) {
	for n := 0; ctx.Err() == nil; n++ {
		c.batchMu.Lock()
		var b batch
		if last := len(c.unanswered) - 1; last >= 0 {
			b, c.unanswered = c.unanswered[last], c.unanswered[:last]
			c.result.Again++
		} else {
			b.key = fmt.Sprintf("%s-n%d", name, n)
			for i := range 5 {
				b.ids = append(b.ids, fmt.Sprintf("%s-e%d", b.key, i))
			}
		}
		c.batchMu.Unlock()
		for _, id := range b.ids {
			c.ledger.send(id)
		}
		h, _ := t.batch(addr, b.key, b.ids)
		status, err := post(ctx, client, h)
		for _, id := range b.ids {
			c.ledger.answer(id, status)
		}
		if status == 202 {
			continue
		}
		c.batchMu.Lock()
		c.unanswered = append(c.unanswered, b)
		c.batchMu.Unlock()
		if err == nil && status != 503 {
			c.ledger.fault(fmt.Errorf("batch %s was answered with %d", b.key, status))
			return
		}
		sleep(ctx, 20*time.Millisecond)
	}
}

// fill takes every byte of the disk, waits until hits are refused, gives the
// room back and waits until they are stored again, all without a restart.
func (c *campaign) fill(ctx context.Context, l *swarm) error {
	name := filepath.Join(c.dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	deadline := time.Now().Add(20 * time.Second)
	for before := l.refused.Load(); l.refused.Load() < before+int64(c.clients); {
		_, err := f.Write(block)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			sleep(ctx, 5*time.Millisecond)
		case err != nil:
			return errors.Join(err, f.Close())
		}
		if time.Now().After(deadline) {
			return errors.Join(errors.New("the disk is full and no hit was refused"), f.Close())
		}
	}
	if err := errors.Join(f.Close(), os.Remove(name)); err != nil {
		return err
	}
	if c.chance.IntN(3) == 0 {
		return nil // die before it recovers
	}
	began := time.Now()
	for before := l.acked.Load(); l.acked.Load() < before+int64(c.clients); sleep(ctx, 5*time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			return errors.New("there is room again and hits are still refused")
		}
	}
	c.log.Info("the disk was full and hits were stored again", "after", time.Since(began).Round(time.Millisecond))
	return nil
}

// verify starts the server, wants it to take hits as if nothing had happened,
// stops it properly and compares its store with the ledger.
func (c *campaign) verify(ctx context.Context, t target) error {
	p, err := start(ctx, t)
	if err != nil {
		return err
	}
	defer p.kill()
	addr, err := p.ready(ctx, t)
	if err != nil {
		return err
	}
	client := newClient(1)
	for i := range 20 {
		id := fmt.Sprintf("v%d-n%d", c.result.Checks, i)
		c.ledger.send(id)
		for began := time.Now(); ; sleep(ctx, 20*time.Millisecond) {
			status, err := post(ctx, client, t.hit(addr, id, ""))
			c.ledger.answer(id, status)
			if status == 202 {
				break
			}
			// 503 until what the last life left in the spool is loaded.
			if err != nil || status != 503 || time.Since(began) > 20*time.Second {
				return fmt.Errorf("the server was killed, started again and answers %d (%v)", status, err)
			}
		}
	}
	if err := p.stop(ctx); err != nil {
		return err
	}
	stored, err := readStore(ctx, filepath.Join(c.dir, "events.duckdb"))
	if err != nil {
		return fmt.Errorf("read the event store: %w", err)
	}
	survived, err := c.ledger.compare(stored)
	c.result.Survived, c.result.Stored = survived, len(stored)
	c.result.Checks++
	return err
}
