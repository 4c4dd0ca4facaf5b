package export

import (
	"bufio"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
)

// momentLayout is ISO 8601 with milliseconds. Times are UTC.
const momentLayout = "2006-01-02T15:04:05.000Z"

// byteOrderMark makes spreadsheets read the file as UTF-8.
const byteOrderMark = "\ufeff"

// csvWriter writes CSV (RFC 4180, but for LF at the end of a line): a null is
// empty, properties are a JSON object. A text that a spreadsheet would run, or
// that begins with an apostrophe, has one more apostrophe before it: anybody
// can send a path or a campaign's name, and who reads the file back takes one
// apostrophe off.
type csvWriter struct {
	out  *bufio.Writer
	site string
	row  []byte
	cell []byte // of properties
}

func newCSVWriter(out *bufio.Writer, site string) (*csvWriter, error) {
	w := &csvWriter{out: out, site: site}
	w.row = append(w.row, byteOrderMark...)
	for i, c := range exportColumns {
		if i > 0 {
			w.row = append(w.row, ',')
		}
		w.row = append(w.row, c.name...)
	}
	_, err := out.Write(append(w.row, '\n'))
	return w, err
}

func (w *csvWriter) write(e *event.Event) error {
	b := w.row[:0]
	for i := range exportColumns {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.value(b, &exportColumns[i], e)
	}
	w.row = append(b, '\n')
	_, err := w.out.Write(w.row)
	return err
}

func (w *csvWriter) close() error { return nil }

func (w *csvWriter) value(b []byte, c *column, e *event.Event) []byte {
	switch c.kind {
	case version:
		return strconv.AppendInt(b, exportVersion, 10)
	case siteID:
		return appendCell(b, guarded(w.site))
	case moment:
		return time.UnixMilli(*c.at(e).(*int64)).UTC().AppendFormat(b, momentLayout)
	case text:
		return appendCell(b, guarded(*c.at(e).(*string)))
	case yesNo:
		return strconv.AppendBool(b, *c.at(e).(*bool))
	case pairs:
		if len(e.Props) == 0 {
			return b
		}
		w.cell = appendProps(w.cell[:0], e.Props)
		return appendCell(b, string(w.cell))
	}
	if n, ok := c.number(e); ok {
		return strconv.AppendInt(b, n, 10)
	}
	return b
}

// guarded is a text as a spreadsheet may see it.
func guarded(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n', '\'':
		return "'" + s
	}
	for _, wide := range []string{"＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, wide) {
			return "'" + s
		}
	}
	return s
}

// unguarded is what guarded was made of.
func unguarded(s string) string { return strings.TrimPrefix(s, "'") }

// appendCell quotes what needs it. A space at an end is quoted because some
// readers trim it.
func appendCell(b []byte, s string) []byte {
	if s == "" || !strings.ContainsAny(s, ",\"\r\n\x00") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(b, s...)
	}
	b = append(b, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		b = append(append(b, s[:i]...), '"', '"')
		s = s[i+1:]
	}
	return append(append(b, s...), '"')
}
