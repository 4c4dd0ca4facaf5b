package tools

import (
	"bufio"
	"cmp"
	"container/heap"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"moonbear/internal/transfer"
)

// sorted puts a source's items in the order of time. Databases give out rows in
// an order of their own, while visits form from events in theirs.
//
//	items → as many as fit in memory, sorted → a file a run → all runs merged
//
// What fits in memory as a whole never gets to the disk. What is written there
// is encrypted under a key that is nowhere else, since addresses still have
// their queries; and its files have no names, so that they are gone when this
// process is.
type sorted struct {
	from transfer.Source
	s    transfer.Settings
	most int // bytes in memory

	ready bool
	count int64
	items []timed // not yet in a run
	runs  runs
}

// timed is an item and its place. A row that is dropped has no time of its own:
// it goes with the row before it.
type timed struct {
	At   int64 // Unix microseconds
	Item transfer.Item
}

func (a *timed) compare(b *timed) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Item.Line, b.Item.Line))
}

// sortBytes is how much of a file is sorted at once.
const sortBytes = 48 << 20

// inOrder is a source whose items come in the order of time.
func inOrder(from transfer.Source, s transfer.Settings) transfer.Source {
	return &sorted{from: from, s: s, most: sortBytes}
}

func (s *sorted) Next(it *transfer.Item) error {
	if !s.ready {
		if err := s.readAll(); err != nil {
			return s.end(err)
		}
		s.ready = true
	}
	if len(s.runs) == 0 {
		return io.EOF
	}
	r := s.runs[0]
	*it = r.head.Item
	switch err := r.next(); {
	case errors.Is(err, io.EOF):
		heap.Pop(&s.runs)
		r.close()
	case err != nil:
		return s.end(err)
	default:
		heap.Fix(&s.runs, 0)
	}
	return nil
}

// Items is how many there are, once the first is out.
func (s *sorted) Items() int64 { return s.count }

// end lets go of all that was read.
func (s *sorted) end(err error) error {
	for _, r := range s.runs {
		r.close()
	}
	s.runs, s.items = nil, nil
	return err
}

// readAll reads the source to its end and leaves runs to be merged.
func (s *sorted) readAll() error {
	size, at := 0, int64(0)
	for ; ; s.count++ {
		t := timed{At: at}
		err := s.from.Next(&t.Item)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if t.Item.Drop.Reason == "" {
			at = t.Item.Record.Time.UnixMicro()
			t.At = at
		}
		s.items = append(s.items, t)
		if size += itemBytes(&t.Item); size > s.most {
			if err := s.spill(); err != nil {
				return err
			}
			size = 0
		}
		if s.s.Tell != nil && s.count%1024 == 0 {
			if err := s.s.Tell(); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(s.items, func(a, b timed) int { return a.compare(&b) })
	s.runs = append(s.runs, &sortedRun{items: s.items})
	s.items = nil
	for i := 0; i < len(s.runs); i++ {
		if err := s.runs[i].next(); errors.Is(err, io.EOF) {
			s.runs = slices.Delete(s.runs, i, i+1) // an empty file
		} else if err != nil {
			return err
		}
	}
	heap.Init(&s.runs)
	return nil
}

// itemBytes is about what an item takes in memory.
func itemBytes(it *transfer.Item) int {
	r := &it.Record
	n := 900 + len(r.URL) + len(r.Referrer) + len(r.Visitor) + len(r.Visit) + len(r.UserAgent)
	for i := range r.Props {
		n += 32 + len(r.Props[i].Key) + len(r.Props[i].Value)
	}
	return n
}

// spill writes what is in memory to a file of its own.
func (s *sorted) spill() error {
	slices.SortFunc(s.items, func(a, b timed) int { return a.compare(&b) })
	f, err := os.CreateTemp(s.s.Temp, "import-*")
	if err != nil {
		return fmt.Errorf("sort a file: %w", err)
	}
	r := &sortedRun{file: f}
	s.runs = append(s.runs, r)
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("sort a file: %w", err)
	}
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return fmt.Errorf("sort a file: %w", err)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return fmt.Errorf("sort a file: %w", err)
	}
	// The key is for this file alone, so that the counter may begin at 0.
	zero := make([]byte, aes.BlockSize)
	w := bufio.NewWriterSize(cipher.StreamWriter{S: cipher.NewCTR(block, zero), W: f}, 256<<10)
	enc := gob.NewEncoder(w)
	for i := range s.items {
		if err := enc.Encode(&s.items[i]); err != nil {
			return fmt.Errorf("sort a file: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sort a file: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("sort a file: %w", err)
	}
	r.dec = gob.NewDecoder(bufio.NewReaderSize(cipher.StreamReader{S: cipher.NewCTR(block, zero), R: f}, 64<<10))
	clear(s.items)
	s.items = s.items[:0]
	return nil
}

// sortedRun is items in order: in a file, or in memory.
type sortedRun struct {
	head  timed
	items []timed
	file  *os.File
	dec   *gob.Decoder
}

func (r *sortedRun) next() error {
	r.head = timed{}
	if r.file != nil {
		return r.dec.Decode(&r.head)
	}
	if len(r.items) == 0 {
		return io.EOF
	}
	r.head, r.items[0] = r.items[0], timed{}
	r.items = r.items[1:]
	return nil
}

func (r *sortedRun) close() {
	if r.file != nil {
		_ = r.file.Close() // it has no name: this is its end
	}
}

// runs is a heap: the run whose head is the earliest comes first.
type runs []*sortedRun

func (h runs) Len() int           { return len(h) }
func (h runs) Less(i, j int) bool { return h[i].head.compare(&h[j].head) < 0 }
func (h runs) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's; nothing is pushed.
func (h *runs) Push(x any) { *h = append(*h, x.(*sortedRun)) }

// Pop is heap.Interface's.
func (h *runs) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	*h = (*h)[:last]
	return r
}
