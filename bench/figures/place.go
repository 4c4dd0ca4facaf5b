package figures

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Place puts text into a document, between its marks: <!-- mark --> and
// <!-- /mark -->, each a line.
func Place(document, mark, text string) error {
	b, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->\n"
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return fmt.Errorf("%s has no place for the table, between %q and %q", document, begin, end)
	}
	return os.WriteFile(document, []byte(before+begin+text+end+after), 0o644)
}

// Measured says when the last of some figures was.
func Measured(when ...time.Time) string {
	var t time.Time
	for _, w := range when {
		if w.After(t) {
			t = w
		}
	}
	return "Measured on " + t.Format("2 January 2006") + "."
}
