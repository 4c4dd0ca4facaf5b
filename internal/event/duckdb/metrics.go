package duckdb

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	rows              prometheus.Counter
	appends           prometheus.Histogram
	compacts          *prometheus.HistogramVec
	postponed         prometheus.Counter
	checkpointsFailed prometheus.Counter
	keeps             prometheus.Histogram
	takenBack         prometheus.Counter
	keptDays          prometheus.GaugeFunc
	keptBytes         prometheus.GaugeFunc
	fileBytes         prometheus.GaugeFunc
	diskFree          prometheus.GaugeFunc
	running, waiting  prometheus.GaugeFunc
	waits             prometheus.Histogram
	left, alone       prometheus.Counter
	collectors        []prometheus.Collector
}

func newMetrics(r prometheus.Registerer, s *Store) *metrics {
	m := &metrics{
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_store_appended_rows_total", Help: "Events stored."}),
		appends: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "moonbear_store_append_seconds", Help: "Time to store a batch, commit included.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}),
		compacts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "moonbear_store_compact_seconds", Help: "Time of the steps of compaction.",
			Buckets: []float64{.01, .1, .5, 1, 5, 15, 60, 300, 900, 3600}}, []string{"step"}),
		postponed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_store_compactions_postponed_total", Help: "Compactions not begun because too little disk was free."}),
		checkpointsFailed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_store_checkpoints_failed_total", Help: "Checkpoints that failed, for want of disk or memory."}),
		keeps: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "moonbear_store_keep_days_seconds", Help: "Time to count whole days and to write them into a file.",
			Buckets: []float64{.01, .1, .5, 1, 5, 15, 60, 300}}),
		takenBack: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_store_kept_days_taken_back_total", Help: "Kept days that late events, imports or deletions made untrue."}),
		keptDays: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "moonbear_store_kept_days", Help: "Days of sites whose answers are kept."},
			func() float64 { return float64(s.keptDays()) }),
		keptBytes: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "moonbear_store_kept_days_bytes", Help: "Size of the files of kept days."},
			func() float64 { return float64(filesBytes(s.o.Path, daysSuffix)) }),
		fileBytes: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "moonbear_store_file_bytes", Help: "Size of the event store's files."},
			func() float64 { return float64(filesBytes(s.o.Path, "")) }),
		diskFree: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "moonbear_store_disk_free_bytes", Help: "Free space on the event store's disk."},
			func() float64 {
				n, err := diskFree(s.o.Path)
				if err != nil {
					return -1
				}
				return float64(n)
			}),
	}
	m.running = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "moonbear_store_queries_running", Help: "Queries that DuckDB is answering."},
		func() float64 { n, _ := s.queue.counts(); return float64(n) })
	m.waiting = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "moonbear_store_queries_waiting", Help: "Queries that wait for their turn."},
		func() float64 { _, n := s.queue.counts(); return float64(n) })
	m.left = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "moonbear_store_queries_left_total", Help: "Queries ended because nobody wanted the answer any more, or it took too long."})
	m.alone = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "moonbear_store_queries_alone_total", Help: "Queries that found no memory beside others and were run again without them."})
	m.waits = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "moonbear_store_query_wait_seconds", Help: "How long queries waited for their turn.",
		Buckets: []float64{.001, .01, .05, .25, 1, 5, 30}})
	m.collectors = []prometheus.Collector{m.rows, m.appends, m.compacts, m.postponed, m.checkpointsFailed,
		m.keeps, m.takenBack, m.keptDays, m.keptBytes, m.fileBytes, m.diskFree, m.running, m.waiting, m.waits, m.left, m.alone}
	if r != nil {
		for _, c := range m.collectors {
			r.MustRegister(c)
		}
	}
	return m
}

func (m *metrics) appended(rows int, took time.Duration) {
	m.rows.Add(float64(rows))
	m.appends.Observe(took.Seconds())
}

// diskFree is what an unprivileged process may still write, in bytes.
func diskFree(path string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// filesBytes is the size of the files below a directory whose names end so.
func filesBytes(path, suffix string) int64 {
	var n int64
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(d.Name(), suffix) {
			return nil // gone meanwhile: nothing to count
		}
		if i, err := d.Info(); err == nil {
			n += i.Size()
		}
		return nil
	})
	return n
}
