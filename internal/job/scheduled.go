package job

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
)

const (
	// scheduledAttempts and River's pauses (1, 16, 81, 256 s) give a scheduled
	// job six minutes to get over a hiccup; after that its next time comes.
	scheduledAttempts = 5
	scheduledTimeout  = time.Hour
	// longestNap bounds how late a change of the clock or of the table by
	// another process is seen.
	longestNap = 30 * time.Second
)

// Scheduled is a job that comes back. Its times are a grid of Every since
// midnight UTC, moved by At, so that restarts change nothing: a time that
// passed while the server was down is made up for, once, at the start.
type Scheduled struct {
	Name       string        // for ever: it names the row in job_runs
	Every      time.Duration // at least a second
	At         time.Duration // into the interval: Every 24h, At 3h is at 03:00 UTC
	RunOnStart bool          // also at every start of the server
	Timeout    time.Duration // of one attempt; 0 is an hour
	Grace      time.Duration // from its time until it is called late; 0 is a quarter of Every, a minute to an hour
	Run        func(ctx context.Context) error
}

// Next is the first time of the job after t.
func (s Scheduled) Next(t time.Time) time.Time {
	return db.Time(t.Add(-s.At).Truncate(s.Every).Add(s.Every + s.At))
}

// grace is Grace or what stands for it.
func (s Scheduled) grace() time.Duration {
	return cmp.Or(s.Grace, min(max(s.Every/4, time.Minute), time.Hour))
}

// check says which entry of the table is wrong, and how.
func check(scheduled []Scheduled) error {
	names := map[string]bool{}
	for _, s := range scheduled {
		switch {
		case s.Name == "":
			return errors.New("a scheduled job has no name")
		case names[s.Name]:
			return fmt.Errorf("two scheduled jobs are named %q", s.Name)
		case s.Every < time.Second:
			return fmt.Errorf("scheduled job %q: every %v is less than a second", s.Name, s.Every)
		case s.At < 0 || s.At >= s.Every:
			return fmt.Errorf("scheduled job %q: at %v is not within %v", s.Name, s.At, s.Every)
		case s.Run == nil:
			return fmt.Errorf("scheduled job %q does nothing", s.Name)
		}
		names[s.Name] = true
	}
	return nil
}

// scheduledArgs is the one kind of all scheduled jobs.
type scheduledArgs struct {
	Name string `json:"name"`
}

// Kind names it in the queue.
func (scheduledArgs) Kind() string { return "scheduled" }

type runRow struct {
	bun.BaseModel `bun:"table:job_runs,alias:r"`

	Name        string `bun:",pk"`
	NextAt      time.Time
	DueAt       time.Time `bun:",nullzero"`
	StartedAt   time.Time `bun:",nullzero"`
	FinishedAt  time.Time `bun:",nullzero"`
	TookMS      int64     `bun:"took_ms"`
	Error       string
	Failures    int
	SucceededAt time.Time `bun:",nullzero"`
}

// plan makes job_runs agree with the table of jobs, at a start.
func (j *Jobs) plan(ctx context.Context) error {
	now := db.Time(j.now())
	names := make([]string, len(j.scheduled))
	return j.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for i, s := range j.scheduled {
			names[i] = s.Name
			next := s.Next(now)
			if s.RunOnStart {
				next = now
			}
			// A row keeps an earlier time: it was missed, or is sooner than a
			// schedule made longer says.
			_, err := tx.NewRaw(`
				insert into job_runs (name, next_at) values (?, ?)
				on conflict (name) do update set next_at = excluded.next_at
				where job_runs.next_at > excluded.next_at`, s.Name, next).Exec(ctx)
			if err != nil {
				return fmt.Errorf("plan job %s: %w", s.Name, err)
			}
		}
		// What is no longer in the table would be shown as late for ever.
		if _, err := tx.NewRaw("delete from job_runs where name not in (?)", bun.List(append(names, ""))).Exec(ctx); err != nil {
			return fmt.Errorf("forget old jobs: %w", err)
		}
		return nil
	})
}

// schedule enqueues what is due until ctx ends.
func (j *Jobs) schedule(ctx context.Context) {
	for {
		next, err := j.tick(ctx)
		if err != nil && ctx.Err() == nil {
			j.log.ErrorContext(ctx, "scheduled jobs not enqueued", "error", err)
			next = j.now().Add(poll)
		}
		t := time.NewTimer(min(max(next.Sub(j.now()), 0), longestNap))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// tick enqueues what is due and says when to look again.
func (j *Jobs) tick(ctx context.Context) (next time.Time, err error) {
	now := db.Time(j.now())
	next = now.Add(longestNap)
	var rows []runRow
	if err := j.db.Bun().NewSelect().Model(&rows).Column("name", "next_at").Scan(ctx); err != nil {
		return next, fmt.Errorf("select scheduled jobs: %w", err)
	}
	for _, r := range rows {
		i := slices.IndexFunc(j.scheduled, func(s Scheduled) bool { return s.Name == r.Name })
		if i < 0 {
			continue // another version's
		}
		if !r.NextAt.After(now) {
			if r.NextAt, err = j.enqueueDue(ctx, j.scheduled[i], r.NextAt, now); err != nil {
				return next, err
			}
		}
		if r.NextAt.Before(next) {
			next = r.NextAt
		}
	}
	return next, nil
}

// enqueueDue moves a row on and enqueues its job in one transaction. Of several
// processes that see it due one moves the row; the others find it moved.
func (j *Jobs) enqueueDue(ctx context.Context, s Scheduled, due, now time.Time) (next time.Time, err error) {
	next = s.Next(now)
	err = j.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewRaw("update job_runs set next_at = ? where name = ? and next_at = ?", next, s.Name, due).Exec(ctx)
		if err != nil {
			return fmt.Errorf("move on job %s: %w", s.Name, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return j.enqueueScheduled(ctx, tx, s.Name, due)
	})
	return next, err
}

// enqueueScheduled adds a scheduled job unless it waits or runs already; due
// stands until a run succeeds, so that a job that never does is called late.
func (j *Jobs) enqueueScheduled(ctx context.Context, tx bun.Tx, name string, due time.Time) error {
	added, err := j.EnqueueWhen(ctx, tx, scheduledArgs{name}, When{Unique: true, Attempts: scheduledAttempts})
	if err != nil || !added {
		return err
	}
	if _, err := tx.NewRaw("update job_runs set due_at = coalesce(due_at, ?) where name = ?", due, name).Exec(ctx); err != nil {
		return fmt.Errorf("mark job %s due: %w", name, err)
	}
	return nil
}

// ErrNoSuchJob is the answer for a name that is not in the table of jobs.
var ErrNoSuchJob = errors.New("no such scheduled job")

// RunNow enqueues a scheduled job out of turn, unless it waits or runs already.
func (j *Jobs) RunNow(ctx context.Context, name string) error {
	if !slices.ContainsFunc(j.scheduled, func(s Scheduled) bool { return s.Name == name }) {
		return fmt.Errorf("%w: %q", ErrNoSuchJob, name)
	}
	return j.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return j.enqueueScheduled(ctx, tx, name, db.Time(j.now()))
	})
}

// scheduledHandler runs whichever scheduled job it is told, between two notes
// in job_runs.
func (j *Jobs) scheduledHandler() Handler {
	// River asks the kind for a timeout, not the job, so the kind's is the
	// longest and each run has its own.
	longest := scheduledTimeout
	for _, s := range j.scheduled {
		longest = max(longest, s.Timeout)
	}
	return Handle(Work[scheduledArgs]{Timeout: longest, Run: func(ctx context.Context, a scheduledArgs) error {
		i := slices.IndexFunc(j.scheduled, func(s Scheduled) bool { return s.Name == a.Name })
		if i < 0 {
			return nil // taken out of the table since it was enqueued
		}
		return j.runScheduled(ctx, j.scheduled[i])
	}})
}

func (j *Jobs) runScheduled(ctx context.Context, s Scheduled) error {
	start := db.Time(j.now())
	_, err := j.db.Bun().NewRaw("update job_runs set started_at = ?, finished_at = null where name = ?", start, s.Name).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note the start of job %s: %w", s.Name, err)
	}
	limited, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, scheduledTimeout))
	defer cancel()
	runErr := safely(limited, s.Run)
	end := db.Time(j.now())
	r := runRow{Name: s.Name, FinishedAt: end, TookMS: end.Sub(start).Milliseconds()}
	q := j.db.Bun().NewUpdate().Model(&r).Column("finished_at", "took_ms", "error").WherePK()
	switch {
	case ctx.Err() != nil && errors.Is(runErr, context.Canceled):
		r.Error = "stopped with the server, to be done again"
	case runErr != nil:
		r.Error = firstLine(runErr.Error())
		q = q.Set("failures = failures + 1")
	default:
		q = q.Set("failures = 0").Set("succeeded_at = ?", end).Set("due_at = null")
	}
	// Also when the job was cancelled: that it ended is worth knowing.
	note, cancelNote := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelNote()
	if _, err := q.Exec(note); err != nil {
		return errors.Join(runErr, fmt.Errorf("note the end of job %s: %w", s.Name, err))
	}
	return runErr
}

// firstLine is what an admin page has room for; the log has the rest.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > 500 {
		return string(r[:500]) + "…"
	}
	return s
}

// Status is how a scheduled job is doing.
type Status struct {
	Name        string
	Every       time.Duration
	StartedAt   time.Time // of the last run; zero for never
	FinishedAt  time.Time // zero while it runs
	Took        time.Duration
	NextAt      time.Time
	SucceededAt time.Time
	Error       string // of the last run; "" is success
	Failures    int    // in a row
	Running     bool
	Late        bool // a time has passed, with its grace, and no run succeeded since
}

// List tells how every scheduled job is doing, in the order of the table.
func (j *Jobs) List(ctx context.Context) ([]Status, error) {
	var rows []runRow
	if err := j.db.Bun().NewSelect().Model(&rows).Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("select scheduled jobs: %w", err)
	}
	of := make(map[string]runRow, len(rows))
	for _, r := range rows {
		of[r.Name] = r
	}
	now := j.now()
	list := make([]Status, len(j.scheduled))
	for i, s := range j.scheduled {
		r, ok := of[s.Name]
		list[i] = Status{
			Name: s.Name, Every: s.Every, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
			Took: time.Duration(r.TookMS) * time.Millisecond, NextAt: r.NextAt, SucceededAt: r.SucceededAt,
			Error: r.Error, Failures: r.Failures,
			Running: !r.StartedAt.IsZero() && r.FinishedAt.IsZero(),
		}
		due := r.NextAt
		if !r.DueAt.IsZero() {
			due = r.DueAt
		}
		list[i].Late = ok && now.After(due.Add(s.grace()))
	}
	return list, nil
}
