package app

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
)

// moving is what makes a running server stand still for a move, as much of it
// as has to. Hits are taken all the time; they wait in the spool.
type moving struct {
	busy    sync.Mutex   // one move at a time
	events  sync.RWMutex // held for reading by whatever changes events, but the loader
	control sync.RWMutex // held for reading by requests that change the control database
	loading pausable
	jobs    pausable

	adopting pausable
	paused   atomic.Int64 // when loading was, Unix ms; 0: it isn't

	next atomic.Pointer[Config] // where the server goes on, once it was moved
	made context.Context        // ends then
	end  context.CancelFunc
}

func newMoving() *moving {
	m := &moving{}
	m.made, m.end = context.WithCancel(context.Background())
	return m
}

func (m *moving) moved() bool { return m.next.Load() != nil }

// until is a context that ends with ctx, or when the server was moved.
func (m *moving) until(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(m.made, cancel)
	return ctx
}

// still waits until nothing changes events any more, and lets nothing begin to.
func (m *moving) still(ctx context.Context) error {
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for !m.events.TryLock() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
	return nil
}

// change lets somebody change events, unless they have to stand still.
func (m *moving) change() (done func(), ok bool) {
	if !m.events.TryRLock() {
		return nil, false
	}
	return m.events.RUnlock, true
}

// pauseLoading stops loading after the batch under way.
func (m *moving) pauseLoading() {
	m.paused.Store(time.Now().UnixMilli())
	m.loading.pause()
}

func (m *moving) resumeLoading() {
	m.paused.Store(0)
	m.loading.resume()
}

// hold stops jobs and whoever would change the control database.
func (m *moving) hold(context.Context) (release func(), err error) {
	m.jobs.pause()     // waits for running jobs
	m.adopting.pause() // whose leases are in the control database
	m.control.Lock()   // waits for requests under way
	return func() { m.control.Unlock(); m.adopting.resume(); m.jobs.resume() }, nil
}

var (
	errHeld = &fault.Fault{Kind: fault.Unavailable, RetryAfter: 5 * time.Second,
		Message: "This server is moving to another database, which takes some seconds. Nothing was changed: try again in a moment."}
	errMoving = &fault.Fault{Kind: fault.Unavailable, RetryAfter: time.Minute,
		Message: "This server's events are being moved, and nothing is deleted meanwhile. Try again when that is done."}
)

// asTakesHits are the paths, beside the script's, that hits come to.
var asTakesHits = []string{"/event", "/api/event", "/v1/events"}

// held answers 503 to whoever wants to change something while the control
// database is moved. Looking and collecting go on.
func (s *server) held(next http.Handler) http.Handler {
	takes := append(slices.Clone(asTakesHits), path.Join(path.Dir(s.cfg.TrackerPath), "event"))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			next.ServeHTTP(w, r)
			return
		}
		if slices.Contains(takes, r.URL.Path) || strings.HasPrefix(r.URL.Path, "/v1/stats/") { // questions
			next.ServeHTTP(w, r)
			return
		}
		if !s.moving.control.TryRLock() {
			w.Header().Set("Retry-After", "5")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": errHeld.Message})
			return
		}
		defer s.moving.control.RUnlock()
		next.ServeHTTP(w, r)
	})
}

// unlessHeld is held for what the command line asks.
func unlessHeld[Q, A any](m *moving, do func(*control, context.Context, Q) (A, error)) func(*control, context.Context, Q) (A, error) {
	return func(c *control, ctx context.Context, q Q) (answer A, err error) {
		if !m.control.TryRLock() {
			return answer, errHeld
		}
		defer m.control.RUnlock()
		return do(c, ctx, q)
	}
}

// behind is how old the newest hit is that isn't counted yet.
func (s *server) behind() time.Duration {
	bytes, age := s.loader.Lag()
	if at := s.moving.paused.Load(); at != 0 && bytes > 0 {
		age = max(age, time.Since(time.UnixMilli(at)))
	}
	if s.adopter != nil {
		age = max(age, s.adopter.Behind())
	}
	return age
}

// standing is a store that imports and the demo change, but not while it has to
// stand still: what is appended waits, what is deleted is refused.
type standing struct {
	eventStore
	moving *moving
}

// Append waits for a move to end.
func (s standing) Append(ctx context.Context, b *event.Batch) error {
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for !s.moving.events.TryRLock() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
	defer s.moving.events.RUnlock()
	return s.eventStore.Append(ctx, b)
}

// Delete is refused during a move.
func (s standing) Delete(ctx context.Context, sel event.Selection) error {
	if !s.moving.events.TryRLock() {
		return errMoving
	}
	defer s.moving.events.RUnlock()
	return s.eventStore.Delete(ctx, sel)
}

// Compact is refused during a move.
func (s standing) Compact(ctx context.Context) error {
	if !s.moving.events.TryRLock() {
		return errMoving
	}
	defer s.moving.events.RUnlock()
	return s.eventStore.Compact(ctx)
}

// pausable runs a part of the server that can be stopped for a while. The zero
// value isn't paused.
type pausable struct {
	mu      sync.Mutex
	paused  bool
	resumed chan struct{} // closed by resume
	cancel  context.CancelFunc
	idle    chan struct{} // closed when what runs has ended; nil: nothing runs
}

// run runs f until ctx ends, again after each pause.
//
// f ends when until does, which is at a pause or with ctx.
func (p *pausable) run(f func(ctx, until context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			p.mu.Lock()
			if p.paused {
				resumed := p.resumed
				p.mu.Unlock()
				select {
				case <-resumed:
					continue
				case <-ctx.Done():
					return nil
				}
			}
			running, cancel := context.WithCancel(ctx)
			idle := make(chan struct{})
			p.cancel, p.idle = cancel, idle
			p.mu.Unlock()
			err := f(ctx, running)
			asked := running.Err() != nil
			cancel()
			p.mu.Lock()
			p.idle = nil
			p.mu.Unlock()
			close(idle)
			if err != nil || ctx.Err() != nil || !asked {
				return err
			}
		}
	}
}

// pause ends what runs and waits for its end.
func (p *pausable) pause() {
	p.mu.Lock()
	if !p.paused {
		p.paused, p.resumed = true, make(chan struct{})
	}
	idle := p.idle
	if idle != nil {
		p.cancel()
	}
	p.mu.Unlock()
	if idle != nil {
		<-idle
	}
}

// resume has it run again.
func (p *pausable) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused {
		p.paused = false
		close(p.resumed)
	}
}
