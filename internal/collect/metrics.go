package collect

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics has no label of a site: there may be a hundred thousand.
type metrics struct {
	hits    *prometheus.CounterVec
	stored  prometheus.Counter
	refused prometheus.Counter // dropped
	drops   map[*drop]prometheus.Counter
	seconds map[string]prometheus.Observer
}

// The routes, as metrics name them.
const (
	routeEvent     = "event"
	routePlausible = "api_event"
	routeBatch     = "v1_events"
)

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	hits := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "moonbear_hits_total",
		Help: "Hits by outcome: stored, dropped (and still answered 202), or the status they were refused with.",
	}, []string{"outcome"})
	drops := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "moonbear_hits_dropped_total",
		Help: "Dropped hits by reason.",
	}, []string{"reason"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "moonbear_collect_request_seconds",
		Help:    "Time from reading a hit to its answer, the wait for the disk included.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .02, .05, .1, .25, 1, 5},
	}, []string{"route"})
	if r != nil {
		for _, c := range []prometheus.Collector{hits, drops, seconds} {
			if err := r.Register(c); err != nil {
				return nil, fmt.Errorf("register collect metrics: %w", err)
			}
		}
	}
	m := &metrics{
		hits: hits, stored: hits.WithLabelValues("stored"), refused: hits.WithLabelValues("dropped"),
		drops: map[*drop]prometheus.Counter{}, seconds: map[string]prometheus.Observer{},
	}
	for _, d := range dropReasons {
		m.drops[d] = drops.WithLabelValues(d.reason)
	}
	for _, route := range []string{routeEvent, routePlausible, routeBatch} {
		m.seconds[route] = seconds.WithLabelValues(route)
	}
	return m, nil
}

func (m *metrics) dropped(d *drop) { m.drops[d].Inc() }

// answered counts what became of a hit that was not stored.
func (m *metrics) answered(status int) {
	if status == http.StatusAccepted {
		m.refused.Inc()
		return
	}
	m.hits.WithLabelValues(strconv.Itoa(status)).Inc()
}

func (m *metrics) took(route string, d time.Duration) { m.seconds[route].Observe(d.Seconds()) }
