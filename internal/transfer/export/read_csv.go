package export

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/transfer"
)

// rowReader reads rows that end with a line, and counts lines.
type rowReader struct {
	r     *bufio.Reader
	began int64 // the line that the last row began on
	ended int64 // how many lines have ended
	torn  bool  // the last row has no end
	row   []byte
}

func newRowReader(r io.Reader) rowReader { return rowReader{r: bufio.NewReaderSize(r, 64<<10)} }

// next reads a row without its end; quoted lines don't end it. A row that is
// too long is read to its end and dropped. The row is valid until the next.
func (r *rowReader) next(quotes bool) ([]byte, error) {
	r.row = r.row[:0]
	r.began = r.ended + 1
	long, open := false, false
	for {
		part, err := r.r.ReadSlice('\n')
		if err == nil {
			r.ended++
		}
		if quotes && bytes.Count(part, []byte{'"'})%2 == 1 {
			open = !open
		}
		if long = long || len(r.row)+len(part) > maxRow; long {
			r.row, open = r.row[:0], false // whatever was quoted, the line's end is the end now
		} else {
			r.row = append(r.row, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case errors.Is(err, io.EOF) && len(r.row) == 0 && !long:
			return nil, io.EOF
		case err == nil && open:
			continue
		case long:
			return nil, &rowError{transfer.TooLong, fmt.Sprintf("the row has more than %d MiB", maxRow>>20)}
		}
		r.torn = err != nil
		return bytes.TrimSuffix(bytes.TrimSuffix(r.row, []byte{'\n'}), []byte{'\r'}), nil
	}
}

// csvReader reads the CSV that csvWriter writes.
type csvReader struct {
	rows    rowReader
	columns []*column
	cells   []string
}

// newCSVReader reads the header.
func newCSVReader(r io.Reader) (*csvReader, error) {
	c := &csvReader{rows: newRowReader(r)}
	row, err := c.rows.next(true)
	if errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "The file is empty.")
	}
	if err != nil {
		return nil, err
	}
	return c, c.header(row)
}

// header takes the names of the columns; they may be in any order.
func (c *csvReader) header(row []byte) error {
	names, err := splitRow(bytes.TrimPrefix(row, []byte(byteOrderMark)), nil)
	if err != nil {
		return fault.New(fault.Invalid, "The header isn't one of an export: "+err.Error()+".")
	}
	c.columns, err = ourColumns(names)
	return err
}

// row is the next one with values: files that were put together have a header
// in the middle.
func (c *csvReader) row() ([]byte, error) {
	for {
		row, err := c.rows.next(true)
		switch {
		case err != nil:
			return nil, err
		case c.rows.torn:
			return nil, errTorn
		case looksLike(row) == CSV:
			if err := c.header(row); err != nil {
				return nil, err
			}
		case len(row) > 0:
			return row, nil
		}
	}
}

// next reads an event, without a site; io.EOF after the last.
func (c *csvReader) next(e *event.Event) error {
	row, err := c.row()
	if err != nil {
		return err
	}
	if c.cells, err = splitRow(row, c.cells[:0]); err != nil {
		return err
	}
	if len(c.cells) != len(c.columns) {
		return badRow("the row has %d cells, the header %d", len(c.cells), len(c.columns))
	}
	for i, col := range c.columns {
		cell := c.cells[i]
		if col.kind == text {
			cell = unguarded(cell)
		}
		if err := col.read(e, cell); err != nil {
			return err
		}
	}
	return whole(e)
}

func (c *csvReader) line() int64 { return c.rows.began }

var (
	errQuotes = &rowError{transfer.Malformed, "a quote is not closed, or in the middle of a cell"}
	errTorn   = &rowError{transfer.Torn, "the file ends in the middle of the row"}
)

// splitRow reads the cells of a row (RFC 4180).
func splitRow(row []byte, cells []string) ([]string, error) {
	s := string(row)
	for {
		if !strings.HasPrefix(s, `"`) {
			cell, rest, more := strings.Cut(s, ",")
			if strings.Contains(cell, `"`) {
				return cells, errQuotes
			}
			cells = append(cells, cell)
			if s = rest; !more {
				return cells, nil
			}
			continue
		}
		end := 1
		for {
			i := strings.IndexByte(s[end:], '"')
			if i < 0 {
				return cells, errQuotes
			}
			if end += i + 1; end == len(s) || s[end] != '"' {
				break
			}
			end++
		}
		cells = append(cells, strings.ReplaceAll(s[1:end-1], `""`, `"`))
		if end == len(s) {
			return cells, nil
		}
		if s[end] != ',' {
			return cells, errQuotes
		}
		s = s[end+1:]
	}
}
