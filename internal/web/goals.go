package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// goalPeriod is what a goal is tried on and proposed from: four weeks have
// every day of the week equally often.
const goalPeriod = "4w"

// goals shows a site's goals: GET /sites/{site}/goals
func (s *Server) goals(w http.ResponseWriter, r *http.Request, v *viewer) error {
	return s.showGoals(w, r, v, http.StatusOK, html.Goals{Form: s.goalFormView(v, goalForm{kind: html.KindPath})})
}

// showGoals is the page of goals; of p, what the request brought is filled.
func (s *Server) showGoals(w http.ResponseWriter, r *http.Request, v *viewer, status int, p html.Goals) error {
	goals, err := s.o.Sites.Goals(r.Context(), v.Site.ID)
	if err != nil {
		return err
	}
	p.Page, p.Domain, p.BackURL, p.Edits = s.page(r, v, v.Text.Goal.Title), site.DisplayHost(v.Site.Domain), sitePath(v.Site), v.edits()
	p.Page.Return = goalsURL(v.Site)
	if p.Rows, err = s.goalRows(r.Context(), v, goals); err != nil {
		return err
	}
	if !p.Edits {
		return s.render(w, r, status, html.GoalsPage(p))
	}
	if len(goals) == 0 {
		ps, err := s.proposals(r.Context(), v.Text, v.Site)
		if err != nil {
			return err
		}
		p.Proposals = proposalViews(v.Text, v.Site, ps, p.Page.Return)
		p.Adding = p.Adding || len(ps) == 0 && p.Gone == nil
	}
	if err := s.suggest(r.Context(), v.Site, &p.Form); err != nil {
		return err
	}
	return s.render(w, r, status, html.GoalsPage(p))
}

// goalRows are goals and what they did lately.
func (s *Server) goalRows(ctx context.Context, v *viewer, goals []site.Goal) ([]html.GoalRow, error) {
	if len(goals) == 0 {
		return nil, nil
	}
	t, path := v.Text, sitePath(v.Site)
	q := stats.Query{Site: v.Site, Period: stats.Period{Name: goalPeriod}, Goals: goals}
	res, err := s.o.Stats.Run(ctx, q.By(stats.GoalName, len(goals), stats.Conversions, stats.Visitors))
	if err != nil {
		return nil, err
	}
	did := map[string]string{}
	for _, row := range res.Rows {
		did[row.Keys[0]] = fmt.Sprintf(t.Goal.Did, t.Exact(row.Value(stats.Conversions).N), t.Exact(row.Value(stats.Visitors).N))
	}
	var rows []html.GoalRow
	for _, g := range goals {
		a := ask{site: v.Site, q: stats.Query{Site: v.Site, Period: stats.Period{Name: goalPeriod}, Compare: stats.PreviousPeriod}, metric: stats.Visitors}
		row := html.GoalRow{Name: g.Name, Rule: ruleWords(t, g.Rule), Did: cmp.Or(did[g.Name], t.Goal.NotYet),
			URL:         a.filtered([]stats.Filter{stats.Is(stats.GoalName, stats.Eq, g.Name)}).url(""),
			DeleteTitle: t.Goal.Delete + ": " + g.Name, DeleteAsk: fmt.Sprintf(t.Goal.DeleteAsk, g.Name)}
		if g.Value > 0 {
			row.Value = t.Money(float64(g.Value)/1000, v.Site.Currency)
		}
		if v.edits() {
			row.EditURL, row.GoneURL = path+"/goals/"+g.PublicID, path+"/goals/"+g.PublicID+"/delete"
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// goalFormView is a form that adds a goal.
func (s *Server) goalFormView(v *viewer, f goalForm) html.GoalForm {
	t := v.Text
	out := html.GoalForm{Text: t, Action: goalsURL(v.Site), Button: t.Goal.AddButton, Kind: f.kind,
		Name: html.Field{Value: f.name}, Path: html.Field{Value: f.path}, Event: html.Field{Value: f.event}, Value: html.Field{Value: f.value},
		Conditions: f.conditions, More: len(f.conditions) < maxConditions, Currency: v.Site.Currency}
	if len(out.Conditions) == 0 {
		out.Conditions = []html.GoalCondition{{Operator: string(stats.Eq)}}
	}
	for _, op := range site.PropertyOperators() {
		out.Operators = append(out.Operators, html.Option{Value: op, Label: t.Operator(op)})
	}
	return out
}

// suggest fills in what the form's fields may choose from.
func (s *Server) suggest(ctx context.Context, st *site.Site, f *html.GoalForm) error {
	q := stats.Query{Site: st, Period: stats.Period{Name: goalPeriod}, Filter: stats.Is(stats.EventName, stats.Neq, "pageview")}
	res, err := s.o.Stats.Run(ctx, q.By(stats.EventName, 100, stats.Events))
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		f.Events = append(f.Events, row.Keys[0])
	}
	keys, err := s.o.Stats.PropertyKeys(ctx, q)
	for _, k := range keys {
		f.Keys = append(f.Keys, k.Key)
	}
	return err
}

// addGoal adds a goal, or tries one: POST /sites/{site}/goals
func (s *Server) addGoal(w http.ResponseWriter, r *http.Request, v *viewer) error {
	return s.takeGoal(w, r, v, nil)
}

// changeGoal changes one, or tries it: POST /sites/{site}/goals/{goal}
func (s *Server) changeGoal(w http.ResponseWriter, r *http.Request, v *viewer) error {
	g, err := s.o.Sites.Goal(r.Context(), v.Site.ID, r.PathValue("goal"))
	if err != nil {
		return err
	}
	return s.takeGoal(w, r, v, &g)
}

// goalPage shows the form that changes a goal: GET /sites/{site}/goals/{goal}
func (s *Server) goalPage(w http.ResponseWriter, r *http.Request, v *viewer) error {
	g, err := s.o.Sites.Goal(r.Context(), v.Site.ID, r.PathValue("goal"))
	if err != nil {
		return err
	}
	return s.showGoalForm(w, r, v, http.StatusOK, &g, s.goalFormView(v, goalFormOf(g)))
}

// takeGoal does what a goal's form was sent for: one line more, a try, or
// keeping it. was is the goal to change, nil to add one.
func (s *Server) takeGoal(w http.ResponseWriter, r *http.Request, v *viewer, was *site.Goal) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	in := readGoalForm(r.PostForm)
	if r.PostForm.Get("do") == "more" && len(in.conditions) < maxConditions {
		in.conditions = append(in.conditions, html.GoalCondition{Operator: string(stats.Eq)})
		return s.showGoalForm(w, r, v, http.StatusOK, was, s.goalFormView(v, in))
	}
	form := s.goalFormView(v, in)
	form.Return = r.PostForm.Get("return")
	g, err := in.goal(v.Site, v.Text)
	if err == nil {
		g.Rule, err = site.ParseRule(g.Rule)
	}
	switch {
	case err != nil:
	case r.PostForm.Get("do") == "preview":
		form.Preview, err = s.previewGoal(r.Context(), v, g)
	case was == nil:
		_, err = s.o.Sites.AddGoal(r.Context(), g)
	default:
		g.PublicID = was.PublicID
		err = s.o.Sites.ChangeGoal(r.Context(), g)
	}
	if err == nil && form.Preview == nil {
		return seeOther(w, r, localPath(form.Return, goalsURL(v.Site)))
	}
	status := http.StatusOK
	if err != nil {
		if status, err = goalProblem(v.Text, err, &form); err != nil {
			return err
		}
	}
	return s.showGoalForm(w, r, v, status, was, form)
}

// showGoalForm shows a form where it belongs: alone to the script, on the
// goal's own page, or among the goals.
func (s *Server) showGoalForm(w http.ResponseWriter, r *http.Request, v *viewer, status int, was *site.Goal, form html.GoalForm) error {
	if was != nil {
		form.Action, form.Button, form.CancelURL = sitePath(v.Site)+"/goals/"+was.PublicID, v.Text.Goal.Save, goalsURL(v.Site)
	}
	if was == nil && !wantsFragment(r) {
		return s.showGoals(w, r, v, status, html.Goals{Form: form, Adding: true})
	}
	if err := s.suggest(r.Context(), v.Site, &form); err != nil {
		return err
	}
	if wantsFragment(r) {
		return s.render(w, r, status, html.GoalFormFragment(form))
	}
	p := html.Goal{Page: s.page(r, v, was.Name), Domain: site.DisplayHost(v.Site.Domain), BackURL: form.CancelURL, Heading: v.Text.Goal.ChangeTitle, Form: form}
	p.Page.Return = form.Action
	return s.render(w, r, status, html.GoalPage(p))
}

// previewGoal says what a goal would have counted.
func (s *Server) previewGoal(ctx context.Context, v *viewer, g site.Goal) (*html.GoalPreview, error) {
	q := stats.Query{Site: v.Site, Period: stats.Period{Name: goalPeriod}, Goals: []site.Goal{g}, Filter: stats.Is(stats.GoalName, stats.Eq, g.Name)}
	res, err := s.o.Stats.Run(ctx, q.Totals(stats.Conversions, stats.Visitors))
	if err != nil {
		return nil, err
	}
	n := res.Total(stats.Conversions).N
	if n == 0 {
		return &html.GoalPreview{Words: v.Text.Goal.PreviewNone, None: true}, nil
	}
	return &html.GoalPreview{Words: fmt.Sprintf(v.Text.Goal.PreviewDid, v.Text.Exact(n), v.Text.Exact(res.Total(stats.Visitors).N))}, nil
}

// deleteGoal deletes a goal and offers to bring it back:
// POST /sites/{site}/goals/{goal}/delete
func (s *Server) deleteGoal(w http.ResponseWriter, r *http.Request, v *viewer) error {
	g, err := s.o.Sites.Goal(r.Context(), v.Site.ID, r.PathValue("goal"))
	if err == nil {
		err = s.o.Sites.RemoveGoal(r.Context(), v.Site.ID, g.PublicID)
	}
	if f, ok := fault.From(err); ok && f.Kind == fault.NotFound {
		return seeOther(w, r, goalsURL(v.Site)) // the page was loaded again, or somebody was faster
	}
	if err != nil {
		return err
	}
	return s.showGoals(w, r, v, http.StatusOK, html.Goals{
		Form: s.goalFormView(v, goalForm{kind: html.KindPath}),
		Gone: &html.Gone{Words: fmt.Sprintf(v.Text.Goal.Deleted, g.Name), Action: goalsURL(v.Site), Fields: goalFormOf(g).fields()},
	})
}

// proposals asks what a site without goals has that could be one.
func (s *Server) proposals(ctx context.Context, t *html.Text, st *site.Site) ([]proposal, error) {
	q := stats.Query{Site: st, Period: stats.Period{Name: goalPeriod}}
	events := q
	events.Filter = stats.Is(stats.EventName, stats.Neq, "pageview")
	res, err := s.o.Stats.Run(ctx, events.By(stats.EventName, 100, stats.Events))
	if err != nil {
		return nil, err
	}
	var names, paths []seen
	for _, row := range res.Rows {
		names = append(names, seen{row.Keys[0], row.Value(stats.Events).N})
	}
	likely := stats.Filter{Op: stats.Or}
	for _, word := range append(orders, "thank", "success", "complete", "confirm", "received", "welcome", "checkout", "감사", "완료", "결제") {
		likely.Filters = append(likely.Filters, stats.Is(stats.Path, stats.Contains, word))
	}
	q.Filter = likely
	if res, err = s.o.Stats.Run(ctx, q.By(stats.Path, stats.MaxPageSize, stats.Pageviews)); err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		paths = append(paths, seen{row.Keys[0], row.Value(stats.Pageviews).N})
	}
	return propose(t, names, paths), nil
}

// goalsURL is the page of a site's goals.
func goalsURL(st *site.Site) string { return sitePath(st) + "/goals" }
