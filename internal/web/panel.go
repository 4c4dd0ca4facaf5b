package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// panel is one box of the dashboard. It asks for itself and shows itself, in
// the page and as a fragment alike; a question that fails is an error in the
// box's place.
type panel struct {
	name   string   // in URLs; also the parameter that chooses its tab
	tabs   []string // what it can show, the first unless the URL says otherwise; nil: one thing
	wide   bool     // across all columns
	always bool     // also when nobody came

	// question is the one the panel's numbers answer, for those who want them
	// elsewhere; nil where it is no one question.
	question func(a ask, tab string) stats.Query
	// show asks and gives the box: f is its frame, filled but for what only
	// the answer tells.
	show func(ctx context.Context, b *board, f html.Frame, tab string) (templ.Component, error)
}

// panels are the dashboard's, in its order.
func panels() []panel {
	return []panel{
		listPanel("sources"),
		listPanel("pages"),
		listPanel("places"),
		listPanel("devices"),
		droppedPanel(),
	}
}

// tab is the one shown for a.
func (p *panel) tab(a ask) string {
	if t := a.tabs[p.name]; t != "" {
		return t
	}
	if len(p.tabs) == 0 {
		return ""
	}
	return p.tabs[0]
}

func (p *panel) hasTab(name string) bool { return slices.Contains(p.tabs, name) }

// board is what the panels of one page share.
type board struct {
	s *Server
	t *html.Text
	a ask
	// totals are the headline's, asked once for all; nil for a panel by itself.
	totals func(context.Context) (*stats.Result, error)
}

// total is the whole that a panel's rows are parts of.
func (b *board) total(ctx context.Context, m stats.Metric) (stats.Number, error) {
	if b.totals != nil && slices.Contains(headlineMetrics(), m) {
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
	f := html.Frame{Text: b.t, Name: p.name, Title: b.t.Panel(p.name), Wide: p.wide}
	for i, name := range p.tabs {
		other := b.a.with(func(a *ask) {
			delete(a.tabs, p.name)
			if i > 0 {
				a.tabs[p.name] = name
			}
		})
		f.Tabs = append(f.Tabs, html.Tab{
			Link:     html.Link{Label: b.t.Panel(name), URL: other.url("") + "#panel-" + p.name, Current: name == tab},
			Fragment: other.url("/panels/" + p.name),
		})
	}
	c, err := p.show(ctx, b, f, tab)
	if err != nil {
		return html.FailedPanel(f, b.problem(p.name, err))
	}
	return c
}

// problem is what stands in a panel's place when its question failed.
func (b *board) problem(panel string, err error) html.PanelProblem {
	if errors.Is(err, context.Canceled) {
		err = fmt.Errorf("panel %s: %w", panel, err)
	}
	p := b.s.problemOf(context.Background(), nil, "GET /sites/{site}/panels/"+panel, err)
	message := b.t.PanelError
	if p.message != "" {
		message = b.t.Fault(p.message)
	}
	return html.PanelProblem{Message: message, Reference: p.reference, RetryURL: b.a.url(""), Fragment: b.a.url("/panels/" + panel)}
}

// panel answers one box by itself: GET /sites/{site}/panels/{panel}?period=7d
func (s *Server) panel(w http.ResponseWriter, r *http.Request, v *viewer) error {
	a, err := parseAsk(r.URL.Query(), v.Site, s.now())
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
	b := &board{s: s, t: v.Text, a: a}
	return s.render(w, r, http.StatusOK, b.box(r.Context(), all[i]))
}
