package spool

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	records  prometheus.Counter
	bytes    prometheus.Counter
	refused  prometheus.Counter
	failures prometheus.Counter
	damage   prometheus.Counter
	batch    prometheus.Histogram
	sync     prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, s *Spool) *metrics {
	f := promauto.With(reg) // nil: counted, not registered
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "moonbear", Subsystem: "spool", Name: name, Help: help}
	}
	gauge := func(name, help string, v func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "moonbear", Subsystem: "spool", Name: name, Help: help}, v)
	}
	gauge("bytes", "Bytes of records kept.", func() float64 { return float64(s.Bytes()) })
	gauge("max_bytes", "Bytes of records kept at most; hits are refused beyond.", func() float64 { return float64(s.max) })
	gauge("position", "Position after the last durable record.", func() float64 { return float64(s.Durable()) })
	gauge("failing", "1 while the disk refuses to store.", func() float64 {
		if s.Healthy() != nil {
			return 1
		}
		return 0
	})
	return &metrics{
		records:  f.NewCounter(opts("records_total", "Records made durable.")),
		bytes:    f.NewCounter(opts("written_bytes_total", "Bytes made durable, headers included.")),
		refused:  f.NewCounter(opts("refused_total", "Records refused: full, failed or stopping.")),
		failures: f.NewCounter(opts("write_failures_total", "Writes, fsyncs or file creations that failed.")),
		damage:   f.NewCounter(opts("damaged_bytes_total", "Bytes of damaged records set aside.")),
		batch: f.NewHistogram(prometheus.HistogramOpts{Namespace: "moonbear", Subsystem: "spool", Name: "batch_records",
			Help: "Records made durable by one fsync.", Buckets: prometheus.ExponentialBuckets(1, 2, 12)}),
		sync: f.NewHistogram(prometheus.HistogramOpts{Namespace: "moonbear", Subsystem: "spool", Name: "fsync_seconds",
			Help: "Time of one write and fsync.", Buckets: prometheus.ExponentialBuckets(50e-6, 2, 16)}),
	}
}
