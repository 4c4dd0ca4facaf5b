package export

import (
	"errors"
	"fmt"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/transfer"
)

// Formats are our own files as an import takes them.
func Formats() []transfer.Format {
	var all []transfer.Format
	for _, f := range All() {
		all = append(all, transfer.Format{
			Name:  "moonbear-" + string(f),
			Title: "Moonbear's own export, " + map[Format]string{CSV: "CSV", NDJSON: "NDJSON", Parquet: "Parquet"}[f],
			Looks: func(h *transfer.Head) string {
				if looksLike(h.Bytes) == f {
					return ""
				}
				return fmt.Sprintf("it doesn't begin as our own %s does", f)
			},
			Open: func(in *transfer.Input, s transfer.Settings) (transfer.Source, error) { return open(f, in, s) },
		})
	}
	return all
}

// eventReader reads a file's events, without a site. A rowError is about one
// row, io.EOF is the end, and any other error is about the file.
type eventReader interface {
	next(*event.Event) error
	line() int64 // that the last row began on, from 1
}

func open(f Format, in *transfer.Input, s transfer.Settings) (transfer.Source, error) {
	if in.Zip != nil {
		return nil, fault.New(fault.Invalid, in.Name+": an export is one file, not a zip. Unpack it.")
	}
	switch f {
	case CSV:
		r, err := newCSVReader(in)
		return &source{r}, err
	case NDJSON:
		return &source{newNDJSONReader(in)}, nil
	}
	at, size, err := in.At(s.Temp)
	if err != nil {
		return nil, err
	}
	r, err := newParquetReader(at, size)
	return &source{r}, err
}

// source hands events on as they are.
type source struct{ r eventReader }

// Next reads one row: transfer.Source.
func (s *source) Next(it *transfer.Item) error {
	e := new(event.Event)
	err := s.r.next(e)
	it.Line = s.r.line()
	var row *rowError
	if errors.As(err, &row) {
		it.Drop = transfer.Drop{Reason: row.reason, Detail: row.why}
		return nil
	}
	if err != nil {
		return err
	}
	it.Record.Time, it.Record.Exact = time.UnixMilli(e.Time), e
	return nil
}
