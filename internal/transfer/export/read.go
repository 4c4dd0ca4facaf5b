package export

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/transfer"
)

// maxRow bounds a row of a CSV or NDJSON file: a hit of the largest size is a
// fortieth of it.
const maxRow = 4 << 20

// rowError is what is wrong with one row; the rows after it can be read. It
// never repeats what the row says.
type rowError struct {
	reason transfer.Reason
	why    string
}

func (e *rowError) Error() string { return e.why }

func badRow(format string, args ...any) error {
	return &rowError{transfer.Malformed, fmt.Sprintf(format, args...)}
}

// errNewer is of a file that a later Moonbear wrote in another version.
func errNewer(version string) error {
	return fault.New(fault.Invalid, fmt.Sprintf("This export is of version %s; this Moonbear reads version %d. Import it with a newer one.", clip(version), exportVersion))
}

// read puts a value into an event, as it is written in a file. "" is null.
func (c *column) read(e *event.Event, s string) error {
	switch c.kind {
	case version:
		if s != strconv.Itoa(exportVersion) {
			return errNewer(s)
		}
		return nil
	case siteID:
		return nil // the file says where it came from; where it goes is the asker's choice
	case text:
		*c.at(e).(*string) = s
		return nil
	case pairs:
		props, err := parseProps(s)
		e.Props = props
		return err
	}
	return c.readScalar(e, s)
}

func (c *column) readScalar(e *event.Event, s string) error {
	switch v := c.at(e).(type) {
	case *bool:
		if s != "true" && s != "false" {
			return badRow("%s is true or false", c.name)
		}
		*v = s == "true"
	case *int64:
		if c.kind == moment {
			return c.readMoment(v, s)
		}
		n, err := parseWhole(s, 64)
		if err != nil {
			return badRow("%s is a whole number", c.name)
		}
		*v = n
	case *int32:
		n, err := parseWhole(s, 32)
		if err != nil {
			return badRow("%s is a whole number", c.name)
		}
		*v = int32(n)
	case *event.Measure:
		*v = 0
		if s == "" {
			return nil
		}
		n, err := parseWhole(s, 32)
		if *v = event.Measured(n); err != nil || *v == 0 {
			return badRow("%s is a whole number from 0 to 2147483646", c.name)
		}
	}
	return nil
}

func (c *column) readMoment(into *int64, s string) error {
	t, err := time.Parse(momentLayout, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339Nano, s)
	}
	if err != nil {
		return badRow("%s is a time like 2026-11-22T09:30:00.000Z", c.name)
	}
	*into = t.UnixMilli()
	return nil
}

func parseWhole(s string, bits int) (int64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseInt(s, 10, bits)
}

// parseProps reads properties from a JSON object of texts.
func parseProps(s string) ([]event.Prop, error) {
	if s == "" || s == "{}" {
		return nil, nil
	}
	j := scanner{s: s}
	props, err := j.props()
	if err == nil && j.end() != nil {
		err = badRow("something follows props")
	}
	return props, err
}

// whole says what an event must have before it can be stored.
func whole(e *event.Event) error {
	if e.Name == "" {
		return badRow("name is missing")
	}
	return nil
}

// mustColumns are those without which a file is no export.
var mustColumns = []string{versionColumn, "ts", "name"}

// ourColumns finds the columns of a header; they may be in any order, and all
// but mustColumns may be missing.
func ourColumns(names []string) ([]*column, error) {
	cs := make([]*column, len(names))
	for i, n := range names {
		at, ok := columnPlace[n]
		if !ok {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("An export has no column %q.", clip(n)))
		}
		cs[i] = &exportColumns[at]
		if slices.Index(names, n) != i {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("The column %q is there twice.", clip(n)))
		}
	}
	for _, n := range mustColumns {
		if !slices.Contains(names, n) {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("This is no export of Moonbear: it has no column %s.", n))
		}
	}
	return cs, nil
}

// looksLike tells the format of an export from a file's first bytes, ""
// for other files.
func looksLike(head []byte) Format {
	s := string(head)
	switch {
	case strings.HasPrefix(s, "PAR1"):
		return Parquet
	case strings.HasPrefix(strings.TrimPrefix(s, byteOrderMark), versionColumn+","):
		return CSV
	case strings.HasPrefix(s, `{"`+versionColumn+`":`):
		return NDJSON
	}
	return ""
}
