package stats

import (
	"fmt"
	"strings"

	"moonbear/internal/event"
)

// words are what DuckDB and ClickHouse say differently; all else is written
// once, in words that both take alike. A %s is an expression.
type words struct {
	instant  string // of a text
	days     string // ts is on the days of two instants, where rows are sorted by day and skipped by nothing finer; "": by ts itself
	quotient string // a whole number divided, rounded down
	anyTrue  string // whether it is true of any row

	first, last string // the path of the earliest and of the latest row, of two in one millisecond by the alphabet; %s is a filter clause

	contains, startsWith, endsWith string
	like                           string // the pattern is likePattern's
	fits                           string // the whole text fits a regular expression; "": a "like" of any pattern is read once
	plainNumber                    string // the whole text is one, as plainNumber has it
	double, integer                string // of a text; null when it is none

	amount string // of money, so that no sum of any is too large

	// listed are the columns measure and value, a row for each of some names and
	// of as many values.
	listed func(names, values []string) string

	each   string // a row for each item of a list
	whose  string // those items of a list whose place in another is true
	hasAny string // there are properties
	pairs  string // the columns key and value, a row for each property

	// percentile is the nearest-rank percentile of a measure, the one at a place
	// (from 1) among shares; null of nothing.
	percentile func(measure string, shares []string, at int) string

	// ofCells is the table of kept values, and the condition that their measure and
	// cell are among some pairs.
	ofCells func(pairs []string) (from, where string)
	// lastKept is true of the rows of kept days that count, where there are others,
	// of a site and zone; "": there are none.
	lastKept string

	signed   bool   // a number without a sign must be given one beside others
	holds    bool   // a percentile holds all values until its end
	fullJoin bool   // parts are put together by a full join
	settings string // what ends a statement
}

var dialects = map[event.Dialect]words{
	event.DuckDB: {
		instant:     "cast(%s as timestamp)",
		quotient:    "%s // %s",
		anyTrue:     "bool_or(%s)",
		first:       "arg_min(path, row(ts, path))%s",
		last:        "arg_max(path, row(ts, path))%s",
		contains:    "contains(%s, %s)",
		startsWith:  "starts_with(%s, %s)",
		endsWith:    "ends_with(%s, %s)",
		like:        `%s like %s escape '\'`,
		fits:        "regexp_full_match(%s, %s)",
		plainNumber: `regexp_full_match(%s, '-?[0-9]{1,15}(\.[0-9]{1,15})?')`,
		double:      "try_cast(%s as double)",
		integer:     "try_cast(%s as integer)",
		amount:      "%s",
		listed: func(names, values []string) string {
			return "unnest([" + strings.Join(names, ", ") + "]) as measure, unnest([" + strings.Join(values, ", ") + "]) as value"
		},
		// A condition of as many terms takes five times as long; and one on the
		// measure besides takes as long as all the rest.
		ofCells: func(pairs []string) (from, where string) {
			return "day_values semi join (values " + strings.Join(pairs, ", ") + ") as these(measure, cell) using (measure, cell)", ""
		},
		each:       "unnest(%s)",
		whose:      "list_where(%s, %s)",
		hasAny:     "cardinality(props) > 0",
		pairs:      "unnest(map_keys(props)) as key, unnest(map_values(props)) as value",
		percentile: discrete,
		holds:      true,
		fullJoin:   true,
	},
	// Arguments are written into the text by the driver, which takes a question
	// mark for the place of one. argMax of a tuple takes twice as long as
	// the greatest text that begins with 23 characters of time.
	event.ClickHouse: {
		instant:     "cast(%s as DateTime64(3, 'UTC'))",
		days:        "toDate(ts) >= toDate(%s) and toDate(ts) <= toDate(%s)",
		quotient:    "intDiv(%s, %s)",
		anyTrue:     "max(%s)",
		first:       "substring(min(concat(toString(ts, 'UTC'), path))%s, 24)",
		last:        "substring(max(concat(toString(ts, 'UTC'), path))%s, 24)",
		contains:    "position(%s, %s) > 0",
		startsWith:  "startsWith(%s, %s)",
		endsWith:    "endsWith(%s, %s)",
		like:        "%s like %s",
		plainNumber: "match(%s, '^-{0,1}[0-9]{1,15}([.][0-9]{1,15}){0,1}$')",
		double:      "toFloat64OrNull(%s)",
		integer:     "toInt32OrNull(%s)",
		amount:      "cast(%s as Int128)",
		listed: func(names, values []string) string {
			return "arrayJoin(arrayZip([" + strings.Join(names, ", ") + "], [" + strings.Join(values, ", ") + "])) as pair, tupleElement(pair, 1) as measure, tupleElement(pair, 2) as value"
		},
		ofCells: func(pairs []string) (from, where string) {
			return "day_values", "(measure, cell) in (" + strings.Join(pairs, ", ") + ")"
		},
		lastKept:   "keep in (select max(keep) from kept_days where site_id = %s and zone = %s group by from_ms)",
		signed:     true,
		each:       "arrayJoin(%s)",
		whose:      "arrayFilter((item, is) -> is, %s, %s)",
		hasAny:     "notEmpty(props)",
		pairs:      "arrayJoin(arrayZip(mapKeys(props), mapValues(props))) as pair, tupleElement(pair, 1) as key, tupleElement(pair, 2) as value",
		percentile: weighted,
		settings:   "\nsettings " + clickHouseSettings,
	},
}

// clickHouseSettings are those on which an answer depends, so that it is the
// same whatever a server's profile says. A column goes before another
// expression's name, as in DuckDB: "sum(views) as views" is often there. Null
// stays null when it is cast. A text is the double nearest to it, and not the
// second nearest. Different ones are counted, not estimated. And on a cluster,
// where all rows of a visit are on one shard, pages of visits are looked up there.
const clickHouseSettings = "prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local'"

// say gives the words of the builder's dialect.
func (b *builder) say() words { return dialects[b.dialect] }

// statement ends a statement.
func (b *builder) statement(text string) statement {
	return statement{text + b.say().settings, b.args}
}

// discrete finds percentiles of one measure together, as DuckDB holds all its
// values for each aggregate.
func discrete(measure string, shares []string, at int) string {
	if len(shares) == 1 {
		return fmt.Sprintf("quantile_disc(%s, %s)", measure, shares[0])
	}
	return fmt.Sprintf("quantile_disc(%s, [%s])[%d]", measure, strings.Join(shares, ", "), at)
}

// weighted is ClickHouse's only exact percentile that is nearest-rank. It counts
// how often there is each value, so that its memory is of different values, not
// of events. That it multiplies doubles does no harm: the product of 0.5, 0.75
// or 0.95 with a whole number is rounded to the whole number where it is one, and
// else is at least 0.05 away from it. Several are one aggregate, which isn't null
// of nothing.
func weighted(measure string, shares []string, at int) string {
	if len(shares) == 1 {
		return fmt.Sprintf("quantileExactWeighted(%s)(%s, 1)", shares[0], measure)
	}
	return fmt.Sprintf("case when count(%[1]s) > 0 then quantilesExactWeighted(%[2]s)(%[1]s, 1)[%[3]d] end", measure, strings.Join(shares, ", "), at)
}
