package job

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the queue's figures by job name.
type metrics struct {
	runs *prometheus.CounterVec
	took *prometheus.GaugeVec
	good *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "moonbear_job_runs_total",
			Help: "Jobs run, by job and result (ok, error)."}, []string{"job", "result"}),
		took: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "moonbear_job_last_duration_seconds",
			Help: "How long a job's last run took."}, []string{"job"}),
		good: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "moonbear_job_last_success_timestamp_seconds",
			Help: "When a job last succeeded, Unix time."}, []string{"job"}),
	}
	if r != nil {
		r.MustRegister(m.runs, m.took, m.good)
	}
	return m
}

func (m *metrics) ran(job string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	} else {
		m.good.WithLabelValues(job).SetToCurrentTime()
	}
	m.runs.WithLabelValues(job, result).Inc()
	m.took.WithLabelValues(job).Set(took.Seconds())
}
