// Package transfer takes in history: files of other tools, server logs, our
// own exports. The trip of one line:
//
//	input.go   the file is decompressed, its first 4 KiB tell which one it is
//	Format     its Source reads lines, rows or objects: an Item each
//	judge.go   a Record becomes an event, as collecting would judge it, or is
//	           dropped for a reason
//	window.go  events wait for an hour of the log's own time, to be in order
//	judge.go   they join or open visits
//	run.go     → event.Store.Append, in batches whose positions make a rerun
//	           harmless
//
// The address and the user agent of a line end in judge.go: what waits in the
// window holds a visitor's hash.
package transfer

import (
	"time"

	"moonbear/internal/event"
)

// Format is one kind of file that can be imported. Package formats lists all.
type Format struct {
	Name  string // as --format takes it: "combined"
	Title string // for people: "Apache or nginx, combined log format"
	// Looks tells whether a file is of this format by its head: "" when it is,
	// else why not, as the end of a sentence ("line 1 has no time in brackets").
	// It must be so strict that no two formats take one file.
	Looks func(h *Head) (whyNot string)
	// Open begins to read. A fault says what the file lacks.
	Open func(in *Input, s Settings) (Source, error)
}

// Head is what a file is told by.
type Head struct {
	Name    string   // the file's own name, without its folder; "-" for standard input
	Bytes   []byte   // its beginning, decompressed: 64 KiB, or all there is
	Members []string // of a zip: the names in it, and Bytes is empty
}

// Settings are what a Source may have to know of the site.
type Settings struct {
	Domain   string         // for addresses that come without a host name
	Location *time.Location // the site's zone: days without a zone are days there
	// Temp is where a file may be sorted whose rows are in no order, or
	// copied that has to be gone back in; "" is the system's place for such.
	Temp string
	// Tell is called now and then by a Source that reads far before it yields;
	// its error ends that. nil: nobody wants to know.
	Tell func() error
}

// Source reads one file from its beginning to its end. The same bytes must
// give the same Items: that is how a rerun knows what it has already.
type Source interface {
	// Next reads the next line, row or object into it, which is zero; io.EOF
	// after the last one. Headers, comments and blank lines are no Items.
	// Any other error ends the import; what was read before stays.
	Next(it *Item) error
}

// Item is what one line, row or object holds: a Record, or counts of days, or
// a reason why it is not taken.
type Item struct {
	Line   int64 // in the file, counted from 1; of a row, the line it begins on
	Record Record
	Days   []event.DayCount // Site and Import are filled in later
	Drop   Drop             // set: nothing else is
}

// Drop is why a line is not taken.
type Drop struct {
	Reason Reason `json:"reason"`
	Detail string `json:"detail,omitempty"` // a bot's name, a hostname, what is wrong with the line; never anything personal
}

// Reason says in one word why a line was dropped. Texts of collect's drops
// mean the same here.
type Reason string

// The reasons there are. A Source gives those of the first group.
const (
	Asset     Reason = "asset"      // a script, a picture, a feed: no page
	Method    Reason = "method"     // not GET; detail: the method
	Status    Reason = "status"     // neither 2xx nor 304; detail: its class, "4xx"
	Prefetch  Reason = "prefetch"   // fetched ahead, perhaps never looked at
	Malformed Reason = "malformed"  // can't be read; detail: why
	TooLong   Reason = "too_long"   // a line of more than 64 KiB
	Unknown   Reason = "unknown"    // an object this format has no use for; detail: its kind
	Torn      Reason = "unfinished" // the file ends in the middle of it: it is read when it is whole

	Bot          Reason = "bot"           // detail: its name
	ReferrerSpam Reason = "referrer_spam" //
	Hostname     Reason = "hostname"      // not on the site's list; detail: the hostname
	LiveDay      Reason = "live_day"      // the site has live events on this day; detail: the day
	CountedDay   Reason = "imported_day"  // another import has this day's numbers, or of counts its events; detail: the day
	NoVisit      Reason = "engagement_without_visit"
	Known        Reason = "already_imported" // by an earlier run
)

// Record is what one line, row or object says happened. Only Time and a URL
// have to be there.
type Record struct {
	Time     time.Time
	Name     string // "" is a pageview
	URL      string // absolute, or a path with its query: campaign tags are read from it, the rest of the query is forgotten
	Hostname string // where URL has none; "" is the site's domain
	Referrer string // absolute; its query is forgotten

	// Of logs: judged (bots, place, device) and hashed, never kept.
	IP        string
	UserAgent string

	// Visitor and Visit are the source's own words for who it was and in which
	// visit. "" is not told: then IP and UserAgent tell the visitor, and time
	// the visit. Neither is kept: both are hashed.
	Visitor string
	Visit   string

	// Facts are what the source knows already (country, browser, source …);
	// each that is set goes before what would be derived. VisitStart and
	// EntryPath are not looked at.
	Facts event.Entry

	Props     []event.Prop
	Revenue   int64  // thousandths
	Currency  string // ISO 4217; "" with Revenue is the site's own
	Measures  [event.MeasureCount]event.Measure
	Automatic bool // a custom event that does not count against a bounce

	// Exact is an event of our own export: stored as it is but for site and
	// import, and nothing else of the Record is looked at.
	Exact *event.Event
}
