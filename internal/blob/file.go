package blob

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// directory is a Bucket in a directory: each object is a file.
type directory struct{ path string }

const (
	// unfinished begins the name of a file that is being written.
	unfinished = ".unfinished-"
	// forgotten is when nobody writes such a file any more.
	forgotten = 24 * time.Hour
)

// Address implements Bucket.
func (d *directory) Address() string { return "file://" + d.path }

// open opens the directory. It isn't made: one that isn't there is a volume that
// isn't mounted, and what was written in its place would be seen by nobody.
func (d *directory) open() (*os.Root, error) {
	root, err := os.OpenRoot(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s isn't there: mount the volume, or make the directory", d.path)
	}
	return root, err
}

// Put implements Bucket: the file takes its name when it is on the disk.
func (d *directory) Put(ctx context.Context, name string, r io.Reader, size int64) (err error) {
	root, err := d.open()
	if err == nil {
		defer root.Close()
		err = put(ctx, root, name, r, size)
	}
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", name, d.Address(), err)
	}
	return nil
}

func put(ctx context.Context, root *os.Root, name string, r io.Reader, size int64) (err error) {
	sweep(root)
	temp := unfinished + rand.Text()
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = root.Remove(temp) // swept another time
		}
	}()
	n, err := io.Copy(f, whileAlive{ctx, r})
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes were said, and %d came", size, n)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return give(root, temp, name)
}

// give gives a file its name, durably. Whoever deletes the last object of a
// directory removes that as well, perhaps just now.
func give(root *os.Root, temp, name string) error {
	dir := path.Dir(name)
	err := fs.ErrNotExist
	for try := 0; try < 100 && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist)); try++ {
		if err = root.MkdirAll(dir, 0o700); err == nil {
			err = root.Rename(temp, name)
		}
	}
	if err != nil {
		return err
	}
	for ; ; dir = path.Dir(dir) {
		if err := syncDir(root, dir); err != nil || dir == "." {
			return err
		}
	}
}

func syncDir(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sweep removes what killed processes left half written.
func sweep(root *os.Root) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return // Put meets it, too
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), unfinished) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > forgotten {
			_ = root.Remove(e.Name())
		}
	}
}

// Get implements Bucket.
func (d *directory) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	root, err := d.open()
	if err == nil {
		defer root.Close()
		var f *os.File
		if f, err = root.Open(name); err == nil {
			return struct {
				io.Reader
				io.Closer
			}{whileAlive{ctx, f}, f}, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	return nil, fmt.Errorf("get %s from %s: %w", name, d.Address(), err)
}

// List implements Bucket.
func (d *directory) List(ctx context.Context, prefix string) (list []Object, err error) {
	root, err := d.open()
	if err == nil {
		defer root.Close()
		list, err = walk(ctx, root.FS(), prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("list %s in %s: %w", prefix, d.Address(), err)
	}
	slices.SortFunc(list, func(a, b Object) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func walk(ctx context.Context, files fs.FS, prefix string) (list []Object, err error) {
	err = fs.WalkDir(files, path.Dir(prefix+"x"), func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile, or never there
			return nil
		case err != nil:
			return err
		case !e.Type().IsRegular() || !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, unfinished):
			return ctx.Err()
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		list = append(list, Object{Name: name, Size: info.Size()})
		return ctx.Err()
	})
	return list, err
}

// Delete implements Bucket. A directory that held nothing else goes, too.
func (d *directory) Delete(ctx context.Context, name string) error {
	root, err := d.open()
	if err == nil {
		defer root.Close()
		err = remove(ctx, root, name)
	}
	if err != nil {
		return fmt.Errorf("delete %s from %s: %w", name, d.Address(), err)
	}
	return nil
}

func remove(ctx context.Context, root *os.Root, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if root.Remove(dir) != nil { // it holds something else
			return nil
		}
	}
	return nil
}

// whileAlive reads while nobody has ended ctx.
type whileAlive struct {
	ctx context.Context
	r   io.Reader
}

func (w whileAlive) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(b)
}
