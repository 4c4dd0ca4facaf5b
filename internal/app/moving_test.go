package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
)

func TestPausable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pausable
		var begun, running atomic.Int32
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- p.run(func(_, until context.Context) error {
				begun.Add(1)
				running.Add(1)
				<-until.Done()
				time.Sleep(time.Second) // it takes its time to end
				running.Add(-1)
				return nil
			})(ctx)
		}()
		synctest.Wait()
		for i := range int32(3) {
			p.pause()
			p.pause()
			if running.Load() != 0 {
				t.Error("it runs though it is paused")
			}
			p.resume()
			synctest.Wait()
			if begun.Load() != i+2 || running.Load() != 1 {
				t.Errorf("after pause %d it was begun %d times, %d run", i, begun.Load(), running.Load())
			}
		}
		p.pause()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestFront: requests between two servers wait, those that never end are ended,
// and the second's answers come from the second.
func TestFront(t *testing.T) {
	f := newFront()
	open := make(chan struct{})
	says := func(text string) *http.Server {
		return &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/live" {
				close(open)
				<-r.Context().Done()
			}
			_, _ = w.Write([]byte(text))
		})}
	}
	f.srv = &http.Server{} // it has a listener elsewhere
	ask := func(path string) chan string {
		answer := make(chan string, 1)
		go func() {
			w := httptest.NewRecorder()
			f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			answer <- w.Body.String()
		}()
		return answer
	}
	first := f.begin(says("first"))
	if got := <-ask("/"); got != "first" {
		t.Errorf("the first server said %q", got)
	}
	live := ask("/live")
	<-open
	f.leave(first)
	if got := <-live; got != "first" {
		t.Errorf("the live view said %q", got)
	}
	between := ask("/")
	select {
	case got := <-between:
		t.Errorf("between two servers %q was said", got)
	case <-time.After(50 * time.Millisecond):
	}
	f.begin(says("second"))
	if got := <-between; got != "second" {
		t.Errorf("who waited was told %q", got)
	}
}

type noStore struct{ eventStore }

func (noStore) Append(context.Context, *event.Batch) error    { return nil }
func (noStore) Delete(context.Context, event.Selection) error { return nil }
func (noStore) Compact(context.Context) error                 { return nil }

// TestStandsStill: imports wait while events are moved, and nothing is deleted.
func TestStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMoving()
		s := standing{noStore{}, m}
		if err := m.still(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{"delete": s.Delete(t.Context(), event.Selection{}), "compact": s.Compact(t.Context())} {
			if f, ok := fault.From(err); !ok || f.Kind != fault.Unavailable {
				t.Errorf("%s: %v", name, err)
			}
		}
		appended := make(chan error, 1)
		go func() { appended <- s.Append(t.Context(), &event.Batch{}) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(appended) != 0 {
			t.Error("an import didn't wait")
		}
		m.events.Unlock()
		if err := <-appended; err != nil {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), event.Selection{}); err != nil {
			t.Error(err)
		}
		m.end()
	})
}
