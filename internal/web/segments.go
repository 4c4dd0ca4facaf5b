package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

var errNoFilters = fault.Field("filter", "There is no filter to save: filter first, then save.")

// segments shows a site's saved filters: GET /sites/{site}/segments
func (s *Server) segments(w http.ResponseWriter, r *http.Request, v *viewer) error {
	return s.showSegments(w, r, v, http.StatusOK, html.Segments{}, nil)
}

// showSegments is the page of segments; of p, what the request brought is
// filled. change may put something into a row.
func (s *Server) showSegments(w http.ResponseWriter, r *http.Request, v *viewer, status int, p html.Segments, change func(site.Segment, *html.SegmentRow)) error {
	segments, err := s.o.Sites.Segments(r.Context(), v.Site.ID)
	if err != nil {
		return err
	}
	t, path := v.Text, sitePath(v.Site)
	p.Page, p.Domain, p.BackURL, p.Edits = s.page(r, v, t.Goal.Segments), site.DisplayHost(v.Site.Domain), path, v.edits()
	p.Page.Return = path + "/segments"
	a, err := s.asked(r.Context(), v, url.Values{})
	if err != nil {
		return err
	}
	for i, g := range segments {
		row := html.SegmentRow{ID: fmt.Sprintf("segment-%d", i), Name: g.Name, Rename: html.Field{Value: g.Name},
			RenameURL: path + "/segments/" + g.PublicID, GoneURL: path + "/segments/" + g.PublicID + "/delete",
			DeleteTitle: t.Goal.Delete + ": " + g.Name, DeleteAsk: fmt.Sprintf(t.Goal.SegmentDelete, g.Name)}
		if f, err := stats.ParseFilter([]byte(g.Filter)); err == nil {
			row.Conditions, row.URL = conditionWords(t, f), a.under(f).url("")
		} else {
			row.Conditions, row.ConditionsUnknown, row.URL = t.Goal.ErrSegment, true, path
		}
		if change != nil {
			change(g, &row)
		}
		p.Rows = append(p.Rows, row)
	}
	return s.render(w, r, status, html.SegmentsPage(p))
}

// under is a with f in place of its filters.
func (a ask) under(f stats.Filter) ask {
	return a.with(func(b *ask) { b.q.Filter = f })
}

// addSegment saves the filters of a dashboard: POST /sites/{site}/segments
func (s *Server) addSegment(w http.ResponseWriter, r *http.Request, v *viewer) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	name := r.PostForm.Get("name")
	question := url.Values{}
	for key, values := range r.PostForm {
		if key != "name" {
			question[key] = values
		}
	}
	a, err := s.asked(r.Context(), v, question)
	if err != nil {
		return err
	}
	if a.q.Filter.IsZero() {
		return errNoFilters
	}
	if err := a.q.Validate(s.now(), stats.Names{Filter: "filter"}); err != nil {
		return err
	}
	_, err = s.o.Sites.AddSegment(r.Context(), site.Segment{Site: v.Site.ID, Name: name, Filter: string(a.q.Filter.JSON())})
	if err == nil {
		return seeOther(w, r, a.url(""))
	}
	save := segmentSave(v.Text, a)
	save.Name.Value = name
	status, err := formProblem(v.Text, err, map[string]*html.Field{"name": &save.Name}, &save.Problem)
	if err != nil {
		return err
	}
	if v.Text.Lang != "en" {
		save.Name.Error = goalFieldWords(v.Text, "name", save.Name.Error)
	}
	return s.showSegments(w, r, v, status, html.Segments{Save: save}, nil)
}

// renameSegment gives a segment another name: POST /sites/{site}/segments/{segment}
func (s *Server) renameSegment(w http.ResponseWriter, r *http.Request, v *viewer) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	g, err := s.segment(r.Context(), v.Site, r.PathValue("segment"))
	if err != nil {
		return err
	}
	g.Name = r.PostForm.Get("name")
	if err = s.o.Sites.ChangeSegment(r.Context(), g); err == nil {
		return seeOther(w, r, sitePath(v.Site)+"/segments")
	}
	field, problem := html.Field{Value: g.Name}, ""
	status, err := formProblem(v.Text, err, map[string]*html.Field{"name": &field}, &problem)
	if err != nil {
		return err
	}
	if v.Text.Lang != "en" {
		field.Error = goalFieldWords(v.Text, "name", field.Error)
	}
	return s.showSegments(w, r, v, status, html.Segments{}, func(other site.Segment, row *html.SegmentRow) {
		if other.PublicID == g.PublicID {
			row.Rename, row.RenameProblem, row.Renaming = field, problem, true
		}
	})
}

// deleteSegment deletes a segment and offers to bring it back:
// POST /sites/{site}/segments/{segment}/delete
func (s *Server) deleteSegment(w http.ResponseWriter, r *http.Request, v *viewer) error {
	g, err := s.segment(r.Context(), v.Site, r.PathValue("segment"))
	if err == nil {
		err = s.o.Sites.RemoveSegment(r.Context(), v.Site.ID, g.PublicID)
	}
	if f, ok := fault.From(err); ok && f.Kind == fault.NotFound {
		return seeOther(w, r, sitePath(v.Site)+"/segments") // the page was loaded again, or somebody was faster
	}
	if err != nil {
		return err
	}
	gone := &html.Gone{Words: fmt.Sprintf(v.Text.Goal.Deleted, g.Name), Action: sitePath(v.Site) + "/segments",
		Fields: []html.Param{{Name: "name", Value: g.Name}, {Name: "filter", Value: g.Filter}}}
	return s.showSegments(w, r, v, http.StatusOK, html.Segments{Gone: gone}, nil)
}

func (s *Server) segment(ctx context.Context, st *site.Site, id string) (site.Segment, error) {
	all, err := s.o.Sites.Segments(ctx, st.ID)
	if err != nil {
		return site.Segment{}, err
	}
	if i := slices.IndexFunc(all, func(g site.Segment) bool { return g.PublicID == id }); i >= 0 {
		return all[i], nil
	}
	return site.Segment{}, site.ErrSegmentNotFound
}

// segmentSave is the form that keeps a's filters.
func segmentSave(t *html.Text, a ask) *html.SegmentSave {
	return &html.SegmentSave{Text: t, Action: sitePath(a.site) + "/segments", Keep: params(a.values()), Conditions: conditionWords(t, a.q.Filter)}
}

// params are a query's names and values, sorted.
func params(v url.Values) (ps []html.Param) {
	for name, values := range v {
		for _, value := range values {
			ps = append(ps, html.Param{Name: name, Value: value})
		}
	}
	slices.SortStableFunc(ps, func(a, b html.Param) int { return strings.Compare(a.Name, b.Name) })
	return ps
}

// segmentMenu offers the saved filters, and to save those in force.
func segmentMenu(t *html.Text, a ask, segments []site.Segment, edits bool) html.SegmentMenu {
	m := html.SegmentMenu{Menu: html.Menu{Label: t.Goal.Segments}, ManageURL: sitePath(a.site) + "/segments"}
	for _, g := range segments {
		f, err := stats.ParseFilter([]byte(g.Filter))
		if err != nil {
			continue // the page of segments says so
		}
		l := html.Link{Label: g.Name, Title: conditionWords(t, f), URL: a.under(f).url(""), Current: sameConditions(f, a.q.Filter)}
		if l.Current {
			l.URL = a.filtered(nil).url("") // a second press takes it off
			m.Shown = g.Name
		}
		m.Items = append(m.Items, l)
	}
	if edits && m.Shown == "" && !a.q.Filter.IsZero() {
		m.Save = segmentSave(t, a)
	}
	return m
}

// sameConditions says that two filters keep the same events, as far as their
// writing shows: the order of conditions joined by "and" means nothing.
func sameConditions(f, g stats.Filter) bool {
	fs, fok := f.Leaves()
	gs, gok := g.Leaves()
	if !fok || !gok {
		return string(f.JSON()) == string(g.JSON())
	}
	key := func(l stats.Filter) string { return string(l.JSON()) }
	return slices.Equal(sorted(fs, key), sorted(gs, key))
}

func sorted(fs []stats.Filter, key func(stats.Filter) string) []string {
	var keys []string
	for _, f := range fs {
		keys = append(keys, key(f))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// conditionWords writes a filter with all its conditions: "Country is South
// Korea and (Page is / or Page is /docs)".
func conditionWords(t *html.Text, f stats.Filter) string {
	switch f.Op {
	case "":
		return t.Goal.NoFilters
	case stats.Not:
		return t.Goal.Not + " " + within(t, f.Filters[0])
	case stats.And, stats.Or:
		join := " " + t.Goal.And + " "
		if f.Op == stats.Or {
			join = " " + t.Goal.Or + " "
		}
		var parts []string
		for _, c := range f.Filters {
			parts = append(parts, within(t, c))
		}
		return strings.Join(parts, join)
	}
	return filterWords(t, f)
}

// within is a filter as a part of another.
func within(t *html.Text, f stats.Filter) string {
	words := conditionWords(t, f)
	if f.Op == stats.And || f.Op == stats.Or {
		return "(" + words + ")"
	}
	return words
}
