package html

// Sites lists an account's sites.
type Sites struct {
	Page
	Rows     []SiteRow
	All      *SiteRow // all of them together, nil for one or none
	Asked    bool     // the search is offered: there are many
	Search   string
	Next     string // URLs of the pages beside this one
	Previous string
	Range    string
	Domain   Field
	TimeZone Field
	Zones    []string
	Problem  string
	Adding   bool // the form is open, because something in it is wrong
}

// SiteRow is one site of the list.
type SiteRow struct {
	Domain, URL, StartURL string
	LiveURL, Now          string // visitors now, "" for none
	Visitors, Exact       string // in 28 days, "" none or not known
	Known                 bool
	Change                string // against the 28 days before
	Trend                 Trend
	Spark                 *Spark // day by day; nil not known
}
