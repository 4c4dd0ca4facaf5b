package collect

import (
	"errors"

	"moonbear/internal/event"
)

// readMoonbear reads our own dialect: the names of Panelbear's client, and what
// it lacked. What it doesn't know it leaves alone, because newer trackers talk
// to older servers.
func readMoonbear(body string, m *message) error {
	return read(body, func(key string, v value) error {
		if err := m.setMoonbear(key, v); err != errUnknownField { //nolint:errorlint // it is never wrapped, and this is every hit's every field
			return err
		}
		return nil
	})
}

// errUnknownField says that the dialect has no such field.
var errUnknownField = errors.New("no such field")

func (m *message) setMoonbear(key string, v value) error {
	switch key {
	case "pid", "site", "site_id":
		m.siteKey = key
		return setText(&m.siteID, key, v)
	case "event", "name":
		return setText(&m.name, key, v)
	case "url":
		return setText(&m.url, key, v)
	case "referrer":
		return setText(&m.referrer, key, v)
	case "screen_width":
		return setInt32(&m.screenWidth, key, v)
	case "user_language":
		return setText(&m.language, key, v)
	case "timezone":
		return setText(&m.timeZone, key, v)
	case "connection_speed":
		return setText(&m.speed, key, v)
	case "utm_source":
		return setText(&m.utmSource, key, v)
	case "utm_medium":
		return setText(&m.utmMedium, key, v)
	case "utm_campaign":
		return setText(&m.utmCampaign, key, v)
	case "utm_content":
		return setText(&m.utmContent, key, v)
	case "utm_term":
		return setText(&m.utmTerm, key, v)
	case "ref":
		return setText(&m.ref, key, v)
	case "source":
		return setText(&m.source, key, v)
	case "props":
		return m.setProps(key, v, false)
	case "value":
		return m.setValue(key, v)
	case "currency":
		return setText(&m.currency, key, v)
	case "interactive":
		return setBool(&m.interactive, key, v)
	case "include_url_fragment":
		return m.setFragment(key, v)
	case "override_user_agent":
		return setText(&m.overrideAgent, key, v)
	case "override_ip":
		return setText(&m.overrideIP, key, v)
	case "override_country_code":
		return setText(&m.overrideCountry, key, v)
	}
	if i, scale, ok := measure(key); ok {
		return m.setMeasure(i, scale, key, v)
	}
	return errUnknownField
}

func (m *message) setFragment(key string, v value) error {
	var c choice
	err := setBool(&c, key, v)
	m.fragment = c == yes
	return err
}

// measure finds a measured number by its name: where it is kept, and how many
// of the unit kept make one of the unit sent.
func measure(key string) (index int, scale float64, ok bool) {
	switch key {
	case "dns":
		return event.DNS, 1, true
	case "connect":
		return event.Connect, 1, true
	case "ssl":
		return event.TLS, 1, true
	case "ttfb":
		return event.TTFBTiming, 1, true
	case "download":
		return event.DownloadTiming, 1, true
	case "dom_content_loaded":
		return event.DOMContentLoaded, 1, true
	case "render":
		return event.Render, 1, true
	case "page_load":
		return event.PageLoad, 1, true
	case "transfer_size":
		return event.TransferSize, 1, true
	case "lcp":
		return event.LCP, 1, true
	case "inp":
		return event.INP, 1, true
	case "cls":
		return event.CLS, 10_000, true
	case "fcp":
		return event.FCP, 1, true
	case "vital_ttfb":
		return event.TTFB, 1, true
	case "engagement_time":
		return event.EngagementTime, 1, true
	case "scroll_depth":
		return event.ScrollDepth, 1, true
	}
	return 0, 0, false
}
