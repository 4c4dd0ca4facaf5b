package web

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/atlas"
	"moonbear/internal/web/html"
)

// valueWords writes a dimension's value for people: "KR" is "South Korea".
func valueWords(t *html.Text, d stats.Dimension, value string) string {
	if value == "" {
		switch d {
		case stats.Source, stats.Referrer:
			return t.Direct
		case stats.UTMSource, stats.UTMMedium, stats.UTMCampaign, stats.UTMContent, stats.UTMTerm:
			return t.NoneValue
		}
		return t.Unknown
	}
	tag := language.MustParse(t.Lang)
	switch d {
	case stats.Country:
		return atlas.Country(t.Lang, value)
	case stats.Region:
		return atlas.Region(t.Lang, value)
	case stats.Language:
		if l, err := language.Parse(value); err == nil {
			if name := display.Tags(tag).Name(l); name != "" {
				return name
			}
		}
	case stats.Channel:
		return t.Channel(value)
	case stats.Device:
		return t.Device(value)
	case stats.ScreenWidth:
		if w, err := strconv.Atoi(value); err == nil {
			return strconv.Itoa(w) + "–" + strconv.Itoa(w+99) + " px"
		}
	case stats.Hostname:
		return site.DisplayHost(value)
	case stats.EventName:
		return eventWords(t, value)
	}
	return value
}

// openURL is the real page behind a value, "" when there is none.
func openURL(st *site.Site, d stats.Dimension, value string) string {
	if value == "" {
		return ""
	}
	switch d {
	case stats.Path, stats.EntryPage, stats.ExitPage:
		if !strings.HasPrefix(value, "/") {
			return ""
		}
		u := url.URL{Scheme: "https", Host: st.Domain, Path: value}
		if path, fragment, ok := strings.Cut(value, "#"); ok {
			u.Path, u.Fragment = path, fragment
		}
		return u.String()
	case stats.Prop("path"):
		return openURL(st, stats.Path, value)
	case stats.Referrer:
		host, path, _ := strings.Cut(value, "/")
		if !strings.Contains(host, ".") {
			return ""
		}
		return (&url.URL{Scheme: "https", Host: host, Path: "/" + path}).String()
	}
	if _, ok := d.PropKey(); ok {
		return linkIn(value)
	}
	return ""
}

// dimensionWords names a dimension; a property is its key.
func dimensionWords(t *html.Text, d stats.Dimension) string {
	if key, ok := d.PropKey(); ok {
		return fmt.Sprintf(t.Shell.Property, key)
	}
	return t.Dimension(string(d))
}

// unit is how a metric's numbers are written.
func unit(m stats.Metric) html.Unit {
	switch m.Unit() {
	case stats.Ratio:
		return html.Ratio
	case stats.Percent:
		return html.Percent
	case stats.Seconds:
		return html.Seconds
	case stats.Milliseconds:
		return html.Milliseconds
	case stats.Score:
		return html.Score
	case stats.Money:
		return html.Money
	}
	return html.Count
}

// short writes a metric's number where room is scarce, exact with nothing left
// out, tick beside a line of a chart; money is in the site's currency.
func (a ask) short(t *html.Text, m stats.Metric, n float64) string {
	if m.Unit() == stats.Money {
		return t.MoneyShort(n, a.site.Currency)
	}
	return t.Value(n, unit(m))
}

func (a ask) exact(t *html.Text, m stats.Metric, n float64) string {
	if m.Unit() == stats.Money {
		return t.Money(n, a.site.Currency)
	}
	return t.ExactValue(n, unit(m))
}

func (a ask) tick(t *html.Text, m stats.Metric, n float64) string {
	if m.Unit() == stats.Money {
		return t.MoneyShort(n, a.site.Currency)
	}
	return t.Tick(n, unit(m))
}

// row writes a metric's number at the end of a row.
func (a ask) row(t *html.Text, m stats.Metric, n float64) string {
	if unit(m) == html.Count {
		return t.RowValue(n)
	}
	return a.short(t, m, n)
}
