package app

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse"
	"moonbear/internal/event/duckdb"
)

// eventStore is what the server needs of either event store.
type eventStore interface {
	event.Store
	// Compact is the night's work.
	Compact(ctx context.Context) error
}

// openEvents opens the event store that EVENTS_URL names. metrics may be nil.
func openEvents(ctx context.Context, cfg Config, log *slog.Logger, metrics prometheus.Registerer) (s eventStore, err error) {
	if cfg.eventsEmbedded() {
		s, err = duckdb.Open(ctx, duckdb.Options{Path: cfg.eventsPath(), Memory: int64(cfg.EventsMemory), Log: log, Metrics: metrics})
	} else {
		s, err = clickhouse.Open(ctx, clickhouse.Options{URL: cfg.EventsURL, Cluster: cfg.EventsCluster, Log: log, Metrics: metrics})
	}
	if err != nil {
		return nil, err // and not a nil of either type
	}
	return s, nil
}

// tendStore looks after a store that has to be, until ctx ends.
func (s *server) tendStore(ctx context.Context) error {
	if t, ok := s.store.(interface{ Run(context.Context) error }); ok {
		return t.Run(ctx)
	}
	<-ctx.Done()
	return nil
}
