//go:build unix && !linux

package spool

import "golang.org/x/sys/unix"

func fdatasync(fd int) error { return unix.Fsync(fd) }

func uncache(int) {}
