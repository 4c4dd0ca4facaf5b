package spool

import "io"

// FS is what the spool needs of a file system. Names are paths.
// The real one is used when Options.FS is nil; powercut has one that loses
// what was not synced, and one that fails at a chosen call.
type FS interface {
	MkdirAll(dir string) error
	List(dir string) ([]string, error) // names of the entries, any order
	Open(name string) (File, error)    // for reading and writing; fs.ErrNotExist when absent
	Create(name string) (File, error)  // new and empty, replacing what was there
	Rename(from, to string) error      // replaces to
	Remove(name string) error
	SyncDir(dir string) error            // makes creations, renames and removals in it durable
	Lock(name string) (io.Closer, error) // held until closed or the process dies; error when another holds it
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error // fdatasync: contents, and the size needed to read them
	// Uncache makes the next reads come from the disk as far as the system
	// can: after an fsync error Linux keeps pages that never reached the disk
	// and calls them clean.
	Uncache()
}
