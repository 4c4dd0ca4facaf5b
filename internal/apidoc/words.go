package apidoc

import (
	"fmt"
	"strings"

	"moonbear/internal/stats"
)

// What the names of questions mean, in a line each. A test sees to it that
// none is missing and none is left over.
var (
	metricWords = map[stats.Metric]string{
		stats.Visitors:       "different visitors. A visitor is known for one day, so over several days this is the sum of daily visitors",
		stats.Visits:         "visits that began in the period",
		stats.Pageviews:      "pages viewed",
		stats.Events:         "pageviews and custom events",
		stats.ViewsPerVisit:  "pageviews of the visits, divided by the visits",
		stats.BounceRate:     "percent of visits with one pageview and no interactive event",
		stats.VisitDuration:  "seconds from a visit's first event to its last, on average",
		stats.EngagementTime: "seconds a visit's pages were visible, on average; by path, on that page",
		stats.ScrollDepth:    "percent of a page a visit scrolled down to, on average",
		"conversions":        "events that met a goal; by `goal`, that one",
		"conversion_rate":    "percent of visitors who met a goal, of all that the question has without its conditions on `goal`",
		stats.Revenue:        "sum of money in the site's currency; other currencies are told apart",
	}
	measureWords = map[string]string{
		"dns": "milliseconds to look up the host", "connect": "milliseconds to connect", "tls": "milliseconds of the TLS handshake",
		"ttfb": "milliseconds from the request to the answer's first byte", "download": "milliseconds to download the page",
		"dom_content_loaded": "milliseconds until the page was read", "render": "milliseconds until it was rendered",
		"page_load": "milliseconds until it was loaded", "transfer_size": "bytes of the page as sent",
		"lcp": "milliseconds to the largest contentful paint", "inp": "milliseconds of interaction to next paint",
		"cls": "cumulative layout shift", "fcp": "milliseconds to the first contentful paint",
		"vital_ttfb": "milliseconds from the start of navigation to the first byte",
	}
	dimensionWords = map[stats.Dimension]string{
		stats.Path: "the page's path, `/pricing`", stats.Hostname: "its host", stats.EntryPage: "the visit's first page", stats.ExitPage: "its last",
		stats.Referrer: "the address it came from", stats.Source: "that address's name, `Google`", stats.Channel: "its class, `Organic Search`",
		stats.UTMSource: "the campaign's `utm_source`", stats.UTMMedium: "…", stats.UTMCampaign: "…", stats.UTMContent: "…", stats.UTMTerm: "…",
		stats.Country: "two letters, `DE`", stats.Region: "a name", stats.City: "a name",
		stats.Browser: "a name", stats.BrowserVersion: "major version", stats.OS: "a name", stats.OSVersion: "a version",
		stats.Device: "`desktop`, `mobile`, `tablet`, `tv`", stats.ScreenWidth: "pixels, rounded down to 100", stats.Language: "as the browser says, `de`",
		stats.ConnectionSpeed: "`slow-2g` to `4g`", stats.EventName: "`pageview`, or a custom event's name",
		"goal": "the name of a goal that the event met",
	}
	operatorWords = map[stats.Op]string{
		stats.Eq: "is the value", stats.Neq: "isn't", stats.In: "is one of the values", stats.NotIn: "is none of them",
		stats.Contains: "contains the text; upper and lower case differ", stats.NotContains: "doesn't", stats.StartsWith: "begins with it",
		stats.Matches: "fits it, `*` standing for any characters, also none", stats.IsSet: "is known", stats.IsNotSet: "isn't",
		stats.Gt: "is a number greater than the value", stats.Lt: "… less than it",
	}
	periodWords = map[string]string{
		"30m": "29 whole minutes and this one", "1h": "59 whole minutes and this one", "24h": "23 whole hours and this one",
		"today": "from midnight on", "7d": "7 days, today the last", "4w": "28 days, today the last",
		"3m": "this calendar month and the 2 before", "12m": "this calendar month and the 11 before", "24m": "this calendar month and the 23 before",
		"mtd": "this calendar month", "ytd": "this calendar year",
	}
)

// lines is a Markdown list of names and their words.
type lines struct{ strings.Builder }

func (l *lines) add(name, words string) { fmt.Fprintf(l, "- `%s`: %s\n", name, words) }

// measured splits the name of a metric of something measured: "lcp_p75" is
// lcp and _p75.
func measured(m stats.Metric) (measure, suffix string) {
	i := strings.LastIndexByte(string(m), '_')
	if i < 0 || measureWords[string(m)[:i]] == "" {
		return "", ""
	}
	return string(m)[:i], string(m)[i:]
}

func metricsText() string {
	var l lines
	suffixes := map[string][]string{}
	for _, m := range stats.Metrics() {
		if measure, suffix := measured(m.Name); measure != "" {
			suffixes[measure] = append(suffixes[measure], suffix)
		}
	}
	for _, m := range stats.Metrics() {
		measure, suffix := measured(m.Name)
		switch {
		case measure == "":
			l.add(string(m.Name), metricWords[m.Name])
		case suffix == suffixes[measure][0]:
			l.add(measure+strings.Join(suffixes[measure], "`, `"), measureWords[measure])
		}
	}
	l.add(strings.Join(stats.Aliases(), "`, `"), "other names of `events` and `visits`")
	return l.String() + "\nPercentiles (`_p75`: three of four were no more than this) are always a number that was measured; " +
		"`_count` is how often it was, `_good` and `_poor` are the percent of them that are good and poor by Google's limits."
}

func dimensionsText() string {
	var l lines
	for _, d := range stats.Dimensions() {
		l.add(string(d), dimensionWords[d])
	}
	l.add("prop:KEY", "the value of an event's property, `prop:plan`")
	return l.String()
}

func operatorsText() string {
	var l lines
	for _, o := range stats.Operators() {
		l.add(string(o), operatorWords[o])
	}
	return l.String()
}

func periodsText() string {
	var l lines
	for _, p := range stats.PeriodNames() {
		l.add(p, periodWords[p])
	}
	return l.String()
}

func bucketsText() string {
	var l lines
	allows := func(name string, p stats.Period) {
		var names []string
		for _, i := range p.Intervals() {
			names = append(names, "`"+string(i)+"`")
		}
		fmt.Fprintf(&l, "- %s: %s\n", name, strings.Join(names, ", "))
	}
	for _, p := range stats.PeriodNames() {
		allows("`"+p+"`", stats.Period{Name: p})
	}
	for _, d := range []struct{ words, to string }{
		{"one day", "2023-01-01"}, {"up to 7 days", "2023-01-07"}, {"up to 92 days", "2023-04-02"},
		{"up to 366 days", "2024-01-01"}, {"longer", "2025-01-01"},
	} {
		from, to, err := stats.ParseDates("2023-01-01", d.to)
		if err != nil {
			panic(err) // the dates are constants
		}
		allows("dates, "+d.words, stats.Period{From: from, To: to})
	}
	return l.String() + "\nThe first of each is the default."
}
