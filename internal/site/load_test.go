package site_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/job"
	"moonbear/internal/site"

	"github.com/uptrace/bun"
)

// noteArgs is a job as real ones are: caused by a page's write, and writing.
type noteArgs struct {
	Site int64 `json:"site"`
	N    int   `json:"n"`
}

func (noteArgs) Kind() string { return "note" }

// traffic is pages and jobs on one database at once, and how long they took.
type traffic struct {
	house
	jobs *job.Jobs
	site site.Site
	user int64

	mu    sync.Mutex
	took  map[string][]time.Duration
	fails []error
}

func newTraffic(t testing.TB) *traffic {
	t.Helper()
	h := newHouse(t)
	tr := &traffic{house: h, took: map[string][]time.Duration{}}
	if err := job.Migrate(t.Context(), h.db, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	res, err := h.sites.FirstRun(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	tr.site, tr.user = res.Site, res.User
	tr.jobs, err = job.New(h.db, nil, job.Options{Handlers: []job.Handler{job.Handle(job.Work[noteArgs]{Run: tr.note})}})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// note is what a job does: it writes in a transaction of its own.
func (tr *traffic) note(ctx context.Context, a noteArgs) error {
	return tr.timed("job", func() error {
		return tr.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewRaw("update sites set updated_at = ? where id = ?", db.Time(time.Now()), a.Site).Exec(ctx)
			return err
		})
	})
}

func (tr *traffic) timed(what string, do func() error) error {
	start := time.Now()
	err := do()
	took := time.Since(start)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.took[what] = append(tr.took[what], took)
	if err != nil {
		tr.fails = append(tr.fails, fmt.Errorf("%s: %w", what, err))
	}
	return err
}

// login signs somebody in through the middleware, cookie and all.
func (tr *traffic) login(ctx context.Context) error {
	var err error
	h := tr.accounts.Logins().Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		err = tr.accounts.Logins().Start(r.Context(), tr.user)
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/login", nil))
	if err == nil && w.Code != http.StatusOK {
		err = fmt.Errorf("status %d", w.Code)
	}
	return err
}

// pages does n rounds of what a signed-in user does: mostly looking, sometimes
// signing in, sometimes changing a site. When jobs run beside, changes enqueue.
func (tr *traffic) pages(ctx context.Context, rounds int, enqueue bool) {
	for i := range rounds {
		for range 4 {
			_ = tr.timed("read", func() error {
				_, _, err := tr.sites.ForUser(ctx, tr.user, tr.site.PublicID)
				return err
			})
		}
		_ = tr.timed("write", func() error { return tr.login(ctx) })
		_ = tr.timed("write", func() error {
			_, err := tr.sites.Update(ctx, tr.site.PublicID, site.Change{KeepFragment: new(i%2 == 0)})
			return err
		})
		if !enqueue {
			continue
		}
		_ = tr.timed("enqueue", func() error {
			return tr.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.NewRaw("update sites set updated_at = ? where id = ?", db.Time(time.Now()), tr.site.ID).Exec(ctx)
				if err != nil {
					return err
				}
				return tr.jobs.Enqueue(ctx, tx, noteArgs{tr.site.ID, i})
			})
		})
	}
}

// at is the value below which a share of the times lie.
func at(took []time.Duration, share float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(took))
	return s[min(len(s)-1, int(float64(len(s))*share))]
}

// run has clients look and write side by side, with jobs beside or without.
func (tr *traffic) run(t testing.TB, clients, rounds int, beside bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	if beside {
		go func() { ended <- tr.jobs.Run(ctx) }()
	}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() { tr.pages(t.Context(), rounds, beside) })
	}
	wg.Wait()
	if beside {
		tr.drained(t, clients*rounds)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	cancel()
}

// drained waits until every job is done.
func (tr *traffic) drained(t testing.TB, jobs int) {
	t.Helper()
	end := time.NewTimer(time.Minute)
	defer end.Stop()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		var n int
		if err := tr.db.Bun().NewRaw("select count(*) from river_job where state = 'completed'").Scan(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
		if n == jobs {
			return
		}
		select {
		case <-end.C:
			t.Fatalf("%d of %d jobs done", n, jobs)
		case <-poll.C:
		}
	}
}

// Jobs and pages write to one SQLite file at once: nobody is refused, no job
// is lost or done twice, and no page waits as long as SQLite's patience.
func TestJobsBesidePages(t *testing.T) {
	tr := newTraffic(t)
	const clients, rounds = 8, 20
	tr.run(t, clients, rounds, true)
	for _, err := range tr.fails {
		t.Error(err)
	}
	if n := len(tr.took["job"]); n != clients*rounds {
		t.Errorf("%d runs of %d jobs", n, clients*rounds)
	}
	if p99 := at(tr.took["write"], 0.99); p99 > 2*time.Second {
		t.Errorf("a page's write took %v at p99", p99)
	}
}

// BenchmarkJobsBesidePages compares pool sizes, and pages alone with pages
// beside jobs, in one run: the ratios are what to read. Figures are in
// decision 0060.
func BenchmarkJobsBesidePages(b *testing.B) {
	for _, conns := range []int{1, 4, 8, 16} {
		for _, beside := range []bool{false, true} {
			b.Run(fmt.Sprintf("conns=%d/jobs=%v", conns, beside), func(b *testing.B) {
				for range b.N {
					tr := newTraffic(b)
					tr.db.SQL().SetMaxOpenConns(conns)
					tr.run(b, 8, 50, beside)
					for _, err := range tr.fails {
						b.Error(err)
					}
					for _, what := range []string{"read", "write"} {
						b.ReportMetric(float64(at(tr.took[what], 0.5).Microseconds())/1000, what+"-p50-ms")
						b.ReportMetric(float64(at(tr.took[what], 0.99).Microseconds())/1000, what+"-p99-ms")
					}
				}
			})
		}
	}
}
