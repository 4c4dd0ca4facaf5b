package stats_test

import (
	"math"
	"strconv"
	"strings"

	"moonbear/internal/event"
	"moonbear/internal/stats"
)

func counts(e *event.Event) bool { return e.Name != "engagement" }

// exit is the path of the visit's last pageview in a day around w.
func (o *oracle) exit(visit int64, w window) string {
	if visit == 0 {
		return ""
	}
	path, at := "", int64(math.MinInt64)
	for i := range o.events {
		e := &o.events[i]
		if e.Visit != visit || e.Name != "pageview" || !inItsDay(e) || ms(e.Time).Before(w.from.Add(-oracleTail)) || !ms(e.Time).Before(w.to.Add(oracleTail)) {
			continue
		}
		if e.Time > at || e.Time == at && e.Path > path {
			path, at = e.Path, e.Time
		}
	}
	return path
}

// firstPage is the path of the visit's first pageview in a day around w.
func (o *oracle) firstPage(visit int64, w window) string {
	path, at := "", int64(math.MaxInt64)
	for i := range o.events {
		e := &o.events[i]
		if visit == 0 || e.Visit != visit || e.Name != "pageview" || !inItsDay(e) || ms(e.Time).Before(w.from.Add(-oracleTail)) || !ms(e.Time).Before(w.to.Add(oracleTail)) {
			continue
		}
		if e.Time < at || e.Time == at && e.Path < path {
			path, at = e.Path, e.Time
		}
	}
	return path
}

// read is a dimension of an event as text, "" for not known.
func (o *oracle) read(e *event.Event, d stats.Dimension, w window) string {
	if key, ok := strings.CutPrefix(string(d), "prop:"); ok {
		for _, p := range e.Props {
			if p.Key == key {
				return p.Value
			}
		}
		return ""
	}
	switch d {
	case "path":
		return e.Path
	case "hostname":
		return e.Hostname
	case "entry_page":
		if e.EntryPath != "" {
			return e.EntryPath
		}
		return o.firstPage(e.Visit, w)
	case "exit_page":
		return o.exit(e.Visit, w)
	case "referrer":
		return e.Referrer
	case "source":
		return e.Source
	case "channel":
		return e.Channel
	case "utm_source":
		return e.UTMSource
	case "utm_medium":
		return e.UTMMedium
	case "utm_campaign":
		return e.UTMCampaign
	case "utm_content":
		return e.UTMContent
	case "utm_term":
		return e.UTMTerm
	case "country":
		return e.Country
	case "region":
		return e.Region
	case "city":
		return e.City
	case "browser":
		return e.Browser
	case "browser_version":
		return e.BrowserVersion
	case "os":
		return e.OS
	case "os_version":
		return e.OSVersion
	case "device":
		return e.Device
	case "screen_width":
		if e.ScreenWidth == 0 {
			return ""
		}
		return strconv.Itoa(int(e.ScreenWidth))
	case "language":
		return e.Language
	case "connection_speed":
		return e.ConnectionSpeed
	case "event_name":
		if e.Name == "engagement" {
			return "pageview"
		}
		return e.Name
	}
	panic("no dimension " + d)
}
