// Package stats answers questions about a site from its events.
//
// A question's trip: a URL or the API's JSON becomes a Query (query.go) whose
// period means certain instants (period.go) cut into buckets (bucket.go); a
// plan says which scans answer it (plan.go, pure); they become SQL (sql.go,
// pure, from the tables in columns.go); Run selects, fills gaps and compares
// (run.go). Dashboard, API, reports and alerts all enter here, and what each
// number means is fixed in docs/metrics.md.
package stats

import (
	"context"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"moonbear/internal/event"
)

// Stats answers queries from an event store.
type Stats struct {
	store event.Store
	now   func() time.Time

	inOneGo int64 // but in tests
	holding *semaphore.Weighted

	answered *lru.Cache[keptAnswer, []keptRow]

	mu    sync.Mutex
	sizes map[int64]sizeKnown // by site
}

// New makes Stats over a store; now is the clock periods are reckoned from.
func New(store event.Store, now func() time.Time) *Stats {
	answered, err := lru.New[keptAnswer, []keptRow](keptAnswers)
	if err != nil { // it refuses no size but one below 1
		panic(err)
	}
	return &Stats{store: store, now: now, inOneGo: inOneGo, holding: semaphore.NewWeighted(ofOne * inOneGo), answered: answered, sizes: map[int64]sizeKnown{}}
}

// atOnce is how many queries of one page run side by side. DuckDB already
// spreads one query over the cores, so more only fight over memory.
const atOnce = 4

// RunAll answers the queries of one page at once, in their order.
func (s *Stats) RunAll(ctx context.Context, qs ...Query) ([]*Result, error) {
	rs := make([]*Result, len(qs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, q := range qs {
		g.Go(func() (err error) {
			rs[i], err = s.Run(ctx, q)
			return err
		})
	}
	return rs, g.Wait()
}
