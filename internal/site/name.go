package site

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"moonbear/internal/fault"
)

// maxName bounds the name of a goal or a segment, in characters: a line of a
// panel has room for about half of it.
const maxName = 80

// parseName makes a name as it is kept (NFC, trimmed, one line) and as two are
// compared: without case. "Café" typed on a Mac and "CAFÉ" are one name. The
// error is a fault of the field "name".
func parseName(what, in string) (name, key string, err error) {
	name = norm.NFC.String(strings.TrimSpace(in))
	switch n := utf8.RuneCountInString(name); {
	case !utf8.ValidString(in):
		return "", "", fault.Field("name", "The name is not valid UTF-8 text.")
	case !strings.ContainsFunc(name, unicode.IsGraphic): // also a name of characters that show nothing
		return "", "", fault.Field("name", fmt.Sprintf("Give the %s a name of 1 to %d characters.", what, maxName))
	case n > maxName:
		return "", "", fault.Field("name", fmt.Sprintf("The name has %d characters; at most %d are allowed.", n, maxName))
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }):
		return "", "", fault.Field("name", "The name has a line break or a control character in it; write it on one line.")
	}
	return name, norm.NFC.String(cases.Fold().String(name)), nil
}
