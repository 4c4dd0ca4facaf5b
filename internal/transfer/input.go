package transfer

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"moonbear/internal/fault"
)

const (
	// headBytes are what formats are told by: a line may be long.
	headBytes = 64 << 10
	// identityBytes are what a file is known by.
	identityBytes = 4 << 10
	// zstdWindow bounds what decompressing takes: zstd --long=27 is the largest
	// window that its own tool takes without being told.
	zstdWindow = 128 << 20
)

// Input is a file to be imported, decompressed: plain, gzip, zstd (several
// members too), or a zip of files.
type Input struct {
	Name string
	// Read reads the decompressed bytes. A zip has none.
	io.Reader
	// Zip is set for a zip.
	Zip *zip.Reader

	raw  *counter
	head []byte
	size int64 // of the file as it lies there; 0: not known
	at   io.ReaderAt
}

// File is what an Input is made from: an *os.File, or a stream that is no
// io.ReaderAt, which can't be a zip.
type File struct {
	Name   string
	Reader io.Reader
	Size   int64 // 0: not known
}

// NewInput finds out how a file is compressed, and reads its head.
func NewInput(f File) (*Input, error) {
	in := &Input{Name: clean(f.Name), raw: &counter{r: f.Reader}, size: f.Size}
	b := bufio.NewReaderSize(in.raw, 256<<10)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", in.Name, err)
	}
	var r io.Reader = b
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if r, err = gzip.NewReader(b); err != nil {
			return nil, fault.New(fault.Invalid, in.Name+": it begins like gzip and is not: "+err.Error()+".")
		}
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}), len(magic) == 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18}):
		// One goroutine: collecting has the other processor.
		if r, err = zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true)); err != nil {
			return nil, fault.New(fault.Invalid, in.Name+": it begins like zstd and is not: "+err.Error()+".")
		}
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")), bytes.HasPrefix(magic, []byte("PK\x05\x06")):
		return in, in.openZip(f)
	}
	text := bufio.NewReaderSize(r, headBytes)
	if in.head, err = text.Peek(headBytes); err != nil && !errors.Is(err, io.EOF) && len(in.head) == 0 {
		return nil, fault.New(fault.Invalid, in.Name+": it can't be read: "+err.Error()+".")
	}
	in.head = bytes.Clone(in.head)
	if at, ok := f.Reader.(io.ReaderAt); ok && r == io.Reader(b) {
		in.at = at
	}
	in.Reader = text
	return in, nil
}

func (in *Input) openZip(f File) error {
	at, ok := f.Reader.(io.ReaderAt)
	if !ok || f.Size == 0 {
		return fault.New(fault.Invalid, in.Name+": a zip can't be read from a pipe, because its contents are listed at its end. Name the file.")
	}
	z, err := zip.NewReader(counterAt{at, in.raw}, f.Size)
	if err != nil {
		return fault.New(fault.Invalid, in.Name+": it begins like a zip and is not: "+err.Error()+".")
	}
	// A zip is known by all that it lists: its first file may be the same in a
	// later export, while the others have more.
	listing := sha256.New()
	for _, m := range z.File {
		fmt.Fprintf(listing, "%q %d %08x\n", m.Name, m.UncompressedSize64, m.CRC32)
	}
	in.head = listing.Sum(nil)
	in.raw.n = 0
	in.Zip = z
	return nil
}

// Head is what the formats look at.
func (in *Input) Head() *Head {
	h := &Head{Name: in.Name}
	if in.Zip == nil {
		h.Bytes = in.head
		return h
	}
	for _, f := range in.Zip.File {
		h.Members = append(h.Members, f.Name)
	}
	return h
}

// identity is what a file is known by: the hash of its first bytes, and of how
// many. A file that was shorter than 4 KiB when it was first seen goes on being
// known by what there was then.
type identity struct {
	hash  [sha256.Size]byte
	bytes int
}

func (in *Input) identity(n int) identity {
	n = min(n, len(in.head), identityBytes)
	return identity{sha256.Sum256(in.head[:n]), n}
}

// clean makes a file's name fit to keep and to show: no folder, nothing that
// can't be printed, and not long.
func clean(name string) string {
	name = path.Base(filepath.ToSlash(name))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, name)
	if len(name) > 200 {
		name = strings.ToValidUTF8(name[:200], "")
	}
	return name
}

// counter counts the bytes read, for progress.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

type counterAt struct {
	io.ReaderAt
	c *counter
}

func (c counterAt) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, off)
	c.c.n += int64(n)
	return n, err
}
