package spool

import (
	"errors"

	"golang.org/x/sys/unix"
)

func fdatasync(fd int) error {
	for {
		err := unix.Fdatasync(fd)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// uncache drops clean pages. It is advice: an error means that the reads that
// follow may come from memory, as they would have without it.
func uncache(fd int) { _ = unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) }
