package spool

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
)

// Open opens the spool in o.Dir, or makes one. It cuts off the batch a kill or
// a power cut left unfinished, and makes what remains durable before it
// believes it.
func Open(o Options) (*Spool, error) {
	s := &Spool{
		dir:      o.Dir,
		max:      cmp.Or(o.MaxBytes, DefaultMaxBytes),
		segBytes: cmp.Or(o.SegmentBytes, DefaultSegmentBytes),
		fs:       o.FS,
		log:      o.Log,
		kick:     make(chan struct{}, 1),
		pending:  newBatch(nil),
	}
	s.segBytes = max(min(s.segBytes, s.max/4), 4<<10) // room for some, or releasing one frees nothing
	if s.fs == nil {
		s.fs = OS{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.spare.wanted = make(chan struct{}, 1)
	s.metrics = newMetrics(nil, s)
	if err := s.open(); err != nil {
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
		return nil, fmt.Errorf("open spool %s: %w", o.Dir, err)
	}
	if o.Metrics != nil { // registered once it is sure that there is a spool
		s.metrics = newMetrics(o.Metrics, s)
	}
	s.spare.want()
	return s, nil
}

func (s *Spool) open() error {
	if err := s.fs.MkdirAll(s.dir); err != nil {
		return err
	}
	if err := s.fs.SyncDir(filepath.Dir(filepath.Clean(s.dir))); err != nil {
		return err
	}
	lock, err := s.fs.Lock(s.path("lock"))
	if err != nil {
		return err
	}
	s.lock = lock
	names, err := s.fs.List(s.dir)
	if err != nil {
		return err
	}
	id, known, err := s.readIdentity()
	if err != nil {
		return err
	}
	births, err := s.readSegments(names)
	if err != nil {
		return err
	}
	if !known {
		id = identity{Version: segmentVersion, Birth: newID()}
		if len(births) > 0 { // the id file was lost, the records were not
			id.Birth = births[0]
		}
		id.Name, id.From = newID(), s.firstStart()
		if err := s.writeIdentity(id); err != nil {
			return err
		}
	}
	s.identity, s.birth = id, id.Birth
	for i, b := range births {
		if b != id.Birth {
			return fmt.Errorf("%s belongs to another spool (%s, this is %s): move it away",
				segmentName(s.segments[i].start), b, id.Birth)
		}
	}
	end, err := s.recover()
	if err != nil {
		return err
	}
	// A last segment that was set aside may have held more.
	end = max(end, id.From)
	s.opened = end
	s.durable.Store(end)
	return s.dropStale()
}

func (s *Spool) firstStart() int64 {
	if len(s.segments) == 0 {
		return s.identity.From
	}
	return s.segments[0].start
}

// readSegments fills s.segments from the files there are, oldest first, and
// returns the spool each belongs to. A file that can't be one is renamed out
// of the way, with an error in the log.
func (s *Spool) readSegments(names []string) (births []string, err error) {
	slices.Sort(names)
	for _, name := range names {
		start, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		g, birth, damage, err := s.readSegmentHeader(name)
		if err != nil {
			return nil, fmt.Errorf("read segment %s: %w", name, err)
		}
		var newer errNewerVersion
		if errors.As(damage, &newer) {
			return nil, fmt.Errorf("segment %s: %w", name, damage)
		}
		if damage == nil && g.start != start {
			damage = fmt.Errorf("its header says position %d", g.start)
		}
		if damage != nil {
			s.log.Error("a spool segment is damaged and was set aside: what it held is not loaded",
				"segment", name, "error", damage, "renamed", name+badSuffix, "bytes", g.size)
			s.metrics.damage.Add(float64(g.size))
			if err := s.fs.Rename(s.path(name), s.path(name+badSuffix)); err != nil {
				return nil, err
			}
			continue
		}
		s.segments = append(s.segments, g)
		births = append(births, birth)
	}
	return births, nil
}

func (s *Spool) readSegmentHeader(name string) (g segment, birth string, damage, err error) {
	f, err := s.fs.Open(s.path(name))
	if err != nil {
		return segment{}, "", nil, err
	}
	defer f.Close() // nothing was written
	size, err := f.Size()
	if err != nil {
		return segment{}, "", nil, err
	}
	b, err := readAll(f, segmentHeader)
	if err != nil {
		return segment{}, "", nil, err
	}
	g, birth, damage = parseSegmentHeader(b)
	g.size = size
	return g, birth, damage, nil
}

// recover finds where the log ends, cuts off what stands behind, and makes the
// rest durable: a killed process may have left records that are only in the
// page cache, and load must not read what a power cut could still take back.
func (s *Spool) recover() (end int64, err error) {
	if err := s.fs.SyncDir(s.dir); err != nil {
		return 0, err
	}
	if len(s.segments) == 0 {
		return s.identity.From, nil
	}
	last := &s.segments[len(s.segments)-1]
	f, err := s.fs.Open(s.path(segmentName(last.start)))
	if err != nil {
		return 0, err
	}
	end, err = s.recoverSegment(f, last)
	return end, errors.Join(err, f.Close())
}

func (s *Spool) recoverSegment(f File, g *segment) (end int64, err error) {
	if err := f.Sync(); err != nil {
		return 0, err
	}
	f.Uncache() // believe the disk, not memory
	b, err := readAll(f, g.size)
	if err != nil {
		return 0, err
	}
	b = b[segmentHeader:]
	e := scan(b, g.salt, g.start)
	if e.bad > 0 {
		s.log.Error("a spool segment has damaged records: they are set aside when they are reached",
			"segment", segmentName(g.start), "stretches", e.bad)
	}
	tail := b[e.end-g.start:]
	if len(tail) == 0 {
		return e.end, nil
	}
	if e.torn {
		name := fmt.Sprintf("torn-%d.bin", e.end)
		s.log.Warn("the spool's last batch was not finished, and nobody was told that it is stored: it was cut off",
			"position", e.end, "copy", filepath.Join(badName, name))
		if err := s.setAside(name, tail[:e.tornEnd-e.end]); err != nil {
			// The copy is for the curious; a full disk must not keep the server down for it.
			s.log.Warn("the copy could not be written", "error", err)
		}
	}
	if err := f.Truncate(segmentHeader + e.end - g.start); err != nil {
		return 0, err
	}
	g.size = segmentHeader + e.end - g.start
	return e.end, f.Sync()
}

// dropStale removes what earlier processes left unfinished or released.
func (s *Spool) dropStale() error {
	for len(s.segments) > 1 && s.segments[1].start <= s.identity.From {
		if err := s.fs.Remove(s.path(segmentName(s.segments[0].start))); err != nil {
			return err
		}
		s.segments = s.segments[1:]
	}
	s.released.Store(max(s.firstStart(), s.identity.From))
	names, err := s.fs.List(s.dir)
	if err != nil {
		return err
	}
	if slices.Contains(names, identityTemp) {
		if err := s.fs.Remove(s.path(identityTemp)); err != nil {
			return err
		}
	}
	if !slices.Contains(names, spareName) {
		return nil
	}
	f, err := s.fs.Open(s.path(spareName))
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	s.spare.ready = size == s.segBytes
	if !s.spare.ready {
		return s.fs.Remove(s.path(spareName))
	}
	return nil
}
