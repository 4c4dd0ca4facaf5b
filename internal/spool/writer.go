package spool

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

const (
	// After a failure the disk is tried again by the first Append after this
	// long, doubled up to the longest.
	firstBackoff   = 100 * time.Millisecond
	longestBackoff = 2 * time.Second

	// batchMemory is kept between batches; a larger buffer is let go.
	batchMemory = 1 << 20
)

// activeSegment is the file being written.
type activeSegment struct {
	segment
	file File
	end  int64 // position after the last durable record
}

func (a *activeSegment) seal() error { return a.file.Close() }

// Run writes what Append queues until ctx ends, then writes what is still
// queued and returns. It is the only goroutine that writes records.
func (s *Spool) Run(ctx context.Context) error {
	var preparing sync.WaitGroup
	preparing.Go(func() { s.prepareSpares(ctx) })
	defer preparing.Wait()
	for {
		select {
		case <-s.kick:
			s.writeBatch(s.take(false))
		case <-ctx.Done():
			s.writeBatch(s.take(true))
			return nil
		}
	}
}

// take swaps the pending batch for an empty one, and with last refuses more.
func (s *Spool) take(last bool) *batch {
	var memory []byte
	if s.recycled != nil && cap(s.recycled.buf) <= batchMemory {
		memory = s.recycled.buf
	}
	next := newBatch(memory)
	s.recycled = nil
	s.mu.Lock()
	b := s.pending
	s.pending = next
	s.stopped = s.stopped || last
	s.mu.Unlock()
	if b.taken != nil {
		close(b.taken)
	}
	return b
}

// writeBatch makes a batch durable and wakes whoever waits for it.
func (s *Spool) writeBatch(b *batch) {
	if b.records == 0 {
		return // woken for a batch that fail has answered
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	began := time.Now()
	err := s.commit(b.buf)
	if err != nil {
		s.fail(b, err)
		return
	}
	if s.backoff > 0 {
		s.log.Info("the spool stores again")
		s.backoff = 0
	}
	s.metrics.sync.Observe(time.Since(began).Seconds())
	s.metrics.batch.Observe(float64(b.records))
	s.metrics.records.Add(float64(b.records))
	s.metrics.bytes.Add(float64(len(b.buf)))
	close(b.done)
	s.recycled = b
}

// commit appends the records of buf to the log and makes them durable.
func (s *Spool) commit(buf []byte) error {
	pos := s.durable.Load()
	if a := s.active; a != nil && a.end-a.start+segmentHeader+int64(len(buf)) <= a.size {
		stamp(buf, a.salt, pos)
		if err := a.write(buf); err != nil {
			return errors.Join(err, s.abandon(pos))
		}
		s.advance(a.end)
		return nil
	}
	if err := s.leave(); err != nil {
		return err
	}
	a, err := s.begin(pos, buf)
	if err != nil {
		return err
	}
	s.enter(a)
	return nil
}

// leave ends writing to the active segment, if there is one.
func (s *Spool) leave() error {
	a := s.active
	s.active = nil
	if a == nil {
		return nil
	}
	if err := a.seal(); err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	return nil
}

// enter makes a segment the active one.
func (s *Spool) enter(a *activeSegment) {
	s.active = a
	s.files.Lock()
	if n := len(s.segments); n > 0 && s.segments[n-1].start == a.start {
		s.segments = s.segments[:n-1] // it held nothing, and was replaced
	}
	s.segments = append(s.segments, a.segment)
	s.files.Unlock()
	s.advance(a.end)
}

func (a *activeSegment) write(buf []byte) error {
	if _, err := a.file.WriteAt(buf, segmentHeader+a.end-a.start); err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	if err := a.file.Sync(); err != nil {
		return fmt.Errorf("sync segment: %w", err)
	}
	a.end += int64(len(buf))
	return nil
}

// abandon leaves the active segment after a failed write or fsync. What the
// file holds beyond end can't be known any more: the kernel may call pages
// clean that never reached the disk. Nothing is ever written to it again; the
// next batch begins a new file at the same position, and whatever stands
// behind that position in the old one stops counting. Cutting it off now only
// keeps refused records from being read after a kill.
func (s *Spool) abandon(end int64) error {
	a := s.active
	s.active = nil
	return errors.Join(a.file.Truncate(segmentHeader+end-a.start), a.file.Close())
}

// begin makes a segment whose first batch is buf. The file takes its name
// after its contents are durable, and counts after its name is.
func (s *Spool) begin(pos int64, buf []byte) (*activeSegment, error) {
	s.spare.mu.Lock() // until the file no longer has the spare's name
	defer s.spare.mu.Unlock()
	size := max(s.segBytes, segmentHeader+int64(len(buf)))
	file, err := s.takeSpare(size)
	if err != nil {
		return nil, err
	}
	a := &activeSegment{segment: segment{start: pos, size: size, salt: newSalt()}, file: file, end: pos}
	if err := s.name(a, buf); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.spare.want()
	return a, nil
}

// name fills a file that has none yet with its first batch and names it.
func (s *Spool) name(a *activeSegment, buf []byte) error {
	stamp(buf, a.salt, a.start)
	head := appendSegmentHeader(make([]byte, 0, segmentHeader+len(buf)), a.segment, s.birth)
	whole := append(head, buf...)
	if _, err := a.file.WriteAt(whole, 0); err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	if err := a.file.Sync(); err != nil {
		return fmt.Errorf("sync segment: %w", err)
	}
	if s.backoff > 0 { // this disk has lied or failed a moment ago
		if err := verify(a.file, whole); err != nil {
			return err
		}
	}
	if err := s.fs.Rename(s.path(spareName), s.path(segmentName(a.start))); err != nil {
		return fmt.Errorf("name segment: %w", err)
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return fmt.Errorf("sync spool directory: %w", err)
	}
	a.end = a.start + int64(len(buf))
	return nil
}

// verify reads back what was just written, from the disk as far as possible.
func verify(f File, want []byte) error {
	f.Uncache()
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 0); err != nil {
		return fmt.Errorf("read back segment: %w", err)
	}
	if !bytes.Equal(got, want) {
		return errors.New("the disk does not hold what it said it stored")
	}
	return nil
}

// fail tells everyone who waits that their record is not stored, and refuses
// more for a while: the next try costs the disk a whole new segment.
func (s *Spool) fail(b *batch, cause error) {
	answer := ErrFailed
	if errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT) || errors.Is(cause, syscall.EFBIG) {
		answer = ErrFull
	}
	s.backoff = min(max(2*s.backoff, firstBackoff), longestBackoff)
	s.metrics.failures.Inc()
	s.log.Error("the spool cannot store: hits are refused", "error", cause, "refused", b.records, "retry", s.backoff)

	s.mu.Lock()
	queued := s.pending
	s.pending = newBatch(nil)
	s.failure = answer
	s.retryAt = time.Now().Add(s.backoff)
	select {
	case <-s.kick: // it was for queued
	default:
	}
	s.mu.Unlock()
	s.spare.want() // which finds out when the disk is well again
	if queued.taken != nil {
		close(queued.taken)
	}
	for _, b := range []*batch{b, queued} {
		b.err = answer
		close(b.done)
	}
}

func newSalt() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails: it ends the program instead
	return binary.LittleEndian.Uint64(b[:])
}
