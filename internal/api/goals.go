package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

var (
	goalFields     = []string{"name", "path", "event", "properties", "value"}
	propertyFields = []string{"key", "operator", "value"}
)

// goalList lists a site's goals: GET /v1/sites/{id}/goals?page=1&page_size=50
func (a *API) goalList(w http.ResponseWriter, r *http.Request, t account.Token) error {
	st, err := a.siteFor(r.Context(), t, r.PathValue("id"))
	if err != nil {
		return err
	}
	v, err := readParameters(r.URL.RawQuery, "page", "page_size")
	if err != nil {
		return err
	}
	at, size, err := readPage(v)
	if err != nil {
		return err
	}
	goals, err := a.o.Sites.Goals(r.Context(), st.ID)
	if err != nil {
		return err
	}
	data := []object{}
	first := min((at-1)*size, len(goals))
	for _, g := range goals[first:min(first+size, len(goals))] {
		data = append(data, goalObject(&g))
	}
	return answer(w, page(at, size, max(1, (len(goals)+size-1)/size), len(goals), data))
}

// goalFor finds a goal of a site the token is for.
func (a *API) goalFor(r *http.Request, t account.Token) (site.Goal, error) {
	st, err := a.siteFor(r.Context(), t, r.PathValue("id"))
	if err != nil {
		return site.Goal{}, err
	}
	return a.o.Sites.Goal(r.Context(), st.ID, r.PathValue("goal"))
}

// goalOne tells about one goal: GET /v1/sites/{id}/goals/{goal}
func (a *API) goalOne(w http.ResponseWriter, r *http.Request, t account.Token) error {
	g, err := a.goalFor(r, t)
	if err != nil {
		return err
	}
	return answer(w, goalObject(&g))
}

// createGoal adds a goal: POST /v1/sites/{id}/goals
func (a *API) createGoal(w http.ResponseWriter, r *http.Request, t account.Token) error {
	st, err := a.siteFor(r.Context(), t, r.PathValue("id"))
	if err != nil {
		return err
	}
	b, err := readBody(w, r, goalFields)
	if err != nil {
		return err
	}
	g, err := readGoal(b, site.Goal{Site: st.ID})
	if err != nil {
		return err
	}
	if g, err = a.o.Sites.AddGoal(r.Context(), g); err != nil {
		return called(err, nil)
	}
	w.Header().Set("Location", "/v1/sites/"+st.PublicID+"/goals/"+g.PublicID)
	return answerWith(w, http.StatusCreated, goalObject(&g))
}

// updateGoal changes what is sent: PATCH /v1/sites/{id}/goals/{goal}
func (a *API) updateGoal(w http.ResponseWriter, r *http.Request, t account.Token) error {
	g, err := a.goalFor(r, t)
	if err != nil {
		return err
	}
	b, err := readBody(w, r, goalFields)
	if err != nil {
		return err
	}
	if g, err = readGoal(b, g); err != nil {
		return err
	}
	if err := a.o.Sites.ChangeGoal(r.Context(), g); err != nil {
		return called(err, nil)
	}
	if g, err = a.o.Sites.Goal(r.Context(), g.Site, g.PublicID); err != nil {
		return err
	}
	return answer(w, goalObject(&g))
}

// deleteGoal removes a goal: DELETE /v1/sites/{id}/goals/{goal}
func (a *API) deleteGoal(w http.ResponseWriter, r *http.Request, t account.Token) error {
	g, err := a.goalFor(r, t)
	if err != nil {
		return err
	}
	if err := a.o.Sites.RemoveGoal(r.Context(), g.Site, g.PublicID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func goalObject(g *site.Goal) object {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	props := []object{}
	for _, p := range g.Rule.Properties {
		props = append(props, object{{"key", p.Key}, {"operator", p.Operator}, {"value", orNull(p.Value)}})
	}
	return object{
		{"id", g.PublicID},
		{"name", g.Name},
		{"path", orNull(g.Rule.Path)},
		{"event", orNull(g.Rule.Event)},
		{"properties", props},
		{"value", number(stats.Number{N: float64(g.Value) / 1000, OK: true})},
		{"created_at", g.CreatedAt.UTC().Format(time.RFC3339)},
	}
}

// readGoal is g with what a body says of it; a field that isn't there leaves
// what is. A path takes an event's place, with its properties, and an event a
// path's: who sends both gets the fault of both.
func readGoal(b *body, g site.Goal) (site.Goal, error) {
	if name := b.optional("name"); name != nil {
		g.Name = *name
	} else if g.PublicID == "" {
		b.fail("name", "is missing: what the goal is called, like Signup.")
	}
	// "" for both is refused with the rule, not taken for a change that isn't.
	if path, event := b.text("path"), b.text("event"); b.has("path") || b.has("event") {
		if path != "" || g.Rule.Path != "" {
			g.Rule.Properties = nil
		}
		g.Rule.Path, g.Rule.Event = path, event
	}
	if b.has("properties") {
		g.Rule.Properties = readConditions(b)
	}
	if b.has("value") {
		g.Value = readMoney(b)
	}
	return g, b.err
}

func readConditions(b *body) (cs []site.PropertyCondition) {
	var each []json.RawMessage
	if json.Unmarshal(b.fields["properties"], &each) != nil {
		b.fail("properties", `must be a list of conditions like {"key": "plan", "operator": "eq", "value": "pro"}.`)
		return nil
	}
	for i, raw := range each {
		at := fmt.Sprintf("properties[%d]", i)
		one, err := parseBody(raw, propertyFields)
		if err != nil {
			b.failAt(at, err)
			return nil
		}
		c := site.PropertyCondition{Key: one.text("key"), Operator: one.text("operator"), Value: one.scalar("value")}
		if one.err == nil && c.Operator == "" {
			one.fail("operator", "is missing: how to compare, like eq.")
		}
		if one.err != nil {
			b.failAt(at, one.err)
			return nil
		}
		cs = append(cs, c)
	}
	return cs
}

// failAt is fail with a fault of what a list holds at one place.
func (b *body) failAt(at string, err error) {
	f, ok := fault.From(err)
	if !ok || b.err != nil {
		return
	}
	g := *f
	g.Message = at + ": " + g.Message
	if g.Field = at; f.Field != "" {
		g.Field += "." + f.Field
	}
	b.err = &g
}

// scalar reads text as it is, and a number, true and false as their JSON,
// which is how events' properties are stored; "" when the field is absent.
func (b *body) scalar(name string) string {
	if !b.has(name) {
		return ""
	}
	switch raw := bytes.TrimSpace(b.fields[name]); raw[0] {
	case '"':
		return b.text(name)
	case '{', '[':
		b.fail(name, "must be text, a number, true or false.")
		return ""
	default:
		return string(raw)
	}
}

// readMoney reads an amount into thousandths, exactly.
func readMoney(b *body) int64 {
	const what = "must be a number from 0 to 1,000,000,000,000 with at most three decimals, like 12.5."
	raw := b.fields["value"]
	// Of 1e999999999 big.Rat would make a gigabyte.
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f < 0 || f > site.MaxGoalValue/1000 || len(raw) > 40 || f != 0 && f < 0.001 {
		b.fail("value", what)
		return 0
	}
	r, ok := new(big.Rat).SetString(string(raw))
	if !ok {
		b.fail("value", what)
		return 0
	}
	if r.Mul(r, big.NewRat(1000, 1)); !r.IsInt() || r.Num().Int64() > site.MaxGoalValue {
		b.fail("value", what)
		return 0
	}
	return r.Num().Int64()
}
