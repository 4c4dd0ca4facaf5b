package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/transfer/export"
)

// Exporter answers with a file of a site's events; *export.Exports is one.
type Exporter interface {
	Serve(http.ResponseWriter, *http.Request, export.Request) error
}

// exportEvents answers with a file of raw events:
// GET /v1/events/export?site_id=…&from=2026-03-01&to=2026-03-31&format=parquet
func (a *API) exportEvents(w http.ResponseWriter, r *http.Request, t account.Token) error {
	v, err := readParameters(r.URL.RawQuery, "site_id", "from", "to", "timezone", "format")
	if err != nil {
		return err
	}
	if v.Get("site_id") == "" {
		return fault.Field("site_id", "site_id is missing: it is the ID in your snippet, and GET /v1/sites lists it.")
	}
	var q export.Request
	if q.Format, err = export.ParseFormat(v.Get("format")); err != nil {
		return err
	}
	zone := time.UTC
	if name := v.Get("timezone"); name != "" {
		if zone, err = (stats.Query{TimeZone: name}).Location(); err != nil {
			return fault.Field("timezone", fmt.Sprintf("timezone: there is no time zone %q; it must be an IANA name like Asia/Seoul or UTC.", clip(name)))
		}
	}
	if q.Days, err = export.ParseDays(v.Get("from"), v.Get("to"), zone); err != nil {
		return err
	}
	if q.Site, err = a.siteFor(r.Context(), t, v.Get("site_id")); errors.Is(err, site.ErrNotFound) {
		return errSiteID
	} else if err != nil {
		return err
	}
	return a.o.Exports.Serve(w, r, q)
}
