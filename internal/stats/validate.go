package stats

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // periods must be right on a machine without a zone database
	"unicode/utf8"

	"moonbear/internal/fault"
)

// Limits of a query, so that no one question can take the server down.
const (
	maxDimensions = 4
	maxOrder      = 2
	maxLeaves     = 100
	maxDepth      = 8
	maxValues     = 500
	maxText       = 2000 // characters of a filter's value; a property's longest
	maxPage       = 1_000_000
)

// Names are what an asker calls a query's parts, for errors that name them.
type Names struct {
	Period, From, To, TimeZone, Compare, Metrics, Interval, By, Filter, Order, Page, PageSize string
}

var urlNames = Names{
	Period: paramPeriod, From: paramFrom, To: paramTo, TimeZone: paramTimeZone, Compare: paramCompare,
	Metrics: paramMetrics, Interval: paramInterval, By: paramBy, Filter: paramFilter, Order: paramOrder,
	Page: paramPage, PageSize: paramPageSize,
}

// Validate says whether q can be answered; a query without metrics can't be
// run yet, but is valid. The error is a fault that names the part at fault, as
// n calls it, and what would be right.
func (q Query) Validate(now time.Time, n Names) error {
	if err := q.check(now, n); err != nil {
		return err
	}
	return q.checkGoals(n)
}

// check is Validate as far as it goes without the site's goals.
func (q Query) check(now time.Time, n Names) error {
	if q.Site == nil {
		return errors.New("query without a site")
	}
	loc, err := q.Location()
	if err != nil {
		return fault.Field(n.TimeZone, fmt.Sprintf("%s: there is no time zone %q; it must be an IANA name like Asia/Seoul or UTC.", n.TimeZone, clip(q.TimeZone)))
	}
	for _, check := range []error{
		q.checkPeriod(dateOf(now.In(loc)), n),
		q.checkMetrics(n),
		q.checkDimensions(n),
		q.checkOrder(n),
		q.checkPage(n),
		q.Least.check(q),
		q.checkCompared(),
	} {
		if check != nil {
			return check
		}
	}
	if q.Filter.IsZero() {
		return nil
	}
	left := maxLeaves
	if err := q.Filter.check(n.Filter, maxDepth, &left); err != nil {
		return err
	}
	return q.checkGoalConditions(n)
}

// Location is the zone the query's days are in.
func (q Query) Location() (*time.Location, error) {
	if q.TimeZone == "" {
		if q.Site.Location != nil {
			return q.Site.Location, nil
		}
		return time.UTC, nil
	}
	if q.TimeZone == "Local" { // the server's own zone is nobody's business
		return nil, errors.New("not an IANA name")
	}
	return time.LoadLocation(q.TimeZone)
}

func (q Query) checkPeriod(today Date, n Names) error {
	p := q.Period
	switch p.From {
	case Date{}:
		if p.Intervals() == nil {
			return fault.Field(n.Period, unknown(n.Period, p.Name, PeriodNames()))
		}
	default:
		if p.Name != "" {
			return fault.Field(n.Period, "Give either "+n.Period+" or "+n.From+" and "+n.To+", not both.")
		}
		days := p.From.days(p.To) + 1
		if days < 1 {
			return fault.Field(n.To, n.To+" must not be before "+n.From+".")
		}
		if days > maxDays {
			return fault.Field(n.From, fmt.Sprintf("%s to %s may span at most %d days.", n.From, n.To, maxDays))
		}
		if p.From.days(today) < 0 {
			return fault.Field(n.From, n.From+" must not be in the future; today is "+today.String()+".")
		}
	}
	if q.Interval != "" && !p.Allows(q.Interval) {
		if !slices.Contains([]Interval{Minute, Hour, Day, Week, Month}, q.Interval) {
			return fault.Field(n.Interval, unknown(n.Interval, string(q.Interval), texts(p.Intervals())))
		}
		return fault.Field(n.Interval, fmt.Sprintf("%s %s does not fit this period; it allows %s.", n.Interval, q.Interval, orList(texts(p.Intervals()))))
	}
	switch q.Compare {
	case NoComparison, PreviousPeriod, PreviousYear:
		return nil
	}
	return fault.Field(n.Compare, unknown(n.Compare, string(q.Compare), []string{string(PreviousPeriod), string(PreviousYear)}))
}

func (q Query) checkMetrics(n Names) error {
	seen := map[Metric]bool{}
	for _, m := range q.Metrics {
		if _, ok := m.Info(); !ok {
			var names []string
			for _, d := range metrics {
				names = append(names, string(d.Name))
			}
			return fault.Field(n.Metrics, unknown(n.Metrics, string(m), names))
		}
		if seen[m] {
			return fault.Field(n.Metrics, n.Metrics+" names "+string(m)+" twice.")
		}
		seen[m] = true
	}
	return nil
}

func (q Query) checkDimensions(n Names) error {
	if len(q.Dimensions) > 0 && q.Interval != "" {
		return fault.Field(n.By, "Give either "+n.By+" or "+n.Interval+", not both.")
	}
	if len(q.Dimensions) > maxDimensions {
		return fault.Field(n.By, fmt.Sprintf("%s may name at most %d dimensions.", n.By, maxDimensions))
	}
	for i, d := range q.Dimensions {
		if err := d.check(n.By); err != nil {
			return err
		}
		if slices.Contains(q.Dimensions[:i], d) {
			return fault.Field(n.By, n.By+" names "+string(d)+" twice.")
		}
	}
	return nil
}

func (q Query) checkOrder(n Names) error {
	if len(q.Order) > maxOrder {
		return fault.Field(n.Order, fmt.Sprintf("%s may name at most %d columns.", n.Order, maxOrder))
	}
	can := append(texts(q.Metrics), texts(q.Dimensions)...)
	for i, o := range q.Order {
		if len(q.Dimensions) == 0 {
			return fault.Field(n.Order, n.Order+" is for rows: it needs "+n.By+".")
		}
		if !slices.Contains(can, o.By) {
			return fault.Field(n.Order, fmt.Sprintf("%s must be one of the metrics or dimensions asked for: %s; not %q.", n.Order, orList(can), clip(o.By)))
		}
		for _, e := range q.Order[:i] {
			if e.By == o.By {
				return fault.Field(n.Order, n.Order+" names "+o.By+" twice.")
			}
		}
	}
	return nil
}

func (q Query) checkPage(n Names) error {
	if q.Page < 0 || q.Page > maxPage {
		return fault.Field(n.Page, fmt.Sprintf("%s must be from 1 to %d.", n.Page, maxPage))
	}
	if q.PageSize < 0 || q.PageSize > MaxPageSize {
		return fault.Field(n.PageSize, fmt.Sprintf("%s must be from 1 to %d.", n.PageSize, MaxPageSize))
	}
	return nil
}

func (d Dimension) check(field string) error {
	if key, ok := d.PropKey(); ok {
		if key == "" || utf8.RuneCountInString(key) > 300 || !clean(key) {
			return fault.Field(field, field+": prop: must be followed by a property's key of 1 to 300 characters, like prop:plan.")
		}
		return nil
	}
	if _, ok := d.column(); !ok {
		return fault.Field(field, unknown(field, string(d), append(texts(Dimensions()), "prop:KEY")))
	}
	return nil
}

// check walks a filter; left is how many leaves it may still have.
func (f Filter) check(field string, depth int, left *int) error {
	if f.IsZero() {
		return fault.Field(field, field+": a condition is empty.")
	}
	if !f.isJoin() {
		if *left--; *left < 0 {
			return fault.Field(field, fmt.Sprintf("%s may have at most %d conditions.", field, maxLeaves))
		}
		return f.checkLeaf(field)
	}
	if depth == 0 {
		return fault.Field(field, fmt.Sprintf("%s may be at most %d levels deep.", field, maxDepth))
	}
	if f.Dimension != "" || f.Values != nil {
		return fault.Field(field, field+": "+string(f.Op)+" joins conditions and has no dimension of its own.")
	}
	switch {
	case f.Op == Not && len(f.Filters) != 1:
		return fault.Field(field, field+": not takes one condition.")
	case len(f.Filters) == 0:
		return fault.Field(field, field+": "+string(f.Op)+" needs at least one condition.")
	}
	for _, c := range f.Filters {
		if err := c.check(field, depth-1, left); err != nil {
			return err
		}
	}
	return nil
}

func (f Filter) checkLeaf(field string) error {
	op, ok := ops[f.Op]
	if !ok {
		return unknownOp(field, f.Op)
	}
	if err := f.Dimension.check(field); err != nil {
		return err
	}
	if f.Filters != nil {
		return fault.Field(field, field+": "+string(f.Op)+" takes values, not conditions.")
	}
	if len(f.Values) < op.min || len(f.Values) > op.max {
		return fault.Field(field, fmt.Sprintf("%s: %s takes %s, not %d.", field, f.Op, op.takes(), len(f.Values)))
	}
	col, isColumn := f.Dimension.column()
	number := isColumn && col.number
	_, isProp := f.Dimension.PropKey()
	if op.numeric && !number && !isProp {
		return fault.Field(field, fmt.Sprintf("%s: %s compares numbers, and %s has none; it works on screen_width and prop:KEY.", field, f.Op, f.Dimension))
	}
	if number && op.text {
		return fault.Field(field, fmt.Sprintf("%s: %s compares text, and %s is a number; use eq, neq, in, not_in, gt, lt, is_set or is_not_set.", field, f.Op, f.Dimension))
	}
	if f.Dimension == GoalName && op.text {
		return fault.Field(field, fmt.Sprintf("%s: goals are compared by their whole names, so %s does not work on goal; use eq, neq, in, not_in, is_set or is_not_set.", field, f.Op))
	}
	for _, v := range f.Values {
		if utf8.RuneCountInString(v) > maxText || !clean(v) {
			return fault.Field(field, fmt.Sprintf("%s: a value must be text of at most %d characters.", field, maxText))
		}
		if number {
			if _, err := strconv.ParseInt(v, 10, 32); err != nil {
				return fault.Field(field, fmt.Sprintf("%s: %s is compared with whole numbers, not %q.", field, f.Dimension, clip(v)))
			}
		} else if op.numeric {
			if _, ok := plainNumber(v); !ok {
				return fault.Field(field, fmt.Sprintf("%s: %s compares with a number like 12 or -0.5, not %q.", field, f.Op, clip(v)))
			}
		}
	}
	return nil
}

// clean text is valid UTF-8 without NUL, which the stores refuse.
func clean(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// plainNumber reads a decimal number as properties hold it: no exponent, no
// space, at most 15 digits before the point so that it is exact.
func plainNumber(s string) (float64, bool) {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if len(whole) < 1 || len(whole) > 15 || point && (len(fraction) < 1 || len(fraction) > 15) || !digits(whole) || !digits(fraction) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func digits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

func unknownOp(field string, op Op) error {
	names := make([]string, 0, len(ops))
	for o := range ops {
		names = append(names, string(o))
	}
	slices.Sort(names)
	return fault.Field(field, unknown(field, string(op), names))
}

// unknown says that name isn't one of known, and which was probably meant.
func unknown(field, name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("%s: there is no %q; did you mean %s?", field, clip(name), near)
	}
	return fmt.Sprintf("%s: there is no %q; it must be one of %s.", field, clip(name), strings.Join(known, ", "))
}

// clip shortens what an asker sent, for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func texts[S ~string](items []S) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = string(it)
	}
	return out
}

func orList(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " or " + items[len(items)-1]
}

// Nearest is the known name that a mistyped one probably means, "" when none
// is near: at most a third of its letters differ.
func Nearest(name string, known []string) string {
	if len(name) > 64 {
		return ""
	}
	best, at := "", len(name)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// checkCompared says whether only some metrics can be compared: of rows, which
// are ordered by them, all are.
func (q Query) checkCompared() error {
	for _, m := range q.Compared {
		if q.Shape() == Breakdown || !slices.Contains(q.Metrics, m) {
			return fmt.Errorf("compare %s only: it must be among the metrics of a series or of totals", m)
		}
	}
	return nil
}

// compares says that a metric's number of the compared span is wanted.
func (q Query) compares(m Metric) bool { return q.Compared == nil || slices.Contains(q.Compared, m) }
