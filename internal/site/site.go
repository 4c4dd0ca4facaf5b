// Package site knows the measured properties: their domains, hostnames and
// settings.
//
// Pages and the API ask the Service (control database); collecting asks the
// Directory, a copy in memory that every change refreshes.
package site

import (
	"slices"
	"strings"
	"time"
)

// Site is one measured property.
type Site struct {
	ID       int64  // in the control database and the event store
	PublicID string // in the snippet and in URLs, e.g. "k3TdV9xQ2mA"
	Account  int64
	Domain   string
	// TimeZone is an IANA name; a day of visitors is a day in this zone.
	TimeZone string
	Location *time.Location // TimeZone, loaded
	Currency string         // ISO 4217; revenue is summed in it
	// Hostnames is the allow-list, lower case; empty allows any.
	Hostnames []string
	// KeepFragment stores "#section" as part of the path.
	KeepFragment bool
	CreatedAt    time.Time
}

// Allows says whether a hit from hostname may be counted.
func (s *Site) Allows(hostname string) bool {
	return len(s.Hostnames) == 0 || slices.Contains(s.Hostnames, strings.ToLower(hostname))
}
