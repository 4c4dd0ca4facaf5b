package stats_test

import (
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/event"
	"moonbear/internal/stats"
)

// glob matches runes, "*" standing for any of them.
func glob(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		for i := 0; i <= len(s); i++ {
			if glob(pattern[1:], s[i:]) {
				return true
			}
		}
		return false
	}
	return s != "" && pattern[0] == s[0] && glob(pattern[1:], s[1:])
}

func decimal(s string) (float64, bool) {
	t := strings.TrimPrefix(s, "-")
	for i, part := range strings.Split(t, ".") {
		if i > 1 || part == "" || len(part) > 15 || strings.Trim(part, "0123456789") != "" {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func (o *oracle) keeps(f stats.Filter, e *event.Event, w window) bool {
	switch f.Op {
	case "":
		return true
	case "and":
		for _, c := range f.Filters {
			if !o.keeps(c, e, w) {
				return false
			}
		}
		return true
	case "or":
		for _, c := range f.Filters {
			if o.keeps(c, e, w) {
				return true
			}
		}
		return false
	case "not":
		return !o.keeps(f.Filters[0], e, w)
	}
	if f.Dimension == "goal" {
		return o.keepsGoal(f, e)
	}
	v := o.read(e, f.Dimension, w)
	if f.Dimension == "screen_width" {
		for i, x := range f.Values { // "0" and "" are the same width: not known
			if n, _ := strconv.Atoi(x); n == 0 {
				f.Values = slices.Clone(f.Values)
				f.Values[i] = ""
			} else if f.Op != "gt" && f.Op != "lt" {
				f.Values = slices.Clone(f.Values)
				f.Values[i] = strconv.Itoa(n)
			}
		}
	}
	switch f.Op {
	case "eq", "in":
		return slices.Contains(f.Values, v)
	case "neq", "not_in":
		return !slices.Contains(f.Values, v)
	case "contains":
		return strings.Contains(v, f.Values[0])
	case "not_contains":
		return !strings.Contains(v, f.Values[0])
	case "starts_with":
		return strings.HasPrefix(v, f.Values[0])
	case "matches":
		return glob(f.Values[0], v)
	case "is_set":
		return v != ""
	case "is_not_set":
		return v == ""
	}
	have, ok := decimal(v)
	want, _ := decimal(f.Values[0])
	return ok && (f.Op == "gt" && have > want || f.Op == "lt" && have < want)
}
