package stats

import (
	"maps"
	"slices"
)

// Operators lists the operators of conditions, in the order of docs/metrics.md.
func Operators() []Op {
	return []Op{Eq, Neq, In, NotIn, Contains, NotContains, StartsWith, Matches, IsSet, IsNotSet, Gt, Lt}
}

// IntervalNames lists the intervals, the narrowest first.
func IntervalNames() []string { return texts([]Interval{Minute, Hour, Day, Week, Month}) }

// Aliases lists the names of metrics that other tools gave them.
func Aliases() []string { return slices.Sorted(maps.Keys(aliases)) }
