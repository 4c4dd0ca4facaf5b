package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"moonbear/internal/fault"
	"moonbear/internal/transfer/move"
)

// MoveRequest is what `moonbear move` is asked.
type MoveRequest struct {
	ToDatabase string
	ToEvents   string
	Verify     bool
	// Before is a day (UTC) or an RFC 3339 time that ends what Verify compares of
	// the events; "" compares all.
	Before string
}

// ErrMovedDifferent is the answer of a comparison that found differences, which
// it has told.
var ErrMovedDifferent = errors.New("the two sides are not equal")

// Move moves an instance to other stores, or compares them, whether a server
// runs on the data directory (it moves itself then, and goes on) or not. What
// came of it is told on out, progress on progressTo.
func Move(ctx context.Context, cfg Config, r MoveRequest, out, progressTo io.Writer) error {
	if r.ToDatabase == "" && r.ToEvents == "" {
		return fault.New(fault.Invalid, "Where to? Give --to-database, --to-events or both.")
	}
	q := moveTo{Database: r.ToDatabase, Events: r.ToEvents, Cluster: cfg.EventsCluster, Verify: r.Verify}
	if err := q.check(cfg); err != nil {
		return err
	}
	if err := q.until(r.Before); err != nil {
		return err
	}
	q.here()
	t := &moveTeller{out: out, to: progressTo}
	s := newServer(cfg, slog.New(slog.DiscardHandler))
	report, err := s.moveStopped(ctx, q, t.progress)
	serving := errors.Is(err, errRunning)
	if serving {
		report, err = askMove(ctx, cfg.DataDir, q, t.progress)
	}
	t.clear()
	if err != nil {
		return err
	}
	return t.report(q, cfg, report, serving)
}

// here makes paths whole: the server may run in another directory.
func (q *moveTo) here() {
	if hasScheme(q.Database, "sqlite") {
		q.Database = move.Address(q.Database)
	}
	if hasScheme(q.Events, "duckdb") {
		q.Events = move.Address(q.Events)
	}
}

// until sets where a comparison ends.
func (q *moveTo) until(before string) (err error) {
	if before == "" {
		return nil
	}
	if !q.Verify {
		return fault.New(fault.Invalid, "--before says how far --verify compares. A move takes everything.")
	}
	if q.Before, err = time.Parse(time.DateOnly, before); err == nil {
		return nil
	}
	if q.Before, err = time.Parse(time.RFC3339, before); err != nil {
		return fault.New(fault.Invalid, fmt.Sprintf("--before=%q: want a day like 2026-03-01, or a moment like 2026-03-01T12:00:00Z.", before))
	}
	return nil
}

// check says whether the targets are such as a server could be started on.
func (q moveTo) check(cfg Config) error {
	if q.Database != "" && !hasScheme(q.Database, "sqlite", "postgres", "postgresql") {
		return fault.New(fault.Invalid, fmt.Sprintf("--to-database=%q: want sqlite:// and a path, or postgres://USER:PASSWORD@HOST/NAME.", scheme(q.Database)))
	}
	if q.Events != "" && !hasScheme(q.Events, "duckdb", "clickhouse", "clickhouse+http", "clickhouse+https") {
		return fault.New(fault.Invalid, fmt.Sprintf("--to-events=%q: want duckdb:// and a path, or clickhouse://USER:PASSWORD@HOST:9000/NAME.", scheme(q.Events)))
	}
	return nil
}

// moveTeller tells people how far a move is.
type moveTeller struct {
	out, to io.Writer
	phase   move.Phase
	bar     *progress
}

func (t *moveTeller) progress(p move.Progress) {
	if t.bar == nil || p.Phase != t.phase {
		t.clear()
		t.phase, t.bar = p.Phase, newProgress(t.to, p.Unit, p.Done, p.Total)
		if !t.bar.terminal {
			fmt.Fprintln(t.to, strings.ToUpper(string(p.Phase[:1]))+string(p.Phase[1:])+" …")
		}
	}
	if p.Total == 0 {
		return
	}
	t.bar.total = p.Total
	t.bar.at(p.Done)
}

func (t *moveTeller) clear() {
	if t.bar != nil {
		t.bar.clear()
	}
}

func (t *moveTeller) report(q moveTo, cfg Config, r *move.Report, serving bool) error {
	compared := fmt.Sprintf("%s events in %s months of sites, %s answers, %s rows in %d tables",
		digits(r.Events), digits(int64(r.Cells)), digits(int64(r.Answers)), digits(r.Rows), r.Tables)
	if len(r.Differences) > 0 {
		fmt.Fprintf(t.out, "Compared: %s. They differ:\n\n", compared)
		for _, d := range r.Differences {
			fmt.Fprintln(t.out, "  "+d)
		}
		if q.Events != "" && q.Before.IsZero() {
			fmt.Fprintln(t.out, "\nWhat came to one side after a move is a difference, too. --before DATE leaves it out.")
		}
		return ErrMovedDifferent
	}
	if q.Verify {
		_, err := fmt.Fprintf(t.out, "Compared: %s, in %s. Both sides are equal.\n", compared, r.Took.Round(time.Second))
		return err
	}
	fmt.Fprintf(t.out, "Moved in %s. Compared, and equal on both sides: %s.\n", r.Took.Round(time.Second), compared)
	if serving {
		fmt.Fprintf(t.out, "%s events came meanwhile and were taken along. Nothing could be changed for %.1f s.\nThe server goes on with the new stores. Before it is started again, set\n\n", digits(r.Fed), r.Held.Seconds())
	} else {
		fmt.Fprint(t.out, "Before the server is started again, set\n\n")
	}
	here := move.Addresses{Database: move.Address(cfg.DatabaseURL), Events: move.Address(cfg.EventsURL)}
	lines := settings(here, move.Addresses{Database: move.Address(q.Database), Events: move.Address(q.Events)})
	_, err := fmt.Fprintf(t.out, "%s\nThe old stores are as they were; delete them when you are sure.\n", lines)
	return err
}

// moveLine is a line of the server's answer: progress, then the report or what
// went wrong.
type moveLine struct {
	Progress *move.Progress `json:"progress,omitempty"`
	Report   *move.Report   `json:"report,omitempty"`
	Message  string         `json:"message,omitempty"`
}

// moveOnSocket answers `moonbear move` beside a running server. stopping ends
// before the server does, and a move with it.
func (s *server) moveOnSocket(stopping context.Context) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q moveTo
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&q); err != nil {
			tellSocket(w, r, s.log, fault.New(fault.Invalid, "The request is not JSON."))
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(stopping, cancel)()
		say, flush := json.NewEncoder(w), http.NewResponseController(w)
		report, goOn, err := s.move(ctx, q, func(p move.Progress) {
			_ = say.Encode(moveLine{Progress: &p}) // nobody there: the context ends
			_ = flush.Flush()
		})
		line := moveLine{Report: report}
		if err != nil {
			line = moveLine{Message: err.Error()} // whoever may ask this may read it
			if stopping.Err() != nil {
				line.Message = "The server was stopped, and nothing is moved. The same command goes on when it is back."
			}
		}
		_ = say.Encode(line)
		_ = flush.Flush()
		if goOn != nil {
			goOn()
		}
	}
}

// askMove has the running server move itself.
func askMove(ctx context.Context, dir string, q moveTo, tell func(move.Progress)) (*move.Report, error) {
	res, err := postSocket(ctx, dir, "/move", q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	for lines := json.NewDecoder(res.Body); ; {
		var l moveLine
		if err := lines.Decode(&l); err != nil {
			return nil, errors.Join(ctx.Err(), fmt.Errorf("the running server broke off; if it is not moved, the same command goes on: %w", err))
		}
		switch {
		case l.Progress != nil:
			tell(*l.Progress)
		case l.Report != nil:
			return l.Report, nil
		default:
			return nil, errors.New(l.Message)
		}
	}
}
