package job

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"

	"github.com/uptrace/bun"
)

type mailArgs struct {
	To string `json:"to"`
}

func (mailArgs) Kind() string { return "mail" }

// deadline bounds waiting for what must happen; nothing here takes a tenth of it.
const deadline = 20 * time.Second

// clock is a clock that tests move.
type clock struct{ at atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.at.Store(at.UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

func database(t testing.TB) *db.DB {
	t.Helper()
	d := dbtest.New(t)
	if err := Migrate(t.Context(), d, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return d
}

func newJobs(t testing.TB, d *db.DB, scheduled []Scheduled, o Options) *Jobs {
	t.Helper()
	j, err := New(d, scheduled, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// run runs jobs until stop is called, which returns what Run did.
func run(t testing.TB, j *Jobs) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return stop
}

// until polls a condition, for what other goroutines do to the database.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(deadline)
	defer end.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-end.C:
			t.Fatalf("not within %v: %s", deadline, what)
		case <-poll.C:
		}
	}
}

func jobsIn(t testing.TB, d *db.DB, state string) (n int) {
	t.Helper()
	if err := d.Bun().NewRaw("select count(*) from river_job where state = ?", state).Scan(t.Context(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEnqueueFollowsTheTransaction(t *testing.T) {
	d := database(t)
	got := make(chan string, 10)
	j := newJobs(t, d, nil, Options{Handlers: []Handler{Handle(Work[mailArgs]{Run: func(_ context.Context, a mailArgs) error {
		got <- a.To
		return nil
	}})}})
	run(t, j)
	stop := errors.New("stop")
	for _, tt := range []struct {
		to  string
		err error
	}{{"rolled back", stop}, {"kept", nil}} {
		err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return errors.Join(j.Enqueue(ctx, tx, mailArgs{tt.to}), tt.err)
		})
		if !errors.Is(err, tt.err) {
			t.Fatal(err)
		}
	}
	select {
	case to := <-got:
		if to != "kept" {
			t.Errorf("the job %q ran", to)
		}
	case <-time.After(deadline):
		t.Fatal("no job ran")
	}
	until(t, "one job completed and none waits", func() bool {
		return jobsIn(t, d, "completed") == 1 && jobsIn(t, d, "available") == 0
	})
}

func TestUnique(t *testing.T) {
	d := database(t)
	j := newJobs(t, d, nil, Options{Handlers: []Handler{Handle(Work[mailArgs]{Run: func(context.Context, mailArgs) error { return nil }})}})
	for _, tt := range []struct {
		to    string
		w     When
		added bool
	}{
		{"a", When{Unique: true}, true},
		{"a", When{Unique: true}, false},
		{"b", When{Unique: true}, true},
		{"a", When{}, true},
	} {
		err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			added, err := j.EnqueueWhen(ctx, tx, mailArgs{tt.to}, tt.w)
			if added != tt.added {
				t.Errorf("%s %+v: added is %v", tt.to, tt.w, added)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEnqueueOfUnknownKind(t *testing.T) {
	d := database(t)
	j := newJobs(t, d, nil, Options{})
	err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return j.Enqueue(ctx, tx, mailArgs{"a"}) })
	if err == nil || !strings.Contains(err.Error(), "enqueue mail:") {
		t.Errorf("a job nobody does was enqueued: %v", err)
	}
}

// An error and a panic are each one failed attempt, and the job waits for the next.
func TestFailedAttempts(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("mail server refused") },
		"panic": func() error { panic("mail server refused") },
	} {
		t.Run(name, func(t *testing.T) {
			d := database(t)
			j := newJobs(t, d, nil, Options{Handlers: []Handler{Handle(Work[mailArgs]{Run: func(context.Context, mailArgs) error { return fail() }})}})
			run(t, j)
			err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return j.Enqueue(ctx, tx, mailArgs{"a"}) })
			if err != nil {
				t.Fatal(err)
			}
			until(t, "the job is to be tried again", func() bool {
				var n int
				err := d.Bun().NewRaw("select count(*) from river_job where attempt >= 1 and cast(errors as text) like '%mail server refused%'").Scan(t.Context(), &n)
				return err == nil && n == 1
			})
		})
	}
}

// A stop lets a running job finish with a context that still lives.
func TestStopLetsJobsFinish(t *testing.T) {
	d := database(t)
	started, finish := make(chan struct{}), make(chan struct{})
	var alive atomic.Bool
	j := newJobs(t, d, nil, Options{Patience: deadline, Handlers: []Handler{Handle(Work[mailArgs]{Run: func(ctx context.Context, _ mailArgs) error {
		close(started)
		<-finish
		alive.Store(ctx.Err() == nil)
		return nil
	}})}})
	stop := run(t, j)
	if err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return j.Enqueue(ctx, tx, mailArgs{"a"}) }); err != nil {
		t.Fatal(err)
	}
	<-started
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	close(finish)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if !alive.Load() {
		t.Error("the job's context was dead before the job had ended")
	}
	if n := jobsIn(t, d, "completed"); n != 1 {
		t.Errorf("%d jobs completed, want 1", n)
	}
}

// A job that does not end in time is cancelled, and is done at the next start.
func TestStopCancelsWhatTakesTooLong(t *testing.T) {
	d := database(t)
	started := make(chan struct{})
	handle := func(run func(context.Context) error) Options {
		return Options{Patience: 50 * time.Millisecond, Handlers: []Handler{Handle(Work[mailArgs]{Run: func(ctx context.Context, _ mailArgs) error { return run(ctx) }})}}
	}
	j := newJobs(t, d, nil, handle(func(ctx context.Context) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}))
	stop := run(t, j)
	if err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return j.Enqueue(ctx, tx, mailArgs{"a"}) }); err != nil {
		t.Fatal(err)
	}
	<-started
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	run(t, newJobs(t, d, nil, handle(func(context.Context) error { close(done); return nil })))
	select {
	case <-done:
	case <-time.After(deadline):
		t.Fatal("the job was not done at the next start")
	}
}

// What a killed server left running is done at the next start, not an hour
// later; a job that was at its last attempt is not.
func TestResumeAfterAKill(t *testing.T) {
	d := database(t)
	done := make(chan string, 10)
	o := Options{Handlers: []Handler{Handle(Work[mailArgs]{Run: func(_ context.Context, a mailArgs) error {
		done <- a.To
		return nil
	}})}}
	o.ID = "moon"
	j := newJobs(t, d, []Scheduled{{Name: "nightly", Every: time.Hour, Run: func(context.Context) error { return nil }}}, o)
	err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		return errors.Join(j.Enqueue(ctx, tx, mailArgs{"killed"}), j.Enqueue(ctx, tx, mailArgs{"killer"}), j.enqueueScheduled(ctx, tx, "nightly", time.Now()))
	})
	if err != nil {
		t.Fatal(err)
	}
	by := `jsonb('["moon"]')`
	if !d.Embedded() {
		by = "array['earth', 'moon']"
	}
	for _, q := range []string{
		"update river_job set state = 'running', attempt = 1, attempted_by = " + by,
		"update river_job set attempt = max_attempts where cast(args as text) like '%killer%' or cast(args as text) like '%nightly%'",
		"insert into job_runs (name, next_at, started_at) values ('nightly', '2100-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')",
	} {
		if _, err := d.Bun().NewRaw(q).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	run(t, j)
	select {
	case to := <-done:
		if to != "killed" {
			t.Errorf("%q was done", to)
		}
	case <-time.After(deadline):
		t.Fatal("nothing was resumed")
	}
	if n := jobsIn(t, d, "discarded"); n != 2 {
		t.Errorf("%d jobs discarded, want 2", n)
	}
	list, err := j.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s := list[0]; s.Running || s.Error != "the server ended while it ran" || s.Failures != 1 {
		t.Errorf("the run that was cut off is %+v", s)
	}
}
