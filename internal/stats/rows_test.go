package stats_test

import (
	"fmt"
	"testing"
	"time"

	"moonbear/internal/event"
	. "moonbear/internal/event/eventtest"
	"moonbear/internal/stats"
)

// TestThousandsOfRows: a file of all rows is compared, and has its foreign
// money, as a page of ten is.
func TestThousandsOfRows(t *testing.T) {
	var visits [][]event.Event
	for i := range 1500 {
		path := fmt.Sprintf("/p/%d", i)
		at := Start.Add(-time.Duration(i%3) * 20 * time.Hour)
		visits = append(visits, Visit(At(at), View(path), Paid("buy", int64(i), []string{"EUR", "USD"}[i%2])))
		if i%2 == 0 {
			visits = append(visits, Visit(At(Start.Add(-30*time.Hour)), View(path)))
		}
	}
	q := stats.Query{Site: siteIn(t, "UTC"), Period: stats.Period{Name: "24h"}, Compare: stats.PreviousPeriod}
	for _, size := range []int{250, 251, stats.MaxPageSize} {
		q := q.By(stats.Path, size, stats.Visitors, stats.Revenue, stats.BounceRate)
		if r := ask(t, Events(visits...), Start.Add(time.Hour), q); len(r.Rows) != min(size, 1000) || r.Count != 1000 {
			t.Errorf("%d rows of %d, want %d of the 1,000 pages of the last day", len(r.Rows), r.Count, min(size, 1000))
		}
	}
}
