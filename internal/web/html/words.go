package html

import (
	"fmt"
	"strconv"
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
