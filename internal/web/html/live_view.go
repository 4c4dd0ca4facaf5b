package html

// Live is a site's last thirty minutes.
type Live struct {
	Page
	Domain, DashboardURL string
	Now                  LiveNow
}

// LiveNow is the part of it that is asked for again and again.
type LiveNow struct {
	Text                *Text
	PollURL, Every      string
	Online              string // visitors in the last five minutes
	Visitors, Pageviews string // in the last thirty
	Empty               bool
	Minutes             LiveMinutes
	Lists               []LiveList
	Moments             []LiveMoment
}

// LiveMinutes is a bar for each minute, in a box 300 by 64.
type LiveMinutes struct {
	Bars  []LiveBar
	Title string
	Label string // all numbers in words
}

// LiveBar is one minute; Open says that it isn't over.
type LiveBar struct {
	X, Y, Width, Height, Title string
	Open                       bool
}

// LiveList is what one dimension has in these minutes.
type LiveList struct {
	Name, Title, Column string
	Rows                []Row
}

// LiveMoment is one event, without whose it was.
type LiveMoment struct {
	Ago, Path, Country, Source string
	Event                      string // "" for a pageview
}
