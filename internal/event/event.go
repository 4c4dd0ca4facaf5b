// Package event is the stored thing: its shape, its bytes, and the store it
// goes to.
//
// A hit becomes an Event in collect, travels as bytes through the spool
// (codec.go), and is appended to a Store by load. Questions come back out of a
// Store by SQL that stats writes. There is no field for an IP address, a user
// agent or a query string here, so none can reach a disk.
package event

// Names of the events that have a meaning of their own. Every other name is
// the customer's (a custom event).
const (
	Pageview   = "pageview"
	Engagement = "engagement" // one message when a page is hidden; never counted, never opens a visit
	Outbound   = "Outbound Link"
	Download   = "File Download"
	NotFound   = "Not Found"
)

// Event is one stored thing a visitor did. The zero value of a field means
// "not known". Entry facts are the visit's, repeated on each of its rows, so
// that every visit metric is one group by.
type Event struct {
	Site    int64  // the site's number in the control database
	Time    int64  // Unix time, milliseconds, UTC; the server's clock
	Name    string // Pageview, Engagement, … or the customer's own
	Visitor int64  // daily salted hash; 0 for none
	Visit   int64  // 0 for none
	Import  int64  // the import it came with, which can be taken back; 0: it was collected

	Path     string // without query; without fragment unless the site keeps it
	Hostname string

	Interactive bool // counts against a bounce

	Entry // the visit's facts, fixed by its first event

	ConnectionSpeed string // "4g", as the Network Information API names it
	Measures        [MeasureCount]Measure

	Revenue  int64  // thousandths of Currency's unit
	Currency string // ISO 4217; "" when there is no revenue

	Props []Prop // sorted by key, keys unique
}

// Entry is what a visit's first event fixes for the whole visit.
type Entry struct {
	VisitStart int64 // Unix time, milliseconds, UTC; Time of the visit's first event

	EntryPath   string
	Referrer    string // host and path, no scheme, no query: "news.ycombinator.com/item"
	Source      string // "Google", "newsletter"; "" is direct
	Channel     string // "Organic Search", "Direct", …
	UTMSource   string
	UTMMedium   string
	UTMCampaign string
	UTMContent  string
	UTMTerm     string

	Country string // ISO 3166-1 alpha-2, upper case
	Region  string // ISO 3166-2, "KR-11"
	City    string

	Browser        string
	BrowserVersion string // major, or major.minor where that is what tells versions apart
	OS             string
	OSVersion      string
	Device         string // DeviceDesktop, …
	ScreenWidth    int32  // CSS px, rounded down to 100; 0 not known
	Language       string // BCP 47, "ko-KR"
	TimeZone       string // IANA name, the visitor's
}

// The values of Entry.Device.
const (
	DeviceDesktop = "desktop"
	DeviceMobile  = "mobile"
	DeviceTablet  = "tablet"
	DeviceTV      = "tv"
	DeviceOther   = "other"
)

// Prop is one property of a custom event.
type Prop struct{ Key, Value string }

// Measure is an optional measured number, so that the zero value is "not
// measured" and a measured 0 is kept apart from it.
type Measure int32

// Measured wraps v; negative values are not measurements and give "not measured".
func Measured(v int64) Measure {
	if v < 0 || v >= 1<<31-1 {
		return 0
	}
	return Measure(v + 1)
}

// Value returns the number, and whether it was measured.
func (m Measure) Value() (int32, bool) { return int32(m) - 1, m != 0 }

// Indexes into Event.Measures. Column names and units are in MeasureColumns.
const (
	DNS = iota
	Connect
	TLS
	TTFBTiming // request sent to first byte
	DownloadTiming
	DOMContentLoaded
	Render
	PageLoad
	TransferSize
	LCP
	INP
	CLS
	FCP
	TTFB // the vital: navigation start to first byte
	EngagementTime
	ScrollDepth
	MeasureCount
)

// MeasureColumns are the event store's column names, in the order of the
// indexes above. Milliseconds, but transfer_size (bytes), cls (ten
// thousandths) and scroll_depth (percent, 0 to 100).
var MeasureColumns = [MeasureCount]string{
	"dns", "connect", "tls", "ttfb", "download", "dom_content_loaded", "render", "page_load",
	"transfer_size", "lcp", "inp", "cls", "fcp", "vital_ttfb", "engagement_time", "scroll_depth",
}

// Drop counts hits of one site refused for one reason in one minute.
type Drop struct {
	Site   int64
	Time   int64  // Unix milliseconds, the start of the minute
	Reason string // an enumerated drop reason of collect
	Detail string // a bot's name, a refused hostname; never anything personal
	Count  int64
}

// Key remembers a batch's idempotency key for 24 hours.
type Key struct {
	Site int64
	Time int64    // Unix milliseconds
	Key  [16]byte // hash of the token's ID and the key as sent
	Body [16]byte // hash of the body it came with
}
