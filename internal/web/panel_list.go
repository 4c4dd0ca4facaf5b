package web

import (
	"context"
	"math"
	"net/url"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// tabSpec is a list of a panel: a dimension's values, counted in what they are
// about.
type tabSpec struct {
	dimension stats.Dimension
	metric    stats.Metric
	known     bool // rows without a value are left out: they would only say "none"
	// under is the tab that this one is a part of, "" for a tab of its own:
	// five ways to look at campaigns are one tab.
	under stats.Dimension
	// finer takes the dimension's place when one value of it is all that is
	// asked about: a list of one browser says nothing, its versions do.
	finer stats.Dimension
}

// lists are the dashboard's panels of rows. Pages count pageviews; where a
// visit begins or ends counts visits; who came and from where counts visitors.
var lists = map[string][]tabSpec{
	"sources": {{dimension: stats.Source, metric: stats.Visitors}, {dimension: stats.Channel, metric: stats.Visitors},
		{dimension: stats.Referrer, metric: stats.Visitors, known: true}, {dimension: stats.UTMCampaign, metric: stats.Visitors, known: true},
		{dimension: stats.UTMSource, metric: stats.Visitors, known: true, under: stats.UTMCampaign},
		{dimension: stats.UTMMedium, metric: stats.Visitors, known: true, under: stats.UTMCampaign},
		{dimension: stats.UTMContent, metric: stats.Visitors, known: true, under: stats.UTMCampaign},
		{dimension: stats.UTMTerm, metric: stats.Visitors, known: true, under: stats.UTMCampaign}},
	"pages": {{dimension: stats.Path, metric: stats.Pageviews}, {dimension: stats.EntryPage, metric: stats.Visits}, {dimension: stats.ExitPage, metric: stats.Visits}},
	"places": {{dimension: stats.Country, metric: stats.Visitors}, {dimension: stats.Region, metric: stats.Visitors, known: true}, {dimension: stats.City, metric: stats.Visitors, known: true},
		{dimension: stats.Language, metric: stats.Visitors}},
	"devices": {{dimension: stats.Browser, metric: stats.Visitors, finer: stats.BrowserVersion}, {dimension: stats.OS, metric: stats.Visitors, finer: stats.OSVersion},
		{dimension: stats.Device, metric: stats.Visitors}, {dimension: stats.ScreenWidth, metric: stats.Visitors}},
}

// tabOf is how a dimension is listed: as its panel does, and every other by
// visitors, or by events where it is about one.
func tabOf(d stats.Dimension) (tabSpec, bool) {
	for _, tabs := range lists {
		for _, t := range tabs {
			if t.dimension == d {
				return t, true
			}
		}
	}
	if _, ok := d.PropKey(); ok || d == stats.EventName {
		return tabSpec{dimension: d, metric: stats.Events, known: true}, true
	}
	return tabSpec{dimension: d, metric: stats.Visitors}, slices.Contains(stats.Dimensions(), d)
}

// siblings are the lists of the panel that has d, or d alone.
func siblings(d stats.Dimension) []tabSpec {
	for _, tabs := range lists {
		if slices.ContainsFunc(tabs, func(t tabSpec) bool { return t.dimension == d }) {
			return tabs
		}
	}
	return nil
}

// shown is the list a tab stands for: the finer one where only one value is
// asked about.
func (a ask) shown(t tabSpec) tabSpec {
	one := func(f stats.Filter) bool { return f.Op == stats.Eq && f.Dimension == t.dimension }
	if t.finer != "" && slices.ContainsFunc(a.leaves(), one) {
		return tabSpec{dimension: t.finer, metric: t.metric}
	}
	return t
}

// listPanel is a panel of lists: each of its tabs is one of a dimension.
func listPanel(name string) panel {
	p := panel{name: name, under: map[string]string{}}
	for _, t := range lists[name] {
		p.tabs = append(p.tabs, string(t.dimension))
		if t.under != "" {
			p.under[string(t.dimension)] = string(t.under)
		}
	}
	spec := func(a ask, tab string) tabSpec {
		t, _ := tabOf(stats.Dimension(tab))
		return a.shown(t)
	}
	p.question = func(a ask, tab string) stats.Query { return tabQuery(a, spec(a, tab), panelRows) }
	p.show = func(ctx context.Context, b *board, f html.Frame, tab string) (templ.Component, error) {
		t := spec(b.a, tab)
		res, err := b.s.o.Stats.Run(ctx, tabQuery(b.a, t, panelRows))
		if err != nil {
			return nil, err
		}
		whole, err := b.total(ctx, t.counted(b.a))
		if err != nil {
			return nil, err
		}
		f.Column = b.t.Metric(string(t.counted(b.a))).Name
		if b.a.converts() {
			f.Column += " · " + b.t.Goal.Rate
		}
		l := html.List{Rows: rowViews(b.t, b.a, t, res.Rows, whole)}
		if string(t.dimension) != tab {
			l.Rows = named(l.Rows, b.a, stats.Dimension(tab))
		}
		if res.Count > len(res.Rows) {
			l.MoreURL = b.a.url("/all/" + url.PathEscape(string(t.dimension)))
			l.MoreNum = b.t.Exact(float64(res.Count))
		}
		l.Note = importedInList(b.t, res, t.counted(b.a))
		return html.ListPanel(f, l), nil
	}
	return p
}

// named puts the one value of d that is asked about before the finer rows:
// "131" says nothing where "Chrome 131" does.
func named(rows []html.Row, a ask, d stats.Dimension) []html.Row {
	for _, f := range a.leaves() {
		if f.Op != stats.Eq || f.Dimension != d {
			continue
		}
		for i := range rows {
			if !rows[i].Empty {
				rows[i].Label = f.Values[0] + " " + rows[i].Label
			}
		}
	}
	return rows
}

// panelRows is how many rows a panel has room for.
const panelRows = 10

func tabQuery(a ask, tab tabSpec, rows int) stats.Query {
	q := a.q
	if tab.known {
		leaves := append(append([]stats.Filter{}, a.leaves()...), stats.Is(tab.dimension, stats.IsSet))
		q = a.filtered(leaves).q
	}
	q.Compare = stats.NoComparison
	if a.converts() {
		return q.By(tab.dimension, rows, stats.Conversions, stats.ConversionRate)
	}
	return q.By(tab.dimension, rows, tab.metric)
}

// counted is what a list's rows are counted in: where a goal is asked about,
// its conversions.
func (t tabSpec) counted(a ask) stats.Metric {
	if a.converts() {
		return stats.Conversions
	}
	return t.metric
}

// rowViews writes rows; bars are against the longest, percentages against the
// whole.
func rowViews(t *html.Text, a ask, tab tabSpec, rows []stats.Row, whole stats.Number) []html.Row {
	longest, metric := 0.0, tab.counted(a)
	for _, r := range rows {
		longest = max(longest, r.Value(metric).N)
	}
	var out []html.Row
	for _, r := range rows {
		value, n := r.Keys[0], r.Value(metric).Number
		f := rowFilter(tab.dimension, value)
		row := html.Row{
			Label: valueWords(t, tab.dimension, value), Title: value, Empty: value == "",
			Value: a.row(t, metric, number(n)), Exact: a.exact(t, metric, number(n)),
			Share: t.Percent(number(stats.Share(n, whole))), Width: "0",
			FilterURL: a.toggled(f).url(""), OpenURL: openURL(a.site, tab.dimension, value), Active: a.has(f),
		}
		if row.Title = placeTitle(t, tab.dimension, value); row.Empty {
			row.Title = row.Label
		}
		if metric == stats.Conversions { // of the visitors of the row, how many
			row.Share = rateWords(t, number(r.Value(stats.ConversionRate).Number))
		}
		if !row.Active {
			row.ExcludeURL = a.toggled(rowExclusion(tab.dimension, value)).url("")
		}
		if longest > 0 && n.OK {
			row.Width = percentText(100 * n.N / longest)
		}
		out = append(out, row)
	}
	return out
}

// percentText is a place or width for SVG, to a hundredth.
func percentText(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}
