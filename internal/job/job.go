// Package job is work that outlives a request: a thin wrap of River over the
// control database.
//
// A job goes: Enqueue inside the transaction that causes it → commit → a
// worker takes it within a second → done, or tried again later with growing
// pauses. A scheduled job goes: its row in job_runs says it is due → one
// transaction moves the row on and enqueues it → the same way. A job may run
// twice (a server killed at the wrong moment), so it must not mind.
package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/uptrace/bun"

	"moonbear/internal/db"
)

// Times of the queue.
const (
	// poll is how long a new job waits at most. Polling costs one look-up in an
	// index; River's notifications would cost a write with each job.
	poll = time.Second
	// rest is the least time between two looks while there is work: with four
	// workers, 200 jobs a second; River's 100 ms would be 40.
	rest = 20 * time.Millisecond
	// defaultTimeout is for a kind that names none.
	defaultTimeout = 5 * time.Minute
	// defaultAttempts are spread over a day and a half by River's pauses
	// (attempt⁴ seconds).
	defaultAttempts = 15
)

// Args are what a job is told: exported fields that survive JSON, and a Kind
// that never changes once jobs of it may be in a queue.
type Args interface{ Kind() string }

// Handler does the jobs of one kind; Handle makes it.
type Handler struct {
	register func(*river.Workers, *Jobs) error
}

// Work is how the jobs of one kind are done.
type Work[T Args] struct {
	Timeout time.Duration // of one attempt; 0 is five minutes
	Run     func(ctx context.Context, args T) error
}

// Handle makes the Handler of T's kind.
func Handle[T Args](w Work[T]) Handler {
	return Handler{func(ws *river.Workers, j *Jobs) error {
		return river.AddWorkerSafely(ws, &worker[T]{work: w, jobs: j})
	}}
}

// Options are what Jobs may be given; the zero value works.
type Options struct {
	Handlers []Handler
	Workers  int // jobs at a time; 0 is 4
	// ID names this server among those on one database, the same at each start;
	// "" makes one up, and then what it leaves running when it is killed waits
	// for an hour.
	ID string
	// Patience is how long a stop waits for running jobs before it cancels
	// them, and again how long it waits after that; 0 is ten seconds.
	Patience time.Duration
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Now      func() time.Time
}

// Jobs is the queue and the scheduler.
type Jobs struct {
	db        *db.DB
	queue     queue
	id        string
	patience  time.Duration
	scheduled []Scheduled
	log       *slog.Logger
	now       func() time.Time
	metrics   *metrics
}

// New makes the queue over a database that Migrate has prepared. Nothing runs
// until Run. The error names the entry of scheduled that is wrong.
func New(d *db.DB, scheduled []Scheduled, o Options) (*Jobs, error) {
	if err := check(scheduled); err != nil {
		return nil, err
	}
	j := &Jobs{db: d, id: o.ID, scheduled: scheduled, patience: cmp.Or(o.Patience, 10*time.Second),
		log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), now: o.Now, metrics: newMetrics(o.Metrics)}
	if j.now == nil {
		j.now = time.Now
	}
	ws := river.NewWorkers()
	for _, h := range append([]Handler{j.scheduledHandler()}, o.Handlers...) {
		if err := h.register(ws, j); err != nil {
			return nil, fmt.Errorf("register jobs: %w", err)
		}
	}
	q, err := newQueue(d, &river.Config{
		ID:                o.ID,
		Workers:           ws,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: cmp.Or(o.Workers, 4)}},
		Logger:            riverLog(j.log),
		PollOnly:          true,
		FetchPollInterval: poll,
		FetchCooldown:     rest,
		JobTimeout:        defaultTimeout,
		SoftStopTimeout:   j.patience,
	})
	if err != nil {
		return nil, fmt.Errorf("make the job queue: %w", err)
	}
	j.queue = q
	return j, nil
}

// When says how a job is enqueued; the zero value is at once, even when an
// equal one waits.
type When struct {
	At       time.Time // not before
	Unique   bool      // not while one with equal args waits or runs
	Attempts int       // 0 is 15, spread over a day and a half
}

// Enqueue adds a job to the transaction that causes it: no commit, no job.
func (j *Jobs) Enqueue(ctx context.Context, tx bun.Tx, args Args) error {
	_, err := j.EnqueueWhen(ctx, tx, args, When{})
	return err
}

// EnqueueWhen is Enqueue with conditions. Added is false when the job is
// unique and an equal one waits or runs.
func (j *Jobs) EnqueueWhen(ctx context.Context, tx bun.Tx, args Args, w When) (added bool, err error) {
	o := &river.InsertOpts{MaxAttempts: cmp.Or(w.Attempts, defaultAttempts), ScheduledAt: w.At}
	if w.Unique {
		o.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: waits}
	}
	res, err := j.queue.insert(ctx, tx, args, o)
	if err != nil {
		return false, fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return !res.UniqueSkippedAsDuplicate, nil
}

// Run does jobs and enqueues scheduled ones until ctx ends. Then it takes no
// more, lets running ones finish while Patience lasts, and cancels what is left:
// that is done anew at the next start.
func (j *Jobs) Run(ctx context.Context) error {
	alive := context.WithoutCancel(ctx)
	if err := Migrate(alive, j.db, j.log); err != nil {
		return err
	}
	if err := j.resume(alive); err != nil {
		return err
	}
	if err := j.plan(alive); err != nil {
		return err
	}
	if err := j.queue.Start(alive); err != nil {
		return fmt.Errorf("start the job queue: %w", err)
	}
	j.schedule(ctx)
	stop, cancel := context.WithTimeout(alive, 2*j.patience)
	defer cancel()
	if err := j.queue.Stop(stop); err != nil {
		return fmt.Errorf("stop the job queue: %w", err)
	}
	return nil
}

// resume takes up what this server left running when it was killed. River would
// wait an hour to be sure that nobody works on it. An embedded database has no
// other user; on another, the jobs are told by the name of who began them.
func (j *Jobs) resume(ctx context.Context) error {
	ours, runs := "state = 'running'", ""
	if !j.db.Embedded() {
		if j.id == "" {
			return nil
		}
		ours += " and attempted_by[array_upper(attempted_by, 1)] = ?"
		runs = " and name in (select args->>'name' from river_job where kind = 'scheduled' and " + ours + ")"
	}
	with := func(args ...any) []any {
		if j.db.Embedded() {
			return args
		}
		return append(args, j.id)
	}
	return j.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := db.Time(j.now())
		_, err := tx.NewRaw(`
			update job_runs set finished_at = ?, error = ?, failures = failures + 1
			where started_at is not null and finished_at is null`+runs,
			with(now, "the server ended while it ran")...).Exec(ctx)
		if err != nil {
			return fmt.Errorf("close runs left open: %w", err)
		}
		// A job that was running at its last attempt may be what kills servers.
		_, err = tx.NewRaw(`
			update river_job set state = 'discarded', finalized_at = ?
			where attempt >= max_attempts and `+ours, with(now)...).Exec(ctx)
		if err != nil {
			return fmt.Errorf("discard jobs left running: %w", err)
		}
		res, err := tx.NewRaw("update river_job set state = 'available' where "+ours, with()...).Exec(ctx)
		if err != nil {
			return fmt.Errorf("resume jobs left running: %w", err)
		}
		if n, err := res.RowsAffected(); err == nil && n > 0 {
			j.log.WarnContext(ctx, "jobs resumed that a killed server left running", "jobs", n)
		}
		return nil
	})
}

// worker does the jobs of one kind.
type worker[T Args] struct {
	river.WorkerDefaults[T]
	work Work[T]
	jobs *Jobs
}

// Timeout bounds one attempt.
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration {
	return cmp.Or(w.work.Timeout, defaultTimeout)
}

// Work does one job and says how it went.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	start := w.jobs.now()
	err := safely(ctx, func(ctx context.Context) error { return w.work.Run(ctx, job.Args) })
	took := w.jobs.now().Sub(start)
	name := nameOf(job.Args)
	w.jobs.metrics.ran(name, took, err)
	facts := []any{"job", name, "id", job.ID, "attempt", job.Attempt, "took", took}
	switch {
	case err == nil:
		w.jobs.log.InfoContext(ctx, "job done", facts...)
	case errors.Is(err, context.Canceled):
		w.jobs.log.InfoContext(ctx, "job stopped, to be done again", facts...)
	case job.Attempt >= job.MaxAttempts:
		w.jobs.log.ErrorContext(ctx, "job given up", append(facts, "error", err)...)
	default:
		w.jobs.log.WarnContext(ctx, "job to be tried again", append(facts, "error", err)...)
	}
	return err
}

// nameOf is what a job is called in the log: its kind, or the name of a
// scheduled one.
func nameOf(a Args) string {
	if s, ok := a.(scheduledArgs); ok {
		return s.Name
	}
	return a.Kind()
}

// safely turns a panic into an error that holds the place it came from.
func safely(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return run(ctx)
}
