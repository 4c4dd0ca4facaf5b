package export

import (
	"bufio"
	"strconv"
	"time"
	"unicode/utf8"

	"moonbear/internal/event"
)

// ndjsonWriter writes a JSON object a line, with every column in it.
// Identities are texts: JavaScript and jq round numbers beyond 53 bits.
type ndjsonWriter struct {
	out  *bufio.Writer
	site string
	row  []byte
}

func (w *ndjsonWriter) write(e *event.Event) error {
	b := append(w.row[:0], '{')
	for i := range exportColumns {
		c := &exportColumns[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), c.name...), '"', ':')
		b = w.value(b, c, e)
	}
	w.row = append(b, '}', '\n')
	_, err := w.out.Write(w.row)
	return err
}

func (w *ndjsonWriter) close() error { return nil }

func (w *ndjsonWriter) value(b []byte, c *column, e *event.Event) []byte {
	switch c.kind {
	case version:
		return strconv.AppendInt(b, exportVersion, 10)
	case siteID:
		return appendJSON(b, w.site)
	case moment:
		b = time.UnixMilli(*c.at(e).(*int64)).UTC().AppendFormat(append(b, '"'), momentLayout)
		return append(b, '"')
	case text:
		return appendJSON(b, *c.at(e).(*string))
	case yesNo:
		return strconv.AppendBool(b, *c.at(e).(*bool))
	case pairs:
		return appendProps(b, e.Props)
	}
	n, ok := c.number(e)
	if !ok {
		return append(b, "null"...)
	}
	if c.kind == identity {
		return append(strconv.AppendInt(append(b, '"'), n, 10), '"')
	}
	return strconv.AppendInt(b, n, 10)
}

// appendProps writes properties as a JSON object.
func appendProps(b []byte, props []event.Prop) []byte {
	b = append(b, '{')
	for i, p := range props {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(append(appendJSON(b, p.Key), ':'), p.Value)
	}
	return append(b, '}')
}

// appendJSON writes a text as JSON has it. Bytes that are no UTF-8, which no
// store holds, become U+FFFD.
func appendJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[done:i]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		done = i
	}
	return append(append(b, s[done:]...), '"')
}
