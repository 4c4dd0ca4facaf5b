// Package figures are what benchmarks measured: kept as JSON beside their data,
// held against what is promised, written into documents.
package figures

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// Size are the figures of one number of events in one event store. Times are
// milliseconds, but where a name in JSON ends in _s or _us.
type Size struct {
	Store  string    `json:"store,omitempty"` // "" is the embedded one
	Events int64     `json:"events"`
	Sites  int       `json:"sites"`
	When   time.Time `json:"when"`
	CPUs   int       `json:"cpus"`
	Memory string    `json:"events_memory"`

	LoadPerSecond float64 `json:"load_per_second"`
	Compacted     float64 `json:"compacted_s"`
	Kept          float64 `json:"kept_s"`
	Bytes         float64 `json:"bytes_per_event"`      // of all files of the event store
	KeptBytes     float64 `json:"kept_bytes_per_event"` // of those, what is kept of whole days

	Ready       float64 `json:"ready_s"` // the slowest start, files out of the page cache
	ReadyKilled float64 `json:"ready_killed_s"`
	PageKilled  float64 `json:"page_killed_s"` // and a dashboard answered
	Idle        int64   `json:"idle_bytes"`
	Peak        int64   `json:"peak_bytes"`
	Unanswered  int64   `json:"unanswered"`   // of the heaviest questions
	Rested      int64   `json:"rested_bytes"` // a while after the heaviest questions

	Cold     []float64        `json:"cold"` // the whole dashboard of the biggest site
	Big      Asked            `json:"big"`
	Small    Asked            `json:"small,omitempty"`
	Filtered map[string]Asked `json:"filtered"`

	Engine *Engine `json:"engine,omitempty"` // nil: the server is its own event store
}

// Engine is what an event store beside the server took.
type Engine struct {
	Version string  `json:"version"`
	LoadCPU float64 `json:"load_cpu_us"`  // an event's processor time, until all was merged
	Merged  float64 `json:"merged_s"`     // from the last event on, until nothing was merged any more
	Parts   int64   `json:"parts"`        // of the events, then
	Loaded  int64   `json:"loaded_bytes"` // memory at most while it was loaded
	Peak    int64   `json:"peak_bytes"`   // and while it was asked
}

// Asked are questions by name.
type Asked map[string]Took

// BigShare is how much of a size's events the biggest of several sites has.
const BigShare = 0.5

// Dashboard is the question for the whole page.
const Dashboard = "dashboard"

// Took is how long one question took, asked over and over.
type Took struct {
	Name       string  `json:"-"`
	N          int     `json:"n"`
	P50        float64 `json:"p50"`
	P95        float64 `json:"p95"`
	Max        float64 `json:"max"`
	CPU        float64 `json:"cpu"`                  // processor time of the server, the mean
	Engine     float64 `json:"engine_cpu,omitempty"` // of the event store beside it
	Unanswered int     `json:"unanswered,omitempty"` // how often it was given up
}

// Milliseconds rounds to a hundredth.
func Milliseconds(d time.Duration) float64 { return math.Round(float64(d.Microseconds())/10) / 100 }

// Summarize makes one figure of many; cpu and engine are of all together.
func Summarize(name string, all []time.Duration, cpu, engine time.Duration) Took {
	all = slices.Sorted(slices.Values(all))
	n := time.Duration(max(1, len(all)))
	return Took{Name: name, N: len(all), P50: Milliseconds(percentile(all, 50)), P95: Milliseconds(percentile(all, 95)), Max: Milliseconds(percentile(all, 100)),
		CPU: Milliseconds(cpu / n), Engine: Milliseconds(engine / n)}
}

// percentile is by nearest rank: of twenty, the 95th is the nineteenth.
func percentile[T any](sorted []T, p float64) (v T) {
	if len(sorted) == 0 {
		return v
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Worst is the panel with the highest p95: the whole dashboard is none.
func (a Asked) Worst() (w Took) {
	for name, t := range a {
		if name != Dashboard && (t.P95 > w.P95 || w.Name == "") {
			w, w.Name = t, name
		}
	}
	return w
}

// Slowest is the longest that any panel ever took.
func (a Asked) Slowest() (w Took) {
	for name, t := range a {
		if name != Dashboard && t.Max > w.Max {
			w, w.Name = t, name
		}
	}
	return w
}

// Unanswered is how often any question found no answer.
func (a Asked) Unanswered() (n int) {
	for _, t := range a {
		n += t.Unanswered
	}
	return n
}

// sizeSuffix names the files that sizes are kept in, beside the data.
const sizeSuffix = ".measured.json"

// Keep writes the figures of a size beside its data; name is its directory's.
func (f *Size) Keep(dir, name string) error {
	f.When, f.CPUs = time.Now().UTC().Truncate(time.Second), runtime.NumCPU()
	return keep(filepath.Join(dir, name+sizeSuffix), f)
}

func keep(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}

// Sizes are all that were kept of one store, fewest events first.
func Sizes(dir, store string) (all []*Size, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+sizeSuffix))
	for _, name := range names {
		f := &Size{}
		err = errors.Join(err, read(name, f))
		if f.Store == store {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b *Size) int { return int(a.Events - b.Events) })
	return all, err
}

func read(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// MeanCPU is the processor time that a panel took on average, ms: the server's,
// and that of the event store beside it.
func (a Asked) MeanCPU() (server, engine float64) {
	n := 0.0
	for name, t := range a {
		if name != Dashboard {
			server, engine, n = server+t.CPU, engine+t.Engine, n+1
		}
	}
	return server / max(n, 1), engine / max(n, 1)
}
