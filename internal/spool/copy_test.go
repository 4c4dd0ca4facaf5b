package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonbear/internal/spool"
)

// sameCopies checks that copies of a spool's segments say what it says itself,
// position for position, and no more.
func sameCopies(s *spool.Spool) error {
	type log interface {
		Read(ctx context.Context, from int64, max int, yield func(pos int64, record []byte) error) (int64, error)
	}
	read := func(from log, pos, to int64) (all string, err error) {
		for pos < to {
			next, err := from.Read(context.Background(), pos, 3000, func(at int64, record []byte) error {
				all += fmt.Sprintf("%d %q\n", at, record)
				return nil
			})
			if d, ok := errors.AsType[*spool.Damage](err); ok {
				all += fmt.Sprintf("%d to %d are damaged\n", d.From, d.To)
				next, err = d.To, nil
			}
			if err != nil || next == pos {
				return all, err
			}
			pos = next
		}
		return all, nil
	}
	want, err := read(s, s.Oldest(), s.Durable())
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	got, end := "", s.Oldest()
	for _, g := range s.Segments(s.Oldest()) {
		if g.From > end {
			return fmt.Errorf("a segment begins at %d, the one before ends at %d", g.From, end)
		}
		b, err := s.CopySegment(g)
		if err != nil {
			return err
		}
		c, err := s.OpenCopy("another", g, s.Oldest(), b)
		if err != nil {
			return err
		}
		part, err := read(c, c.Oldest(), c.Durable())
		if err != nil {
			return fmt.Errorf("read copy: %w", err)
		}
		got, end = got+part, g.To
	}
	if got != want || end != s.Durable() {
		return fmt.Errorf("copies up to %d of %d say\n%s\ninstead of\n%s", end, s.Durable(), got, want)
	}
	return nil
}

func TestCopy(t *testing.T) {
	dir := t.TempDir()
	s, stop := open(t, spool.Options{Dir: dir, SegmentBytes: 4 << 10})
	if list := s.Segments(0); list != nil {
		t.Errorf("an empty spool has %v", list)
	}
	for i := range 40 {
		add(t, s, fmt.Sprint(i, strings.Repeat("x", 500)))
		if i == 20 {
			add(t, s, strings.Repeat("large", 10_000), "")
		}
	}
	if err := sameCopies(s); err != nil {
		t.Error(err)
	}
	all := s.Segments(0)
	if n := len(all); n < 6 || len(s.Segments(all[2].From)) != n-2 || len(s.Segments(all[2].To-1)) != n-2 || len(s.Segments(s.Durable())) != 0 {
		t.Errorf("%v", all)
	}
	b, err := s.CopySegment(all[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Release(all[1].To); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CopySegment(all[1]); !errors.Is(err, spool.ErrReleased) {
		t.Errorf("a released segment: %v", err)
	}
	if err := sameCopies(s); err != nil {
		t.Error(err)
	}
	stop()

	other, _ := open(t, spool.Options{Dir: t.TempDir()})
	c, err := other.OpenCopy("theirs", all[1], all[1].From+spool.RecordOverhead+502, b) // behind its first record
	if err != nil {
		t.Fatal(err)
	}
	if c.ID() != "theirs" || c.Durable() != all[1].To {
		t.Errorf("%s up to %d", c.ID(), c.Durable())
	}
	if _, err := c.Read(t.Context(), all[1].To+1, 1, nil); err == nil {
		t.Error("reading behind the end is no error")
	}
	path, err := c.SetAside(c.Oldest(), c.Oldest()+100)
	if err != nil {
		t.Fatal(err)
	}
	aside, err := os.ReadFile(path)
	if err != nil || len(aside) != 100 || !bytes.Contains(b, aside) || !strings.HasPrefix(filepath.Base(path), "theirs-") {
		t.Errorf("%s has %d bytes, %v", path, len(aside), err)
	}
	for name, broken := range map[string][]byte{
		"nothing": nil, "cut off": b[:len(b)-1], "too long": append(bytes.Clone(b), 0), "another header": append([]byte{1}, b[1:]...),
	} {
		if _, err := other.OpenCopy("theirs", all[1], 0, broken); err == nil {
			t.Errorf("%s is opened", name)
		}
	}
	if _, err := other.OpenCopy("theirs", all[2], 0, b); err == nil {
		t.Error("another segment is opened")
	}
}

// TestCopyOfDamage: what is damaged is copied as it is, also where a file is
// shorter than it was.
func TestCopyOfDamage(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, spool.Options{Dir: dir, SegmentBytes: 4 << 10})
	for i := range 40 {
		add(t, s, fmt.Sprint(i, strings.Repeat("x", 500)))
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(segments) < 5 {
		t.Fatal(segments, err)
	}
	f, err := os.OpenFile(segments[1], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("damage"), 1500)
	if err := errors.Join(err, f.Close(), os.Truncate(segments[2], 1000)); err != nil {
		t.Fatal(err)
	}
	if err := sameCopies(s); err != nil {
		t.Error(err)
	}
}
