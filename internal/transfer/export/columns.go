package export

import (
	"moonbear/internal/event"
)

// exportVersion is the version of the files Exports writes. It stands in every
// row, so that a part of a file, or several put together, still say what they
// are. It changes when a column changes its meaning, not when one is added.
const exportVersion = 1

// versionColumn is the first one, and how a file is known.
const versionColumn = "moonbear_export"

// kind is how a column's values are written.
type kind int

const (
	version  kind = iota // exportVersion
	siteID               // the site's public ID
	moment               // Unix milliseconds; written as ISO 8601, UTC
	text                 // never null: "" is not known
	identity             // 64 bits that mean nothing by themselves; 0 is null
	yesNo                // true or false
	width                // a whole number; 0 is null
	measured             // an event.Measure; not measured is null
	money                // thousandths of the currency's unit; null where there is no currency and no amount
	pairs                // keys and values
)

// column is one column of an export. at finds its value in an event.
type column struct {
	name string
	kind kind
	at   func(*event.Event) any
}

// exportColumns are all of what is stored of an event, by the names that the
// event store, the documentation and the API have for it.
var exportColumns = columnTable()

func columnTable() []column {
	type e = event.Event
	cs := []column{
		{versionColumn, version, nil},
		{"site_id", siteID, nil},
		{"ts", moment, func(e *e) any { return &e.Time }},
		{"name", text, func(e *e) any { return &e.Name }},
		{"visitor_id", identity, func(e *e) any { return &e.Visitor }},
		{"visit_id", identity, func(e *e) any { return &e.Visit }},
		{"visit_start", moment, func(e *e) any { return &e.VisitStart }},
		{"import_id", identity, func(e *e) any { return &e.Import }},
		{"path", text, func(e *e) any { return &e.Path }},
		{"hostname", text, func(e *e) any { return &e.Hostname }},
		{"interactive", yesNo, func(e *e) any { return &e.Interactive }},
		{"entry_path", text, func(e *e) any { return &e.EntryPath }},
		{"referrer", text, func(e *e) any { return &e.Referrer }},
		{"source", text, func(e *e) any { return &e.Source }},
		{"channel", text, func(e *e) any { return &e.Channel }},
		{"utm_source", text, func(e *e) any { return &e.UTMSource }},
		{"utm_medium", text, func(e *e) any { return &e.UTMMedium }},
		{"utm_campaign", text, func(e *e) any { return &e.UTMCampaign }},
		{"utm_content", text, func(e *e) any { return &e.UTMContent }},
		{"utm_term", text, func(e *e) any { return &e.UTMTerm }},
		{"country", text, func(e *e) any { return &e.Country }},
		{"region", text, func(e *e) any { return &e.Region }},
		{"city", text, func(e *e) any { return &e.City }},
		{"browser", text, func(e *e) any { return &e.Browser }},
		{"browser_version", text, func(e *e) any { return &e.BrowserVersion }},
		{"os", text, func(e *e) any { return &e.OS }},
		{"os_version", text, func(e *e) any { return &e.OSVersion }},
		{"device", text, func(e *e) any { return &e.Device }},
		{"screen_width", width, func(e *e) any { return &e.ScreenWidth }},
		{"language", text, func(e *e) any { return &e.Language }},
		{"time_zone", text, func(e *e) any { return &e.TimeZone }},
		{"connection_speed", text, func(e *e) any { return &e.ConnectionSpeed }},
	}
	for i, name := range event.MeasureColumns {
		cs = append(cs, column{name, measured, func(e *e) any { return &e.Measures[i] }})
	}
	return append(cs,
		column{"revenue_thousandths", money, func(e *e) any { return &e.Revenue }},
		column{"currency", text, func(e *e) any { return &e.Currency }},
		column{"props", pairs, func(e *e) any { return &e.Props }},
	)
}

// maxColumns is more than there are columns.
const maxColumns = 64

// columnPlace finds a column in exportColumns by its name.
var columnPlace = func() map[string]int {
	places := map[string]int{}
	for i, c := range exportColumns {
		places[c.name] = i
	}
	return places
}()

// number is the value of a column of whole numbers; ok is false for null.
func (c *column) number(e *event.Event) (n int64, ok bool) {
	switch v := c.at(e).(type) {
	case *int64:
		return *v, *v != 0 || c.kind == money && e.Currency != ""
	case *int32:
		return int64(*v), *v != 0
	case *event.Measure:
		m, ok := v.Value()
		return int64(m), ok
	}
	panic("transfer: " + c.name + " is no column of numbers")
}
