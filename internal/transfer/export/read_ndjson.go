package export

import (
	"bytes"
	"errors"
	"io"

	"moonbear/internal/event"
)

// ndjsonReader reads the NDJSON that ndjsonWriter writes.
type ndjsonReader struct{ rows rowReader }

func newNDJSONReader(r io.Reader) *ndjsonReader { return &ndjsonReader{newRowReader(r)} }

// next reads an event, without a site; io.EOF after the last.
func (n *ndjsonReader) next(e *event.Event) error {
	var row []byte
	for len(row) == 0 {
		var err error
		if row, err = n.rows.next(false); err != nil {
			return err
		}
		row = bytes.TrimSpace(row)
	}
	err := readJSON(e, string(row))
	if errors.Is(err, errJSON) {
		if n.rows.torn {
			return errTorn
		}
		return badRow("the line is no JSON object")
	}
	return err
}

func (n *ndjsonReader) line() int64 { return n.rows.began }

// readJSON reads an event from an object; fields but those of mustColumns may
// be missing.
func readJSON(e *event.Event, s string) error {
	j := scanner{s: s}
	var seen [maxColumns]bool
	err := j.object(func(name string) error {
		i, ok := columnPlace[name]
		if !ok {
			return badRow("it has a field that no export has")
		}
		c := &exportColumns[i]
		if seen[i] {
			return badRow("%s is there twice", c.name)
		}
		seen[i] = true
		return c.readJSON(e, &j)
	})
	if err == nil {
		err = j.end()
	}
	if err != nil {
		return err
	}
	for _, must := range mustColumns {
		if !seen[columnPlace[must]] {
			return badRow("%s is missing", must)
		}
	}
	return whole(e)
}

// readJSON puts the next value of j into an event.
func (c *column) readJSON(e *event.Event, j *scanner) error {
	j.space()
	if c.kind == pairs && j.i < len(j.s) && j.s[j.i] == '{' {
		props, err := j.props()
		e.Props = props
		return err
	}
	v, err := j.value()
	switch {
	case err != nil:
		return err
	case v.raw == "null" && !v.text:
		if c.kind == version || c.kind == moment || c.kind == text || c.kind == yesNo {
			return badRow("%s is null", c.name)
		}
		v.raw = ""
	case v.text != c.isText():
		return badRow("%s is of the wrong kind", c.name)
	}
	return c.read(e, v.raw)
}

// isText says whether the column's values are texts in JSON.
func (c *column) isText() bool {
	return c.kind == text || c.kind == siteID || c.kind == moment || c.kind == identity
}
