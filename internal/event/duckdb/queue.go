package duckdb

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"moonbear/internal/event"
)

const (
	// quick is how long a site's last questions took on average, at most, for
	// it to use the spare places: ten times what a small site's panel takes.
	quick = 200 * time.Millisecond
	// slowNice is the niceness of threads that answer long questions: at 10 the
	// kernel gives them a ninth of a core that collecting wants, all of one it
	// doesn't.
	slowNice = 10
)

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
	turn    int64         // when it was served last
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
	a.mean = (3*a.mean + took) / 4
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
		if q.running >= 2*q.places || q.running >= q.places && a.mean > quick {
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

// reading is use for queries of the view, which take their turn. Rows that are
// still being read hold no place.
func (s *Store) reading(ctx context.Context, f func(*engine) error) error {
	asked := time.Now()
	leave, err := s.queue.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	s.metrics.waits.Observe(time.Since(asked).Seconds())
	s.planning.RLock()
	defer s.planning.RUnlock()
	return s.use(ctx, func(e *engine) error {
		return yielding(func() error { return f(e) })
	})
}

// yielding calls f on a thread that yields to others once f takes long. Threads
// can't be made eager again by a process without privileges, so one that was
// made nice ends with f.
func yielding(f func() error) (err error) {
	done := make(chan any)
	go func() {
		runtime.LockOSThread()
		d := demoteLater()
		defer func() {
			if !d.stop() {
				runtime.UnlockOSThread()
			}
		}()
		defer func() { done <- recover() }() // the caller's to deal with
		err = f()
	}()
	if p := <-done; p != nil {
		panic(p)
	}
	return err
}

// demotion makes a thread nice when its time has come.
type demotion struct {
	mu    sync.Mutex
	timer *time.Timer
	over  bool
	nice  bool
}

// demoteLater is called on the thread it is about.
func demoteLater() *demotion {
	d := &demotion{}
	id := threadID()
	d.timer = time.AfterFunc(quick, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.over {
			d.nice = beNice(id)
		}
	})
	return d
}

// stop ends it, and says whether the thread was made nice.
func (d *demotion) stop() bool {
	d.timer.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	return d.nice
}
