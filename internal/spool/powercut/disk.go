// Package powercut is a file layer for tests that behaves as badly as a disk
// may: at a power cut it forgets what was not synced, directory entries
// included, sector by sector and entry by entry; and it fails at a chosen call.
//
//	d := powercut.New()
//	d.CutAt(17)                   // the 17th call and all after it fail
//	… run the program on d …
//	d = d.Restart(Nothing, rand)  // what the disk holds after the power is back
//	d = d.Kill()                  // or after the process was killed
package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"moonbear/internal/spool"
)

// ErrCut is what every call returns once the power is cut.
var ErrCut = errors.New("power cut")

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// Disk is a file system in memory. Its zero value is not usable: New makes one.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*inode // what programs see
	durable map[string]*inode // what a power cut leaves
	ops     map[string][]op   // by directory: changes of names since its last sync
	calls   int
	cutAt   int // 0: never
	failAt  int
	failN   int
	failErr error
	locks   map[string]bool
	trace   []string
}

// inode is a file or a directory.
type inode struct {
	dir  bool
	live []byte // what reads see: the page cache
	disk []byte
	// lost are sectors the kernel calls clean after an fsync error though
	// they never reached the disk: no later fsync writes them.
	lost map[int]bool
}

// op is one change of a name. An inode of nil removes it.
type op struct {
	name string
	node *inode
	from string // a rename's old name
}

var _ spool.FS = (*Disk)(nil)

// New makes an empty disk.
func New() *Disk {
	return &Disk{names: map[string]*inode{}, durable: map[string]*inode{}, ops: map[string][]op{}, locks: map[string]bool{}}
}

// CutAt cuts the power at the n-th call from the start, counted from 1.
func (d *Disk) CutAt(n int) { d.mu.Lock(); d.cutAt = n; d.mu.Unlock() }

// FailAt makes calls n to n+count-1 return err. A failing write writes half, a
// failing sync leaves its pages clean and lost, as Linux does.
func (d *Disk) FailAt(n, count int, err error) {
	d.mu.Lock()
	d.failAt, d.failN, d.failErr = n, count, err
	d.mu.Unlock()
}

// Calls is the number of calls made so far.
func (d *Disk) Calls() int { d.mu.Lock(); defer d.mu.Unlock(); return d.calls }

// Trace lists the calls made, for a test that failed.
func (d *Disk) Trace() string { d.mu.Lock(); defer d.mu.Unlock(); return strings.Join(d.trace, "\n") }

// Holds lists the files that hold a text: those there are, and those a power
// cut may bring back or leave as they were.
func (d *Disk) Holds(text string) (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	look := func(name string, n *inode) {
		if n != nil && (bytes.Contains(n.live, []byte(text)) || bytes.Contains(n.disk, []byte(text))) {
			names = append(names, name)
		}
	}
	for name, n := range d.names {
		look(name, n)
	}
	for name, n := range d.durable {
		look(name+" (on disk)", n)
	}
	for _, ops := range d.ops {
		for _, o := range ops {
			look(o.name+" (not yet on disk)", o.node)
		}
	}
	return names
}

// call counts one call and says how it fares. d.mu is held.
func (d *Disk) call(what string, args ...any) error {
	d.calls++
	var err error
	switch {
	case d.cutAt > 0 && d.calls >= d.cutAt:
		err = ErrCut
	case d.failAt > 0 && d.calls >= d.failAt && d.calls < d.failAt+d.failN:
		err = d.failErr
	}
	d.trace = append(d.trace, fmt.Sprintf("%4d %s %v", d.calls, fmt.Sprintf(what, args...), err))
	return err
}

// isFailure tells an injected error, after which the machine goes on, from a cut.
func isFailure(err error) bool { return err != nil && !errors.Is(err, ErrCut) }

// MkdirAll makes a directory; its parents are taken to be there.
func (d *Disk) MkdirAll(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call("mkdir %s", dir); err != nil {
		return err
	}
	if d.names[dir] == nil {
		d.set(op{name: dir, node: &inode{dir: true}})
	}
	return nil
}

// set changes a name and remembers that the change is not durable.
func (d *Disk) set(o op) {
	apply(d.names, o)
	dir := filepath.Dir(o.name)
	d.ops[dir] = append(d.ops[dir], o)
}

func apply(names map[string]*inode, o op) {
	if o.from != "" && names[o.from] == o.node {
		delete(names, o.from)
	}
	if o.node == nil {
		delete(names, o.name)
	} else {
		names[o.name] = o.node
	}
}

// List returns the names in dir.
func (d *Disk) List(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call("list %s", dir); err != nil {
		return nil, err
	}
	var names []string
	for name := range d.names {
		if filepath.Dir(name) == dir && name != dir {
			names = append(names, filepath.Base(name))
		}
	}
	return names, nil
}

// Open opens an existing file.
func (d *Disk) Open(name string) (spool.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call("open %s", name); err != nil {
		return nil, err
	}
	n := d.names[name]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{d, n, name}, nil
}

// Create makes an empty file, truncating what was there.
func (d *Disk) Create(name string) (spool.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call("create %s", name); err != nil {
		return nil, err
	}
	if parent := d.names[filepath.Dir(name)]; parent == nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrNotExist}
	}
	n := d.names[name]
	if n == nil {
		n = &inode{lost: map[int]bool{}}
		d.set(op{name: name, node: n})
	}
	n.live = nil
	return &file{d, n, name}, nil
}

// Rename moves a file, replacing what was at to.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call("rename %s %s", from, to); err != nil {
		return err
	}
	n := d.names[from]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	d.set(op{name: to, node: n, from: from})
	return nil
}

// Remove deletes a file.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call("remove %s", name); err != nil {
		return err
	}
	if d.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	d.set(op{name: name})
	return nil
}

// SyncDir makes the names in dir durable.
func (d *Disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call("syncdir %s", dir); err != nil {
		return err
	}
	for _, o := range d.ops[dir] {
		apply(d.durable, o)
	}
	delete(d.ops, dir)
	return nil
}

// Lock takes a lock that a Restart drops.
func (d *Disk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.call("lock %s", name); err != nil {
		return nil, err
	}
	if d.locks[name] {
		return nil, fmt.Errorf("%s is locked", name)
	}
	d.locks[name] = true
	return unlock{d, name}, nil
}

type unlock struct {
	d    *Disk
	name string
}

func (u unlock) Close() error {
	u.d.mu.Lock()
	defer u.d.mu.Unlock()
	delete(u.d.locks, u.name)
	return nil
}
