// Package spool is the durable log a hit is written to before it is
// acknowledged. It knows bytes, not events.
//
// The trip of a record:
//
//	Append  copies it into the pending batch and waits
//	Run     the one writer: takes the whole batch, stamps checksums and
//	        positions, writes once, fdatasyncs once, wakes everyone who waits
//	Read    hands durable records to load, in order
//	Release forgets what load has stored elsewhere; the file is used again
//	Scrub   takes what is stored elsewhere off the disk for good
//
// A position is a byte offset in one endless log, cut into segment files named
// after their first position:
//
//	DIR/id                           who this spool is (JSON)
//	DIR/lock                         held by the process that has it open
//	DIR/00000000000000000000.seg     header, then records
//	DIR/spare                        a file made ready to be the next segment
//	DIR/bad/                         damaged bytes, set aside for a person to see
//
// What holds whatever is killed, unplugged or full, and is tested by cutting
// the power at every single call (powercut_test.go): a record whose Append
// returned nil is read again, once, in order. One whose Append returned an
// error may be read again or not.
package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/fault"
)

// MaxRecord is the largest record Append takes, in bytes: the 4 MiB of the
// largest batch that may come in, and as much again for what collecting adds
// to it (a visit's entry facts on every event).
const MaxRecord = 8 << 20

const (
	// DefaultSegmentBytes is small enough that a full disk still finds room for
	// one and recovery scans the last one in 20 ms, and large enough that at
	// 20,000 hits a second a new one is begun every 3 s only.
	DefaultSegmentBytes = 16 << 20
	// DefaultMaxBytes is about 30 million hits.
	DefaultMaxBytes = 8 << 30

	// pendingLimit bounds the memory of what waits for a slow disk. Beyond it
	// Append waits for the writer to take the batch.
	pendingLimit = 16 << 20
)

// Why Append refuses. A client may try again: all are answered with 503.
var (
	ErrFull error = &fault.Fault{Kind: fault.Unavailable, RetryAfter: 5 * time.Second,
		Message: "The server has no room to store more hits right now. Try again later."}
	ErrFailed error = &fault.Fault{Kind: fault.Unavailable, RetryAfter: 5 * time.Second,
		Message: "The server cannot store hits right now. Try again later."}
	ErrClosed error = &fault.Fault{Kind: fault.Unavailable, RetryAfter: 5 * time.Second,
		Message: "The server is stopping. Try again in a moment."}
	ErrTooLarge error = fault.New(fault.TooLarge, "The message is too large to store.")
)

// ErrReleased is returned by Read for a position that was released.
var ErrReleased = errors.New("position was released")

// Options of a spool. Zero values take the defaults.
type Options struct {
	Dir          string
	MaxBytes     int64 // of records kept; Append answers ErrFull beyond
	SegmentBytes int64 // size of one segment file
	FS           FS    // nil: the real one
	Log          *slog.Logger
	Metrics      prometheus.Registerer // nil: none
}

// Spool is a durable append log. Append, Read, Release and the rest may be
// called from any goroutine; Run is called once.
type Spool struct {
	dir      string
	max      int64
	segBytes int64
	fs       FS
	log      *slog.Logger
	metrics  *metrics
	lock     io.Closer
	opened   int64 // durable position found by Open
	birth    string

	durable  atomic.Int64
	released atomic.Int64 // start of the oldest segment

	// Waiting to be written.
	mu      sync.Mutex
	pending *batch
	kick    chan struct{} // capacity 1: the pending batch is not empty
	stopped bool
	retryAt time.Time // while the disk fails: Append refuses until then
	failure error     // what Append answers until retryAt

	// Segment files, oldest first. Held for writing while the list changes and
	// for reading during a pread, so that no file is reused under a reader.
	files    sync.RWMutex
	segments []segment
	identity identity

	// Held to write to the log: by the writer for each batch, by Scrub between two.
	writing sync.Mutex
	active  *activeSegment // nil: the next batch begins a segment
	backoff time.Duration
	closed  bool

	recycled *batch // the writer's own: the batch written last, its memory to be used again

	releasing sync.Mutex // held from taking segments off the list until they are off the disk
	scrubbing sync.Mutex

	spare    spareSlot
	notifyMu sync.Mutex
	notify   chan struct{} // closed when durable moves; nil when nobody waits
}

// batch is what one write and one fdatasync make durable together.
type batch struct {
	buf     []byte // records with room for their headers
	records int
	taken   chan struct{} // closed when the writer takes it; nil until one waits for room
	done    chan struct{} // closed when err is final
	err     error
}

// Append stores one record and returns after the fdatasync that covers it.
// When it returns nil the record survives anything but the loss of the disk;
// with an error it may or may not be stored. The record is copied.
// Errors: ErrFull, ErrFailed, ErrClosed, ErrTooLarge, or ctx's.
func (s *Spool) Append(ctx context.Context, record []byte) error {
	if len(record) > MaxRecord {
		return ErrTooLarge
	}
	b, err := s.enqueue(ctx, record)
	if err != nil {
		s.metrics.refused.Inc()
		return err
	}
	select {
	case <-b.done:
		if b.err != nil {
			s.metrics.refused.Inc()
		}
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enqueue puts a record in the pending batch and returns that batch.
func (s *Spool) enqueue(ctx context.Context, record []byte) (*batch, error) {
	s.mu.Lock()
	for {
		if err := s.refusal(int64(len(record))); err != nil {
			s.mu.Unlock()
			return nil, err
		}
		b := s.pending
		if b.records == 0 || len(b.buf)+recordHeader+len(record) <= pendingLimit {
			b.buf = appendRecord(b.buf, record)
			b.records++
			first := b.records == 1
			s.mu.Unlock()
			if first {
				select {
				case s.kick <- struct{}{}:
				default: // the writer is on its way
				}
			}
			return b, nil
		}
		if b.taken == nil {
			b.taken = make(chan struct{})
		}
		taken := b.taken
		s.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		s.mu.Lock()
	}
}

// refusal says why a record of n bytes is not taken. s.mu is held.
func (s *Spool) refusal(n int64) error {
	if s.stopped {
		return ErrClosed
	}
	if s.failure != nil {
		if time.Now().Before(s.retryAt) {
			return s.failure
		}
		s.failure = nil // this one tries the disk again
	}
	if s.durable.Load()-s.released.Load()+int64(len(s.pending.buf))+recordHeader+n > s.max {
		return ErrFull
	}
	return nil
}

// ID names the log for whoever remembers positions in it.
func (s *Spool) ID() string {
	s.files.RLock()
	defer s.files.RUnlock()
	return s.identity.Name
}

// Durable is the position after the last durable record.
func (s *Spool) Durable() int64 { return s.durable.Load() }

// Opened is what Durable was when the spool was opened: what was recovered.
func (s *Spool) Opened() int64 { return s.opened }

// Oldest is the first position that can be read.
func (s *Spool) Oldest() int64 { return s.released.Load() }

// Begin is the first position its ID is good for: 0, or where Renew began anew.
func (s *Spool) Begin() int64 {
	s.files.RLock()
	defer s.files.RUnlock()
	return s.identity.From
}

// Bytes is the size of the records kept.
func (s *Spool) Bytes() int64 { return s.durable.Load() - s.released.Load() }

// Healthy returns nil, or why Append refuses at the moment.
func (s *Spool) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	return s.refusal(1 << 10) // as large a record as comes every day
}

// Crowded says that the records kept take up more than half of MaxBytes, or that
// the disk is full: what is stored elsewhere had better be released.
func (s *Spool) Crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Bytes() > s.max/2 || errors.Is(s.failure, ErrFull)
}

// WaitDurable blocks until Durable is greater than past, or ctx ends.
func (s *Spool) WaitDurable(ctx context.Context, past int64) error {
	for s.durable.Load() <= past {
		s.notifyMu.Lock()
		if s.notify == nil {
			s.notify = make(chan struct{})
		}
		ch := s.notify
		s.notifyMu.Unlock()
		if s.durable.Load() > past { // it moved before we listened
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// advance publishes a new durable position.
func (s *Spool) advance(to int64) {
	s.durable.Store(to)
	s.notifyMu.Lock()
	if s.notify != nil {
		close(s.notify)
		s.notify = nil
	}
	s.notifyMu.Unlock()
}

// Close releases the directory. Call it after Run has returned.
func (s *Spool) Close() error {
	s.mu.Lock()
	s.stopped = true
	left := s.pending.records
	if left > 0 { // Run never ran, or never took it: those who wait must know
		s.pending.err = ErrClosed
		close(s.pending.done)
		s.pending = newBatch(nil)
	}
	s.mu.Unlock()
	s.writing.Lock()
	s.closed = true
	errs := []error{s.leave()}
	s.writing.Unlock()
	errs = append(errs, s.lock.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}

func newBatch(buf []byte) *batch {
	return &batch{buf: buf[:0], done: make(chan struct{})}
}
