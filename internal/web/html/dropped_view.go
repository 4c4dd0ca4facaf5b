package html

// Dropped is what was not counted, as a panel and as the top of its page.
type Dropped struct {
	Rows  []DroppedRow
	Chart DroppedChart
	Note  string // that filters don't apply; "" without any
	URL   string // the page of all
}

// DroppedRow is one reason and its examples.
type DroppedRow struct {
	Key                                        string // the stored reason, for its colour
	Reason, About, Remedy, Count, Exact, Share string
	DetailName                                 string // what its details are
	Details                                    []DroppedDetail
	MoreURL, More                              string // all details, "" when they are shown
}

// DroppedDetail is a bot's name or a hostname that was refused.
type DroppedDetail struct{ Label, Count, Last, AllowURL, Hostname, Return string }

// DroppedChart is a bar for each bucket, cut by reason, in a box 1000 by 100.
type DroppedChart struct {
	Title   string
	Bars    []DroppedBar
	Ticks   []Tick
	Most    string // of the highest bar
	Columns []string
	Rows    []DroppedPoint
}

// DroppedBar is one bucket; Open says that it isn't over.
type DroppedBar struct {
	Title string
	Open  bool
	Parts []DroppedPart
}

// DroppedPart is what one reason has of a bar.
type DroppedPart struct{ Key, X, Y, Width, Height string }

// DroppedPoint is one bucket's numbers.
type DroppedPoint struct {
	Label      string
	Unfinished bool
	Cells      []string
}

// DroppedPage is all of what was not counted.
type DroppedPage struct {
	Page
	Domain, BackURL string
	Span            string
	Period          Menu
	Total, Share    string // "" when everything was counted
	CSVURL          string
	Dropped         Dropped
	One             *DroppedReason // nil: all reasons
}

// DroppedReason is one reason with all its details.
type DroppedReason struct {
	Row            DroppedRow
	AllURL         string // back to all reasons
	Action, Search string
	Keep           []Param
	Range          string
	Next, Previous string
}
