package duckdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moonbear/internal/event"
)

// TestTurns plays questions of several sites that come at once, each with how
// long it takes, and tells the order in which they began.
func TestTurns(t *testing.T) {
	type question struct {
		site  int64
		takes time.Duration
	}
	several := func(n int, site int64, takes time.Duration) (qs []question) {
		for range n {
			qs = append(qs, question{site, takes})
		}
		return qs
	}
	const s, ms = time.Second, time.Millisecond
	for _, c := range []struct {
		name  string
		known map[int64]time.Duration // what sites' questions took before
		asked []question
		want  string // site@second it began
	}{
		{"a site alone has every place, and those to spare but one while it is quick",
			nil, several(5, 1, s), "1@0 1@0 1@0 1@1 1@1"},
		{"and leaves one to others, before it is known to be slow",
			nil, append(several(5, 1, 20*s), several(1, 2, 10*ms)...), "1@0 1@0 1@0 2@0 1@20 1@20"},
		{"one known to be slow has half of them",
			map[int64]time.Duration{1: s}, several(5, 1, s), "1@0 1@0 1@1 1@1 1@2"},
		{"a quick site doesn't wait for a slow one's year",
			map[int64]time.Duration{1: 20 * s, 2: 10 * ms}, append(several(9, 1, 20*s), several(2, 2, 10*ms)...),
			"1@0 1@0 2@0 2@0 1@20 1@20 1@40 1@40 1@60 1@60 1@80"},
		{"nor does one never seen",
			map[int64]time.Duration{1: 20 * s}, append(several(3, 1, 20*s), several(1, 9, 10*ms)...), "1@0 1@0 9@0 1@20"},
		{"slow sites take turns, whoever came first",
			map[int64]time.Duration{1: s, 2: s, 3: s}, slices.Concat(several(6, 1, s), several(2, 2, s), several(1, 3, s)),
			"1@0 1@0 2@1 3@1 1@2 2@2 1@3 1@3 1@4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(2)
				for site, mean := range c.known {
					q.site(site).mean = mean
				}
				begun := time.Now()
				var mu sync.Mutex
				var got []string
				var all sync.WaitGroup
				for _, x := range c.asked {
					all.Go(func() {
						leave, err := q.enter(event.Asking(t.Context(), x.site))
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						got = append(got, fmt.Sprintf("%d@%.0f", x.site, time.Since(begun).Truncate(time.Second).Seconds()))
						mu.Unlock()
						time.Sleep(x.takes)
						leave()
					})
					synctest.Wait() // they come one after the other
				}
				all.Wait()
				if line := strings.Join(got, " "); line != c.want {
					t.Errorf("began %s\nwant  %s", line, c.want)
				}
				if running, waiting := q.counts(); running+waiting != 0 {
					t.Errorf("%d run and %d wait when all is over", running, waiting)
				}
			})
		})
	}
}

// TestTurnGivenUp: who waits no longer is forgotten, and holds up nobody.
func TestTurnGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		q.site(1).mean = time.Second
		leave, err := q.enter(event.Asking(t.Context(), 1))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(event.Asking(t.Context(), 1), time.Second)
		defer cancel()
		if _, err := q.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want context.DeadlineExceeded", err)
		}
		if running, waiting := q.counts(); running != 1 || waiting != 0 {
			t.Errorf("%d run and %d wait, want 1 and 0", running, waiting)
		}
		leave()
		leave, err = q.enter(event.Asking(t.Context(), 1))
		if err != nil {
			t.Fatal(err)
		}
		leave()
	})
}

// TestCramped: a question that finds no memory beside others is asked again
// when they have ended, and fails only if it has too little by itself.
func TestCramped(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	short := errors.New("Out of Memory Error: failed to pin block of size 64.0 KiB (80.1 MiB/80.0 MiB used)")
	beside, asked := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	var over atomic.Bool
	go func() {
		ended <- s.reading(t.Context(), func(*engine) error {
			close(beside)
			<-asked
			over.Store(true)
			return nil
		})
	}()
	<-beside
	n := 0
	err = s.reading(t.Context(), func(*engine) error {
		if n++; n == 1 {
			close(asked)
			return short
		}
		if !over.Load() {
			t.Error("it is not alone")
		}
		return nil
	})
	if err := errors.Join(err, <-ended); err != nil || n != 2 {
		t.Errorf("asked %d times: %v", n, err)
	}
	n = 0
	if err := s.reading(t.Context(), func(*engine) error { n++; return short }); !errors.Is(err, short) || !errors.Is(err, event.ErrMemory) || n != 2 {
		t.Errorf("asked %d times: %v", n, err)
	}
}
