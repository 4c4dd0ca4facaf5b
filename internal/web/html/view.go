// Package html is what the pages look like: templ components and the view
// models they take. It is pure: no database, no *http.Request, no clock; every
// number arrives as the words that are shown, every link as its URL.
//
//	stats.Result → web/dashboard_view.go → html.Dashboard → dashboard.templ → bytes
package html

// Page is what every page needs around its content.
type Page struct {
	Text   *Text
	Title  string // without the product's name
	Return string // path and query the language and theme switches come back to
	Theme  string // "", "light" or "dark"; "" follows the device
	Assets Assets
	Viewer *Viewer // nil: nobody is signed in
	// Refresh reloads the page without JavaScript after so many seconds; 0 never.
	Refresh int
	// Script is false on pages that need none.
	Script bool
}

// Assets are the URLs of the built files, content hash included.
type Assets struct{ CSS, JS, Icon string }

// Viewer is who is signed in.
type Viewer struct{ Email string }

// Link is a text and where it leads.
type Link struct {
	Label   string
	URL     string
	Title   string
	Current bool
	Gap     bool   // a rule above it, in a menu
	Key     string // the key that presses it
}

// Field is one input of a form: what was typed and what is wrong with it.
type Field struct{ Value, Error string }

// Setup is the page that claims a fresh server.
type Setup struct {
	Page
	Code, Email, Password, Domain, TimeZone Field
	Problem                                 string // what is wrong with no one field
	TimeZones                               []string
}

// SignIn is the page that asks for e-mail and password.
type SignIn struct {
	Page
	Email   Field
	Problem string
	Next    string // the path to go on to, "" for the start
}

// LoginLink is the page a one-time link opens: a link must not act when it is
// merely looked at by a mail scanner, so it asks for one press.
type LoginLink struct {
	Page
	Action string
	Spent  bool
}

// Start is a site's snippet and the wait for its first hit.
type Start struct {
	Page
	Domain, Snippet, Self string
	DashboardURL          string
	Status                StartStatus
}

// StartStatus is the part of Start that is asked for again and again.
type StartStatus struct {
	Text         *Text
	PollURL      string
	Domain       string
	Arrived      bool
	Pageviews    string
	Where        string // path of the latest pageview, "" not known
	DashboardURL string
	Refused      []Refusal
}

// Refusal is a kind of hit that was refused, and what can be done.
type Refusal struct {
	Title, About string
	Hostname     string // not "": the button allows it
	AllowURL     string
	Return       string
	Count        string
}

// Problem is an error page or, inside a page, an error in a panel's place.
type Problem struct {
	Page
	Status    int
	Title     string
	Message   string
	Reference string // finds the log line; "" when the message says all
	HomeURL   string
}
