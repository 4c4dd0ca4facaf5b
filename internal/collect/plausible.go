package collect

import (
	"strings"

	"moonbear/internal/event"
)

// readPlausible reads what @plausible-analytics/tracker and Plausible's older
// scripts send: long names and short ones, properties and revenue as objects
// or as JSON inside a text. What Plausible leaves out without a word (empty
// and nested properties) is left out here too, so that a site which moves over
// loses no hit to a stricter reading.
func readPlausible(body string, m *message) error {
	if err := read(body, m.setPlausible); err != nil {
		return err
	}
	m.name = plausibleName(m.name)
	return nil
}

func (m *message) setPlausible(key string, v value) error {
	switch key {
	case "n", "name":
		return setText(&m.name, key, v)
	case "u", "url":
		return setText(&m.url, key, v)
	case "d", "domain":
		m.siteKey = key
		err := setText(&m.siteID, key, v)
		first, _, _ := strings.Cut(m.siteID, ",") // several sites may be named; the first is the page's own
		m.siteID = strings.TrimSpace(first)
		return err
	case "r", "referrer":
		return setText(&m.referrer, key, v)
	case "w", "screen_width":
		return setInt32(&m.screenWidth, key, v)
	case "h", "hash_mode":
		m.fragment = v.kind == boolean && v.text == "true" || v.kind == number && v.text == "1"
	case "i", "interactive":
		return setBool(&m.interactive, key, v)
	case "e":
		return m.setMeasure(event.EngagementTime, 1, key, v)
	case "sd":
		return m.setMeasure(event.ScrollDepth, 1, key, v)
	case "p", "props", "m", "meta":
		v, err := unfold(v)
		if err != nil {
			return err
		}
		return m.setProps(key, v, true)
	case "$", "revenue":
		v, err := unfold(v)
		if err != nil || v.kind == null {
			return err
		}
		if v.kind != object {
			return wrong(key, "an object with amount and currency", v)
		}
		return read(v.text, func(member string, v value) error {
			switch member {
			case "amount":
				return m.setValue(key+".amount", v)
			case "currency":
				return setText(&m.currency, key+".currency", v)
			}
			return nil
		})
	}
	return nil
}

// unfold reads JSON inside a text.
func unfold(v value) (value, error) {
	if v.kind != text {
		return v, nil
	}
	if strings.TrimSpace(v.text) == "" {
		return value{}, nil
	}
	d := decoder{s: v.text}
	inner := d.value(1)
	d.end()
	return inner, notJSON(d.err)
}

// plausibleName gives the events Plausible's script makes by itself the names
// ours has for them. A colon, which is in several of them and may be in no
// name here, becomes a space: "Form: Submission" is "Form Submission".
func plausibleName(name string) string {
	switch name {
	case "Outbound Link: Click":
		return event.Outbound
	case "File Download":
		return event.Download
	case "404":
		return event.NotFound
	}
	if !strings.Contains(name, ":") {
		return name
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(name, ":", " ")), " ")
}
