package transfer

import (
	"cmp"
	"fmt"
	"slices"
)

// Count is how many lines were dropped for one reason and detail.
type Count struct {
	Drop
	Lines int64 `json:"lines"`
	First int64 `json:"first"` // the first of them in the file
}

// Counts are what became of the lines.
type Counts struct {
	Lines   int64   `json:"lines"`  // stored and dropped
	Stored  int64   `json:"stored"` // lines that became an event, or counts of a day
	Dropped []Count `json:"dropped,omitempty"`
	// First and Last are the days with something stored, in the site's zone,
	// "2006-01-02"; "" for none.
	First string `json:"first,omitempty"`
	Last  string `json:"last,omitempty"`
}

// maxDetails bounds the details of one reason: whoever asks for a thousand
// made-up host names gets one count for the rest of them. Days are few, and
// all of them are named.
const maxDetails = 200

// tally counts lines.
type tally struct {
	lines, stored int64
	drops         map[Drop]*Count
	details       map[Reason]int
	first, last   string
}

func newTally(c *Counts) *tally {
	t := &tally{lines: c.Lines, stored: c.Stored, drops: map[Drop]*Count{}, details: map[Reason]int{}, first: c.First, last: c.Last}
	for _, d := range c.Dropped {
		t.drops[d.Drop] = &d
		t.details[d.Reason]++
	}
	return t
}

func (t *tally) store(day string) {
	t.lines++
	t.stored++
	if t.first == "" || day < t.first {
		t.first = day
	}
	if day > t.last {
		t.last = day
	}
}

func (t *tally) drop(d Drop, line int64) {
	t.lines++
	n := t.drops[d]
	if n == nil && t.details[d.Reason] >= maxDetails && d.Reason != LiveDay && d.Reason != CountedDay {
		d.Detail = ""
		n = t.drops[d]
	}
	if n == nil {
		n = &Count{Drop: d, First: line}
		t.drops[d] = n
		t.details[d.Reason]++
	}
	n.Lines++
	n.First = min(n.First, line)
}

// counts are what was counted so far, most first.
func (t *tally) counts() Counts {
	c := Counts{Lines: t.lines, Stored: t.stored, First: t.first, Last: t.last}
	for _, d := range t.drops {
		c.Dropped = append(c.Dropped, *d)
	}
	slices.SortFunc(c.Dropped, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Detail, b.Detail))
	})
	return c
}

// Total is how many lines were dropped for any reason.
func (c *Counts) Total() (dropped int64) {
	for _, d := range c.Dropped {
		dropped += d.Lines
	}
	return dropped
}

// less is what came since before.
func (c Counts) less(before Counts) Counts {
	had := map[Drop]int64{}
	for _, d := range before.Dropped {
		had[d.Drop] = d.Lines
	}
	out := Counts{Lines: c.Lines - before.Lines, Stored: c.Stored - before.Stored, First: c.First, Last: c.Last}
	for _, d := range c.Dropped {
		if d.Lines -= had[d.Drop]; d.Lines > 0 {
			out.Dropped = append(out.Dropped, d)
		}
	}
	return out
}

// addUp holds the summary to its word: what was read was stored or dropped.
func (c *Counts) addUp() error {
	if sum := c.Stored + c.Total(); sum != c.Lines {
		return fmt.Errorf("%d lines were read, but %d stored and %d dropped are %d", c.Lines, c.Stored, c.Total(), sum)
	}
	return nil
}
