package app

import (
	"context"

	"moonbear/internal/transfer"
	"moonbear/internal/web"
)

// countedBy are the formats that bring counts of days and no events, and the
// tools they are of.
var countedBy = map[string]string{"plausible": "Plausible", "ga4": "Google Analytics"}

// days are the days of which a site's imports have counts, for the pages to
// name.
func (h *imports) days(ctx context.Context, siteID int64) ([]web.ImportedDays, error) {
	all, err := h.transfer.Imports(ctx, siteID)
	if err != nil {
		return nil, err
	}
	var days []web.ImportedDays
	for _, i := range all {
		tool, ok := countedBy[i.Format]
		if !ok || i.First == "" || i.State == transfer.Undone || i.State == transfer.Undoing {
			continue
		}
		d := web.ImportedDays{Source: tool, From: i.First, To: i.Last}
		// One tool's reports come in several files of the same days.
		if n := len(days); n > 0 && days[n-1] == d {
			continue
		}
		days = append(days, d)
	}
	return days, nil
}
