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
	event.DayKeeper
	// Compact is the night's work.
	Compact(ctx context.Context) error
}

// openEvents opens the event store that EVENTS_URL names. metrics may be nil.
func openEvents(ctx context.Context, cfg Config, log *slog.Logger, metrics prometheus.Registerer) (eventStore, error) {
	return openEventsAs(ctx, cfg, duckdb.Options{Log: log, Metrics: metrics})
}

// openToFill opens it for more events than a server ever takes at once.
func openToFill(ctx context.Context, cfg Config) (eventStore, error) {
	return openEventsAs(ctx, cfg, duckdb.Options{Log: slog.New(slog.DiscardHandler), Patient: true})
}

// openEventsAs opens it with what o has of options that matter to it.
func openEventsAs(ctx context.Context, cfg Config, o duckdb.Options) (s eventStore, err error) {
	if cfg.eventsEmbedded() {
		o.Path, o.Memory = cfg.eventsPath(), int64(cfg.EventsMemory)
		s, err = duckdb.Open(ctx, o)
	} else {
		s, err = clickhouse.Open(ctx, clickhouse.Options{URL: cfg.EventsURL, Cluster: cfg.EventsCluster, Log: o.Log, Metrics: o.Metrics})
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
