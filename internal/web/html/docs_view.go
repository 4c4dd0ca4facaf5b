package html

// DocFrame is what every page of documentation has around its words.
type DocFrame struct {
	Page
	Name     string // in the URL; "" is the index
	Contents []DocHeading
}

// DocHeading is one line of a table of contents.
type DocHeading struct {
	ID, Text string
	Level    int // 2 or 3
}

// DocPage is a page made from Markdown; Lead and Body are HTML that the
// renderer made, never anything a stranger wrote.
type DocPage struct {
	DocFrame
	Lead, Body string
}

// docNames are the pages there are, in reading order.
var docNames = []string{"tracker", "moving", "metrics", "api", "export"}

// DocNames are the names of the pages of documentation, in reading order.
func DocNames() []string { return docNames }

// DocURL is where a page of documentation is; "" is the index.
func DocURL(name string) string {
	if name == "" {
		return "/docs"
	}
	return "/docs/" + name
}

// DocAPI is the reference of the API; every About is HTML made from Markdown.
type DocAPI struct {
	DocPage
	Groups []DocGroup
}

// DocGroup is a chapter of it.
type DocGroup struct {
	ID, Name, About string
	Operations      []DocOperation
}

// DocOperation is one thing a program can ask for.
type DocOperation struct {
	ID, Method, Path, Summary, About string
	Scope                            string // "" takes no token
	Parameters, Body, Answer         []DocField
	Faults                           []DocFault
	Examples                         []DocExample
}

// DocField is a field of a body, or a parameter.
type DocField struct {
	Depth             int // in how many others it is
	Name, Type, About string
	Required          bool
	Default           string
	Values            []string
	More              string // HTML: the names that may be written, each with its meaning
	Open              bool   // More and Values are shown at once
}

// DocFault is an answer that isn't a success.
type DocFault struct {
	Status int
	About  string
}

// DocExample is a request and its answer.
type DocExample struct {
	ID, Title, Request, Answer string
	Status                     int
}
