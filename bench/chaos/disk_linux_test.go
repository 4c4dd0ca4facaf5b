package chaos

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// disk is a small file system in memory that can be filled.
type disk struct {
	t      *testing.T
	filler string
	stop   chan struct{}
	ended  chan struct{}
}

// smallBytes is room for a few of the spool's segments.
const smallBytes = "96m"

// mountSmall mounts a disk at dir until the test ends; nil: it may not.
func mountSmall(t *testing.T, dir string) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+smallBytes); err != nil {
		t.Log(err)
		return nil
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &disk{t: t, filler: filepath.Join(dir, "filler")}
}

// fill takes all the room, and what is given back later, until free.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.Create(d.filler)
	if err != nil {
		d.t.Fatal(err)
	}
	d.stop, d.ended = make(chan struct{}), make(chan struct{})
	full := make(chan struct{})
	go func() {
		defer close(d.ended)
		defer f.Close()
		block := make([]byte, 4<<10)
		for once := full; ; {
			if _, err := f.Write(block); err == nil {
				continue
			}
			if once != nil {
				close(once)
				once = nil
			}
			select {
			case <-d.stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	<-full
}

// free gives the room back.
func (d *disk) free() {
	close(d.stop)
	<-d.ended
	if err := os.Remove(d.filler); err != nil {
		d.t.Error(err)
	}
}
