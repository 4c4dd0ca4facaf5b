package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func TestStagesStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStages(slog.New(slog.DiscardHandler))
		var order []string
		for _, name := range []string{"load", "spool", "http"} {
			s.start(name, func(ctx context.Context) error {
				<-ctx.Done()
				order = append(order, name)
				return ctx.Err()
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.wait(ctx); err != nil {
			t.Errorf("wait: %v", err)
		}
		if err := s.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if want := []string{"http", "spool", "load"}; !slices.Equal(order, want) {
			t.Errorf("stopped in order %v, want %v", order, want)
		}
	})
}

func TestStagesReportAPartThatEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"with an error", errors.New("port is taken"), "http: port is taken"},
		{"without one", nil, "http: ended unasked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStages(slog.New(slog.DiscardHandler))
				s.start("spool", func(ctx context.Context) error { <-ctx.Done(); return nil })
				s.start("http", func(context.Context) error { return tt.err })
				if err := s.wait(t.Context()); err == nil || err.Error() != tt.want {
					t.Errorf("wait: %v, want %s", err, tt.want)
				}
				_ = s.stop()
			})
		})
	}
}

func TestStagesStopTellsWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStages(slog.New(slog.DiscardHandler))
		s.start("load", func(ctx context.Context) error { <-ctx.Done(); return errors.New("12 events left") })
		if err := s.stop(); err == nil || !strings.Contains(err.Error(), "stop load: 12 events left") {
			t.Errorf("stop: %v", err)
		}
	})
}
