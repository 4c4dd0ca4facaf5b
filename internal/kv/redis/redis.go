// Package redis shares short-lived state among the replicas of one service:
// open visits, idempotency keys, limits, salts, and the word that something
// changed.
//
// Redis is a help and never a need. Whatever it is asked has a time limit, and
// the process's own memory to answer instead:
//
//	asked → away? → memory
//	      → Redis within the limit → its answer, noted in memory too
//	      → error or too late      → memory; told to Redis once it is back
//
// Run watches over it: it asks a Redis that is away every 100 ms whether it is
// back, and then tells it what memory learned meanwhile, or all of it when
// Redis has lost its own.
//
// Nothing in Redis says who somebody is: visitors are keyed hashes that nobody
// can make again after 48 hours, as are the keys of limits.
package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/rueidis"
)

const (
	// soon is how long whoever takes a hit waits for Redis.
	soon = 20 * time.Millisecond
	// patience is how long one waits for what is asked once a batch, or once a
	// day, and is worth more than a fifth of a second.
	patience = 200 * time.Millisecond
	// inFlight bounds the commands on their way. rueidis's own bound (1,024)
	// blocks beyond any time limit, and those given up still count there.
	inFlight = 256
	// tooSlow answers in a row that are too late mean that Redis is away.
	tooSlow = 3
	// lookEvery is how often Redis is asked whether it is back.
	lookEvery = 100 * time.Millisecond
)

// errAway says that nobody asked, because Redis was away a moment ago.
var errAway = errors.New("redis is away")

// Options of a Redis; the zero value works.
type Options struct {
	// Prefix is put before every key, so that several services can share a
	// Redis; "": "moonbear:".
	Prefix  string
	Log     *slog.Logger          // nil: nowhere
	Metrics prometheus.Registerer // nil: none
}

// Redis is the connection to one Redis. It is safe for concurrent use.
type Redis struct {
	client  rueidis.Client
	prefix  string
	log     *slog.Logger
	metrics *metrics
	slots   chan struct{}
	// What a hit, and what others wait for an answer.
	soon, patience time.Duration

	away atomic.Bool
	slow atomic.Int32  // answers in a row that were too late
	woke chan struct{} // Run has something to look at

	// Run's own.
	dropped atomic.Bool // the connection was, or everything in Redis
	life    string      // of the data in Redis
	said    bool        // in the log that Redis is away
	well    time.Time   // Redis was, the last time Run looked
	shares  []share
	changes changes
	secret  secret
}

// share is a kind of state that is in Redis and in this process's memory.
type share interface {
	// lost says that Redis knows nothing of before since any more.
	lost(since time.Time)
	// push tells Redis what it doesn't know.
	push(ctx context.Context) error
}

// Check says what is wrong with a URL of a Redis.
func Check(url string) error {
	_, err := parse(url)
	return err
}

// parse reads redis://, rediss:// or unix://. One server only: what is lost with
// it is known to the replicas, so a second would only be another thing to fail.
func parse(url string) (rueidis.ClientOption, error) {
	o, err := rueidis.ParseURL(url)
	switch {
	case err != nil:
		return o, errors.New("want redis://USER:PASSWORD@HOST:PORT/NUMBER, or rediss:// for TLS") // err may hold the password
	case len(o.InitAddress) != 1, o.Sentinel.MasterSet != "":
		return o, errors.New("want one server; one that is lost costs nothing that was counted")
	}
	return o, nil
}

// Open connects to Redis. One that is away is no error: Run finds it when it is
// there.
func Open(ctx context.Context, url string, o Options) (*Redis, error) {
	c, err := parse(url)
	if err != nil {
		return nil, err
	}
	r := &Redis{
		prefix: cmp.Or(o.Prefix, "moonbear:"),
		log:    cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		slots:  make(chan struct{}, inFlight),
		woke:   make(chan struct{}, 1),
		soon:   soon, patience: patience,
	}
	if r.metrics, err = newMetrics(o.Metrics); err != nil {
		return nil, err
	}
	c.ForceSingleClient = true // and so a client also when there is nobody yet
	c.AlwaysPipelining = true  // else one late answer closes the connection
	c.PipelineMultiplex = -1   // one connection: answers come in the order of questions
	c.DisableRetry = true      // memory answers sooner
	c.CacheSizeEachConn = 1 << 20
	c.Dialer.Timeout = time.Second
	c.ConnWriteTimeout = 2 * time.Second
	c.OnInvalidations = r.invalidated
	if r.client, err = rueidis.NewClient(c); r.client == nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	if err == nil {
		r.life, err = r.look(ctx)
	}
	r.metrics.up.Set(1)
	r.well = time.Now()
	if err != nil {
		r.leave()
		r.say(err)
	}
	return r, nil
}

// Close closes the connection.
func (r *Redis) Close() error {
	r.client.Close()
	return nil
}

// ask has f ask Redis, within limit; an error means that memory must answer.
// f isn't given up when the asker goes: what was seen was seen.
func (r *Redis) ask(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	if r.away.Load() {
		return errAway
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return ctx.Err() // those who have a slot find out why
	}
	if r.away.Load() {
		return errAway
	}
	err := f(ctx)
	if err == nil {
		if r.slow.Load() != 0 {
			r.slow.Store(0)
		}
		return nil
	}
	// A late answer, or a command that was refused, may be an exception. A
	// connection that is gone is not.
	_, refused := rueidis.IsRedisErr(err)
	if !refused && !errors.Is(err, context.DeadlineExceeded) || r.slow.Add(1) >= tooSlow {
		r.leave()
	}
	return err
}

// leave has memory answer until Run finds Redis again.
func (r *Redis) leave() {
	if r.away.CompareAndSwap(false, true) {
		r.metrics.up.Set(0)
		r.wake()
	}
}

// say logs that Redis is away, once. What Run finds well again at once is in the
// metrics only.
func (r *Redis) say(err error) {
	if !r.said {
		r.said = true
		r.log.Warn("redis is away; this process's memory answers", "error", err)
	}
}

func (r *Redis) wake() {
	select {
	case r.woke <- struct{}{}:
	default:
	}
}

// invalidated is told by Redis which watched keys changed, or by rueidis (nil)
// that the connection is gone, which looks like a Redis that was emptied.
func (r *Redis) invalidated(keys []rueidis.RedisMessage) {
	if keys == nil {
		r.dropped.Store(true)
	}
	r.wake()
}

// Run keeps Redis and memory in step until ctx ends.
func (r *Redis) Run(ctx context.Context) error {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	woke := r.woke
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-woke:
		}
		woke = r.woke
		if (r.away.Load() || r.dropped.Load()) && !r.again(ctx) {
			woke = nil // not before the next tick, whatever happens to connections
			continue
		}
		r.well = time.Now()
		for _, s := range r.shares {
			if err := s.push(ctx); err != nil {
				break // asked again in a moment
			}
		}
		r.notice(ctx)
	}
}

// again looks whether Redis is there, and the same as before.
func (r *Redis) again(ctx context.Context) bool {
	r.dropped.Store(false)
	life, err := r.look(ctx)
	if err != nil {
		r.leave()
		if ctx.Err() == nil {
			r.say(err)
		}
		return false
	}
	if life != r.life {
		r.life = life
		for _, s := range r.shares {
			s.lost(r.well)
		}
	}
	r.changes.missed.Store(true)
	r.slow.Store(0)
	if r.away.CompareAndSwap(true, false) {
		r.metrics.up.Set(1)
	}
	if r.said {
		r.said = false
		r.log.Info("redis is back")
	}
	return true
}

// look finds out whether Redis takes writes in time, and what tells the data in
// it from that of another time: the server's run, and a word that is gone when
// Redis was emptied.
func (r *Redis) look(ctx context.Context) (life string, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // it may have to connect
	defer cancel()
	word := r.prefix + "life"
	ask := func() ([]rueidis.RedisResult, error) {
		res := r.client.DoMulti(ctx,
			r.client.B().Set().Key(word).Value(rand.Text()).Nx().Build(),
			r.client.B().Get().Key(word).Build(),
			r.client.B().Info().Section("server").Build())
		for _, one := range res[:2] {
			if err := one.Error(); err != nil && !rueidis.IsRedisNil(err) {
				return nil, err
			}
		}
		return res, nil
	}
	if _, err := ask(); err != nil {
		return "", err
	}
	begun := time.Now()
	res, err := ask()
	if err != nil {
		return "", err
	}
	if took := time.Since(begun); took > r.soon {
		return "", fmt.Errorf("it takes %v to answer", took.Round(time.Millisecond))
	}
	life, err = res[1].ToString()
	if err != nil {
		return "", err
	}
	info, _ := res[2].ToString()
	for line := range strings.Lines(info) {
		if id, ok := strings.CutPrefix(line, "run_id:"); ok {
			return life + " " + strings.TrimSpace(id), nil
		}
	}
	// One that doesn't tell, or not us, may always be another.
	return rand.Text(), nil
}
