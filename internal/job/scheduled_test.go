package job

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

func nothing(context.Context) error { return nil }

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name      string
		scheduled []Scheduled
		want      string
	}{
		{"no name", []Scheduled{{Every: time.Hour, Run: nothing}}, "a scheduled job has no name"},
		{"twice", []Scheduled{{Name: "a", Every: time.Hour, Run: nothing}, {Name: "a", Every: time.Hour, Run: nothing}}, `two scheduled jobs are named "a"`},
		{"never", []Scheduled{{Name: "a", Run: nothing}}, `scheduled job "a": every 0s is less than a second`},
		{"outside", []Scheduled{{Name: "a", Every: time.Hour, At: time.Hour, Run: nothing}}, `scheduled job "a": at 1h0m0s is not within 1h0m0s`},
		{"no work", []Scheduled{{Name: "a", Every: time.Hour}}, `scheduled job "a" does nothing`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(database(t), tt.scheduled, Options{})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		every, at  time.Duration
		from, want string
	}{
		{15 * time.Minute, 0, "2026-07-04 10:01:02", "2026-07-04 10:15:00"},
		{15 * time.Minute, 0, "2026-07-04 10:15:00", "2026-07-04 10:30:00"},
		{time.Hour, 5 * time.Minute, "2026-07-04 10:04:59", "2026-07-04 10:05:00"},
		{time.Hour, 5 * time.Minute, "2026-07-04 10:05:00", "2026-07-04 11:05:00"},
		{day, 3 * time.Hour, "2026-07-04 02:59:59", "2026-07-04 03:00:00"},
		{day, 3 * time.Hour, "2026-07-04 03:00:00", "2026-07-05 03:00:00"},
		{7 * day, 3 * time.Hour, "2026-07-04 03:00:00", "2026-07-06 03:00:00"}, // a Monday
	} {
		from, err := time.Parse(time.DateTime, tt.from)
		if err != nil {
			t.Fatal(err)
		}
		s := Scheduled{Every: tt.every, At: tt.at}
		if got := s.Next(from).Format(time.DateTime); got != tt.want {
			t.Errorf("every %v at %v after %s: %s, want %s", tt.every, tt.at, tt.from, got, tt.want)
		}
	}
}

var noon = time.Date(2026, 7, 4, 12, 0, 0, 0, time.UTC)

// waiting counts the scheduled jobs in the queue, and empties it.
func waiting(t *testing.T, j *Jobs) (n int) {
	t.Helper()
	n = jobsIn(t, j.db, "available")
	if _, err := j.db.Bun().NewRaw("delete from river_job").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSchedule(t *testing.T) {
	d := database(t)
	c := newClock(noon.Add(time.Minute))
	start := func(s ...Scheduled) *Jobs {
		j := newJobs(t, d, s, Options{Now: c.now})
		if err := j.plan(t.Context()); err != nil {
			t.Fatal(err)
		}
		return j
	}
	hourly := Scheduled{Name: "hourly", Every: time.Hour, Run: nothing}
	step := func(j *Jobs, what string, pass time.Duration, want int) {
		t.Helper()
		c.advance(pass)
		if _, err := j.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := waiting(t, j); n != want {
			t.Errorf("%s: %d enqueued, want %d", what, n, want)
		}
	}
	j := start(hourly)
	step(j, "at the first start", 0, 0)
	step(j, "before its time", 58*time.Minute, 0)
	step(j, "at its time", time.Minute, 1)
	step(j, "just after", 0, 0)
	step(j, "an hour on", time.Hour, 1)
	j = start(hourly)
	step(j, "after a restart", 10*time.Minute, 0)
	c.advance(5 * time.Hour)
	j = start(hourly)
	step(j, "five times missed while down", 0, 1)
	step(j, "and made up for once", 0, 0)
	hourly.RunOnStart = true
	j = start(hourly)
	step(j, "to be run at the start", 0, 1)
	hourly.RunOnStart, hourly.Every = false, time.Minute
	j = start(hourly)
	step(j, "made more frequent", time.Minute, 1)
	j = start(Scheduled{Name: "other", Every: time.Hour, Run: nothing})
	var rows int
	if err := d.Bun().NewRaw("select count(*) from job_runs").Scan(t.Context(), &rows); err != nil || rows != 1 {
		t.Errorf("%d rows, %v: the job taken out of the table is not forgotten", rows, err)
	}
	if next, err := j.tick(t.Context()); err != nil || next.Sub(c.now()) > longestNap {
		t.Errorf("naps for %v, %v", next.Sub(c.now()), err)
	}
}

// Several processes see a job due at once; it is enqueued once.
func TestDueOnce(t *testing.T) {
	d := database(t)
	c := newClock(noon)
	var js []*Jobs
	for range 4 {
		js = append(js, newJobs(t, d, []Scheduled{{Name: "a", Every: time.Hour, RunOnStart: true, Run: nothing}}, Options{Now: c.now}))
	}
	if err := js[0].plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, j := range js {
		wg.Go(func() {
			if _, err := j.tick(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := waiting(t, js[0]); n != 1 {
		t.Errorf("%d enqueued, want 1", n)
	}
}

// A row says how the last run went and whether the job is late.
func TestList(t *testing.T) {
	d := database(t)
	c := newClock(noon)
	var result error
	var inside func()
	j := newJobs(t, d, []Scheduled{{Name: "a", Every: time.Hour, Run: func(context.Context) error {
		c.advance(90 * time.Second)
		if inside != nil {
			inside()
		}
		return result
	}}}, Options{Now: c.now})
	if err := j.plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	status := func() Status {
		t.Helper()
		list, err := j.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	tick := func() {
		t.Helper()
		if _, err := j.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		waiting(t, j)
	}
	if s := status(); s.Late || s.Running || !s.StartedAt.IsZero() || !s.NextAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("before its first time: %+v", s)
	}
	c.advance(time.Hour)
	tick()
	inside = func() {
		if s := status(); !s.Running {
			t.Errorf("while it runs: %+v", s)
		}
	}
	if err := j.runScheduled(t.Context(), j.scheduled[0]); err != nil {
		t.Fatal(err)
	}
	inside = nil
	if s := status(); s.Late || s.Running || s.Took != 90*time.Second || s.Error != "" || !s.SucceededAt.Equal(s.FinishedAt) {
		t.Errorf("after a good run: %+v", s)
	}
	c.advance(time.Hour)
	tick()
	result = errors.New("disk full\nand more")
	for range 2 {
		if err := j.runScheduled(t.Context(), j.scheduled[0]); !errors.Is(err, result) {
			t.Fatal(err)
		}
	}
	if s := status(); s.Late || s.Failures != 2 || s.Error != "disk full" {
		t.Errorf("after two bad runs, within the grace: %+v", s)
	}
	c.advance(15 * time.Minute)
	if s := status(); !s.Late {
		t.Errorf("after the grace: %+v", s)
	}
	result = nil
	if err := j.runScheduled(t.Context(), j.scheduled[0]); err != nil {
		t.Fatal(err)
	}
	if s := status(); s.Late || s.Failures != 0 || s.Error != "" {
		t.Errorf("recovered: %+v", s)
	}
	c.advance(2 * time.Hour)
	if s := status(); !s.Late {
		t.Errorf("nobody enqueues it: %+v", s)
	}
}

func TestPanicIsAnError(t *testing.T) {
	d := database(t)
	j := newJobs(t, d, []Scheduled{{Name: "a", Every: time.Hour, Run: func(context.Context) error { panic("boom") }}}, Options{})
	if err := j.plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := j.runScheduled(t.Context(), j.scheduled[0])
	if err == nil || !strings.Contains(err.Error(), "panic: boom") || !strings.Contains(err.Error(), "scheduled_test.go") {
		t.Errorf("the error does not say what and where: %v", err)
	}
	list, err := j.List(t.Context())
	if err != nil || list[0].Error != "panic: boom" {
		t.Errorf("%+v, %v", list, err)
	}
}

// The whole trip: due at the start, enqueued, run, noted; and again by hand.
func TestScheduledJobRuns(t *testing.T) {
	d := database(t)
	ran := make(chan struct{}, 10)
	j := newJobs(t, d, []Scheduled{{Name: "a", Every: time.Hour, RunOnStart: true, Run: func(context.Context) error {
		ran <- struct{}{}
		return nil
	}}}, Options{})
	run(t, j)
	for i := range 2 {
		select {
		case <-ran:
		case <-time.After(deadline):
			t.Fatal("did not run")
		}
		until(t, "the run is noted", func() bool {
			list, err := j.List(t.Context())
			return err == nil && !list[0].SucceededAt.IsZero() && !list[0].Running && jobsIn(t, d, "completed") == i+1
		})
		if i == 0 {
			if err := j.RunNow(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := j.RunNow(t.Context(), "b"); !errors.Is(err, ErrNoSuchJob) {
		t.Errorf("a job that does not exist: %v", err)
	}
}
