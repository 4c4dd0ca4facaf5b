package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"moonbear/internal/event"
)

// quick is how long a site's last questions took on average, at most, for it to
// use the spare places: ten times what a small site's panel takes.
const quick = 200 * time.Millisecond

// queue gives out the places queries run in. There are as many as DuckDB has
// threads: more would only take memory from each other. As many again are for
// sites whose questions are quick, so that a small site's page needn't wait for
// a big one's year. Who waits is served in turn by site, not by arrival: one
// page asks twenty questions at once.
type queue struct {
	places int
	now    func() time.Time

	mu      sync.Mutex
	running int
	turn    int64 // grows with each question begun
	sites   map[int64]*asker
	waiting []*waiter // in the order they came
}

// asker is a site that has asked.
type asker struct {
	running int
	turn    int64 // when it was served last
	asked   int64
	mean    time.Duration // of what its questions took, the latest counting most
}

type waiter struct {
	site  int64
	begin chan struct{} // closed when it has its place
}

func newQueue(places int) *queue {
	return &queue{places: places, now: time.Now, sites: map[int64]*asker{}}
}

// enter waits for a place, or for ctx to end. leave gives it back.
func (q *queue) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &waiter{site: event.Asker(ctx), begin: make(chan struct{})}
	q.mu.Lock()
	q.waiting = append(q.waiting, w)
	q.serve()
	q.mu.Unlock()
	select {
	case <-w.begin:
	case <-ctx.Done():
		if q.forget(w) {
			return nil, ctx.Err()
		}
		<-w.begin // it got its place this moment
	}
	began := q.now()
	return func() { q.leave(w.site, q.now().Sub(began)) }, nil
}

// forget takes back who waits no longer; false when it has its place already.
func (q *queue) forget(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

func (q *queue) leave(site int64, took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.sites[site]
	if a.mean = (3*a.mean + took) / 4; a.asked == 0 {
		a.mean = took
	}
	a.asked++
	a.running--
	q.running--
	q.serve()
}

// serve lets in who may go next, while there is a place for anybody.
func (q *queue) serve() {
	for {
		i := q.next()
		if i < 0 {
			return
		}
		w := q.waiting[i]
		q.waiting = slices.Delete(q.waiting, i, i+1)
		a := q.site(w.site)
		q.turn++
		a.turn = q.turn
		a.running++
		q.running++
		close(w.begin)
	}
}

// next is who of those waiting has the fewest questions running, and of equals
// the one that was served least lately; -1 when there is no place for it.
func (q *queue) next() int {
	best := -1
	for i, w := range q.waiting {
		a := q.site(w.site)
		if !q.place(a) {
			continue
		}
		if best < 0 {
			best = i
			continue
		}
		b := q.site(q.waiting[best].site)
		if a.running < b.running || a.running == b.running && a.turn < b.turn {
			best = i
		}
	}
	return best
}

// place says whether there is one for a site. The last one to spare is kept for
// sites that have none: how heavy a site's questions are is known only after
// the first of them.
func (q *queue) place(a *asker) bool {
	switch {
	case q.running < q.places:
		return true
	case q.running < 2*q.places-1:
		return a.mean <= quick
	case q.running < 2*q.places:
		return a.mean <= quick && a.running == 0
	}
	return false
}

func (q *queue) site(id int64) *asker {
	a := q.sites[id]
	if a == nil {
		a = &asker{}
		q.sites[id] = a
	}
	return a
}

// counts are how many questions run and how many wait.
func (q *queue) counts() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, len(q.waiting)
}

// turns grows with each question begun; busy is whether one runs.
func (q *queue) turns() (turn int64, busy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.turn, q.running > 0
}

// reading is use for queries of the view, which take their turn. Rows that are
// still being read hold no place. What finds no memory beside others is run
// again without them, so f must bear that.
func (s *Store) reading(ctx context.Context, f func(*engine) error) (err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			s.metrics.left.Inc()
		}
	}()
	asked := time.Now()
	leave, err := s.queue.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	s.metrics.waits.Observe(time.Since(asked).Seconds())
	s.planning.RLock()
	defer s.planning.RUnlock()
	run := func() error {
		return s.use(ctx, func(e *engine) error {
			return yielding(func() error { return f(e) })
		})
	}
	s.room.RLock()
	err = run()
	s.room.RUnlock()
	if !cramped(err) || ctx.Err() != nil {
		return err
	}
	s.room.Lock()
	defer s.room.Unlock()
	s.metrics.alone.Inc()
	if err = run(); cramped(err) {
		s.o.Log.WarnContext(ctx, "a query needs more memory than EVENTS_MEMORY gives; it was not answered", "error", err.Error())
		return fmt.Errorf("%w: %w", event.ErrMemory, err)
	}
	return err
}

// cramped says that a query found no memory. Those beside it had some: by
// itself it may have enough, as most of what a query keeps can go to disk.
func cramped(err error) bool {
	return err != nil && strings.Contains(err.Error(), "Out of Memory Error")
}
