package handover

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct{ segments, bytes, records prometheus.Counter }

func newMetrics(reg prometheus.Registerer, a *Adopter) *metrics {
	f := promauto.With(reg) // nil: counted, not registered
	gauge := func(name, help string, v func() int64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "moonbear", Subsystem: "handover", Name: name, Help: help}, func() float64 { return float64(v()) })
	}
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: "moonbear", Subsystem: "handover", Name: name, Help: help})
	}
	sum := func(of func(HandOver) int64) func() int64 {
		return func() (n int64) {
			for _, h := range a.Waiting() {
				n += of(h)
			}
			return n
		}
	}
	gauge("waiting", "Hand-overs that wait in shared storage to be adopted, as this process saw them last.", func() int64 { return int64(len(a.Waiting())) })
	gauge("waiting_segments", "Spool segments in them.", sum(func(h HandOver) int64 { return int64(len(h.Segments)) }))
	gauge("waiting_bytes", "Bytes in them.", sum(HandOver.Bytes))
	gauge("waiting_records", "Records in them.", sum(HandOver.Records))
	gauge("waiting_seconds", "How long the oldest of them has been durable.", func() int64 { return int64(a.Behind().Seconds()) })
	gauge("refused", "Hand-overs that are damaged: they are kept, and not counted.", func() int64 { return int64(len(a.Refused())) })
	return &metrics{
		segments: counter("adopted_segments_total", "Spool segments that this process adopted."),
		bytes:    counter("adopted_bytes_total", "Bytes that this process adopted."),
		records:  counter("adopted_records_total", "Records that this process adopted."),
	}
}

func (m *metrics) adopted(segments int, bytes, records int64) {
	m.segments.Add(float64(segments))
	m.bytes.Add(float64(bytes))
	m.records.Add(float64(records))
}
