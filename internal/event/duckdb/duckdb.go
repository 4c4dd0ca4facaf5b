// Package duckdb keeps events in DuckDB, embedded in the process.
//
// Append → one transaction (rows + the spool's position) into the hot file →
// Compact, nightly → sorted, read-only segment files → Select over the view
// `events`, which is both. KeepDays counts whole days of the segments into
// read-only files of their own, the views `day_counts` and `day_values`.
package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/event"
)

// ErrOverlap is Append's answer to a batch that begins before what is stored
// of its spool and ends after it: nothing was added. Read again from Loaded.
var ErrOverlap = errors.New("batch overlaps what is stored")

// ErrClosed is every method's answer after Close.
var ErrClosed = errors.New("event store is closed")

// Options are what Open needs. Only Path is required.
type Options struct {
	Path    string // the directory of the store's files; made when absent
	Memory  int64  // bytes DuckDB may use; 0: DefaultMemory()
	Threads int    // 0: the number of CPUs
	// TempDir takes, in a directory tmp-events, what does not fit into Memory;
	// "": Path.
	TempDir string
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
	// Sorted is how many new events Compact sorts at least; 0: minSegment.
	Sorted int64
	// Patient lets every append wait while much that is new is being sorted, not
	// only those of imports: nothing that visitors wait for is appended.
	Patient bool

	// What tests set.
	minSegment   int64
	partRows     int64
	step         func(name string)
	doubt        func(name string) error // an error of a step that was done all the same
	diskFree     func(path string) (int64, error)
	exec         func(query string) error // instead of the writer's, for checkpoints
	noBitpacking bool
	keepFor      time.Duration
	tendAt       int64

	versions *atomic.Int64 // the store's, for event.Kept
	unsorted *atomic.Int64 // the store's
}

// Store is an event.Store over DuckDB. One process opens a Path at a time. Its
// methods may be called at the same time by any number of goroutines; appends
// wait for each other, selects while as many run as there are threads.
type Store struct {
	o       Options
	metrics *metrics

	// life is held for reading by whatever uses the engine, for writing by
	// what replaces it.
	life   sync.RWMutex
	engine *engine // nil when closed or broken
	closed bool
	linger []*engine // closed, but rows of theirs are still open

	queue    *queue // of queries
	tender   *tender
	unsorted *atomic.Int64 // events in the hot file; deleted ones may still be counted

	// The locks below are taken in this order, and before life.
	tending     sync.Mutex   // one Compact at a time
	writing     sync.Mutex   // one Append at a time
	checkpoints checkpoints  // under writing
	changing    sync.Mutex   // one change of tables, segments and tombstones at a time
	buried      []tombstone  // deletions since the segment being built was begun; under changing
	lastSegment int64        // the highest number given; under changing
	unpacked    atomic.Bool  // DuckDB failed to pack something: no more bitpacking
	lastDays    int64        // as lastSegment, of files of kept days; under tending
	keeping     bool         // days are being counted; under changing
	touched     []touch      // what changed since that began, by site; under changing
	retired     []retiree    // out of the view, not yet closed; under tending
	room        sync.RWMutex // held for reading by queries, for writing by one that needs all memory; after planning
	planning    sync.RWMutex // held for reading by queries, for writing to close a segment
}

var _ event.Store = (*Store)(nil)

// Open opens the store in o.Path, or makes one, and brings its schema up to
// date. It is ready within a second, whatever its size, unless the process was
// killed: then it first replays at most walLimit of the write-ahead log.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Path == "" {
		return nil, errors.New("event store has no path")
	}
	if o.Memory <= 0 {
		o.Memory = DefaultMemory()
	}
	if o.Threads <= 0 {
		o.Threads = runtime.NumCPU()
	}
	if o.TempDir == "" {
		o.TempDir = o.Path
	}
	o.TempDir = filepath.Join(o.TempDir, "tmp-events")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.minSegment == 0 {
		o.minSegment = o.Sorted
	}
	if o.minSegment == 0 {
		o.minSegment = minSegment
	}
	if o.diskFree == nil {
		o.diskFree = diskFree
	}
	if o.keepFor == 0 {
		o.keepFor = keepFor
	}
	if o.tendAt == 0 {
		o.tendAt = tendEvents
	}
	o.versions, o.unsorted = new(atomic.Int64), new(atomic.Int64)
	if err := os.MkdirAll(o.Path, 0o750); err != nil {
		return nil, fmt.Errorf("make the event store's directory: %w", err)
	}
	s := &Store{o: o, queue: newQueue(max(2, o.Threads)), unsorted: o.unsorted}
	s.metrics = newMetrics(o.Metrics, s)
	e, err := openEngine(ctx, o)
	if err != nil {
		return nil, err
	}
	s.engine = e
	s.startTending()
	return s, nil
}

func (s *Store) options() Options {
	o := s.o
	o.noBitpacking = s.unpacked.Load()
	return o
}

// Dialect is event.DuckDB.
func (s *Store) Dialect() event.Dialect { return event.DuckDB }

// Close writes a checkpoint, so that the next Open has nothing to replay, and
// closes the files. One that fails is no error: the log is replayed then. Rows not yet closed keep them open for up to ten seconds.
func (s *Store) Close() error {
	s.tender.end()
	s.tending.Lock()
	defer s.tending.Unlock()
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.engine == nil {
		return nil
	}
	e := s.engine
	s.engine = nil
	if err := e.checkpoint(context.Background()); err != nil {
		s.o.Log.Warn("the event store stops without a checkpoint; the next start replays its log", "error", err)
	}
	return e.close()
}

// Select runs a query on the tables of event.Store, or on keys (site_id, ts,
// key, body). The result is complete in memory when Select returns.
func (s *Store) Select(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	var rows *sql.Rows
	err := s.reading(ctx, func(e *engine) (err error) {
		rows, err = e.db.QueryContext(ctx, query, args...)
		return err
	})
	return rows, err
}

// Loaded is the position up to which everything of a spool is stored; 0 for a
// spool never seen.
func (s *Store) Loaded(ctx context.Context, spool string) (int64, error) {
	var pos int64
	err := s.use(ctx, func(e *engine) error {
		return e.db.QueryRowContext(ctx, "select coalesce(max(pos), 0) from positions where spool = ?", spool).Scan(&pos)
	})
	if err != nil {
		return 0, fmt.Errorf("read position of spool %s: %w", spool, err)
	}
	return pos, nil
}

// use calls f with the open engine. An engine that f's error shows to be dead
// is closed and the next use opens another.
func (s *Store) use(ctx context.Context, f func(*engine) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.life.RLock()
	if s.engine == nil {
		s.life.RUnlock()
		if err := s.reopen(ctx); err != nil {
			return err
		}
		s.life.RLock()
		if s.engine == nil {
			s.life.RUnlock()
			return ErrClosed
		}
	}
	e := s.engine
	err := f(e)
	s.life.RUnlock()
	if fatal(err) {
		s.discard(e, err)
	}
	return err
}

// reopen opens an engine where none is.
func (s *Store) reopen(ctx context.Context) error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.engine != nil {
		return nil
	}
	for len(s.linger) > 0 {
		// The driver would hand out the old instance again.
		if !s.linger[0].gone() {
			return errRowsOpen
		}
		s.linger = s.linger[1:]
	}
	e, err := openEngine(ctx, s.options())
	if err != nil {
		return err
	}
	s.o.Log.InfoContext(ctx, "event store reopened")
	s.engine = e
	return nil
}

// discard closes a dead engine.
func (s *Store) discard(e *engine, cause error) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.engine != e {
		return
	}
	s.engine = nil
	s.o.Log.Error("event store closed after a fatal error, to be opened again", "cause", cause.Error())
	if strings.Contains(cause.Error(), "itpacking") {
		s.unpacked.Store(true) // see compactUnit
	}
	if err := e.close(); err != nil {
		s.linger = append(s.linger, e)
		s.o.Log.Error("event store not closed cleanly", "error", err.Error())
	}
}

// errUnsure wraps an error after which what DuckDB holds in memory may differ
// from what is on disk.
type errUnsure struct{ error }

func (e errUnsure) Unwrap() error { return e.error }

// fatal says that DuckDB refuses all further work until it is reopened, or
// that it should be. The driver keeps no error class for the first, so the
// words DuckDB uses decide.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	if errors.As(err, new(errUnsure)) {
		return true
	}
	m := err.Error()
	return strings.Contains(m, "FATAL") || strings.Contains(m, "INTERNAL Error") || strings.Contains(m, "database has been invalidated")
}

// Directory is where the store's files are.
func (s *Store) Directory() string { return s.o.Path }
