package figures

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// Replicas are the figures of hits taken by several servers of one service.
type Replicas struct {
	When    time.Time `json:"when"`
	CPUs    int       `json:"cpus"`
	Engine  string    `json:"engine"`  // the event store's version
	Seconds int       `json:"seconds"` // of load in each round
	Cases   []*Case   `json:"cases"`
}

// Case is a number of replicas under a load: what each round took. Costs are
// microseconds of processor time for each acknowledged hit.
type Case struct {
	Replicas  int       `json:"replicas"`
	Rate      float64   `json:"rate"` // hits a second, of all replicas together
	Server    []float64 `json:"server_us"`
	Engine    []float64 `json:"engine_us"`
	Redis     []float64 `json:"redis_us"`
	Postgres  []float64 `json:"postgres_us"`
	P99       []float64 `json:"p99_ms"`
	PerSecond []float64 `json:"per_second"` // acknowledged

	Commands     []float64 `json:"redis_commands"`        // for each hit
	Transactions []float64 `json:"postgres_transactions"` // a second
	Inserts      []float64 `json:"inserts"`               // a second, into the event store
	Batches      []float64 `json:"batches"`               // a second, that they were
	Written      []float64 `json:"spool_bytes"`           // for each hit
	Syncs        []float64 `json:"fsyncs"`                // of spools a second
}

// Find is the figures of so many replicas under such a load; nil: there are none.
func (r *Replicas) Find(replicas int, rate float64) *Case {
	for _, c := range r.Cases {
		if c.Replicas == replicas && c.Rate == rate {
			return c
		}
	}
	return nil
}

const replicasName = "replicas.json"

// Keep writes the figures into a directory.
func (r *Replicas) Keep(dir string) error {
	r.When, r.CPUs = time.Now().UTC().Truncate(time.Second), runtime.NumCPU()
	return keep(filepath.Join(dir, replicasName), r)
}

// ReadReplicas are those that were kept; nil: none were.
func ReadReplicas(dir string) (*Replicas, error) {
	r := &Replicas{}
	err := read(filepath.Join(dir, replicasName), r)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return r, err
}

// Median is the middle of several; of an even number the upper one. There is at
// least one.
func Median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// Collecting are the figures of one server on its own stores taking hits.
type Collecting struct {
	When      time.Time `json:"when"`
	CPUs      int       `json:"cpus"`
	PerSecond float64   `json:"per_second"`  // as fast as it answers
	HalfCPU   float64   `json:"half_cpu_us"` // for each hit at half of that rate, µs
}

const collectingName = "collecting.json"

// Keep writes the figures into a directory.
func (c *Collecting) Keep(dir string) error {
	c.When, c.CPUs = time.Now().UTC().Truncate(time.Second), runtime.NumCPU()
	return keep(filepath.Join(dir, collectingName), c)
}

// ReadCollecting are those that were kept; nil: none were.
func ReadCollecting(dir string) (*Collecting, error) {
	c := &Collecting{}
	err := read(filepath.Join(dir, collectingName), c)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return c, err
}
