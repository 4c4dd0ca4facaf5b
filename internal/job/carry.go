package job

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/uptrace/bun"

	"moonbear/internal/db"
)

// Waiting is a job that isn't done.
type Waiting struct {
	bun.BaseModel `bun:"table:river_job,alias:j"`

	What     string    `bun:"what"`
	Told     string    `bun:"told"` // JSON
	At       time.Time `bun:"at"`
	Attempts int       `bun:"attempts"` // at most, and all of them again
	Unique   bool      `bun:"one_only"`
}

// NotDone lists the jobs of a database that wait or run. What runs is done again, as
// after a kill.
func NotDone(ctx context.Context, d *db.DB) ([]Waiting, error) {
	there, told := "select count(*) from information_schema.tables where table_schema = current_schema() and table_name = 'river_job'", "args::text"
	if d.Embedded() {
		there, told = "select count(*) from sqlite_master where type = 'table' and name = 'river_job'", "json(args)"
	}
	var n int
	if err := d.Bun().NewRaw(there).Scan(ctx, &n); err != nil || n == 0 {
		return nil, err
	}
	var all []Waiting
	err := d.Bun().NewRaw(`
		select kind as what, `+told+` as told, scheduled_at as at, max_attempts as attempts, unique_key is not null as one_only
		from river_job
		where state in ('available', 'pending', 'retryable', 'running', 'scheduled')
		order by id`).Scan(ctx, &all)
	if err != nil {
		return nil, fmt.Errorf("list jobs that wait: %w", err)
	}
	return all, nil
}

// Carry puts jobs of another database into this one, whose queue Migrate has
// made, and nothing else.
func Carry(ctx context.Context, d *db.DB, tx bun.Tx, jobs []Waiting, log *slog.Logger) error {
	if _, err := tx.NewRaw("delete from river_job").Exec(ctx); err != nil {
		return fmt.Errorf("empty the job queue: %w", err)
	}
	q, err := newQueue(d, &river.Config{Logger: riverLog(log)})
	if err != nil {
		return fmt.Errorf("make the job queue: %w", err)
	}
	for _, j := range jobs {
		o := &river.InsertOpts{MaxAttempts: j.Attempts, ScheduledAt: j.At}
		if j.Unique {
			o.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: waits}
		}
		if _, err := q.insert(ctx, tx, carried{j.What, json.RawMessage(j.Told)}, o); err != nil {
			return fmt.Errorf("enqueue %s: %w", j.What, err)
		}
	}
	return nil
}

// waits are the states of a job that isn't done.
var waits = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// carried is what a job is told, as it was written.
type carried struct {
	kind string
	told json.RawMessage
}

// Kind is the job's own.
func (c carried) Kind() string { return c.kind }

// MarshalJSON gives it as it was.
func (c carried) MarshalJSON() ([]byte, error) { return c.told, nil }
