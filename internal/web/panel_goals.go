package web

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// goalsPanel is how often each goal is met.
func goalsPanel() panel {
	return panel{name: "goals", show: showConversions, questions: func(a ask, _ string) []question {
		if len(a.q.Goals) == 0 {
			return nil
		}
		return []question{{query: goalsQuery(a)}}
	}}
}

// goalsQuery asks for every goal at once. A filter on a goal is left out, so
// that the others stay where they can be chosen; what is counted for that goal
// and its rate are the same without it.
func goalsQuery(a ask) stats.Query {
	q := a.filtered(slices.DeleteFunc(slices.Clone(a.leaves()), func(f stats.Filter) bool { return f.Dimension == stats.GoalName })).q
	return q.By(stats.GoalName, max(len(q.Goals), 1), stats.Conversions, stats.ConversionRate, stats.Revenue)
}

func showConversions(ctx context.Context, b *board, f html.Frame, _ string) (templ.Component, error) {
	view := html.Conversions{ManageURL: goalsURL(b.a.site), Edits: b.edits}
	if len(b.a.q.Goals) == 0 {
		if !b.edits {
			return html.GoalsPanel(f, view), nil
		}
		ps, err := b.s.proposals(ctx, b.t, b.a.site)
		if err != nil {
			return nil, err
		}
		view.Proposals = proposalViews(b.t, b.a.site, ps, b.a.url("")+"#panel-goals")
		return html.GoalsPanel(f, view), nil
	}
	res, err := b.s.o.Stats.Run(ctx, goalsQuery(b.a))
	if err != nil {
		return nil, err
	}
	if err := b.addUnmet(ctx, res); err != nil {
		return nil, err
	}
	view.Rows, view.Money = conversionRows(b.t, b.a, res)
	all := res.Query // an event that met two goals brought its money once
	all.Filter = all.Filter.Add(stats.Is(stats.GoalName, stats.IsSet))
	view.Others, err = b.others(ctx, res, all)
	return html.GoalsPanel(f, view), err
}

// compareUnmet is for how many goals that nobody met it is asked what they
// were before: each is a question.
const compareUnmet = 10

// addUnmet adds the goals that nobody met, by name, with what they were before.
func (b *board) addUnmet(ctx context.Context, res *stats.Result) error {
	zero, asked := stats.Number{OK: true}, 0
	for _, g := range b.a.q.Goals {
		if slices.ContainsFunc(res.Rows, func(r stats.Row) bool { return r.Keys[0] == g.Name }) {
			continue
		}
		met := stats.Value{Metric: stats.Conversions, Number: zero}
		if b.a.q.Compare != stats.NoComparison && asked < compareUnmet {
			asked++
			q := res.Query
			q.Filter = q.Filter.Add(stats.Is(stats.GoalName, stats.Eq, g.Name))
			before, err := b.s.o.Stats.Run(ctx, q.Totals(stats.Conversions))
			if err != nil {
				return err
			}
			met = before.Total(stats.Conversions)
		}
		res.Rows = append(res.Rows, stats.Row{Keys: []string{g.Name}, Values: []stats.Value{
			met, {Metric: stats.ConversionRate, Number: zero}, {Metric: stats.Revenue, Number: zero}}})
	}
	return nil
}

// conversionRows are a site's goals, most conversions first.
func conversionRows(t *html.Text, a ask, res *stats.Result) (rows []html.GoalStat, money bool) {
	longest := 0.0
	for _, r := range res.Rows {
		longest = max(longest, r.Value(stats.Conversions).N)
		money = money || hasMoney(r.Value(stats.Revenue))
	}
	for _, r := range res.Rows {
		name, n, rate, earned := r.Keys[0], r.Value(stats.Conversions), r.Value(stats.ConversionRate), r.Value(stats.Revenue)
		f := stats.Is(stats.GoalName, stats.Eq, name)
		row := html.GoalStat{Row: html.Row{Label: name, Title: name, Value: a.row(t, stats.Conversions, number(n.Number)), Exact: a.exact(t, stats.Conversions, number(n.Number)),
			Share: a.exact(t, stats.ConversionRate, number(rate.Number)), Width: "0", FilterURL: a.toggled(f).url(""), Active: a.has(f)}}
		if i := slices.IndexFunc(a.q.Goals, func(g site.Goal) bool { return g.Name == name }); i >= 0 {
			row.Title = name + " (" + ruleWords(t, a.q.Goals[i].Rule) + ")"
		}
		if longest > 0 {
			row.Width = percentText(100 * n.N / longest)
		}
		if money {
			row.Revenue, row.RevenueTitle = moneyWords(t, a, earned)
		}
		if a.q.Compare != stats.NoComparison {
			row.Change, row.Trend = t.Change(number(n.Number), number(n.Previous), html.Count, false)
			row.ChangeAgainst = fmt.Sprintf(t.PrevPeriodIs, t.Exact(number(n.Previous)), t.ChartPrevious)
		}
		rows = append(rows, row)
	}
	return rows, money
}

// hasMoney says that there is some, in whatever currency.
func hasMoney(v stats.Value) bool { return v.N != 0 || len(v.Others) > 0 }

// moneyWords writes revenue in the site's currency, and for its title all that
// there is. Money that is only in another currency is written as that.
func moneyWords(t *html.Text, a ask, v stats.Value) (short, title string) {
	if !hasMoney(v) {
		return html.Dash, ""
	}
	others := othersWords(t, v.Others)
	switch {
	case v.N == 0:
		return t.MoneyShort(v.Others[0].Amount, v.Others[0].Currency), others
	case others == "":
		return a.short(t, stats.Revenue, v.N), a.exact(t, stats.Revenue, v.N)
	}
	return a.short(t, stats.Revenue, v.N), a.exact(t, stats.Revenue, v.N) + ". " + fmt.Sprintf(t.Goal.Others, others)
}

// othersWords lists amounts in other currencies than the site's.
func othersWords(t *html.Text, others []stats.Amount) string {
	var all []string
	for _, o := range others {
		all = append(all, t.Money(o.Amount, o.Currency))
	}
	return strings.Join(all, ", ")
}

// converts says that a asks about those who met a goal: then every list is of
// conversions.
func (a ask) converts() bool {
	return slices.ContainsFunc(a.leaves(), func(f stats.Filter) bool {
		return f.Dimension == stats.GoalName && (f.Op == stats.Eq || f.Op == stats.In || f.Op == stats.IsSet)
	})
}

// goalHeadline is the headline of a question about a goal. Pageviews would be
// those that met it, which for most goals are none.
func goalHeadline() []stats.Metric {
	return []stats.Metric{stats.Visitors, stats.Conversions, stats.ConversionRate, stats.Revenue, stats.Visits, stats.BounceRate, stats.VisitDuration}
}

// rateWords writes a conversion rate where a share has room: below ten percent
// a tenth of one is worth saying.
func rateWords(t *html.Text, rate float64) string {
	if rate < 10 {
		return t.ExactValue(rate, html.Percent)
	}
	return t.Percent(rate)
}
