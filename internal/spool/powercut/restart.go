package powercut

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
)

// Survival says what happens at a power cut to what was not synced.
type Survival int

// The ways there are.
const (
	Nothing    Survival = iota // all of it is gone
	Everything                 // all of it had reached the disk
	Some                       // each sector and each change of a name, by chance
	survivals
)

// Survivals lists them.
func Survivals() []Survival { return []Survival{Nothing, Everything, Some} }

func (s Survival) String() string { return [survivals]string{"nothing", "everything", "some"}[s] }

// Restart returns the disk as it is when the power is back. The old one must
// not be used again.
func (d *Disk) Restart(s Survival, r *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	lucky := func() bool { return s == Everything || s == Some && r.IntN(2) == 0 }
	names := map[string]*inode{}
	for name, n := range d.durable {
		names[name] = n
	}
	for _, ops := range d.ops {
		for _, o := range ops {
			if lucky() {
				apply(names, o)
			}
		}
	}
	fresh := New()
	seen := map[*inode]*inode{}
	for name, n := range names {
		if parent := filepath.Dir(name); parent != "." && parent != "/" && names[parent] == nil {
			continue // its directory was never durable
		}
		if seen[n] == nil {
			disk := n.disk
			if !n.dir {
				disk = n.survivor(lucky)
			}
			seen[n] = &inode{dir: n.dir, live: bytes.Clone(disk), disk: disk, lost: map[int]bool{}}
		}
		fresh.names[name] = seen[n]
		fresh.durable[name] = seen[n]
	}
	return fresh
}

// Kill returns the disk as the next process finds it after this one was killed:
// the page cache lives on, and nothing has become durable by it. The old one
// must not be used again.
func (d *Disk) Kill() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := New()
	next.names, next.durable, next.ops = d.names, d.durable, d.ops
	return next
}

// survivor is the file's contents after the cut.
func (n *inode) survivor(lucky func() bool) []byte {
	b := bytes.Clone(n.disk)
	if len(n.live) != len(b) && lucky() {
		size := len(n.live)
		if size > len(b) {
			b = append(b, make([]byte, size-len(b))...)
		}
		b = b[:size]
	}
	for s := 0; s*sector < len(b); s++ {
		if s*sector < len(n.live) && !n.lost[s] && lucky() {
			copy(at(b, s), at(n.live, s))
		}
	}
	return b
}
