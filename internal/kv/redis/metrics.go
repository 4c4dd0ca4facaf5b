package redis

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	up       prometheus.Gauge
	byMemory *prometheus.CounterVec
	pushed   *prometheus.CounterVec
	splits   prometheus.Counter
	join     prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "moonbear_redis_up",
			Help: "1 while Redis answers in time, 0 while this process's memory answers instead.",
		}),
		byMemory: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "moonbear_redis_answered_by_memory_total",
			Help: "Questions to Redis that this process's memory answered, because Redis was away or slow.",
		}, []string{"what"}),
		pushed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "moonbear_redis_pushed_total",
			Help: "What memory learned while Redis was away, or Redis lost, and was told afterwards.",
		}, []string{"what"}),
		splits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "moonbear_visits_split_total",
			Help: "Visits that went on twice, because the visitor changed replica while Redis was away.",
		}),
		join: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "moonbear_redis_join_seconds",
			Help:    "Time from asking Redis to join a visit to its answer, or to giving up.",
			Buckets: []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05},
		}),
	}
	for _, what := range []string{"visits", "keys", "limits", "salts", "changes"} {
		m.byMemory.WithLabelValues(what)
	}
	for _, what := range []string{"visits", "keys"} {
		m.pushed.WithLabelValues(what)
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.up, m.byMemory, m.pushed, m.splits, m.join} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register redis metrics: %w", err)
		}
	}
	return m, nil
}
