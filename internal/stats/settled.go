package stats

import (
	"context"
	"database/sql"
	"fmt"

	"moonbear/internal/event"
)

// keptRow is a row of what is kept of days: a bucket (0 for totals), a measure
// and what a statement tells of it.
type keptRow struct {
	bucket  int
	measure string
	tells   [3 + 3]int64 // as many as any statement does
}

// keptAnswer names what a statement about kept days was answered. It stays true
// as long as the store keeps the same days of the site.
type keptAnswer struct {
	site, version int64
	text          string
}

// keptAnswers bounds how many are remembered: of 1,500 rows and 80 bytes each at
// most, 15 MB.
const keptAnswers = 128

// keptRows asks a statement about kept days alone, or remembers its answer: they
// are over, and a page that is looked at asks for the same again with each of its
// tabs. n is how many numbers it tells.
func (s *Stats) keptRows(ctx context.Context, p plan, st statement, n int) (rows []keptRow, err error) {
	at := keptAnswer{p.site, p.kept.version, st.text + fmt.Sprint(st.args...)}
	if rows, ok := s.answered.Get(at); ok {
		return rows, nil
	}
	err = s.each(ctx, p.site, st, func(r *sql.Rows) error {
		var row keptRow
		into := []any{&row.bucket, &row.measure}
		if p.runs == nil {
			into = into[1:]
		}
		for i := range n {
			into = append(into, &row.tells[i])
		}
		err := r.Scan(into...)
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	keeper, ok := s.store.(event.DayKeeper)
	if !ok || len(rows) > keptRowsMost {
		return rows, nil
	}
	// What was read is of that version only if it is so still.
	now, err := keeper.Kept(ctx, p.site, p.kept.zone)
	if err == nil && now.Version == p.kept.version {
		s.answered.Add(at, rows)
	}
	return rows, err
}

// keptRowsMost is how many rows an answer may have to be remembered.
const keptRowsMost = 2000
