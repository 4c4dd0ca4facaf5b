package stats

import (
	"slices"
	"strconv"
)

// Filter is a condition on events: either a leaf (Dimension, Op, Values) or a
// join of other filters (Op And, Or, Not; Filters). The zero Filter keeps
// everything.
type Filter struct {
	Op        Op
	Dimension Dimension
	Values    []string
	Filters   []Filter
}

// Op is a filter's operator.
type Op string

// The operators.
const (
	Eq          Op = "eq"
	Neq         Op = "neq"
	In          Op = "in"
	NotIn       Op = "not_in"
	Contains    Op = "contains"
	NotContains Op = "not_contains"
	StartsWith  Op = "starts_with"
	Matches     Op = "matches" // "*" stands for any characters, also none
	IsSet       Op = "is_set"
	IsNotSet    Op = "is_not_set"
	Gt          Op = "gt"
	Lt          Op = "lt"

	And Op = "and"
	Or  Op = "or"
	Not Op = "not"
)

// Is makes a leaf.
func Is(d Dimension, op Op, values ...string) Filter {
	return Filter{Op: op, Dimension: d, Values: values}
}

// IsZero says that f keeps everything.
func (f Filter) IsZero() bool { return f.Op == "" }

// Leaves are the conditions of a filter that is one leaf or an "and" of
// leaves: what a page can show as removable labels. ok is false for others.
func (f Filter) Leaves() (leaves []Filter, ok bool) {
	switch f.Op {
	case "":
		return nil, true
	case And:
		for _, c := range f.Filters {
			if c.isJoin() {
				return nil, false
			}
		}
		return f.Filters, true
	case Or, Not:
		return nil, false
	}
	return []Filter{f}, true
}

// conditions are those that must all hold: an and's, or f itself.
func (f Filter) conditions() []Filter {
	switch {
	case f.IsZero():
		return nil
	case f.Op == And:
		return f.Filters
	}
	return []Filter{f}
}

func (f Filter) isJoin() bool { return f.Op == And || f.Op == Or || f.Op == Not }

// Add is f and one more condition, in no other order than they were added; a
// condition that is already there isn't added twice.
func (f Filter) Add(leaf Filter) Filter {
	leaves, ok := f.Leaves()
	switch {
	case !ok:
		return Filter{Op: And, Filters: []Filter{f, leaf}}
	case len(leaves) == 0:
		return leaf
	case slices.ContainsFunc(leaves, leaf.equal):
		return f
	}
	return Filter{Op: And, Filters: append(slices.Clone(leaves), leaf)}
}

// Remove is f without a condition.
func (f Filter) Remove(leaf Filter) Filter {
	leaves, ok := f.Leaves()
	if !ok {
		return f
	}
	var left []Filter
	for _, l := range leaves {
		if !leaf.equal(l) {
			left = append(left, l)
		}
	}
	switch len(left) {
	case 0:
		return Filter{}
	case 1:
		return left[0]
	}
	return Filter{Op: And, Filters: left}
}

func (f Filter) equal(g Filter) bool {
	return f.Op == g.Op && f.Dimension == g.Dimension && slices.Equal(f.Values, g.Values) && slices.EqualFunc(f.Filters, g.Filters, Filter.equal)
}

// opInfo is what an operator takes.
type opInfo struct {
	min, max int  // how many values
	numeric  bool // compares numbers
	text     bool // compares text, so not for numbers
}

func (o opInfo) takes() string {
	switch {
	case o.max == 0:
		return "no value"
	case o.max == 1:
		return "one value"
	}
	return "1 to " + strconv.Itoa(o.max) + " values"
}

var ops = map[Op]opInfo{
	Eq:          {min: 1, max: 1},
	Neq:         {min: 1, max: 1},
	In:          {min: 1, max: maxValues},
	NotIn:       {min: 1, max: maxValues},
	Contains:    {min: 1, max: 1, text: true},
	NotContains: {min: 1, max: 1, text: true},
	StartsWith:  {min: 1, max: 1, text: true},
	Matches:     {min: 1, max: 1, text: true},
	IsSet:       {},
	IsNotSet:    {},
	Gt:          {min: 1, max: 1, numeric: true},
	Lt:          {min: 1, max: 1, numeric: true},
}
