package stats

import (
	"slices"
	"strings"
)

// source is what a scan reads: the rows of events that answer where, or, by
// goal, one row for each goal that an event met.
func (b *builder) source(s scan, events string, where []string) (from string, left []string) {
	from = b.joined(s, events)
	if !slices.Contains(s.dims, GoalName) {
		return from, where
	}
	rows := sel([]string{"*", "unnest(" + b.goalsMet() + ") as goal"}, from, b.filtered(where, anyGoal(b.plan.goals)), nil)
	return "(\n" + rows + "\n)", nil
}

// goalsMet is the list of the names of the goals that a row met.
func (b *builder) goalsMet() string {
	rules := make([]string, len(b.plan.goals))
	for i, g := range b.plan.goals {
		rules[i] = b.condition(ruleFilter(g.Rule))
	}
	return "list_where(" + b.goalList() + ", [" + strings.Join(rules, ", ") + "])"
}

func (b *builder) goalList() string {
	names := make([]string, len(b.plan.goals))
	for i, g := range b.plan.goals {
		names[i] = b.arg(g.Name)
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// rowKeys are the keys of a visit's rows. A row keeps its goals as a list until
// the visit is folded: it must be there once, also when it met none or two.
func (b *builder) rowKeys(s scan) []string {
	keys := b.keys(s, "visit_start")
	if i := slices.Index(s.dims, GoalName); i >= 0 {
		keys[i] = b.goalsMet() + " as " + b.keyNames()[i]
	}
	return keys
}

// unnested are keyNames, where a list of goals becomes a row each.
func (b *builder) unnested(s scan) []string {
	keys := b.keyNames()
	if i := slices.Index(s.dims, GoalName); i >= 0 {
		keys[i] = "unnest(" + keys[i] + ") as " + keys[i]
	}
	return keys
}

// baseRows counts the visitors that a conversion rate is of. They are the same
// for every goal.
func (b *builder) baseRows(s scan) string {
	where := append(b.within("ts", b.plan.from, b.plan.to), "visitor_id <> 0", counted)
	keys := b.keys(s, "ts")
	i := slices.Index(s.dims, GoalName)
	groups := b.groups()
	if i >= 0 {
		keys, groups = slices.Delete(keys, i, i+1), groups[:len(groups)-1]
	}
	rows := sel(append(keys, "count(distinct visitor_id) as base"), b.joined(s, "events"), b.filtered(where, s.every), groups)
	if i < 0 {
		return rows
	}
	return sel(append(b.keyNames(), "base"), "(\n"+rows+"\n) cross join (select unnest("+b.goalList()+") as "+b.keyNames()[i]+")", nil, nil)
}

// rate is the two columns of a conversion rate: who converted, and of how
// many, when those are visitors of the same rows.
func (b *builder) rate(converting string) []string {
	columns := []string{converting + " as converting"}
	if !slices.ContainsFunc(b.plan.parts, func(s scan) bool { return s.part == byBase }) {
		columns = append(columns, "count(distinct visitor_id) filter (where visitor_id <> 0 and "+counted+") as base")
	}
	return columns
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
			value += " when " + b.arg(g.Name) + " then " + b.arg(g.Value)
		}
		value += " end"
	default:
		value = " when currency = '' then " + b.arg(b.plan.worth[0].Value)
	}
	return "case" + value + " when currency = " + b.arg(b.plan.currency) + " then revenue end"
}
