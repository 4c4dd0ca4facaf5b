package load_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"moonbear/internal/event"
	"moonbear/internal/spool"
	"moonbear/internal/spool/powercut"
)

// another is a spool that isn't the loader's, with events 0 to n-1.
func another(t *testing.T, n int) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Options{Dir: "other", FS: powercut.New(), SegmentBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	for i := range n {
		if err := s.Append(context.Background(), event.AppendEvent(nil, &event.Event{Site: 1, Time: int64(i), Name: name(i)})); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAlso: another log is copied beside the loader's own, once, whatever the
// store answers.
func TestAlso(t *testing.T) {
	for name, fail := range map[string]func(int) failure{
		"well":                 nil,
		"fails before":         func(n int) failure { return []failure{fine, before}[n%2] },
		"fails after":          func(n int) failure { return []failure{fine, after}[n%2] },
		"forgets now and then": func(n int) failure { return []failure{fine, fine, fine, forget}[n%4] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.opts.Rows = 20
				r.start()
				defer r.stop()
				other := another(t, 200)
				r.store.fail = fail
				var err error
				for range 200 { // whoever calls it tries again
					if err = r.loader.Also(t.Context(), t.Context(), other); err == nil {
						break
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				r.want(200)
				if other.Oldest() != 0 {
					t.Error("it was released")
				}
			})
		})
	}
}

// TestAlsoLeaves: it ends after the batch under way.
func TestAlsoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.opts.Rows = 20
		r.start()
		defer r.stop()
		other := another(t, 200)
		leave, stop := context.WithCancel(t.Context())
		r.store.fail = func(n int) failure {
			if n == 3 {
				stop()
			}
			return fine
		}
		if err := r.loader.Also(t.Context(), leave, other); err != nil {
			t.Fatal(err)
		}
		r.want(60)
		r.store.fail = func(int) failure { return before }
		if err := r.loader.Also(t.Context(), t.Context(), other); !errors.Is(err, errStore) {
			t.Errorf("got %v", err)
		}
		r.store.fail = nil
		if err := r.loader.Also(t.Context(), t.Context(), other); err != nil {
			t.Fatal(err)
		}
		r.want(200)
	})
}
