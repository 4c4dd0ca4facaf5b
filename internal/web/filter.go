package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// opposites are the conditions that keep what the other leaves out.
var opposites = map[stats.Op]stats.Op{
	stats.Eq: stats.Neq, stats.In: stats.NotIn, stats.Contains: stats.NotContains, stats.IsSet: stats.IsNotSet,
	stats.Neq: stats.Eq, stats.NotIn: stats.In, stats.NotContains: stats.Contains, stats.IsNotSet: stats.IsSet,
}

// replaced is a with another condition in the place of number i.
func (a ask) replaced(i int, f stats.Filter) ask {
	leaves := slices.Clone(a.leaves())
	leaves[i] = f
	return a.filtered(leaves)
}

// chips are the filters in force.
func chips(t *html.Text, a ask) (out []html.Chip) {
	leaves := a.leaves()
	for i, l := range leaves {
		c := html.Chip{Label: filterWords(t, l), RemoveURL: a.filtered(slices.Delete(slices.Clone(leaves), i, i+1)).url("")}
		if other, ok := opposites[l.Op]; ok {
			turned := l
			turned.Op = other
			c.TurnURL, c.TurnLabel = a.replaced(i, turned).url(""), filterWords(t, turned)
			c.Turned = slices.Contains([]stats.Op{stats.Neq, stats.NotIn, stats.NotContains, stats.IsNotSet}, l.Op)
		}
		if l.Dimension != "" {
			c.EditURL = a.url("") + "&" + paramEdit + "=" + strconv.Itoa(i)
		}
		out = append(out, c)
	}
	return out
}

// paramEdit is the number of the filter that the form changes; it is of one
// page and not of the question, so links don't keep it.
const paramEdit = "edit"

// filterGroups are the form's dimensions, by what they are about.
var filterGroups = []struct {
	name       string
	dimensions []stats.Dimension
}{
	{"pages", []stats.Dimension{stats.Path, stats.EntryPage, stats.ExitPage, stats.Hostname}},
	{"sources", []stats.Dimension{stats.Source, stats.Channel, stats.Referrer, stats.UTMCampaign, stats.UTMSource, stats.UTMMedium, stats.UTMContent, stats.UTMTerm}},
	{"places", []stats.Dimension{stats.Country, stats.Region, stats.City, stats.Language}},
	{"devices", []stats.Dimension{stats.Browser, stats.BrowserVersion, stats.OS, stats.OSVersion, stats.Device, stats.ScreenWidth, stats.ConnectionSpeed}},
}

// filterOps are the form's operators. Several values make "is" an "is one of".
var filterOps = []stats.Op{stats.Eq, stats.Neq, stats.Contains, stats.NotContains, stats.StartsWith, stats.Matches, stats.IsSet, stats.IsNotSet, stats.Gt, stats.Lt}

// filterForm adds a filter, or changes the one whose number edit is.
func filterForm(t *html.Text, a ask, keys []stats.PropertyKey, edit string) html.FilterForm {
	f := html.FilterForm{Action: sitePath(a.site) + "/filter", Keep: keep(a.values()), ValuesURL: a.url("/values"),
		Operator: string(stats.Eq), Values: []string{""}}
	leaves := a.leaves()
	if i, err := strconv.Atoi(edit); err == nil && i >= 0 && i < len(leaves) && leaves[i].Dimension != "" {
		l := leaves[i]
		f.Edit, f.Dimension, f.Operator = edit, string(l.Dimension), string(l.Op)
		if len(l.Values) > 0 {
			f.Values = typed(t, l)
		}
		switch l.Op {
		case stats.In:
			f.Operator, f.Values = string(stats.Eq), append(f.Values, "")
		case stats.NotIn:
			f.Operator, f.Values = string(stats.Neq), append(f.Values, "")
		}
	}
	listed := map[stats.Dimension]bool{}
	add := func(label string, ds []stats.Dimension) {
		g := html.OptionGroup{Label: label}
		for _, d := range ds {
			listed[d] = true
			name := t.Dimension(string(d))
			if key, ok := d.PropKey(); ok {
				name = key
			}
			g.Options = append(g.Options, html.Option{Value: string(d), Label: name})
		}
		if len(ds) > 0 {
			f.Groups = append(f.Groups, g)
		}
	}
	for _, g := range filterGroups {
		add(t.Shell.Groups[g.name], g.dimensions)
	}
	var rest, props []stats.Dimension
	for _, d := range stats.Dimensions() {
		if !listed[d] && (d != dimensionGoal || len(a.q.Goals) > 0) {
			rest = append(rest, d)
		}
	}
	add(t.Shell.Groups["events"], rest)
	for _, k := range keys {
		props = append(props, stats.Prop(k.Key))
	}
	if d := stats.Dimension(f.Dimension); d != "" && !listed[d] && !slices.Contains(props, d) {
		props = append(props, d)
	}
	add(t.Shell.Groups["properties"], props)
	for _, op := range filterOps {
		f.Operators = append(f.Operators, html.Option{Value: string(op), Label: t.Operator(string(op))})
	}
	return f
}

// typed is a condition's values as they are typed: "South Korea" for "KR".
func typed(t *html.Text, f stats.Filter) (values []string) {
	for _, v := range f.Values {
		if slices.Contains(translated, f.Dimension) && v != "" {
			v = valueWords(t, f.Dimension, v)
		}
		values = append(values, v)
	}
	return values
}

// dimensionGoal is only offered where there are goals.
const dimensionGoal stats.Dimension = "goal"

// addFilter turns the filter form into the dashboard's URL:
// GET /sites/{site}/filter?dimension=path&operator=contains&value=docs
func (s *Server) addFilter(w http.ResponseWriter, r *http.Request, v *viewer) error {
	in := r.URL.Query()
	f := stats.Filter{Op: stats.Op(in.Get("operator")), Dimension: stats.Dimension(in.Get("dimension"))}
	values := slices.DeleteFunc(slices.Clone(in["value"]), func(s string) bool { return strings.TrimSpace(s) == "" })
	edit := in.Get(paramEdit)
	for _, name := range []string{"operator", "dimension", "value", paramEdit} {
		in.Del(name)
	}
	a, err := s.asked(r.Context(), v, in)
	if err != nil {
		return err
	}
	if f.Op != stats.IsSet && f.Op != stats.IsNotSet {
		if f.Values, err = s.stored(r.Context(), v.Text, a, f.Dimension, values); err != nil {
			return err
		}
		if len(f.Values) > 1 {
			f.Op = several(f.Op)
		}
	}
	if i, err := strconv.Atoi(edit); err == nil && i >= 0 && i < len(a.leaves()) {
		a = a.replaced(i, f)
	} else if !a.has(f) {
		a = a.filtered(append(slices.Clone(a.leaves()), f))
	}
	if _, err := parseAsk(a.values(), v.Site, s.now()); err != nil {
		return err // what was typed doesn't fit the dimension
	}
	return seeOther(w, r, a.url(""))
}

// several is an operator for more than one value.
func several(op stats.Op) stats.Op {
	switch op {
	case stats.Eq:
		return stats.In
	case stats.Neq:
		return stats.NotIn
	}
	return op
}

// translated are the dimensions whose values are shown otherwise than stored.
var translated = []stats.Dimension{stats.Country, stats.Region, stats.Language, stats.Channel, stats.Device}

// stored turns what was typed into what is stored: "South Korea" into "KR".
// What no row of the site's is called stays as it is.
func (s *Server) stored(ctx context.Context, t *html.Text, a ask, d stats.Dimension, typed []string) ([]string, error) {
	if !slices.Contains(translated, d) || len(typed) == 0 {
		return typed, nil
	}
	res, err := s.o.Stats.Run(ctx, a.filtered(nil).period("12m").q.By(d, stats.MaxPageSize, stats.Visitors))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(typed)
	for i, value := range out {
		for _, r := range res.Rows {
			if r.Keys[0] != "" && strings.EqualFold(valueWords(t, d, r.Keys[0]), strings.TrimSpace(value)) {
				out[i] = r.Keys[0]
				break
			}
		}
	}
	return out, nil
}

// suggestions is how many values the filter form offers.
const suggestions = 100

// values are the values of a dimension there are most of, for the filter form:
// GET /sites/{site}/values?dimension=path&period=7d
func (s *Server) filterValues(w http.ResponseWriter, r *http.Request, v *viewer) error {
	in := r.URL.Query()
	d := stats.Dimension(in.Get("dimension"))
	in.Del("dimension")
	a, err := s.asked(r.Context(), v, in)
	if err != nil {
		return err
	}
	tab, ok := tabOf(d)
	if !ok {
		return errNothing
	}
	tab.known = true
	res, err := s.o.Stats.Run(r.Context(), tabQuery(a.filtered(nil), tab, suggestions))
	if err != nil {
		return err
	}
	var options []html.Option
	for _, row := range res.Rows {
		options = append(options, html.Option{Value: valueWords(v.Text, d, row.Keys[0])})
		if !slices.Contains(translated, d) {
			options[len(options)-1].Value = row.Keys[0]
		}
	}
	return s.render(w, r, http.StatusOK, html.FilterValues(options))
}

// filterWords writes a condition in words: "Country is South Korea"; a joined
// one as a sentence of its parts.
func filterWords(t *html.Text, f stats.Filter) string {
	switch f.Op {
	case stats.And, stats.Or:
		var parts []string
		for _, c := range f.Filters {
			words := filterWords(t, c)
			if c.Op == stats.And || c.Op == stats.Or {
				words = "(" + words + ")"
			}
			parts = append(parts, words)
		}
		if f.Op == stats.And {
			return strings.Join(parts, t.Shell.And)
		}
		return strings.Join(parts, t.Shell.Or)
	case stats.Not:
		return fmt.Sprintf(t.Shell.Not, filterWords(t, f.Filters[0]))
	}
	d := t.Dimension(string(f.Dimension))
	if key, ok := f.Dimension.PropKey(); ok {
		d = key
	}
	var values []string
	for _, v := range f.Values {
		values = append(values, valueWords(t, f.Dimension, v))
	}
	said, ok := t.Shell.Conditions[string(f.Op)]
	if !ok {
		return strings.TrimSpace(d + " " + string(f.Op) + " " + strings.Join(values, ", "))
	}
	return strings.NewReplacer("{what}", d, "{values}", strings.Join(values, ", ")).Replace(said)
}
