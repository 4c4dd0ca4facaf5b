package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
)

// Segment is where one of the log's segments begins and ends.
type Segment struct {
	From, To int64 // positions
}

// Segments lists what is durable from position from on, segment by segment. The
// first may begin before it.
func (s *Spool) Segments(from int64) (list []Segment) {
	s.files.RLock()
	defer s.files.RUnlock()
	for i, g := range s.segments {
		end := s.durable.Load()
		if i+1 < len(s.segments) {
			end = s.segments[i+1].start
		}
		if end > max(from, g.start) {
			list = append(list, Segment{g.start, end})
		}
	}
	return list
}

// CopySegment reads a segment as it would be if it ended at its end: its header
// and its records, damaged ones as they are. Error: ErrReleased.
func (s *Spool) CopySegment(g Segment) ([]byte, error) {
	s.files.RLock()
	defer s.files.RUnlock()
	if !slices.ContainsFunc(s.segments, func(have segment) bool { return have.start == g.From }) {
		return nil, fmt.Errorf("copy spool segment at %d: %w", g.From, ErrReleased)
	}
	f, err := s.fs.Open(s.path(segmentName(g.From)))
	if err != nil {
		return nil, fmt.Errorf("copy spool segment: %w", err)
	}
	b := make([]byte, segmentHeader+g.To-g.From)
	_, err = f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) { // shorter than it was: damage
		err = nil
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("copy spool segment: %w", err)
	}
	return b, nil
}

// Identity is what stands in the file that names the log, beside its segments.
func (s *Spool) Identity() (file string, contents []byte, err error) {
	s.files.RLock()
	defer s.files.RUnlock()
	contents, err = json.Marshal(s.identity)
	return identityName, contents, err
}

// File is the name that a segment has among a spool's files.
func (g Segment) File() string { return segmentName(g.From) }

// Copy is one segment of another spool, made of what CopySegment gave there. It
// is read as the spool itself was, positions and all.
type Copy struct {
	id   string
	from int64
	to   int64
	salt uint64
	b    []byte // records
	into *Spool
	base int64 // position of the first of them
}

// OpenCopy opens a segment of the spool named id, to be read from position from
// on. What is damaged in it is set aside in this spool's directory.
func (s *Spool) OpenCopy(id string, g Segment, from int64, contents []byte) (*Copy, error) {
	have, _, err := parseSegmentHeader(contents)
	switch {
	case err != nil:
		return nil, fmt.Errorf("segment %d of spool %s: %w", g.From, id, err)
	case have.start != g.From:
		return nil, fmt.Errorf("segment %d of spool %s: its header says position %d", g.From, id, have.start)
	case int64(len(contents)) != segmentHeader+g.To-g.From:
		return nil, fmt.Errorf("segment %d of spool %s has %d bytes instead of %d", g.From, id, len(contents), segmentHeader+g.To-g.From)
	}
	return &Copy{id: id, from: max(from, g.From), to: g.To, salt: have.salt, b: contents[segmentHeader:], into: s, base: g.From}, nil
}

// ID is the other spool's.
func (c *Copy) ID() string { return c.id }

// Oldest is the first position that is read.
func (c *Copy) Oldest() int64 { return c.from }

// Durable is where the copy ends.
func (c *Copy) Durable() int64 { return c.to }

// Read is as a spool's.
func (c *Copy) Read(ctx context.Context, from int64, max int, yield func(pos int64, record []byte) error) (next int64, err error) {
	return read(ctx, c.read, from, max, yield)
}

func (c *Copy) read(from int64, n int, _ *[]byte) (chunk, error) {
	if from < c.base || from > c.to {
		return chunk{}, fmt.Errorf("read a copy at %d: it goes from %d to %d", from, c.base, c.to)
	}
	n = int(min(int64(n), c.to-from))
	return chunk{b: c.b[from-c.base:][:n], salt: c.salt, end: c.to}, nil
}

// SetAside copies bytes as Spool.SetAside does, beside what this process set
// aside itself.
func (c *Copy) SetAside(from, to int64) (path string, err error) {
	k, err := c.read(from, int(to-from), nil)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s-%d-%d.bin", c.id, from, to)
	if err := c.into.setAside(name, k.b); err != nil {
		return "", err
	}
	return c.into.path(filepath.Join(badName, name)), nil
}
