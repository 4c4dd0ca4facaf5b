package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
)

// Damage is what Read returns when it meets bytes that were durable once and
// are not what was written. Reading goes on at To; what is between is for
// SetAside, and for a person.
type Damage struct {
	From, To int64 // positions
}

func (d *Damage) Error() string {
	return fmt.Sprintf("spool is damaged from position %d to %d", d.From, d.To)
}

// badName is the directory damaged bytes are kept in.
const badName = "bad"

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Read yields durable records from position from on, in order: about max bytes
// of them and at least one if there is one, all of one segment. It returns the
// position to go on from, which is from itself when there is nothing more.
// The record's bytes are valid until yield returns. Errors: ErrReleased,
// *Damage, yield's own (next is then the position of the record it refused),
// or the disk's.
func (s *Spool) Read(ctx context.Context, from int64, max int, yield func(pos int64, record []byte) error) (next int64, err error) {
	next, err = read(ctx, s.read, from, max, yield)
	if d, ok := errors.AsType[*Damage](err); ok {
		s.metrics.damage.Add(float64(d.To - d.From))
	}
	return next, err
}

// reader gives up to n bytes from position from on, in mem or in its own memory.
type reader func(from int64, n int, mem *[]byte) (chunk, error)

func read(ctx context.Context, in reader, from int64, max int, yield func(pos int64, record []byte) error) (next int64, err error) {
	if err := ctx.Err(); err != nil {
		return from, err
	}
	mem := buffers.Get().(*[]byte)
	defer buffers.Put(mem)
	c, err := in(from, max, mem)
	if err != nil || c.end == from {
		return from, err
	}
	off := 0
	for off < len(c.b) {
		pos := from + int64(off)
		h, ok := parseHeader(c.b[off:], c.salt, pos)
		var record []byte
		var short bool
		if ok {
			record, short, err = h.payload(c.b[off:])
			ok = err == nil
		} else {
			short = len(c.b)-off < recordHeader
		}
		if !ok && off == 0 && short && int64(len(c.b)) < c.end-from && max < recordHeader+maxLength {
			// The first record is larger than max.
			return read(ctx, in, from, recordHeader+maxLength, yield)
		}
		if !ok && off == 0 {
			return from, damage(in, from)
		}
		if !ok {
			break // whole on the next Read, or damaged
		}
		if err := yield(pos, record); err != nil {
			return pos, err
		}
		off += recordHeader + h.length
	}
	return from + int64(off), nil
}

// chunk is a stretch of one segment.
type chunk struct {
	b    []byte
	salt uint64
	end  int64 // of the segment's durable records, at or behind the end of b
}

// read fills mem with up to n bytes from position from: one pread.
func (s *Spool) read(from int64, n int, mem *[]byte) (chunk, error) {
	s.files.RLock()
	defer s.files.RUnlock()
	durable := s.durable.Load()
	if from < s.released.Load() {
		return chunk{}, fmt.Errorf("read spool at %d: %w", from, ErrReleased)
	}
	if from > durable {
		return chunk{}, fmt.Errorf("read spool at %d: the log ends at %d", from, durable)
	}
	i, found := slices.BinarySearchFunc(s.segments, from, func(g segment, p int64) int {
		if g.start == p {
			return 0
		}
		if g.start < p {
			return -1
		}
		return 1
	})
	if !found {
		i--
	}
	if i < 0 || from == durable {
		return chunk{end: from}, nil
	}
	g, end := s.segments[i], durable
	if i+1 < len(s.segments) {
		end = s.segments[i+1].start
	}
	n = int(min(int64(n), end-from))
	*mem = slices.Grow((*mem)[:0], n)[:n]
	f, err := s.fs.Open(s.path(segmentName(g.start)))
	if err != nil {
		return chunk{}, fmt.Errorf("open segment: %w", err)
	}
	got, err := f.ReadAt(*mem, segmentHeader+from-g.start)
	if errors.Is(err, io.EOF) { // shorter than it was: damage
		clear((*mem)[got:])
		err = nil
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return chunk{}, fmt.Errorf("read segment: %w", err)
	}
	return chunk{b: *mem, salt: g.salt, end: end}, nil
}

// damage finds where the damage at from ends: behind the record if its header
// is whole, else at the next good record of the segment, else at its end.
func damage(in reader, from int64) error {
	c, err := in(from, 1<<62, new([]byte))
	if err != nil {
		return err
	}
	d := &Damage{From: from, To: c.end}
	if h, ok := parseHeader(c.b, c.salt, from); ok {
		d.To = min(from+recordHeader+int64(h.length), c.end)
	} else if i, _ := resync(c.b, c.salt, from); i >= 0 {
		d.To = from + int64(i)
	}
	return d
}

// SetAside copies the log's bytes between two positions of one segment, record
// headers included, to a file in DIR/bad and returns its path.
func (s *Spool) SetAside(from, to int64) (path string, err error) {
	c, err := s.read(from, int(to-from), new([]byte))
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%d-%d.bin", from, from+int64(len(c.b)))
	if err := s.setAside(name, c.b); err != nil {
		return "", err
	}
	return s.path(filepath.Join(badName, name)), nil
}

func (s *Spool) setAside(name string, b []byte) error {
	dir := s.path(badName)
	if err := s.fs.MkdirAll(dir); err != nil {
		return fmt.Errorf("set damaged bytes aside: %w", err)
	}
	if err := s.writeFile(filepath.Join(badName, name), b); err != nil {
		return fmt.Errorf("set damaged bytes aside: %w", err)
	}
	if err := errors.Join(s.fs.SyncDir(dir), s.fs.SyncDir(s.dir)); err != nil {
		return fmt.Errorf("set damaged bytes aside: %w", err)
	}
	return nil
}

// Release says that everything before to is stored elsewhere. Whole segments
// go; the last one always stays, as it tells where the log ends.
func (s *Spool) Release(to int64) error {
	s.releasing.Lock()
	defer s.releasing.Unlock()
	s.files.Lock()
	n := 0
	for n+1 < len(s.segments) && s.segments[n+1].start <= to {
		n++
	}
	gone := slices.Clone(s.segments[:n])
	s.segments = slices.Delete(s.segments, 0, n)
	if n > 0 {
		s.released.Store(max(s.firstStart(), s.identity.From))
	}
	s.files.Unlock()
	var errs []error
	for _, g := range gone {
		errs = append(errs, s.recycle(g))
	}
	if err := errors.Join(errs...); err != nil { // the next Open removes it
		return fmt.Errorf("release spool segment: %w", err)
	}
	return nil
}

// Renew gives the log a new ID from where it was at Open, and forgets what was
// before. It is for a store that is ahead of the log: this spool was replaced
// by an older copy of itself, so the positions it gives out now mean other
// records to the store than they did before.
func (s *Spool) Renew() error {
	s.files.Lock()
	defer s.files.Unlock()
	id := s.identity
	id.Name, id.From = newID(), s.opened
	if err := s.writeIdentity(id); err != nil {
		return err
	}
	s.identity = id
	s.released.Store(max(s.firstStart(), id.From))
	return nil
}
