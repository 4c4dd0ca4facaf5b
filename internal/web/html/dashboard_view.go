package html

import "github.com/a-h/templ"

// Dashboard is a site's first page.
type Dashboard struct {
	Page
	Domain          string
	URL             string // this dashboard without filters and with the default period
	SiteLinks       []Link // the switcher
	StartURL        string
	Now             Now
	Period          PeriodMenu
	Comparison      Menu
	Filter          FilterForm
	Filters         []Chip
	Segments        SegmentMenu
	ClearURL        string
	WiderURL        string // a longer period, "" when it is the longest
	Span            string // "26 Oct – 22 Nov"
	Against         string // "28 Sep – 25 Oct", "" when nothing is compared
	Zone            string // the site's time zone
	Headline        []Number
	Chart           Chart
	Panels          []templ.Component
	Empty           Empty
	Snippet         string      // for NoHits
	Wait            StartStatus // for NoHits
	AsOf            string      // the clock up to which everything is counted
	Imported        string      // what of imported days is in the numbers; "" where there are none
	ImportedInChart string      // the same of the chart, where it differs
	Behind          string      // says that the newest hits aren't counted yet; "" when they are
	RefreshURL      string      // this dashboard again, "" when its period is over
}

// Empty says why a dashboard has nothing to show.
type Empty int

// The ways to be empty.
const (
	NotEmpty Empty = iota
	NoHits         // the site has never had a hit
	NoMatch        // there are hits, but none for these filters and this period
)

// Now is the count of visitors in the last five minutes.
type Now struct {
	Text    *Text
	Count   string
	PollURL string
	URL     string // the live view
}

// Menu is a list of links behind the one that is chosen.
type Menu struct {
	Label string // what the menu chooses, for screen readers
	Shown string
	Items []Link
}

// PeriodMenu chooses the period: from a list, by dates, or a step at a time.
type PeriodMenu struct {
	Menu
	Before, After Link // without a URL: there is none
	Dates         DateForm
}

// DateForm asks for two dates.
type DateForm struct {
	Action   string
	Keep     []Param
	From, To string // 2026-11-22
	Max      string
	Error    string
}

// Chip is a filter in force. Turning it keeps what it left out.
type Chip struct {
	Label, RemoveURL   string
	TurnURL, TurnLabel string // "" for one that has no opposite
	Turned             bool   // it leaves something out
	EditURL            string // "" for one the form can't show
}

// FilterForm adds a filter, or changes one.
type FilterForm struct {
	Action              string
	Keep                []Param // the query to keep, as hidden inputs
	Groups              []OptionGroup
	Operators           []Option
	Dimension, Operator string   // chosen
	Values              []string // an input each, at least one
	Edit                string   // the number of the filter that is changed, "" for a new one
	ValuesURL           string   // gives values to choose from
}

// OptionGroup is several choices of a select under one heading.
type OptionGroup struct {
	Label   string
	Options []Option
}

// Param is one name and value of a query string.
type Param struct{ Name, Value string }

// Option is one choice of a select.
type Option struct{ Value, Label string }

// Number is one headline number.
type Number struct {
	Metric   string // its name in URLs
	Name     string
	About    string
	Value    string
	Exact    string
	Change   string
	Trend    Trend
	Previous string // the compared value with words around it, for a title
	URL      string // the dashboard with this number in the chart
	Current  bool
}

// Chart is a line of one metric by time. Places are in percent of the plot,
// so that it fits every width without a script.
type Chart struct {
	Title      string   // says the metric, the span and the comparison in words
	Line       string   // SVG path in a 1000 × 100 box, gaps as moves
	Dashed     string   // the last stretch, when its bucket is unfinished
	Area       string   // the same line closed to the baseline
	Previous   string   // the compared period's line
	Dots       []Dot    // points that no line reaches: alone between gaps
	Grid       []Tick   // horizontal, from the baseline up
	Ticks      []Tick   // vertical
	Columns    []string // of the table: time, then each metric
	Rows       []ChartRow
	Main       int // index of the drawn metric in ChartRow.Cells
	Zone       string
	Unfinished bool
	Compared   bool
	Exports    []Export
	Intervals  []Link // the widths of a bucket; none where there is one
	OutURL     string // the period to zoom out to, "" when it isn't zoomed in
}

// Export is a way to take numbers along: as a file, and as the command that
// asks the API for them.
type Export struct {
	Label  string // which numbers, "" where there is only one kind
	CSVURL string
	Curl   string // "" where the API has no such question
}

// Dot is a single point of the plot, in percent.
type Dot struct{ X, Y string }

// Tick is a line of the grid and its label; At is in percent.
type Tick struct {
	At    string
	Label string
	End   string // SVG text-anchor: start, middle or end
}

// ChartRow is one bucket: its numbers as words and where its point is.
type ChartRow struct {
	Label      string
	X          string   // percent
	Y          string   // percent from the top, "" for a gap
	Cells      []string // one a column
	Before     string   // the drawn metric in the compared period, "" not compared
	BeforeY    string
	From, To   string // dates for zooming, "" when a bucket is shorter than a day
	Unfinished bool
}

// Spark is a line without axes, in a 100 × 24 box.
type Spark struct{ Line, Label string }

// Frame is what every panel has around its content.
type Frame struct {
	Text   *Text
	Name   string // its name in URLs
	Title  string
	Wide   bool   // across all columns
	Params string // its parameters in URLs, with spaces between
	Tabs   []Tab
	Subs   []Tab  // beneath the chosen tab; none for most
	Column string // what is counted
	Total  string // beside the title, "" for none
	// Exports are the ways to take the numbers along; none for no menu.
	Exports []Export
}

// List is a panel of rows.
type List struct {
	Rows    []Row
	MoreURL string // all rows, "" when all are shown
	MoreNum string
	Note    string // what the list is without; "" for none
}

// Tab is another dimension of the same panel: URL works alone, Fragment is
// the panel by itself.
type Tab struct {
	Link
	Fragment string
}

// Row is one value of a dimension.
type Row struct {
	Label      string
	Title      string // the whole value where Label is short
	Empty      bool   // the label stands for "none": set in a quieter voice
	Value      string
	Exact      string
	Share      string
	Width      string // of the bar, percent
	FilterURL  string
	ExcludeURL string
	OpenURL    string // the real page, "" when there is none
	Active     bool   // a filter on it is in force; FilterURL takes it off
}

// PanelProblem is what a panel shows when its question failed.
type PanelProblem struct{ Message, Reference, RetryURL, Fragment string }

// Listing is all rows of one dimension, with search and pages.
type Listing struct {
	Page
	Domain, BackURL string
	Heading         string
	Tabs            []Link // the lists of the same panel
	Search          string
	Action          string
	Keep            []Param
	Columns         []Column // the row's name the first
	Rows            []ListingRow
	Range           string // "1–50 of 312"
	Next, Previous  string // URLs
	Filters         []Chip
	Span            string
	Note            string // which rows are there, "" for all
	Other           Link   // to the others
	Against         string // "" when nothing is compared
	Exports         []Export
	Cut             string // says that a file hasn't all rows; "" when it has
}

// Column is one of a listing's, and the link that sorts by it, or turns the
// order around.
type Column struct {
	Label, URL string
	Sorted     string // as aria-sort says it; "" when the order is another's
}

// ListingRow is a Row with more numbers.
type ListingRow struct {
	Row
	Cells  []string
	Change string
	Trend  Trend
}
