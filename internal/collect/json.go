package collect

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A hit is one flat JSON object, so it is read in one pass that hands out a
// member at a time: a fifth of encoding/json's time, and an error can say which
// field is wrong. What is taken for JSON, and what for text, is what
// encoding/json takes; FuzzJSON holds the two side by side.

// kind is the type of a JSON value.
type kind byte

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

func (k kind) String() string {
	return [...]string{"null", "true or false", "a number", "a text", "a list", "an object"}[k]
}

// value is a JSON value: a text decoded, everything else as it was sent, a
// list or an object checked but not looked into.
type value struct {
	kind kind
	text string
}

// maxDepth bounds recursion; no hit nests more than two deep.
const maxDepth = 64

// decoder reads one JSON text from front to back. The first fault sticks.
type decoder struct {
	s   string
	i   int
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("byte %d: %s", d.i, what)
	}
}

func (d *decoder) space() {
	for d.i < len(d.s) {
		switch d.s[d.i] {
		case ' ', '\t', '\r', '\n':
			d.i++
		default:
			return
		}
	}
}

// take skips space, and c if it is next.
func (d *decoder) take(c byte) bool {
	d.space()
	if d.err == nil && d.i < len(d.s) && d.s[d.i] == c {
		d.i++
		return true
	}
	return false
}

// end fails unless nothing but space is left.
func (d *decoder) end() {
	if d.space(); d.err == nil && d.i < len(d.s) {
		d.fail("something follows the end")
	}
}

// open begins an object or a list: '{' or '['.
func (d *decoder) open(c byte) {
	if !d.take(c) {
		d.fail("wanted " + strconv.QuoteRune(rune(c)))
	}
}

// more says whether another member follows, and moves to it. first must be
// true before the first member.
func (d *decoder) more(first *bool, closing byte) bool {
	if d.err != nil || d.take(closing) {
		return false
	}
	if !*first && !d.take(',') {
		d.fail("wanted a comma or " + strconv.QuoteRune(rune(closing)))
		return false
	}
	*first = false
	return true
}

// key reads a member's name and the colon.
func (d *decoder) key() string {
	d.space()
	if d.i >= len(d.s) || d.s[d.i] != '"' {
		d.fail("wanted the name of a field")
		return ""
	}
	k := d.str()
	if !d.take(':') {
		d.fail("wanted a colon")
	}
	return k
}

// value reads any value.
func (d *decoder) value(depth int) value {
	d.space()
	if d.err != nil {
		return value{}
	}
	if d.i >= len(d.s) {
		d.fail("it ends where a value should be")
		return value{}
	}
	start := d.i
	switch c := d.s[d.i]; {
	case c == '"':
		return value{text, d.str()}
	case c == '{' || c == '[':
		d.nest(c, depth)
		if d.err != nil {
			return value{}
		}
		if c == '[' {
			return value{array, d.s[start:d.i]}
		}
		return value{object, d.s[start:d.i]}
	case c == '-' || c >= '0' && c <= '9':
		d.num()
		return value{number, d.s[start:d.i]}
	case d.word("true"), d.word("false"):
		return value{boolean, d.s[start:d.i]}
	case d.word("null"):
		return value{}
	}
	d.fail("wanted a value")
	return value{}
}

func (d *decoder) word(w string) bool {
	if strings.HasPrefix(d.s[d.i:], w) {
		d.i += len(w)
		return true
	}
	return false
}

// nest checks and skips a list or an object.
func (d *decoder) nest(c byte, depth int) {
	if depth >= maxDepth {
		d.fail("it is nested too deep")
		return
	}
	first := true
	if d.open(c); c == '[' {
		for d.more(&first, ']') {
			d.value(depth + 1)
		}
		return
	}
	for d.more(&first, '}') {
		d.key()
		d.value(depth + 1)
	}
}

func (d *decoder) digits() bool {
	start := d.i
	for d.i < len(d.s) && d.s[d.i] >= '0' && d.s[d.i] <= '9' {
		d.i++
	}
	return d.i > start
}

func (d *decoder) num() {
	if d.s[d.i] == '-' {
		d.i++
	}
	zero := d.i < len(d.s) && d.s[d.i] == '0'
	start := d.i
	if !d.digits() || zero && d.i > start+1 {
		d.fail("that is not a number")
		return
	}
	if d.i < len(d.s) && d.s[d.i] == '.' {
		if d.i++; !d.digits() {
			d.fail("a digit must follow the point")
			return
		}
	}
	if d.i < len(d.s) && (d.s[d.i] == 'e' || d.s[d.i] == 'E') {
		if d.i++; d.i < len(d.s) && (d.s[d.i] == '+' || d.s[d.i] == '-') {
			d.i++
		}
		if !d.digits() {
			d.fail("a digit must follow the exponent")
		}
	}
}

// str reads a text, its opening quote being next. Without escapes it is a
// piece of the input.
func (d *decoder) str() string {
	d.i++
	start := d.i
	ascii := true
	for d.i < len(d.s) {
		switch c := d.s[d.i]; {
		case c == '"':
			s := d.s[start:d.i]
			d.i++
			if !ascii {
				s = toValid(s)
			}
			return s
		case c == '\\':
			return d.escaped(start)
		case c < ' ':
			d.fail("a control character inside a text")
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
		d.i++
	}
	d.fail("a text does not end")
	return ""
}

// escaped goes on with a text that has an escape at d.i.
func (d *decoder) escaped(start int) string {
	var b strings.Builder
	b.Grow(2 * (d.i - start))
	b.WriteString(d.s[start:d.i])
	for d.i < len(d.s) {
		switch c := d.s[d.i]; {
		case c == '"':
			d.i++
			return toValid(b.String())
		case c == '\\':
			r, ok := d.escape()
			if !ok {
				d.fail("an escape that JSON does not have")
				return ""
			}
			b.WriteRune(r)
		case c < ' ':
			d.fail("a control character inside a text")
			return ""
		default:
			b.WriteByte(c)
			d.i++
		}
	}
	d.fail("a text does not end")
	return ""
}

// escape reads one escape; half of a surrogate pair is U+FFFD.
func (d *decoder) escape() (rune, bool) {
	if d.i+1 >= len(d.s) {
		return 0, false
	}
	c := d.s[d.i+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		d.i += 2
		return rune("\"\\/\b\f\n\r\t"[i]), true
	}
	r, ok := d.hex(d.i)
	if !ok {
		return 0, false
	}
	d.i += 6
	if utf16.IsSurrogate(r) {
		if low, ok := d.hex(d.i); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				d.i += 6
				return both, true
			}
		}
		return utf8.RuneError, true
	}
	return r, true
}

// hex reads \uXXXX at i.
func (d *decoder) hex(i int) (rune, bool) {
	if i+6 > len(d.s) || d.s[i] != '\\' || d.s[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(d.s[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// toValid puts U+FFFD for each byte that isn't UTF-8.
func toValid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}
