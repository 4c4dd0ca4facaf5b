package stats

import (
	"fmt"
	"slices"
	"strings"

	"moonbear/internal/event"
	"moonbear/internal/site"
)

// source is what a scan reads: the rows of events that answer where, or, by
// goal, one row for each goal that an event met. Pages and the customer's events
// are read apart, because pages have no use for properties, and the store skips
// all pageviews for the others.
func (b *builder) source(s scan, events string, where []string) (from string, left []string) {
	from = b.joined(s, events)
	if !slices.Contains(s.dims, GoalName) {
		return from, where
	}
	var selects []string
	for _, goals := range kinds(b.plan.goals) {
		met := b.filtered(where, anyGoal(goals))
		if goals[0].Rule.Path != "" && slices.Contains(where, counted) {
			met = append(met, "name = '"+event.Pageview+"'")
		}
		goal := b.arg(goals[0].Name)
		if len(goals) > 1 {
			goal = fmt.Sprintf(b.say().each, b.goalsMet(goals))
		}
		selects = append(selects, sel([]string{"*", goal + " as goal"}, from, met, nil))
	}
	return "(\n" + strings.Join(selects, "\nunion all\n") + "\n)", nil
}

// kinds are the goals that are pages, and those that are events.
func kinds(goals []site.Goal) (ks [][]site.Goal) {
	var pages, events []site.Goal
	for _, g := range goals {
		if g.Rule.Path != "" {
			pages = append(pages, g)
		} else {
			events = append(events, g)
		}
	}
	return slices.DeleteFunc([][]site.Goal{pages, events}, func(k []site.Goal) bool { return k == nil })
}

// goalsMet is the list of the names of those goals that a row met.
func (b *builder) goalsMet(goals []site.Goal) string {
	rules := make([]string, len(goals))
	for i, g := range goals {
		rules[i] = b.condition(ruleFilter(g.Rule))
	}
	return fmt.Sprintf(b.say().whose, b.goalList(goals), "["+strings.Join(rules, ", ")+"]")
}

func (b *builder) goalList(goals []site.Goal) string {
	names := make([]string, len(goals))
	for i, g := range goals {
		names[i] = b.arg(g.Name)
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// rowKeys are the keys of a visit's rows. A row keeps its goals as a list until
// the visit is folded: it must be there once, also when it met none or two.
func (b *builder) rowKeys(s scan) []string {
	keys := b.keys(s, "visit_start")
	if i := slices.Index(s.dims, GoalName); i >= 0 {
		keys[i] = b.goalsMet(b.plan.goals) + " as " + b.keyNames()[i]
	}
	return keys
}

// unnested are keyNames, where a list of goals becomes a row each.
func (b *builder) unnested(s scan) []string {
	keys := b.keyNames()
	if i := slices.Index(s.dims, GoalName); i >= 0 {
		keys[i] = fmt.Sprintf(b.say().each, keys[i]) + " as " + keys[i]
	}
	return keys
}

// baseRows counts the visitors that a conversion rate is of: those of the same
// question without its goals. They are the same for every goal.
func (b *builder) baseRows(s scan) string {
	dims := b.plan.dims
	s.metrics = []Metric{Visitors}
	s.dims = slices.DeleteFunc(slices.Clone(dims), func(d Dimension) bool { return d == GoalName })
	b.plan.dims = s.dims
	from := "(\n" + b.added(s, func() string { return b.eventRows(s) }) + "\n) as others"
	keys := b.keyNames()
	b.plan.dims = dims
	if len(s.dims) < len(dims) {
		from += " cross join (select " + fmt.Sprintf(b.say().each, b.goalList(b.plan.goals)) + " as goal) as goals"
		keys = slices.Insert(keys, slices.Index(dims, GoalName), "goal")
	}
	for i, name := range b.keyNames() {
		if keys[i] != name {
			keys[i] += " as " + name
		}
	}
	return sel(append(keys, "visitors as base"), from, nil, nil)
}

// rate is the two columns of a conversion rate: who converted, and of how
// many, when those are visitors of the same rows.
func (b *builder) rate(converting string) []string {
	columns := []string{converting + " as converting"}
	if !b.hasBase() {
		columns = append(columns, "count(distinct visitor_id) filter (where visitor_id <> 0 and "+counted+") as base")
	}
	return columns
}

// hasBase says that the visitors of a conversion rate are a part of their own.
func (b *builder) hasBase() bool {
	return slices.ContainsFunc(b.plan.parts, func(s scan) bool { return s.part == byBase })
}

// met narrows an aggregate to conversions, where not every row is one.
func (b *builder) met(s scan) string {
	if b.plan.met || slices.Contains(s.dims, GoalName) {
		return ""
	}
	return " and " + b.condition(anyGoal(b.plan.goals))
}

// money is what a row earned in the site's currency, null for nothing: its
// own, or where it has none the value of the goal it met.
func (b *builder) money() string {
	value := ""
	switch {
	case b.plan.worth == nil:
	case slices.Contains(b.plan.dims, GoalName):
		value = " when currency = '' then case goal"
		for _, g := range b.plan.worth {
			value += " when " + b.arg(g.Name) + " then " + b.amount(b.arg(g.Value))
		}
		value += " end"
	default:
		value = " when currency = '' then " + b.amount(b.arg(b.plan.worth[0].Value))
	}
	return "case" + value + " when currency = " + b.arg(b.plan.currency) + " then " + b.amount("revenue") + " end"
}

func (b *builder) amount(of string) string { return fmt.Sprintf(b.say().amount, of) }
