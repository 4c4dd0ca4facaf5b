package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"
)

// nightly is the job that looks after the event store: it sorts what is new and
// counts whole days.
const nightly = "compact events"

// nightMost is how long one may take.
const nightMost = time.Hour

// night has the running server do its nightly job now, by making it due, and
// tells how long that took by its own account: it looks for due jobs only now
// and then.
func (s *server) night(ctx context.Context, dir string) (time.Duration, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "moonbear.db")+"?_busy_timeout=10000")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	took, err := due(ctx, db, nightly)
	if err != nil {
		return 0, fmt.Errorf("job %q: %w\n%s", nightly, err, s.Said())
	}
	return took, nil
}

// due makes a job due and waits until it has succeeded.
func due(ctx context.Context, db *sql.DB, name string) (time.Duration, error) {
	begun := time.Now()
	for n := int64(0); n == 0; { // a server that has just been started hasn't written its jobs down yet
		res, err := db.ExecContext(ctx, "update job_runs set next_at = ?, error = '' where name = ?", begun.Add(-time.Second).UTC().Truncate(time.Microsecond), name)
		if err != nil {
			return 0, err
		}
		if n, err = res.RowsAffected(); err != nil || n == 0 && time.Since(begun) > 10*time.Second {
			return 0, fmt.Errorf("%d jobs have that name: %w", n, err)
		}
	}
	for time.Since(begun) < nightMost {
		var at sql.NullTime
		var took int64
		var failed string
		if err := db.QueryRowContext(ctx, "select succeeded_at, took_ms, error from job_runs where name = ?", name).Scan(&at, &took, &failed); err != nil {
			return 0, err
		}
		if at.Valid && at.Time.After(begun) {
			return time.Duration(took) * time.Millisecond, nil
		}
		if failed != "" {
			return 0, fmt.Errorf("it failed: %s", failed)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return 0, fmt.Errorf("it is not done after %v", nightMost)
}
