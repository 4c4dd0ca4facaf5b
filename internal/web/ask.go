package web

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// ask is what a dashboard's URL asks for. url writes it back, so every link
// of the page is the present one with one thing changed.
type ask struct {
	site   *site.Site
	q      stats.Query       // period, comparison, filter
	metric stats.Metric      // in the chart
	tabs   map[string]string // by parameter: what panels' choices are, where not the first
}

// The parameters that are the page's and not the query's.
const (
	paramMetric  = "metric"
	paramCompare = "compare"
	noComparison = "none"
)

// maxChosen bounds a free choice: a property's key is the longest.
const maxChosen = 300 // characters

// young is the age under which a site's dashboard begins with today: four
// weeks of nothing say little about its first hours.
const young = 48 * time.Hour

// parseAsk reads a dashboard's URL. What it leaves out is the default: four
// weeks against the four before, visitors in the chart.
func parseAsk(v url.Values, st *site.Site, now time.Time) (ask, error) {
	v = maps.Clone(v)
	for _, name := range []string{"metrics", "by", "order", "page", "page_size"} {
		v.Del(name)
	}
	if v.Get("period") == "" && v.Get("from") == "" && v.Get("to") == "" {
		v.Set("period", defaultPeriod(st, now))
	}
	switch v.Get(paramCompare) {
	case "":
		v.Set(paramCompare, string(stats.PreviousPeriod))
	case noComparison:
		v.Del(paramCompare)
	}
	q, err := stats.ParseQuery(v, st, now)
	if err != nil {
		return ask{}, err
	}
	a := ask{site: st, q: q, metric: stats.Visitors, tabs: map[string]string{}}
	if m := stats.Metric(v.Get(paramMetric)); m != "" {
		switch {
		case slices.Contains(a.headline(), m):
			a.metric = m
		case !slices.Contains(ask{}.headline(), m) && !slices.Contains(goalHeadline(), m):
			return ask{}, fault.Field(paramMetric, "metric must be one of the headline's numbers.")
		}
	}
	for _, p := range panels() {
		for _, c := range p.choices() {
			value := v.Get(c.name)
			if len(c.values) == 0 && !c.free || value == "" {
				continue
			}
			if c.free && (!utf8.ValidString(value) || utf8.RuneCountInString(value) > maxChosen) {
				return ask{}, fault.Field(c.name, fmt.Sprintf("%s must be text of at most %d characters.", c.name, maxChosen))
			}
			if !c.free && !slices.Contains(c.values, value) {
				return ask{}, fault.Field(c.name, fmt.Sprintf("%s can't be %q: it is one of %s.", c.name, value, strings.Join(c.values, ", ")))
			}
			a = a.choose(c, value)
		}
	}
	return a, nil
}

// chosen is what a shows of a panel's choice.
func (a ask) chosen(c choice) string {
	if v := a.tabs[c.name]; v != "" {
		return v
	}
	return c.first()
}

// choose is a with another choice; the first is written by leaving it out.
func (a ask) choose(c choice, value string) ask {
	return a.with(func(b *ask) {
		delete(b.tabs, c.name)
		if value != c.first() {
			b.tabs[c.name] = value
		}
	})
}

// headline is the numbers above the chart, in their order: those that say most
// about what is asked.
func (a ask) headline() []stats.Metric {
	if a.converts() {
		return goalHeadline()
	}
	return []stats.Metric{stats.Visitors, stats.Visits, stats.Pageviews, stats.ViewsPerVisit, stats.BounceRate,
		stats.VisitDuration, stats.Percentile("page_load", 75)}
}

// asked is a page's question by its URL's parameters, knowing the site's goals.
func (s *Server) asked(ctx context.Context, v *viewer, in url.Values) (ask, error) {
	a, err := parseAsk(in, v.Site, s.now())
	if err != nil {
		return ask{}, err
	}
	a.q.Goals, err = s.o.Sites.Goals(ctx, v.Site.ID)
	return a, err
}

func defaultPeriod(st *site.Site, now time.Time) string {
	if !st.CreatedAt.IsZero() && now.Sub(st.CreatedAt) < young {
		return "today"
	}
	return "4w"
}

// values is parseAsk's inverse.
func (a ask) values() url.Values {
	v := a.q.Values()
	switch a.q.Compare {
	case stats.NoComparison:
		v.Set(paramCompare, noComparison)
	case stats.PreviousPeriod:
		v.Del(paramCompare)
	}
	if a.metric != stats.Visitors {
		v.Set(paramMetric, string(a.metric))
	}
	for name, value := range a.tabs {
		v.Set(name, value)
	}
	return v
}

// url is a path under the site that asks for a.
func (a ask) url(under string) string { return sitePath(a.site) + under + "?" + a.values().Encode() }

// with is a with other parts; a itself stays as it is.
func (a ask) with(change func(*ask)) ask {
	a.tabs = maps.Clone(a.tabs)
	change(&a)
	return a
}

// leaves are a's filters one by one; a filter that is more than an "and" is
// one by itself.
func (a ask) leaves() []stats.Filter {
	if l, ok := a.q.Filter.Leaves(); ok {
		return l
	}
	return []stats.Filter{a.q.Filter}
}

// filtered is a with other filters.
func (a ask) filtered(leaves []stats.Filter) ask {
	return a.with(func(b *ask) {
		switch len(leaves) {
		case 0:
			b.q.Filter = stats.Filter{}
		case 1:
			b.q.Filter = leaves[0]
		default:
			b.q.Filter = stats.Filter{Op: stats.And, Filters: leaves}
		}
	})
}

// toggled is a with a condition more, or without it if it had it. A second
// value of the same dimension takes the first one's place: both together
// would mean "and", which nobody expects of a press on a row.
func (a ask) toggled(f stats.Filter) ask {
	var rest []stats.Filter
	had := false
	for _, l := range a.leaves() {
		switch {
		case sameFilter(l, f):
			had = true
		case f.Op == stats.Eq && l.Op == stats.Eq && l.Dimension == f.Dimension:
		default:
			rest = append(rest, l)
		}
	}
	if !had {
		rest = append(rest, f)
	}
	return a.filtered(rest)
}

// has says that a condition is in force.
func (a ask) has(f stats.Filter) bool {
	return slices.ContainsFunc(a.leaves(), func(l stats.Filter) bool { return sameFilter(l, f) })
}

func sameFilter(a, b stats.Filter) bool {
	return a.Op == b.Op && a.Dimension == b.Dimension && slices.Equal(a.Values, b.Values) && len(a.Filters) == 0 && len(b.Filters) == 0
}

// rowFilter keeps the rows of one value; "" is "not known".
func rowFilter(d stats.Dimension, value string) stats.Filter {
	if value == "" {
		return stats.Is(d, stats.IsNotSet)
	}
	return stats.Is(d, stats.Eq, value)
}

// rowExclusion keeps all others.
func rowExclusion(d stats.Dimension, value string) stats.Filter {
	if value == "" {
		return stats.Is(d, stats.IsSet)
	}
	return stats.Is(d, stats.Neq, value)
}
