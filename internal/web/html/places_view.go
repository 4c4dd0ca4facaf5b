package html

// WorldMap is the countries by visitors.
type WorldMap struct {
	ViewBox string
	Land    string     // SVG path of the countries nobody came from
	Places  []MapPlace // in the order of painting
	Label   string     // what the map says, in words
	Legend  []MapStep
	Top     []MapPlace // named under the map, most first
	All     string     // the link to the list of all, "" when Top is all
	AllURL, AllFragment,
	Unknown string // visitors from nobody knows where; "" none
}

// MapPlace is a country with visitors: a shape, or a dot where that is too small.
type MapPlace struct {
	Code, Name string
	Path       string // "" for a dot at X, Y
	X, Y       string
	Step       int // of the legend, 1 the palest
	N          float64
	Share      string
	Title      string // name, exact number and share
	FilterURL  string
	ExcludeURL string
	Active     bool
}

// MapStep is a shade and the numbers it stands for.
type MapStep struct {
	Step  int
	Label string
}
