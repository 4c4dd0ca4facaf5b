package export

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"moonbear/internal/event"
	"moonbear/internal/fault"
)

// parquetReader reads the Parquet that parquetWriter writes. It needs the
// whole file at hand: where its pieces are stands at the end.
type parquetReader struct {
	r    *parquet.GenericReader[parquetRow]
	rows []parquetRow
	at   int   // in rows
	n    int   // of rows
	row  int64 // how many were read
}

// newParquetReader opens a file of a size.
func newParquetReader(r io.ReaderAt, size int64) (p *parquetReader, err error) {
	defer unbroken(&err)
	if err := checkEnd(r, size); err != nil {
		return nil, errParquet(err)
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, errParquet(err)
	}
	var names []string
	for _, field := range f.Schema().Fields() {
		names = append(names, field.Name())
	}
	if _, err := ourColumns(names); err != nil {
		return nil, err
	}
	return &parquetReader{r: parquet.NewGenericReader[parquetRow](f), rows: make([]parquetRow, 256)}, nil
}

// checkEnd holds the length of the metadata, which a file's end tells, to the
// file: the library would make room for up to 4 GiB.
func checkEnd(r io.ReaderAt, size int64) error {
	var end [8]byte
	if size < 12 {
		return errors.New("it is too short")
	}
	if _, err := r.ReadAt(end[:], size-8); err != nil {
		return err
	}
	if string(end[4:]) != "PAR1" || int64(binary.LittleEndian.Uint32(end[:])) > size-12 {
		return errors.New("its end is missing")
	}
	return nil
}

// next reads an event, without a site; io.EOF after the last.
func (p *parquetReader) next(e *event.Event) error {
	if p.at == p.n {
		if err := p.fill(); err != nil {
			return err
		}
	}
	row := &p.rows[p.at]
	p.at++
	p.row++
	if row.Version != exportVersion {
		return errNewer(strconv.Itoa(int(row.Version)))
	}
	*e = row.event()
	return whole(e)
}

func (p *parquetReader) fill() (err error) {
	defer unbroken(&err)
	clear(p.rows)
	p.at = 0
	p.n, err = p.r.Read(p.rows)
	if p.n > 0 {
		return nil // what is wrong after these rows is told when they are read
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.EOF
	}
	return errParquet(err)
}

func (p *parquetReader) line() int64 { return p.row }

func errParquet(err error) error {
	return fault.New(fault.Invalid, fmt.Sprintf("This is no whole Parquet file of a Moonbear export: %s.", clip(err.Error())))
}

// unbroken turns a panic of the library, which some broken files cause, into
// an error.
func unbroken(err *error) {
	if p := recover(); p != nil {
		*err = errParquet(fmt.Errorf("%v", p))
	}
}
