package stats

import (
	"fmt"
	"slices"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// maxGoalLeaves is how many conditions on goals a filter may have. Each stands
// for up to 100 rules of up to 11 conditions.
const maxGoalLeaves = 10

// AsksGoals says that q can't be answered without Goals.
func (q Query) AsksGoals() bool {
	_, what := q.goalPart(Names{})
	return what != ""
}

// goalPart finds what of q needs goals, and what the asker calls that part;
// "" when nothing does.
func (q Query) goalPart(n Names) (field, what string) {
	for _, m := range q.Metrics {
		if m == Conversions || m == ConversionRate {
			return n.Metrics, string(m)
		}
	}
	if slices.Contains(q.Dimensions, GoalName) {
		return n.By, string(GoalName)
	}
	if uses(q.Filter, GoalName) {
		return n.Filter, string(GoalName)
	}
	return "", ""
}

// checkGoals says whether q asks about goals that there are.
func (q Query) checkGoals(n Names) error {
	field, what := q.goalPart(n)
	if what == "" {
		return nil
	}
	if len(q.Goals) == 0 {
		return fault.Field(field, fmt.Sprintf("%s: %s counts what meets the site's goals, and this site has none yet; add a goal first.", field, what))
	}
	names := goalNames(q.Goals)
	for _, leaf := range goalLeaves(q.Filter) {
		for _, name := range leaf.Values {
			if !slices.Contains(names, name) {
				return fault.Field(n.Filter, unknown(n.Filter+": goal", name, names))
			}
		}
	}
	for _, g := range q.Goals {
		left := maxLeaves
		if err := ruleFilter(g.Rule).check(n.Filter, maxDepth, &left); err != nil {
			return fmt.Errorf("goal %q: %w", g.Name, err)
		}
	}
	return nil
}

// checkGoalConditions holds the conditions on goals to what has a meaning: a
// conversion rate is of the visitors there are without them, which can only be
// told when they stand apart from the other conditions.
func (q Query) checkGoalConditions(n Names) error {
	leaves := goalLeaves(q.Filter)
	if len(leaves) > maxGoalLeaves {
		return fault.Field(n.Filter, fmt.Sprintf("%s may have at most %d conditions on goal.", n.Filter, maxGoalLeaves))
	}
	if !slices.Contains(q.Metrics, ConversionRate) {
		return nil
	}
	if rest, _ := splitGoals(q.Filter); uses(rest, GoalName) {
		return fault.Field(n.Filter, n.Filter+": with conversion_rate, a condition on goal must be one of those joined by the outermost and, not within or or not.")
	}
	return nil
}

// goalLeaves are the conditions on goals, wherever they stand in f.
func goalLeaves(f Filter) (leaves []Filter) {
	if f.Dimension == GoalName {
		return []Filter{f}
	}
	for _, c := range f.Filters {
		leaves = append(leaves, goalLeaves(c)...)
	}
	return leaves
}

// splitGoals parts the conditions on goals at the top of f from the others.
func splitGoals(f Filter) (rest, onGoals Filter) {
	var rs, gs []Filter
	for _, c := range f.conditions() {
		if c.Dimension == GoalName {
			gs = append(gs, c)
		} else {
			rs = append(rs, c)
		}
	}
	return joined(rs), joined(gs)
}

// oneGoal is the goal that the whole question is about, because a condition at
// the top of its filter says so; nil when none does or they name several.
func (q Query) oneGoal() *site.Goal {
	var names []string
	for _, c := range q.Filter.conditions() {
		if c.Dimension == GoalName && (c.Op == Eq || c.Op == In) && len(c.Values) == 1 && !slices.Contains(names, c.Values[0]) {
			names = append(names, c.Values[0])
		}
	}
	if len(names) != 1 {
		return nil
	}
	i := slices.IndexFunc(q.Goals, func(g site.Goal) bool { return g.Name == names[0] })
	if i < 0 {
		return nil
	}
	return &q.Goals[i]
}

func goalNames(goals []site.Goal) []string {
	names := make([]string, len(goals))
	for i, g := range goals {
		names[i] = g.Name
	}
	return names
}

// ruleFilter is a rule as a condition on events. A page goal is met by the
// engagement message of its page too, as the second half of the pageview; it
// is never counted as a conversion.
func ruleFilter(r site.Rule) Filter {
	if r.Path != "" {
		return Filter{Op: And, Filters: []Filter{Is(EventName, Eq, event.Pageview), Is(Path, Matches, r.Path)}}
	}
	all := []Filter{Is(EventName, Eq, r.Event)}
	for _, p := range r.Properties {
		c := Is(Prop(p.Key), Op(p.Operator))
		if ops[c.Op].max > 0 {
			c.Values = []string{p.Value}
		}
		all = append(all, c)
	}
	return joined(all)
}

// anyGoal is true of events that meet one of goals. The names of the events
// stand apart, because the store skips by them what isn't worth a closer look.
func anyGoal(goals []site.Goal) Filter {
	if len(goals) == 1 {
		return ruleFilter(goals[0].Rule)
	}
	names := Filter{Op: In, Dimension: EventName}
	rules := Filter{Op: Or}
	for _, g := range goals {
		name := g.Rule.Event
		if g.Rule.Path != "" {
			name = event.Pageview
		}
		if !slices.Contains(names.Values, name) {
			names.Values = append(names.Values, name)
		}
		rules.Filters = append(rules.Filters, ruleFilter(g.Rule))
	}
	return Filter{Op: And, Filters: []Filter{names, rules}}
}

// spelled is f with its conditions on goals written as those of their rules.
func (f Filter) spelled(goals []site.Goal) Filter {
	if f.Dimension != GoalName {
		if f.Filters != nil {
			f.Filters = slices.Clone(f.Filters)
			for i, c := range f.Filters {
				f.Filters[i] = c.spelled(goals)
			}
		}
		return f
	}
	named := goals
	if f.Op != IsSet && f.Op != IsNotSet {
		named = slices.DeleteFunc(slices.Clone(goals), func(g site.Goal) bool { return !slices.Contains(f.Values, g.Name) })
	}
	met := anyGoal(named)
	if f.Op == Neq || f.Op == NotIn || f.Op == IsNotSet {
		return Filter{Op: Not, Filters: []Filter{met}}
	}
	return met
}
