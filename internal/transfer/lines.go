package transfer

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"moonbear/internal/fault"
)

// MaxLine bounds a line, bytes. Servers refuse requests of 8 to 16 KiB.
const MaxLine = headBytes

// Lines reads lines of bounded length.
type Lines struct {
	r *bufio.Reader
	n int64
}

// Line is one of them, without its end.
type Line struct {
	Text   []byte // good until the next one
	Number int64  // from 1
	Long   bool   // more than MaxLine: Text is its beginning
	Torn   bool   // the file ends without ending it
}

// errUTF16 is about the only other encoding that logs come in: what PowerShell
// writes.
var errUTF16 = fault.New(fault.Invalid, "The file is UTF-16, not UTF-8. Convert it first: iconv -f UTF-16 -t UTF-8 FILE")

// NewLines reads lines, after a byte order mark if there is one.
func NewLines(r io.Reader) (*Lines, error) {
	b := bufio.NewReaderSize(r, MaxLine)
	mark, _ := b.Peek(3)
	switch {
	case bytes.Equal(mark, []byte{0xef, 0xbb, 0xbf}):
		_, _ = b.Discard(3)
	case bytes.HasPrefix(mark, []byte{0xff, 0xfe}), bytes.HasPrefix(mark, []byte{0xfe, 0xff}):
		return nil, errUTF16
	}
	return &Lines{r: b}, nil
}

// Next reads the next line that isn't blank; io.EOF after the last.
func (l *Lines) Next() (Line, error) {
	for {
		line, err := l.next()
		if err != nil || len(line.Text) > 0 || line.Long {
			return line, err
		}
	}
}

func (l *Lines) next() (line Line, err error) {
	b, err := l.r.ReadSlice('\n')
	l.n++
	line.Number = l.n
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) && len(b) > 0:
		line.Torn, err = true, nil
	case errors.Is(err, bufio.ErrBufferFull):
		line.Long = true
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.r.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			line.Torn, err = true, nil
		}
		return line, err
	default:
		return line, err
	}
	if line.Long = len(b) > MaxLine; line.Long { // the reader below may have a larger buffer
		return line, err
	}
	b = bytes.TrimSuffix(b, []byte{'\n'})
	line.Text = bytes.TrimSuffix(b, []byte{'\r'})
	return line, err
}

// Lines reads the input's lines.
func (in *Input) Lines() (*Lines, error) {
	if in.Zip != nil {
		return nil, fault.New(fault.Invalid, in.Name+": it is a zip, and this format has no zips. Unpack it first.")
	}
	return NewLines(in.Reader)
}
