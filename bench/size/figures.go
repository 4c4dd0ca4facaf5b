package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// figures are what was measured of one size; they are kept as JSON. Times are
// milliseconds, but where a name ends in _s.
type figures struct {
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
	Big      asked            `json:"big"`
	Small    asked            `json:"small,omitempty"`
	Filtered map[string]asked `json:"filtered"`
}

// asked are questions by name.
type asked map[string]took

// took is how long one question took, asked over and over.
type took struct {
	Name string  `json:"-"`
	N    int     `json:"n"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	Max  float64 `json:"max"`
	CPU  float64 `json:"cpu"` // processor time of the server, the mean
}

func ms(d time.Duration) float64 { return math.Round(float64(d.Microseconds())/10) / 100 }

func summarize(name string, all []time.Duration, cpu time.Duration) took {
	all = slices.Sorted(slices.Values(all))
	return took{Name: name, N: len(all), P50: ms(percentile(all, 50)), P95: ms(percentile(all, 95)), Max: ms(percentile(all, 100)),
		CPU: ms(cpu / time.Duration(max(1, len(all))))}
}

// percentile is by nearest rank: of twenty, the 95th is the nineteenth.
func percentile[T any](sorted []T, p float64) (v T) {
	if len(sorted) == 0 {
		return v
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// worst is the panel with the highest p95: the whole dashboard is none.
func (a asked) worst() (w took) {
	for name, t := range a {
		if name != dashboard && (t.P95 > w.P95 || w.Name == "") {
			w, w.Name = t, name
		}
	}
	return w
}

// slowest is the longest that any panel ever took.
func (a asked) slowest() (w took) {
	for name, t := range a {
		if name != dashboard && t.Max > w.Max {
			w, w.Name = t, name
		}
	}
	return w
}

// disk measures the event store's files.
func (f *figures) disk(d *dataset) error {
	var all, kept int64
	err := filepath.WalkDir(filepath.Join(d.dir, "events.duckdb"), func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		all += info.Size()
		if strings.Contains(e.Name(), "days") {
			kept += info.Size()
		}
		return nil
	})
	f.Bytes, f.KeptBytes = float64(all)/float64(d.Stored), float64(kept)/float64(d.Stored)
	say("%.1f bytes an event on disk, %.1f of them kept days", f.Bytes, f.KeptBytes)
	return err
}

// measuredSuffix names the files that figures are kept in, beside the data.
const measuredSuffix = ".measured.json"

func (f *figures) save(o options, s size) error {
	f.When, f.CPUs = time.Now().UTC().Truncate(time.Second), runtime.NumCPU()
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.data, s.name()+measuredSuffix), append(b, '\n'), 0o644)
}

// measured are all figures that were kept, fewest events first.
func measured(o options) (all []*figures, err error) {
	names, err := filepath.Glob(filepath.Join(o.data, "*"+measuredSuffix))
	for _, name := range names {
		b, e := os.ReadFile(name)
		f := &figures{}
		if e == nil {
			e = json.Unmarshal(b, f)
		}
		err = errors.Join(err, e)
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *figures) int { return int(a.Events - b.Events) })
	return all, err
}
