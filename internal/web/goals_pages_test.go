package web

import (
	"net/url"

	"moonbear/internal/demo"
	"moonbear/internal/site"
)

// giveGoals makes the goals and the segment that a demo site has.
func (w *world) giveGoals(st *site.Site) (goals []site.Goal) {
	w.t.Helper()
	for _, g := range []site.Goal{
		{Name: "Purchase", Rule: site.Rule{Event: demo.Purchase}},
		{Name: "Home subscription", Value: 24_000, Rule: site.Rule{Event: demo.Signup, Properties: []site.PropertyCondition{{Key: "plan", Operator: "eq", Value: "home"}}}},
		{Name: "Reached the checkout", Rule: site.Rule{Path: "/checkout"}},
		{Name: "Nobody's goal", Rule: site.Rule{Path: "/never/*"}},
	} {
		g.Site = st.ID
		g, err := w.sites.AddGoal(w.t.Context(), g)
		if err != nil {
			w.t.Fatal(err)
		}
		goals = append(goals, g)
	}
	_, err := w.sites.AddSegment(w.t.Context(), site.Segment{Site: st.ID, Name: "Korea, on a phone",
		Filter: `{"and":[{"dimension":"country","operator":"eq","value":"KR"},{"dimension":"device","operator":"eq","value":"mobile"}]}`})
	if err != nil {
		w.t.Fatal(err)
	}
	return goals
}

// goalPages is the part of the tour with goals, events and segments.
func (b tour) goalPages(w *world, owner *person, empty *site.Site) {
	home := sitePath(owner.site)
	b.shoot("goals-none", owner, home+"?period=7d", "")
	b.shoot("goals-proposed", owner, home+"/goals", "")
	b.shoot("goals-empty", owner, sitePath(empty)+"/goals", "")
	b.shoot("segments-empty", owner, sitePath(empty)+"/segments", "")
	goals := w.giveGoals(owner.site)
	b.shoot("goals", owner, home+"/goals", "")
	b.shoot("goals-add", owner, home+"/goals", `document.querySelector('#add').open=true;document.querySelector('[data-test=kind-event]').click()`)
	b.shoot("goals-delete", owner, home+"/goals", `document.querySelector('[data-test=delete]').parentElement.open=true`)
	b.shoot("goal-change", owner, home+"/goals/"+goals[1].PublicID, "")
	b.shoot("segments", owner, home+"/segments", "")
	b.shoot("goal-filter", owner, home+"?period=4w&f=eq,goal,Purchase&metric=revenue", "")
	b.shoot("event", owner, home+"?period=4w&event=purchase&prop=roast", "")
	b.shoot("event-links", owner, home+"?period=4w&event="+url.QueryEscape("Outbound Link"), "")
	b.shoot("segment-applied", owner, home+"?period=4w&f=eq,country,KR&f=eq,device,mobile", `document.querySelector('[data-test=segments]').open=true`)
	b.shoot("segment-save", owner, home+"?period=4w&f=eq,country,KR", `document.querySelector('[data-test=save-segment]').parentElement.open=true`)
	b.shoot("listing-prop", owner, home+"/all/prop%3Aurl?f="+url.QueryEscape("eq,event_name,Outbound Link"), "")
}
