package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// State is how a part of an instance is.
type State string

// The states, from good to bad.
const (
	Well    State = "well"
	Warning State = "warning" // it works; something will not for long, or not as it should
	Broken  State = "broken"
)

// Finding is one line of doctor's screen.
type Finding struct {
	Part   string `json:"part"`
	State  State  `json:"state"`
	Facts  string `json:"facts"`
	Remedy string `json:"remedy,omitempty"` // what to do; "" where nothing is to be done
}

// Checkup is all that was found.
type Checkup struct {
	Findings []Finding `json:"findings"`
}

// ErrUnwell is Doctor's when something is broken.
var ErrUnwell = errors.New("this instance is not well")

// Worst is the worst of all states.
func (c Checkup) Worst() State {
	worst := Well
	for _, f := range c.Findings {
		if f.State == Broken || f.State == Warning && worst == Well {
			worst = f.State
		}
	}
	return worst
}

// Doctor examines the instance of a configuration: its running server, or,
// where none runs, its parts as a server would find them.
func Doctor(ctx context.Context, cfg Config, version string) (Checkup, error) {
	s := newServer(cfg, slog.New(slog.DiscardHandler))
	s.version = version
	dir, err := openDataDir(cfg.DataDir)
	if errors.Is(err, errRunning) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return askSocket[struct{}, Checkup](ctx, cfg.DataDir, "/doctor", struct{}{})
	}
	if err != nil {
		return Checkup{}, err
	}
	if err := dir.close(); err != nil {
		return Checkup{}, err
	}
	var opened error
	for _, step := range []func(context.Context) error{s.openBucket, s.openControl, s.openSpool, s.openStore} {
		if opened = step(ctx); opened != nil {
			break
		}
	}
	c, err := s.examine(ctx, struct{}{})
	c.Findings = append([]Finding{{Part: "server", State: Warning, Facts: "it doesn't run", Remedy: "Start it: moonbear serve."}}, c.Findings...)
	if opened != nil {
		c.Findings = append(c.Findings, Finding{"start", Broken, opened.Error(), "A server would not start for this reason."})
	}
	return c, errors.Join(err, s.close())
}

// examineFor bounds one examination.
const examineFor = 10 * time.Second

// examine looks at every part that is open.
func (s *server) examine(ctx context.Context, _ struct{}) (Checkup, error) {
	checks := []func(context.Context) []Finding{
		s.examineSettings, s.examineControl, s.examineEvents, s.examineRedis, s.examineSpool, s.examineShared, s.examineDisk,
		s.examineClock, s.examineJobs, s.examineTLS, s.examineBackups,
	}
	found := make([][]Finding, len(checks))
	var g errgroup.Group
	for i, check := range checks {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, examineFor)
			defer cancel()
			found[i] = check(ctx)
			return nil
		})
	}
	err := g.Wait()
	var c Checkup
	for _, fs := range found {
		c.Findings = append(c.Findings, fs...)
	}
	return c, err
}

var marks = map[State]string{Well: "✓", Warning: "!", Broken: "✗"}

// Write puts the findings on one screen.
func (c Checkup) Write(w io.Writer) error {
	widest := 0
	for _, f := range c.Findings {
		widest = max(widest, len(f.Part))
	}
	n := map[State]int{}
	for _, f := range c.Findings {
		n[f.State]++
		facts := strings.Join(strings.FieldsFunc(f.Facts, func(r rune) bool { return r == '\n' || r == '\t' }), " ") // an error may have lines
		if _, err := fmt.Fprintf(w, "%s %-*s  %s\n", marks[f.State], widest, f.Part, facts); err != nil {
			return err
		}
		if f.Remedy != "" {
			if _, err := fmt.Fprintf(w, "  %s  → %s\n", strings.Repeat(" ", widest), f.Remedy); err != nil {
				return err
			}
		}
	}
	verdict := "All is well."
	switch c.Worst() {
	case Warning:
		verdict = fmt.Sprintf("It works. To be looked at: %d.", n[Warning])
	case Broken:
		verdict = fmt.Sprintf("It is not well. Broken: %d, to be looked at: %d.", n[Broken], n[Warning])
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}
