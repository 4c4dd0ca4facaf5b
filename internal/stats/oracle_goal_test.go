package stats_test

import (
	"slices"
	"strings"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// goalsOf are the names of the goals that e met. The message of a hidden page
// belongs to its pageview.
func (o *oracle) goalsOf(e *event.Event) (names []string) {
	for _, g := range o.goals {
		if meets(g.Rule, e) {
			names = append(names, g.Name)
		}
	}
	return names
}

func meets(r site.Rule, e *event.Event) bool {
	if r.Path != "" {
		return (e.Name == "pageview" || e.Name == "engagement") && glob(r.Path, e.Path)
	}
	if e.Name != r.Event {
		return false
	}
	for _, c := range r.Properties {
		have := ""
		for _, p := range e.Props {
			if p.Key == c.Key {
				have = p.Value
			}
		}
		number, isNumber := decimal(have)
		want, _ := decimal(c.Value)
		if !map[string]bool{
			"eq":          have == c.Value,
			"neq":         have != c.Value,
			"contains":    strings.Contains(have, c.Value),
			"starts_with": strings.HasPrefix(have, c.Value),
			"matches":     glob(c.Value, have),
			"is_set":      have != "",
			"is_not_set":  have == "",
			"gt":          isNumber && number > want,
			"lt":          isNumber && number < want,
		}[c.Operator] {
			return false
		}
	}
	return true
}

// keepsGoal answers a condition on goals.
func (o *oracle) keepsGoal(f stats.Filter, e *event.Event) bool {
	met := o.goalsOf(e)
	named := slices.ContainsFunc(met, func(name string) bool { return slices.Contains(f.Values, name) })
	switch f.Op {
	case "eq", "in":
		return named
	case "neq", "not_in":
		return !named
	case "is_set":
		return len(met) > 0
	case "is_not_set":
		return len(met) == 0
	}
	panic("no such condition on goals: " + f.Op)
}

// withoutGoals is f without the conditions on goals at its top.
func withoutGoals(f stats.Filter) stats.Filter {
	if f.Dimension == "goal" {
		return stats.Filter{}
	}
	if f.Op != "and" {
		return f
	}
	kept := stats.Filter{Op: "and"}
	for _, c := range f.Filters {
		if c.Dimension != "goal" {
			kept.Filters = append(kept.Filters, c)
		}
	}
	return kept
}

// worth is what an event without money of its own earns in the cell of a key:
// the value of the goal in the key, or of the one goal the filter asks for.
func (o *oracle) worth(q stats.Query, key string, e *event.Event) int64 {
	about := ""
	if i := slices.Index(q.Dimensions, "goal"); i >= 0 {
		about = strings.Split(key, keySeparator)[i]
	} else {
		named := map[string]bool{}
		top := []stats.Filter{q.Filter}
		if q.Filter.Op == "and" {
			top = q.Filter.Filters
		}
		for _, c := range top {
			if c.Dimension == "goal" && len(c.Values) == 1 && (c.Op == "eq" || c.Op == "in") {
				about = c.Values[0]
				named[about] = true
			}
		}
		if len(named) != 1 {
			return 0
		}
	}
	for _, g := range o.goals {
		if g.Name == about {
			return g.Value
		}
	}
	return 0
}
