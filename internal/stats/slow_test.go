package stats

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// busy is a store that never answers.
type busy struct{ event.Store }

func (busy) Dialect() event.Dialect { return event.DuckDB }

func (busy) Select(ctx context.Context, _ string, _ ...any) (*sql.Rows, error) {
	<-ctx.Done()
	return nil, errors.New("INTERRUPT Error: Interrupted!") // DuckDB's own words
}

// A question the store can't answer in time gives its place to others.
func TestSlowQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(busy{}, time.Now)
		q := Query{Site: &site.Site{ID: 1, Location: time.UTC}, Period: Period{Name: "24m"}, Compare: PreviousPeriod}
		for _, q := range []Query{q.Totals(Visitors), q.Series(Visitors), q.By(Path, 10, Visitors)} {
			began := time.Now()
			_, err := s.Run(t.Context(), q)
			if f, ok := fault.From(err); !ok || f.Kind != fault.Unavailable || time.Since(began) != patience {
				t.Errorf("%v after %v", err, time.Since(began))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := s.Run(ctx, q); errors.Is(err, errSlow) || time.Since(began) != patience+time.Second {
				t.Errorf("who asks may have less patience: %v", err)
			}
			cancel()
		}
		for name, ask := range map[string]func() error{
			"drops":         func() error { _, err := s.Drops(t.Context(), q); return err },
			"drop series":   func() error { _, err := s.DropSeries(t.Context(), q); return err },
			"drop details":  func() error { _, err := s.DropDetails(t.Context(), q, "bot", 1, 10); return err },
			"property keys": func() error { _, err := s.PropertyKeys(t.Context(), q); return err },
			"online":        func() error { _, err := s.Online(t.Context(), 1); return err },
		} {
			if began := time.Now(); !errors.Is(ask(), errSlow) || time.Since(began) != patience {
				t.Errorf("%s: not given up after %v", name, patience)
			}
		}
	})
}

// cramped is a store that has too little memory.
type cramped struct{ busy }

func (cramped) Select(context.Context, string, ...any) (*sql.Rows, error) {
	return nil, fmt.Errorf("%w: Out of Memory Error", event.ErrMemory)
}

// A question the store has too little memory for is told so.
func TestLargeQuestion(t *testing.T) {
	_, err := New(cramped{}, time.Now).Run(t.Context(), Query{Site: &site.Site{ID: 1, Location: time.UTC}, Period: Period{Name: "24m"}}.By(ExitPage, 10, Visits))
	if f, ok := fault.From(err); !ok || f.Kind != fault.Unavailable || f != errLarge {
		t.Errorf("%v, want %v", err, errLarge)
	}
}
