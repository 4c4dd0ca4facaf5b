package clickhouse

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	rows    prometheus.Counter
	appends prometheus.Histogram
	doubts  prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_store_appended_rows_total", Help: "Events stored."}),
		appends: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "moonbear_store_append_seconds", Help: "Time to store a batch, commit included.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}),
		doubts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_store_doubts_total", Help: "Batches whose rows had to be counted, as it wasn't known whether they were stored."}),
	}
	if r != nil {
		r.MustRegister(m.rows, m.appends, m.doubts)
	}
	return m
}

func (m *metrics) appended(rows int, took time.Duration) {
	m.rows.Add(float64(rows))
	m.appends.Observe(took.Seconds())
}
