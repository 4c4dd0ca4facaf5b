package html

import (
	"fmt"
	"strconv"

	"github.com/a-h/templ"
)

func intText(n int) string { return strconv.Itoa(n) }

// statusTest names the state of the wait for browser tests.
func statusTest(s StartStatus) string {
	if s.Arrived {
		return "arrived"
	}
	return "waiting"
}

// rowTitle says the whole value and what a press does.
func rowTitle(t *Text, r Row) string {
	what := r.Title
	if what == "" {
		what = r.Label
	}
	if r.Active {
		return fmt.Sprintf(t.RowUnfilter, what)
	}
	return fmt.Sprintf(t.RowFilter, what)
}

func curlID(id string, i int) string { return "curl-" + id + "-" + intText(i) }

// exportOf names the panel an export menu belongs to, for those who don't see
// where it stands.
func exportOf(t *Text, id string) string {
	if name := t.Panel(id); name != id {
		return ": " + name
	}
	return ""
}

// current marks the chosen one of several links. The attribute without a value
// would say that it isn't.
func current(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"aria-current": "true"}
	}
	return nil
}

// turnSign is what a press on a filter's sign makes of it.
func turnSign(turned bool) string {
	if turned {
		return "="
	}
	return "≠"
}

// invalid marks a field that something is wrong with.
func invalid(message string) templ.Attributes {
	if message == "" {
		return nil
	}
	return templ.Attributes{"aria-invalid": "true", "aria-describedby": "dates-error"}
}

// zooms says that dragging over the chart leads anywhere.
func zooms(c Chart) bool { return len(c.Rows) > 1 && c.Rows[0].From != "" }
