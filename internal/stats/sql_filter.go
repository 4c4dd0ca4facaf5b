package stats

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/event"
)

// column is a dimension as an expression on a row of events.
func (b *builder) column(d Dimension) string {
	if b.counting {
		return b.keyOfText(d, "value")
	}
	if key, ok := d.PropKey(); ok {
		return "coalesce(props[" + b.arg(key) + "], '')"
	}
	c, _ := d.column()
	return c.sql
}

// condition writes a filter. No column is null in it, so that "not" means not.
func (b *builder) condition(f Filter) string {
	switch f.Op {
	case And, Or:
		parts := make([]string, len(f.Filters))
		for i, c := range f.Filters {
			parts[i] = b.condition(c)
		}
		return "(" + strings.Join(parts, " "+string(f.Op)+" ") + ")"
	case Not:
		return "not " + b.condition(f.Filters[0])
	}
	return "(" + b.leaf(f) + ")"
}

// spoken are the names that events of these names are stored by: an engagement
// message goes by the name of a pageview.
func (b *builder) spoken(names []string) (in []string) {
	for _, n := range names {
		switch n {
		case event.Pageview:
			in = append(in, "'"+event.Pageview+"'", "'"+event.Engagement+"'")
		case event.Engagement:
		default:
			in = append(in, b.arg(n))
		}
	}
	return in
}

// named is true of events of these names. It is asked of the name itself, which
// lets the store skip. A list only skips row groups, so that a row group in which
// a few events lie among pageviews would be read whole, were it not for the
// second condition.
func (b *builder) named(names []string) string {
	in := b.spoken(names)
	switch len(in) {
	case 0:
		return "false"
	case 1:
		return "name = " + in[0]
	}
	text := "name in (" + strings.Join(in, ", ") + ")"
	if !slices.Contains(names, event.Pageview) {
		text += " and name <> '" + event.Pageview + "' and " + counted
	}
	return text
}

// unnamed is true of all the other events.
func (b *builder) unnamed(names []string) string {
	in := b.spoken(names)
	if in == nil {
		return "true"
	}
	return "name <> " + strings.Join(in, " and name <> ")
}

func (b *builder) leaf(f Filter) string {
	if f.Dimension == EventName && !b.counting {
		switch f.Op {
		case Eq, In:
			return b.named(f.Values)
		case Neq, NotIn:
			return b.unnamed(f.Values)
		}
	}
	col := b.column(f.Dimension)
	c, _ := f.Dimension.column()
	value := func(v string) string {
		if c.number {
			n, _ := strconv.ParseInt(v, 10, 32) // Validate has seen that it is one
			return b.arg(n)
		}
		return b.arg(v)
	}
	switch f.Op {
	case Eq:
		return col + " = " + value(f.Values[0])
	case Neq:
		return col + " <> " + value(f.Values[0])
	case In, NotIn:
		args := make([]string, len(f.Values))
		for i, v := range f.Values {
			args[i] = value(v)
		}
		in := " in ("
		if f.Op == NotIn {
			in = " not in ("
		}
		return col + in + strings.Join(args, ", ") + ")"
	case Contains:
		return fmt.Sprintf(b.say().contains, col, value(f.Values[0]))
	case NotContains:
		return "not " + fmt.Sprintf(b.say().contains, col, value(f.Values[0]))
	case StartsWith:
		return fmt.Sprintf(b.say().startsWith, col, value(f.Values[0]))
	case Matches:
		return b.matches(col, f.Values[0])
	case IsSet, IsNotSet:
		nothing := "''"
		if c.number {
			nothing = "0"
		}
		if f.Op == IsSet {
			return col + " <> " + nothing
		}
		return col + " = " + nothing
	}
	return b.compare(f, col, c.number)
}

// compare is gt and lt. A property's value is a number when it is written
// plainly, as plainNumber has it; other values are neither more nor less.
func (b *builder) compare(f Filter, col string, number bool) string {
	sign := " > "
	if f.Op == Lt {
		sign = " < "
	}
	if number {
		n, _ := strconv.ParseInt(f.Values[0], 10, 32)
		// A width that isn't known is not a small one.
		return col + sign + b.arg(n) + " and " + col + " <> 0"
	}
	v, _ := plainNumber(f.Values[0])
	return "case when " + fmt.Sprintf(b.say().plainNumber, col) + " then " + fmt.Sprintf(b.say().double, col) + sign + b.arg(v) + " else false end"
}

// fewStars are as many as "like" may try in turn where it goes back for each.
const fewStars = 2

// matches is a glob. One with stars at its ends alone is what a store finds
// fastest, and one without any is a text that it skips by. One of many stars is
// a regular expression to DuckDB, which is read once from left to right: its
// "like" goes back for each, and a glob of twenty would keep a core for minutes
// that nobody can interrupt.
func (b *builder) matches(col, glob string) string {
	inner := strings.Trim(glob, "*")
	starts, ends := strings.HasSuffix(glob, "*"), strings.HasPrefix(glob, "*")
	switch {
	case strings.Contains(inner, "*"):
	case starts && ends:
		return fmt.Sprintf(b.say().contains, col, b.arg(inner))
	case starts:
		return fmt.Sprintf(b.say().startsWith, col, b.arg(inner))
	case ends:
		return fmt.Sprintf(b.say().endsWith, col, b.arg(inner))
	default:
		return col + " = " + b.arg(inner)
	}
	if words := b.say(); words.fits == "" || strings.Count(glob, "*") <= fewStars {
		return fmt.Sprintf(words.like, col, b.arg(likePattern(glob)))
	}
	pieces := strings.Split(glob, "*")
	for i, p := range pieces {
		pieces[i] = regexp.QuoteMeta(p)
	}
	return fmt.Sprintf(b.say().fits, col, b.arg("(?s)"+strings.Join(pieces, ".*")))
}

var likeSpecial = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`)

func likePattern(glob string) string { return likeSpecial.Replace(glob) }
