package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stages run the parts of the program that live as long as it does. They are
// started in the order they are added and stopped in the opposite one, each
// when the one after it has ended: a part can count on those below it until it
// is done. A part that ends by itself stops them all.
type stages struct {
	log   *slog.Logger
	ended chan error // the first part that ended unasked
	list  []*stage
}

type stage struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func newStages(log *slog.Logger) *stages {
	return &stages{log: log, ended: make(chan error, 1)}
}

// start runs a part until stop cancels its context.
func (s *stages) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	st := &stage{name: name, cancel: cancel, done: make(chan struct{})}
	s.list = append(s.list, st)
	go func() {
		defer close(st.done)
		err := run(ctx)
		if asked := ctx.Err() != nil; asked {
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			st.err = err
			return
		}
		if err == nil {
			err = errors.New("ended unasked")
		}
		st.err = err
		select {
		case s.ended <- fmt.Errorf("%s: %w", name, err):
		default:
		}
	}()
}

// wait blocks until ctx ends (nil) or a part ends unasked (its error).
func (s *stages) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.ended:
		return err
	}
}

// stop ends the parts, the one started last first, and says which took long.
func (s *stages) stop() error {
	var errs []error
	for i := len(s.list) - 1; i >= 0; i-- {
		st, begun := s.list[i], time.Now()
		st.cancel()
		<-st.done
		if st.err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", st.name, st.err))
		}
		s.log.Debug("stopped", "part", st.name, "took", time.Since(begun))
	}
	s.list = nil
	return errors.Join(errs...)
}
