package html

import (
	"math"
	"strconv"
)

// Perf is the panel of performance.
type Perf struct {
	Tiles       []PerfTile
	Percentiles []PerfTab // which percentile chart and list show
	Name        string    // the chosen measure, in full
	About       string
	Limits      string // "good up to 2.5 s, poor over 4 s"; "" for a measure without
	Chart       PerfChart
	By          []Tab // what the list is of
	List        PerfList
}

// PerfTab is a percentile to choose, with the chosen measure's number.
type PerfTab struct {
	Tab
	Value, Exact, About string
}

// PerfTile is one measure: its number, and what Google thinks of it.
type PerfTile struct {
	Tab
	Plain    string // what it is, in three words
	About    string // in a sentence
	Value    string // p75
	Exact    string // all three percentiles with nothing left out
	Change   string
	Trend    Trend
	Previous string
	Rating   string // good, needs_work or poor; "" for no limits, or too few measurements
	Word     string // the rating in words, or why there is none
	Shares   *PerfShares
	Spread   string // where there are no shares: the other percentiles
	Measured string // how often
}

// PerfShares are how the measurements fall on both sides of the limits.
type PerfShares struct {
	Good, Needs, Poor string // widths, percent
	NeedsAt, PoorAt   string // where they begin, percent
	Words             string // "82% good, 12% need improvement, 6% poor"
	Short             string // "82% good"
}

// PerfChart is a measure over time: phases stacked under the whole, or three
// percentiles. Places are as in Chart.
type PerfChart struct {
	Title      string
	Bands      []PerfBand // from the bottom up
	Lines      []PerfLine
	Previous   string
	Limits     []Tick // a vital's limits
	Labels     []PerfLabel
	Grid       []Tick
	Ticks      []Tick
	Columns    []PerfColumn
	Rows       []ChartRow
	Main       int
	Key        []PerfKey
	Notes      []string
	Zone       string
	OutURL     string // what a double press goes back to, "" for nothing
	Compared   bool
	Unfinished bool
}

// PerfBand is the area of one phase, and of the same in an unfinished bucket.
type PerfBand struct{ Key, Area, Edge, Open string }

// PerfLine is a percentile's line: where there are enough measurements, where
// there are few, and in an unfinished bucket.
type PerfLine struct {
	Key, Sure, Few, Open string
	Dots                 []Dot
}

// PerfLabel names a line or a band where it ends.
type PerfLabel struct{ Key, Text, X, Y, Across, Down, End string }

// PerfColumn is a column of the table, and the key of what it is drawn as.
type PerfColumn struct{ Key, Label string }

// PerfKey explains a colour or a line.
type PerfKey struct{ Key, Name, Value, About string }

// PerfList is the slowest rows.
type PerfList struct {
	Rows    []PerfRow
	Column  string // "p75"
	Note    string // which rows are left out
	None    string // why there are none
	MoreURL string
	More    string
}

// PerfRow is a row with how often it was measured.
type PerfRow struct {
	Row
	Rating, Word string
	Measured     string
	MeasuredFull string
}

// PerfEmpty says why there are no timings.
type PerfEmpty struct {
	Title string
	Lines []string
}

// Fine writes a timing or a score finely enough that it doesn't seem to lie on
// the other side of a limit: "2.54 s", "240 ms", "0.104".
func (t *Text) Fine(v float64, u Unit) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return Dash
	case u == Score:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case u != Milliseconds || v < 999.5:
		return t.Value(v, u)
	case v >= 9_995:
		return t.Millis(v)
	}
	return strconv.FormatFloat(v/1000, 'f', 2, 64) + t.secondSign()
}

// FineExact writes all that is stored: "2,541 ms", "0.1042".
func (t *Text) FineExact(v float64, u Unit) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return Dash
	case u == Score:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case u == Milliseconds:
		return t.Exact(v) + " ms"
	}
	return t.ExactValue(v, u)
}

// Limit writes one of Google's limits, which are round: "2.5 s", "0.1".
func (t *Text) Limit(v float64, u Unit) string {
	if u == Milliseconds && v >= 1000 {
		return strconv.FormatFloat(v/1000, 'f', -1, 64) + t.secondSign()
	}
	if u == Score {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return t.Value(v, u)
}

func (t *Text) secondSign() string {
	if t.Lang == "ko" {
		return "초"
	}
	return " s"
}
