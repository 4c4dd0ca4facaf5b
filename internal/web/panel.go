package web

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// panel is one box of the dashboard. It asks for itself and shows itself, in
// the page and as a fragment alike; a question that fails is an error in the
// box's place.
type panel struct {
	name   string            // in URLs; also the parameter that chooses its tab
	tabs   []string          // what it can show, the first unless the URL says otherwise; nil: one thing
	params []choice          // what else the URL may choose
	under  map[string]string // tabs that stand beneath another one
	wide   bool              // across all columns
	always bool              // also when nobody came

	// question is the one the panel's numbers answer, for those who want them
	// elsewhere; nil where it is no one question.
	question func(a ask, tab string) stats.Query
	// questions are a panel's that asks more than one; their names differ.
	questions func(a ask, tab string) []question
	// table gives the numbers of a panel whose question isn't one of stats.Query.
	table func(ctx context.Context, b *board, tab string) (*table, error)
	// show asks and gives the box: f is its frame, filled but for what only
	// the answer tells.
	show func(ctx context.Context, b *board, f html.Frame, tab string) (templ.Component, error)
}

// panels are the dashboard's, in its order.
func panels() []panel {
	return []panel{
		listPanel("sources"),
		listPanel("pages"),
		placesPanel(),
		listPanel("devices"),
		perfPanel(),
		goalsPanel(),
		eventsPanel(),
		droppedPanel(),
	}
}

// choice is one thing of a panel that the URL chooses.
type choice struct {
	name   string   // the parameter's
	values []string // the first unless the URL says otherwise
	free   bool     // any text instead, none unless the URL says otherwise
}

// first is what is chosen unless the URL says otherwise.
func (c choice) first() string {
	if len(c.values) == 0 {
		return ""
	}
	return c.values[0]
}

// choices are all of a panel's, its tab the first.
func (p *panel) choices() []choice {
	return append([]choice{{name: p.name, values: p.tabs}}, p.params...)
}

// tab is the one shown for a.
func (p *panel) tab(a ask) string { return a.chosen(choice{name: p.name, values: p.tabs}) }

// paramNames are the parameters of a panel's choices, for the script that
// keeps them in the page's other links.
func (p *panel) paramNames() string {
	var names []string
	for _, c := range p.choices() {
		names = append(names, c.name)
	}
	return strings.Join(names, " ")
}

// board is what the panels of one page share.
type board struct {
	s *Server
	t *html.Text
	a ask
	// edits says that the viewer may change the site's goals and segments.
	edits bool
	// totals are the headline's, asked once for all; nil for a panel by itself.
	totals func(context.Context) (*stats.Result, error)
}

// total is the whole that a panel's rows are parts of.
func (b *board) total(ctx context.Context, m stats.Metric) (stats.Number, error) {
	if b.totals != nil && slices.Contains(b.a.headline(), m) {
		res, err := b.totals(ctx)
		if err != nil {
			return stats.Number{}, err
		}
		return res.Total(m).Number, nil
	}
	q := b.a.q
	q.Compare = stats.NoComparison
	res, err := b.s.o.Stats.Run(ctx, q.Totals(m))
	if err != nil {
		return stats.Number{}, err
	}
	return res.Total(m).Number, nil
}

// box is a panel as it stands on the page.
func (b *board) box(ctx context.Context, p panel) templ.Component {
	tab := p.tab(b.a)
	f := html.Frame{Text: b.t, Name: p.name, Title: b.t.Panel(p.name), Wide: p.wide, Params: p.paramNames()}
	above := cmp.Or(p.under[tab], tab)
	for _, name := range p.tabs {
		t := b.choiceTab(p.name, choice{name: p.name, values: p.tabs}, name, b.t.Panel(name))
		if group := cmp.Or(p.under[name], name); group == above && len(p.under) > 0 && slices.Contains(slices.Collect(maps.Values(p.under)), group) {
			sub := t
			sub.Label = b.t.Dimension(name)
			f.Subs = append(f.Subs, sub)
		}
		if p.under[name] == "" {
			t.Current = name == above
			f.Tabs = append(f.Tabs, t)
		}
	}
	f.Exports = b.exports(p, tab)
	c, err := p.show(ctx, b, f, tab)
	if err != nil {
		if ctx.Err() != nil {
			return html.FailedPanel(f, html.PanelProblem{Message: b.t.PanelError}) // who asked has gone, or the whole page has failed: nothing is wrong with the panel
		}
		return html.FailedPanel(f, b.problem(p.name, err))
	}
	return c
}

// choiceTab is the link that shows a panel with another choice.
func (b *board) choiceTab(panel string, c choice, value, label string) html.Tab {
	other := b.a.choose(c, value)
	return html.Tab{
		Link:     html.Link{Label: label, URL: other.url("") + "#panel-" + panel, Current: b.a.chosen(c) == value},
		Fragment: other.url("/panels/" + panel),
	}
}

// problem is what stands in a panel's place when its question failed.
func (b *board) problem(panel string, err error) html.PanelProblem {
	p := b.s.problemOf(context.Background(), nil, "GET /sites/{site}/panels/"+panel, err)
	message := b.t.PanelError
	if p.message != "" {
		message = b.t.Fault(p.message)
	}
	return html.PanelProblem{Message: message, Reference: p.reference, RetryURL: b.a.url(""), Fragment: b.a.url("/panels/" + panel)}
}

// panel answers one box by itself: GET /sites/{site}/panels/{panel}?period=7d
func (s *Server) panel(w http.ResponseWriter, r *http.Request, v *viewer) error {
	a, err := s.asked(r.Context(), v, r.URL.Query())
	if err != nil {
		return err
	}
	name := r.PathValue("panel")
	if name == "now" {
		n, err := s.o.Stats.Online(r.Context(), v.Site.ID)
		if err != nil {
			return err
		}
		return s.render(w, r, http.StatusOK, html.NowView(s.nowView(v.Text, v.Site, n)))
	}
	all := panels()
	i := slices.IndexFunc(all, func(p panel) bool { return p.name == name })
	if i < 0 {
		return errNothing
	}
	b := &board{s: s, t: v.Text, a: a, edits: v.edits()}
	return s.render(w, r, http.StatusOK, b.box(r.Context(), all[i]))
}
