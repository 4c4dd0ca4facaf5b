// Package collect judges hits and makes events of them. The trip of one:
//
//	handler.go   the body is read (16 KiB at most), the client's address found
//	moonbear.go, plausible.go, batch.go
//	             a dialect becomes a message
//	pipeline.go  the message becomes an event, step by step, or is dropped for
//	             a counted reason; the last step joins or opens a visit
//	             → spool, which returns when the event is on disk
//	handler.go   202
//
// The client's address and user agent end here: an event has no field for
// them. So does the query of an address, and that of a referrer.
package collect

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/bot"
	"moonbear/internal/geo"
	"moonbear/internal/kv"
	"moonbear/internal/salt"
	"moonbear/internal/site"
	"moonbear/internal/source"
)

// Sites is what collecting asks of the list of sites.
type Sites interface {
	// Lookup finds a site by public ID or domain.
	Lookup(id string) (s *site.Site, known bool)
	// Ready is false until the list is known.
	Ready() bool
}

// Spool is where events go. Append returns once the record is durable, and
// keeps no hold of it.
type Spool interface {
	Append(ctx context.Context, record []byte) error
}

// TokenFacts is what an API token may do.
type TokenFacts struct {
	ID      int64
	Account int64
	Sites   []int64 // the only sites it is for; none is every one of the account's
	Write   bool    // it may write events
}

// Options of a Collector.
type Options struct {
	Sites   Sites
	Spool   Spool
	Visits  kv.Visits
	Keys    kv.Keys // idempotency keys of batches; nil: in memory
	Salts   *salt.Salts
	Geo     *geo.DB
	Bots    *bot.Matcher
	Sources *source.Sources

	// Tokens tells what a bearer token may do; an error that is a fault is
	// answered as it is. nil: there are no tokens.
	Tokens func(ctx context.Context, bearer string) (TokenFacts, error)
	// Quota says whether a site may still collect; false is answered with 402.
	// nil: every site may.
	Quota func(site int64) bool

	// TrustedProxies are believed when they say whom they speak for.
	TrustedProxies []netip.Prefix
	// RatePerMinute is the most hits a minute from one client address, answered
	// with 429 beyond; 0 is no limit.
	RatePerMinute int
	Limits        kv.Limits // what counts them; nil: in memory

	Now     func() time.Time      // nil: time.Now
	Log     *slog.Logger          // nil: nowhere
	Metrics prometheus.Registerer // nil: none
}

// Collector takes hits. It is safe for concurrent use.
type Collector struct {
	sites   Sites
	spool   Spool
	visits  kv.Visits
	keys    kv.Keys
	salts   func(s *site.Site, at time.Time) (today, previous salt.Salt, err error)
	former  func(s *site.Site) (f salt.Salt, ok bool)
	geo     *geo.DB
	sources *source.Sources
	tokens  func(ctx context.Context, bearer string) (TokenFacts, error)
	quota   func(site int64) bool

	agents  *agents
	proxies []netip.Prefix
	limit   *limiter
	drops   *drops
	metrics *metrics
	now     func() time.Time
	log     *slog.Logger
	quiet   throttle      // of the log
	ended   chan struct{} // closed when RestoreEnded is done; nil without Restore
}

// New makes a Collector.
func New(o Options) (*Collector, error) {
	switch {
	case o.Sites == nil, o.Spool == nil, o.Visits == nil, o.Salts == nil:
		return nil, errors.New("collect needs Sites, Spool, Visits and Salts")
	case o.Geo == nil, o.Bots == nil, o.Sources == nil:
		return nil, errors.New("collect needs Geo, Bots and Sources")
	}
	c := &Collector{
		sites: o.Sites, spool: o.Spool, visits: o.Visits, keys: o.Keys,
		geo: o.Geo, sources: o.Sources, tokens: o.Tokens, quota: o.Quota,
		proxies: o.TrustedProxies, now: o.Now,
		log:   cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		limit: newLimiter(o.Limits, o.RatePerMinute),
		drops: newDrops(),
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.salts = func(s *site.Site, at time.Time) (salt.Salt, salt.Salt, error) {
		return o.Salts.Pair(s.Location, s.TimeZone, at)
	}
	c.former = func(s *site.Site) (salt.Salt, bool) { return o.Salts.Former(s.TimeZone) }
	if c.keys == nil {
		c.keys = kv.NewMemoryKeys()
	}
	var err error
	if c.agents, err = newAgents(o.Bots); err != nil {
		return nil, err
	}
	if c.metrics, err = newMetrics(o.Metrics); err != nil {
		return nil, err
	}
	return c, nil
}

// Run writes the drop counts to the spool once a second and forgets what is
// past its time once a minute. When ctx ends it writes the last counts, so the
// spool must still be running then.
func (c *Collector) Run(ctx context.Context) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-second.C:
			if err := c.drops.flush(ctx, c.spool); err != nil && ctx.Err() == nil {
				c.warn(ctx, "drop counts wait for the spool", err)
			}
		case <-minute.C:
			c.forget(c.now().UnixMilli())
		case <-ctx.Done():
			// ctx is dead already; the last counts deserve a live one.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return c.drops.flush(ctx, c.spool)
		}
	}
}

// forget lets go of visits, keys and clients past their time. Engines that
// expire by themselves have no Expire.
func (c *Collector) forget(now int64) {
	type expirer interface{ Expire(now int64) int }
	for _, e := range []any{c.visits, c.keys, c.limit.limits} {
		if e, ok := e.(expirer); ok {
			e.Expire(now)
		}
	}
}

// warn logs what may happen thousands of times a second, once a second.
func (c *Collector) warn(ctx context.Context, what string, err error) {
	if n, ok := c.quiet.pass(c.now().Unix()); ok {
		c.log.WarnContext(ctx, what, "error", err, "unsaid", n)
	}
}
