package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the control database
)

// control changes the running server's control database, for what would
// otherwise take days.
func (s *server) control(ctx context.Context, query string, args ...any) (int64, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(s.dir, "moonbear.db")+"?_busy_timeout=10000")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	res, err := db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// doJob has a scheduled job run now, and waits until it has succeeded.
func (s *server) doJob(ctx context.Context, name string, most time.Duration) (time.Duration, error) {
	began := time.Now()
	n, err := s.control(ctx, "update job_runs set next_at = ? where name = ?", began.Add(-time.Second).UTC().Truncate(time.Microsecond), name)
	if err != nil || n != 1 {
		return 0, fmt.Errorf("make %q due: %d rows, %w", name, n, err)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(s.dir, "moonbear.db")+"?_busy_timeout=10000&mode=ro")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var failed string
	err = s.until(ctx, most, func() bool {
		var at sql.NullTime
		if db.QueryRowContext(ctx, "select succeeded_at, error from job_runs where name = ?", name).Scan(&at, &failed) != nil {
			return false
		}
		return at.Valid && at.Time.After(began)
	})
	if err != nil {
		return 0, fmt.Errorf("job %q: %w (its error: %q)\n%s", name, err, failed, &s.log)
	}
	return time.Since(began), nil
}
