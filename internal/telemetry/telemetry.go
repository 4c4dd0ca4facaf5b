// Package telemetry is how the operator sees inside: the log and the metrics.
//
// Logs are facts as attributes. Nothing personal may be among them, so the
// handler drops the attributes that are personal by name as a second fence
// behind reviews: an address or a token in a log line is a bug that this keeps
// from becoming a leak.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// personal names attributes that never reach a log.
var personal = map[string]bool{
	"ip": true, "remote_addr": true, "email": true, "user_agent": true, "ua": true,
	"token": true, "password": true, "cookie": true, "authorization": true, "secret": true,
}

// NewLog returns a logger that writes to w at a level ("debug", "info",
// "warn", "error"): text for people, JSON when json is set.
func NewLog(w io.Writer, level string, json bool) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("%q is not a log level: use debug, info, warn or error", level)
	}
	o := &slog.HandlerOptions{Level: l, ReplaceAttr: plain}
	if json {
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return slog.New(slog.NewTextHandler(w, o)), nil
}

// plain hides what is personal, and writes durations as people do ("1.5s"; as
// JSON they would be nanoseconds without a unit).
func plain(_ []string, a slog.Attr) slog.Attr {
	switch {
	case personal[strings.ToLower(a.Key)]:
		return slog.String(a.Key, "(hidden)")
	case a.Value.Kind() == slog.KindDuration:
		return slog.String(a.Key, a.Value.Duration().String())
	}
	return a
}

// NewMetrics returns a registry that already has the process's own figures.
func NewMetrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Handler serves a registry in Prometheus's text format.
func Handler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
