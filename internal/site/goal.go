package site

import "time"

// Goal is a rule that matches events of a site. An event that met it is a
// conversion.
type Goal struct {
	ID       int64  // in the control database
	PublicID string // in URLs and the API
	Site     int64
	Name     string // unique within the site, whatever the case
	Rule     Rule
	// Value is what one conversion is worth when its event carries no money of
	// its own: thousandths of the site's currency; 0 is nothing.
	Value     int64
	CreatedAt time.Time
}

// Rule says which events meet a goal: pageviews of a path, or custom events of
// a name whose properties meet every condition. Exactly one of Path and Event
// is set.
type Rule struct {
	Path       string // "/thanks", "/order/*": "*" stands for any characters, also none and also "/"
	Event      string
	Properties []PropertyCondition // of an Event only; at most 10
}

// PropertyCondition asks about one property of an event.
type PropertyCondition struct {
	Key      string
	Operator string // eq, neq, contains, starts_with, matches, is_set, is_not_set, gt, lt
	Value    string // "" for is_set and is_not_set
}

// Segment is a saved filter of a site.
type Segment struct {
	ID        int64
	PublicID  string
	Site      int64
	Name      string // unique within the site, whatever the case
	Filter    string // JSON, as stats.ParseFilter reads it
	CreatedAt time.Time
}
