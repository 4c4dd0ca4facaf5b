package load

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	rows, took                            prometheus.Histogram
	failures, malformed, damaged, renewed prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, l *Loader) *metrics {
	f := promauto.With(reg) // nil: counted, not registered
	gauge := func(name, help string, v func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "moonbear", Subsystem: "load", Name: name, Help: help}, v)
	}
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: "moonbear", Subsystem: "load", Name: name, Help: help})
	}
	gauge("lag_bytes", "Bytes of durable records the event store does not have yet.", func() float64 {
		bytes, _ := l.Lag()
		return float64(bytes)
	})
	gauge("lag_seconds", "How long the oldest of them has been durable.", func() float64 {
		_, age := l.Lag()
		return age.Seconds()
	})
	return &metrics{
		rows: f.NewHistogram(prometheus.HistogramOpts{Namespace: "moonbear", Subsystem: "load", Name: "batch_rows",
			Help: "Events, drop counts and keys stored by one commit.", Buckets: prometheus.ExponentialBuckets(1, 4, 9)}),
		took: f.NewHistogram(prometheus.HistogramOpts{Namespace: "moonbear", Subsystem: "load", Name: "batch_seconds",
			Help: "Time to store one batch.", Buckets: prometheus.ExponentialBuckets(0.002, 2, 14)}),
		failures:  counter("failures_total", "Attempts that failed and were made again."),
		malformed: counter("malformed_records_total", "Records that could not be decoded and were set aside."),
		damaged:   counter("damaged_bytes_total", "Bytes of the spool that were damaged and set aside."),
		renewed:   counter("renewed_total", "Times the spool was given a new name because the store was ahead of it."),
	}
}
