package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"moonbear/internal/event"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// The choices of the panel of events: an event, and a property of it.
var (
	eventChoice = choice{name: "event", free: true}
	propChoice  = choice{name: "prop", free: true}
)

// eventsPanel is the custom events, or the properties of one of them.
func eventsPanel() panel {
	return panel{name: "events", params: []choice{eventChoice, propChoice}, show: showEvents,
		question: func(a ask, _ string) stats.Query {
			name, key := a.event(), a.chosen(propChoice)
			if name == "" {
				return eventsQuery(a)
			}
			by := stats.EventName
			if key != "" {
				by = stats.Prop(key)
			}
			return a.ofEvent(name).q.By(by, panelRows, stats.Events, stats.Visitors, stats.Revenue)
		}}
}

// event is the one whose properties are shown: the one chosen, or the only one
// that the filter leaves.
func (a ask) event() string {
	if name := a.chosen(eventChoice); name != "" {
		return name
	}
	for _, f := range a.leaves() {
		if f.Dimension == stats.EventName && f.Op == stats.Eq && f.Values[0] != event.Pageview {
			return f.Values[0]
		}
	}
	return ""
}

// ofEvent is a about one event alone.
func (a ask) ofEvent(name string) ask {
	f := stats.Is(stats.EventName, stats.Eq, name)
	if a.has(f) {
		return a
	}
	return a.filtered(append(slices.Clone(a.leaves()), f))
}

func eventsQuery(a ask) stats.Query {
	q := a.filtered(append(slices.Clone(a.leaves()), stats.Is(stats.EventName, stats.Neq, event.Pageview))).q
	q.Compare = stats.NoComparison
	return q.By(stats.EventName, panelRows, stats.Events, stats.Visitors, stats.Revenue)
}

func showEvents(ctx context.Context, b *board, f html.Frame, _ string) (templ.Component, error) {
	if name := b.a.event(); name != "" {
		return showProperties(ctx, b, f, name)
	}
	res, err := b.s.o.Stats.Run(ctx, eventsQuery(b.a))
	if err != nil {
		return nil, err
	}
	view := html.Events{Teach: len(res.Rows) == 0 && b.a.q.Filter.IsZero()}
	view.Rows, view.Money = eventRows(b, res.Rows, stats.EventName)
	for i, r := range res.Rows {
		tab := b.choiceTab("events", eventChoice, r.Keys[0], fmt.Sprintf(b.t.Goal.PropertiesOf, eventWords(b.t, r.Keys[0])))
		view.Rows[i].Properties = &tab
	}
	if res.Count > len(res.Rows) {
		view.MoreURL, view.MoreNum = b.a.filtered(append(slices.Clone(b.a.leaves()), stats.Is(stats.EventName, stats.Neq, event.Pageview))).url("/all/"+string(stats.EventName)), b.t.Exact(float64(res.Count))
	}
	view.Others, err = b.others(ctx, res, res.Query)
	return html.EventsPanel(f, view), err
}

// others writes what came in other currencies to whole, when it came to some of
// the rows.
func (b *board) others(ctx context.Context, res *stats.Result, whole stats.Query) (string, error) {
	if !slices.ContainsFunc(res.Rows, func(r stats.Row) bool { return len(r.Value(stats.Revenue).Others) > 0 }) {
		return "", nil
	}
	whole.Compare = stats.NoComparison
	all, err := b.s.o.Stats.Run(ctx, whole.Totals(stats.Revenue))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(b.t.Goal.Others, othersWords(b.t, all.Total(stats.Revenue).Others)), nil
}

// showProperties is one event: which properties it has, and the values of one.
func showProperties(ctx context.Context, b *board, f html.Frame, name string) (templ.Component, error) {
	view := html.Events{Name: eventWords(b.t, name), Back: b.backToEvents(name)}
	of := b.a.ofEvent(name)
	of.q.Compare = stats.NoComparison
	keys, err := b.s.o.Stats.PropertyKeys(ctx, of.q)
	if err != nil {
		return nil, err
	}
	key := b.a.chosen(propChoice)
	if key == "" && len(keys) > 0 {
		key = keys[0].Key
	}
	for _, k := range keys[:min(len(keys), maxKeys)] {
		in := b.a.choose(eventChoice, name)
		tab := (&board{s: b.s, t: b.t, a: in}).choiceTab("events", propChoice, k.Key, k.Key)
		tab.Current, tab.Title = k.Key == key, b.t.Exact(float64(k.Events))
		view.Keys = append(view.Keys, tab)
	}
	if key == "" {
		return html.EventsPanel(f, view), nil
	}
	view.Key = key
	res, err := b.s.o.Stats.Run(ctx, of.q.By(stats.Prop(key), panelRows, stats.Events, stats.Visitors, stats.Revenue))
	if err != nil {
		return nil, err
	}
	whole, err := b.eventsIn(ctx, of, res)
	if err != nil {
		return nil, err
	}
	view.Rows, view.Money = eventRows(b, res.Rows, stats.Prop(key))
	for i, r := range res.Rows {
		view.Rows[i].Share = b.t.Percent(number(stats.Share(r.Value(stats.Events).Number, whole)))
	}
	if res.Count > len(res.Rows) {
		view.MoreURL, view.MoreNum = of.url("/all/"+url.PathEscape(string(stats.Prop(key)))), b.t.Exact(float64(res.Count))
	}
	view.Others, err = b.others(ctx, res, res.Query)
	return html.EventsPanel(f, view), err
}

// eventsIn is how many events of shares in all: the sum of its rows where these
// are all there are, which spares a question.
func (b *board) eventsIn(ctx context.Context, of ask, shares *stats.Result) (stats.Number, error) {
	sum := stats.Number{OK: true}
	for _, r := range shares.Rows {
		sum.N += r.Value(stats.Events).N
	}
	if shares.Count == len(shares.Rows) {
		return sum, nil
	}
	all, err := b.s.o.Stats.Run(ctx, of.q.Totals(stats.Events))
	if err != nil {
		return stats.Number{}, err
	}
	return all.Total(stats.Events).Number, nil
}

// maxKeys is how many properties fit above their values.
const maxKeys = 12

// backToEvents is the link from one event to all: the choice is undone, or,
// where a filter chose it, the filter.
func (b *board) backToEvents(name string) *html.Tab {
	all := b.a.choose(eventChoice, "").choose(propChoice, "")
	if f := stats.Is(stats.EventName, stats.Eq, name); all.has(f) {
		return &html.Tab{Link: html.Link{Label: b.t.Goal.AllEvents, URL: all.toggled(f).url("")}}
	}
	return &html.Tab{Link: html.Link{Label: b.t.Goal.AllEvents, URL: all.url("") + "#panel-events"}, Fragment: all.url("/panels/events")}
}

// eventRows are events, or the values of a property of one.
func eventRows(b *board, rows []stats.Row, d stats.Dimension) (out []html.EventRow, money bool) {
	longest := 0.0
	for _, r := range rows {
		longest = max(longest, r.Value(stats.Events).N)
		money = money || hasMoney(r.Value(stats.Revenue))
	}
	a, t := b.a, b.t
	if d != stats.EventName {
		a = a.ofEvent(a.event()) // a value of one event's property means that event's
	}
	for _, r := range rows {
		value, n, people := r.Keys[0], r.Value(stats.Events).Number, r.Value(stats.Visitors).Number
		f := rowFilter(d, value)
		row := html.EventRow{Row: html.Row{Label: valueWords(t, d, value), Title: value, Empty: value == "", Width: "0",
			Value: a.row(t, stats.Events, number(n)), Exact: a.exact(t, stats.Events, number(n)),
			FilterURL: a.toggled(f).url(""), OpenURL: openURL(a.site, d, value), Active: a.has(f)},
			Visitors: a.row(t, stats.Visitors, number(people)), VisitorsExact: a.exact(t, stats.Visitors, number(people))}
		if row.Empty {
			row.Label, row.Title = t.Goal.NotSet, t.Goal.NotSet
		}
		if !row.Active {
			row.ExcludeURL = a.toggled(rowExclusion(d, value)).url("")
		}
		if longest > 0 {
			row.Width = percentText(100 * n.N / longest)
		}
		if money {
			row.Revenue, row.RevenueTitle = moneyWords(t, a, r.Value(stats.Revenue))
		}
		out = append(out, row)
	}
	return out, money
}

// eventWords names an event: those that the script counts by itself in words,
// the site's own as they are.
func eventWords(t *html.Text, name string) string {
	switch name {
	case event.Outbound:
		return t.Goal.Outbound
	case event.Download:
		return t.Goal.Download
	case event.NotFound:
		return t.Goal.NotFound
	}
	return name
}

// linkIn is the address that a property's value is, "" when it is none.
func linkIn(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}
