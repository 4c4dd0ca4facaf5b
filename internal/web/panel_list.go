package web

import (
	"context"
	"math"
	"net/url"
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
}

// lists are the dashboard's panels of rows. Pages count pageviews; where a
// visit begins or ends counts visits; who came and from where counts visitors.
var lists = map[string][]tabSpec{
	"sources": {{stats.Source, stats.Visitors, false}, {stats.Channel, stats.Visitors, false},
		{stats.Referrer, stats.Visitors, true}, {stats.UTMCampaign, stats.Visitors, true}},
	"pages":  {{stats.Path, stats.Pageviews, false}, {stats.EntryPage, stats.Visits, false}, {stats.ExitPage, stats.Visits, false}},
	"places": {{stats.Country, stats.Visitors, false}, {stats.Region, stats.Visitors, true}, {stats.City, stats.Visitors, true}, {stats.Language, stats.Visitors, false}},
	"devices": {{stats.Browser, stats.Visitors, false}, {stats.OS, stats.Visitors, false},
		{stats.Device, stats.Visitors, false}, {stats.ScreenWidth, stats.Visitors, false}},
}

// tabOf finds a dimension among the lists' tabs.
func tabOf(d stats.Dimension) (tabSpec, bool) {
	for _, tabs := range lists {
		for _, t := range tabs {
			if t.dimension == d {
				return t, true
			}
		}
	}
	return tabSpec{}, false
}

// listPanel is a panel of lists: each of its tabs is one of a dimension.
func listPanel(name string) panel {
	p := panel{name: name}
	for _, t := range lists[name] {
		p.tabs = append(p.tabs, string(t.dimension))
	}
	p.question = func(a ask, tab string) stats.Query {
		t, _ := tabOf(stats.Dimension(tab))
		return tabQuery(a, t, panelRows)
	}
	p.show = func(ctx context.Context, b *board, f html.Frame, tab string) (templ.Component, error) {
		t, _ := tabOf(stats.Dimension(tab))
		res, err := b.s.o.Stats.Run(ctx, p.question(b.a, tab))
		if err != nil {
			return nil, err
		}
		whole, err := b.total(ctx, t.metric)
		if err != nil {
			return nil, err
		}
		f.Column = b.t.Metric(string(t.metric)).Name
		l := html.List{Rows: rowViews(b.t, b.a, t, res.Rows, whole)}
		if res.Count > len(res.Rows) {
			l.MoreURL = b.a.url("/all/" + url.PathEscape(tab))
			l.MoreNum = b.t.Exact(float64(res.Count))
		}
		return html.ListPanel(f, l), nil
	}
	return p
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
	return q.By(tab.dimension, rows, tab.metric)
}

// rowViews writes rows; bars are against the longest, percentages against the
// whole.
func rowViews(t *html.Text, a ask, tab tabSpec, rows []stats.Row, whole stats.Number) []html.Row {
	longest := 0.0
	for _, r := range rows {
		longest = max(longest, r.Value(tab.metric).N)
	}
	var out []html.Row
	for _, r := range rows {
		value, n := r.Keys[0], r.Value(tab.metric).Number
		f := rowFilter(tab.dimension, value)
		row := html.Row{
			Label: valueWords(t, tab.dimension, value), Title: value, Empty: value == "",
			Value: a.row(t, tab.metric, number(n)), Exact: a.exact(t, tab.metric, number(n)),
			Share: t.Percent(number(stats.Share(n, whole))), Width: "0",
			FilterURL: a.toggled(f).url(""), OpenURL: openURL(a.site, tab.dimension, value), Active: a.has(f),
		}
		if row.Title = placeTitle(t, tab.dimension, value); row.Empty {
			row.Title = row.Label
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
