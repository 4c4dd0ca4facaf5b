// Package tools reads what other analytics tools export.
//
//	GoatCounter's CSV, Umami's events, GA4's events from BigQuery → Records: events, which can be filtered
//	Plausible's zip, GA4's report as CSV                          → DayCounts: one dimension at a time
//
// A reader takes over what its source says and nothing else. A name of theirs
// becomes ours where we have one for the same thing (names.go, places.go); a
// number they don't tell is event.Untold.
package tools

import (
	"bytes"
	"encoding/csv"
	"strings"

	"moonbear/internal/fault"
	"moonbear/internal/transfer"
)

// Formats are those of this package.
func Formats() []transfer.Format {
	return []transfer.Format{
		{Name: "plausible", Title: "Plausible, the zip of all data", Looks: looksPlausible, Open: openPlausible},
		{Name: "umami", Title: "Umami, its events as CSV or in a zip", Looks: looksUmami, Open: openUmami},
		{Name: "goatcounter", Title: "GoatCounter, the CSV export", Looks: looksGoatCounter, Open: openGoatCounter},
		{Name: "ga4", Title: "Google Analytics 4, a report as CSV", Looks: looksGA4, Open: openGA4},
		{Name: "ga4-bigquery", Title: "Google Analytics 4, events from BigQuery as JSON", Looks: looksBigQuery, Open: openBigQuery},
	}
}

// dropped is an item that isn't taken.
func dropped(reason transfer.Reason, detail string) transfer.Drop {
	return transfer.Drop{Reason: reason, Detail: cut(printable(detail), 100)}
}

func invalid(text string) error { return fault.New(fault.Invalid, text) }

// headerOf is the first row of a file's head, in lower case.
func headerOf(h *transfer.Head) []string {
	line, _, _ := bytes.Cut(bytes.TrimPrefix(h.Bytes, []byte("\ufeff")), []byte("\n"))
	row, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return nil
	}
	for i := range row {
		row[i] = strings.ToLower(strings.TrimSpace(row[i]))
	}
	return row
}
