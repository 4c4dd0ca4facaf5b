package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/account"
	"moonbear/internal/kv"
	"moonbear/internal/kv/redis"
	"moonbear/internal/salt"
	"moonbear/internal/site"
)

// What replicas tell each other of when it changed.
const (
	changedSites  = "sites"
	changedTokens = "tokens"
	// changedSalts is never said: a replica asks when it may have missed it.
	changedSalts = "salts"
)

// shared is what the replicas of a service have in common through Redis. Without
// one there is a single replica, and its memory will do.
type shared struct {
	redis  *redis.Redis // nil: there is none
	limits kv.Limits
}

// openShared connects to Redis; "" is none. One that is away keeps no server
// from starting.
func openShared(ctx context.Context, url string, log *slog.Logger, metrics prometheus.Registerer) (s shared, err error) {
	if url == "" {
		return shared{limits: kv.NewMemoryLimits()}, nil
	}
	if s.redis, err = redis.Open(ctx, url, redis.Options{Log: log, Metrics: metrics}); err != nil {
		return s, fmt.Errorf("REDIS_URL: %w", err)
	}
	s.limits = s.redis.Limits()
	return s, nil
}

func (s *shared) close() error {
	if s.redis == nil {
		return nil
	}
	return s.redis.Close()
}

func (s *shared) visits() kv.Visits {
	mem := kv.NewMemory(maxVisits)
	if s.redis == nil {
		return mem
	}
	return s.redis.Visits(mem)
}

func (s *shared) keys() kv.Keys {
	mem := kv.NewMemoryKeys()
	if s.redis == nil {
		return mem
	}
	return s.redis.Keys(mem)
}

// changed tells the other replicas that what changed; nil when there are none.
func (s *shared) changed(what string) func(context.Context) {
	if s.redis == nil {
		return nil
	}
	return func(ctx context.Context) { s.redis.Changed(ctx, what) }
}

// listen has what this replica remembers follow what others change, and its
// salts agree with theirs.
func (s *shared) listen(ctx context.Context, accounts *account.Service, sites *site.Directory, salts *salt.Salts, log *slog.Logger, metrics prometheus.Registerer) error {
	if s.redis == nil {
		return nil
	}
	s.redis.OnChange(changedSites, sites.Stale)
	s.redis.OnChange(changedTokens, accounts.ForgetTokens)
	s.redis.OnChange(changedSalts, salts.Again)
	return salts.Share(ctx, salt.Sharing{Agree: s.redis.Agree, Log: log, Metrics: metrics})
}

// start has Redis watched while st runs.
func (s *shared) start(st *stages, salts *salt.Salts) {
	if s.redis == nil {
		return
	}
	st.start("redis", s.redis.Run)
	st.start("salts", salts.Run)
}
