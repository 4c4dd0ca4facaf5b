package app

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
)

// eventStore is what the server needs of either event store.
type eventStore interface {
	event.Store
	// Run looks after the store until ctx ends.
	Run(ctx context.Context) error
	// Compact is the night's work.
	Compact(ctx context.Context) error
}

// openEvents opens the event store that EVENTS_URL names. metrics may be nil.
func openEvents(ctx context.Context, cfg Config, log *slog.Logger, metrics prometheus.Registerer) (eventStore, error) {
	return duckdb.Open(ctx, duckdb.Options{Path: cfg.eventsPath(), Memory: int64(cfg.EventsMemory), Log: log, Metrics: metrics})
}
