package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	driver "github.com/duckdb/duckdb-go/v2"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// BenchmarkAppend tells how many rows a second one writer stores, commits and
// checkpoints included, and how many bytes of file an event takes unsorted.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1000, 5000, 20_000, 50_000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s := openAt(b, b.TempDir(), nil)
			defer s.Close()
			g := &eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 9, 2: 1}}
			ring := make([][]event.Event, 4)
			for i := range ring {
				ring[i] = g.Next(size)
			}
			pos, cpu := int64(0), cpuTime()
			for i := 0; b.Loop(); i++ {
				eventtest.Append(b, s, eventtest.Batch("a", pos, ring[i%len(ring)]))
				pos += int64(size)
			}
			b.ReportMetric(float64(pos)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1000/float64(pos), "µs-cpu/row")
			b.StopTimer()
			if err := s.Compact(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(filesBytes(s.o.Path, ""))/float64(pos), "B/event")
		})
	}
}

// BenchmarkAppendRow is what BenchmarkAppend is measured against: the driver's
// own appender.
func BenchmarkAppendRow(b *testing.B) {
	const size = 5000
	c, err := driver.NewConnector(filepath.Join(b.TempDir(), "x.duckdb"), nil)
	if err != nil {
		b.Fatal(err)
	}
	db := sql.OpenDB(c)
	defer db.Close()
	if _, err := migrate(context.Background(), db); err != nil {
		b.Fatal(err)
	}
	g := &eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 9, 2: 1}}
	es := g.Next(size)
	conn, err := db.Conn(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	n, cpu := 0, cpuTime()
	for b.Loop() {
		err := conn.Raw(func(c any) error {
			a, err := driver.NewAppenderFromConn(c.(sqldriver.Conn), "", "recent_1")
			if err != nil {
				return err
			}
			for i := range es {
				if err := a.AppendRow(boxed(&es[i])...); err != nil {
					return err
				}
			}
			return a.Close()
		})
		if err != nil {
			b.Fatal(err)
		}
		n += size
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1000/float64(n), "µs-cpu/row")
}

// cpuTime is what the process has used: unlike the clock it tells the same on
// a busy machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func msTime(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func boxed(e *event.Event) []sqldriver.Value {
	var measures [event.MeasureCount]sql.NullInt64
	var props driver.OrderedMap
	for _, p := range e.Props {
		props.Set(p.Key, p.Value)
	}
	var row []sqldriver.Value
	for _, p := range scanTargets(e, &measures, &props) {
		switch p := p.(type) {
		case *int64:
			row = append(row, *p)
		case *int32:
			row = append(row, *p)
		case *string:
			row = append(row, *p)
		case *bool:
			row = append(row, *p)
		case *driver.OrderedMap:
			row = append(row, *p)
		case *sql.NullInt64:
			row = append(row, nil)
		}
	}
	for i, c := range eventColumns {
		if c.kind == timestamp {
			row[i] = msTime(row[i].(int64))
		}
	}
	for i, m := range e.Measures {
		if v, ok := m.Value(); ok {
			row[30+i] = v
		}
	}
	return row
}

// BenchmarkSmallSite asks for a small site's month beside a site a hundred
// times as large, before and after the events are sorted.
func BenchmarkSmallSite(b *testing.B) {
	ctx := context.Background()
	s := openAt(b, b.TempDir(), nil)
	defer s.Close()
	const n = 1_000_000
	g := &eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 100, 2: 1}, Gap: 5 * time.Second}
	for pos := int64(0); pos < n; pos += 50_000 {
		eventtest.Append(b, s, eventtest.Batch("a", pos, g.Next(50_000)))
	}
	if err := s.use(ctx, func(e *engine) error { return e.checkpoint(ctx) }); err != nil {
		b.Fatal(err)
	}
	from := eventtest.Start.AddDate(0, 0, 14)
	ask := func(name string, site int64) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				rows, err := s.Select(ctx, "select path, count(*), count(distinct visit_id) from events where site_id = ? and ts >= ? and ts < ? group by 1 order by 2 desc limit 10", site, from, from.AddDate(0, 0, 30))
				if err != nil {
					b.Fatal(err)
				}
				rows.Close()
			}
			b.ReportMetric(float64(filesBytes(s.o.Path, ""))/n, "B/event")
		})
	}
	ask("small/unsorted", 2)
	ask("big/unsorted", 1)
	start := time.Now()
	if err := s.Compact(ctx); err != nil {
		b.Fatal(err)
	}
	b.Logf("compacted %d events in %v", n, time.Since(start))
	ask("small/sorted", 2)
	ask("big/sorted", 1)
	start = time.Now()
	if err := s.Delete(ctx, event.Selection{Site: 1}); err != nil {
		b.Fatal(err)
	}
	b.Logf("the big site was hidden in %v", time.Since(start))
	start = time.Now()
	if err := s.Compact(ctx); err != nil {
		b.Fatal(err)
	}
	b.Logf("and was off the disk in %v, %d bytes left", time.Since(start), filesBytes(s.o.Path, ""))
}
