package powercut

import (
	"bytes"
	"io"
)

type file struct {
	d    *Disk
	n    *inode
	name string
}

func (f *file) ReadAt(b []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.call("read %s %d+%d", f.name, off, len(b)); err != nil {
		return 0, err
	}
	if off >= int64(len(f.n.live)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.live[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(b []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	err := f.d.call("write %s %d+%d", f.name, off, len(b))
	// A write that is cut or fails may have reached the page cache in part.
	n := len(b)
	if err != nil {
		n /= 2
	}
	f.n.write(b[:n], int(off))
	return n, err
}

func (n *inode) write(b []byte, off int) {
	if end := off + len(b); end > len(n.live) {
		n.live = append(n.live, make([]byte, end-len(n.live))...)
	}
	copy(n.live[off:], b)
	for s := off / sector; s*sector < off+len(b); s++ {
		delete(n.lost, s)
	}
}

func (f *file) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.call("size %s", f.name); err != nil {
		return 0, err
	}
	return int64(len(f.n.live)), nil
}

func (f *file) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.call("truncate %s %d", f.name, size); err != nil {
		return err
	}
	if n := int(size) - len(f.n.live); n > 0 {
		f.n.live = append(f.n.live, make([]byte, n)...)
	}
	f.n.live = bytes.Clone(f.n.live[:size])
	return nil
}

func (f *file) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	err := f.d.call("sync %s", f.name)
	switch {
	case err == nil:
		f.n.sync()
	case isFailure(err):
		f.n.lose()
	}
	return err
}

// sync makes the live bytes durable, but for the sectors an earlier failure
// made the kernel forget.
func (n *inode) sync() {
	disk := bytes.Clone(n.live)
	for s := range n.lost {
		restore(disk, n.disk, s)
	}
	n.disk = disk
}

// lose marks every sector that is not on the disk as clean.
func (n *inode) lose() {
	for s := 0; s*sector < len(n.live); s++ {
		if !bytes.Equal(at(n.live, s), at(n.disk, s)) {
			n.lost[s] = true
		}
	}
}

// restore makes sector s of b what it is in old, zero where old has none.
func restore(b, old []byte, s int) {
	if s*sector >= len(b) {
		return
	}
	dst := at(b, s)
	clear(dst)
	copy(dst, at(old, s))
}

// at returns sector s of b, shorter at the end.
func at(b []byte, s int) []byte {
	lo := min(s*sector, len(b))
	return b[lo:min(lo+sector, len(b))]
}

// Uncache reads lost sectors from the disk again.
func (f *file) Uncache() {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	for s := range f.n.lost {
		restore(f.n.live, f.n.disk, s)
	}
	clear(f.n.lost)
}

func (f *file) Close() error { return nil }
