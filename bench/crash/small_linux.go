package main

import (
	"os"
	"syscall"
)

// smallBytes is room for the spool and a young event store, and little more.
const smallBytes = "256m"

// mountSmall makes dir a small file system in memory. SIGKILL does not empty it.
func mountSmall(dir string) (unmount func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+smallBytes); err != nil {
		return nil, err
	}
	return func() error { return syscall.Unmount(dir, 0) }, nil
}
