package site_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"moonbear/internal/fault"
	"moonbear/internal/site"
)

func TestGoals(t *testing.T) {
	h, res, other := owned(t)
	ctx := t.Context()
	theirs, err := h.sites.Create(ctx, site.NewSite{Account: other, Domain: "theirs.com"})
	if err != nil {
		t.Fatal(err)
	}
	var made []site.Goal
	for _, g := range []site.Goal{
		{Name: " Thanks ", Rule: site.Rule{Path: " /order/*/thanks "}, Value: 12_500},
		{Name: "big sale", Rule: site.Rule{Event: "sale", Properties: []site.PropertyCondition{
			{Key: " plan ", Operator: "eq", Value: "pro"}, {Key: "seats", Operator: "gt", Value: " 10 "},
			{Key: "plan", Operator: "eq", Value: "pro"}, {Key: "coupon", Operator: "is_not_set"},
		}}},
		{Name: "Öl", Rule: site.Rule{Path: "/%C3%B6l"}},
	} {
		g.Site = res.Site.ID
		got, err := h.sites.AddGoal(ctx, g)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, got)
	}
	read, err := h.sites.Goals(ctx, res.Site.ID)
	if err != nil || len(read) != 3 {
		t.Fatalf("%+v, %v", read, err)
	}
	if want := []site.Goal{made[1], made[0], made[2]}; !reflect.DeepEqual(read, want) {
		t.Errorf("by name:\n got %+v\nwant %+v", read, want)
	}
	if g := read[1]; g.Name != "Thanks" || g.Rule.Path != "/order/*/thanks" || g.Value != 12_500 || g.PublicID == "" || g.CreatedAt.IsZero() {
		t.Errorf("kept %+v", g)
	}
	if c := read[0].Rule.Properties; len(c) != 3 || c[0].Key != "plan" || c[1].Value != "10" || c[2] != (site.PropertyCondition{Key: "coupon", Operator: "is_not_set"}) {
		t.Errorf("kept %+v", c)
	}
	if read[2].Rule.Path != "/öl" {
		t.Errorf("a path is kept as events have it, not as %q", read[2].Rule.Path)
	}

	changed := made[0]
	changed.Name, changed.Rule, changed.Value = "THANKS", site.Rule{Event: "order"}, 0
	if err := h.sites.ChangeGoal(ctx, changed); err != nil {
		t.Fatal(err)
	}
	if got, err := h.sites.Goal(ctx, res.Site.ID, changed.PublicID); err != nil || !reflect.DeepEqual(got, changed) {
		t.Errorf("changed: %+v, %v; want %+v", got, err, changed)
	}
	changed.Name = "BIG sale"
	if err := h.sites.ChangeGoal(ctx, changed); !errors.Is(err, site.ErrGoalName) {
		t.Errorf("another's name: %v", err)
	}

	// A goal is only there together with its site.
	foreign := changed
	foreign.Site, foreign.Name = theirs.ID, "x"
	if err := h.sites.ChangeGoal(ctx, foreign); !errors.Is(err, site.ErrGoalNotFound) {
		t.Errorf("changed through another site: %v", err)
	}
	if err := h.sites.RemoveGoal(ctx, theirs.ID, changed.PublicID); !errors.Is(err, site.ErrGoalNotFound) {
		t.Errorf("removed through another site: %v", err)
	}
	if _, err := h.sites.Goal(ctx, theirs.ID, changed.PublicID); !errors.Is(err, site.ErrGoalNotFound) {
		t.Errorf("read through another site: %v", err)
	}
	for i, want := range []error{nil, site.ErrGoalNotFound} {
		if err := h.sites.RemoveGoal(ctx, res.Site.ID, changed.PublicID); !errors.Is(err, want) {
			t.Errorf("removal %d: %v", i, err)
		}
	}
	if got, err := h.sites.AddGoal(ctx, site.Goal{Site: theirs.ID, Name: "big sale", Rule: site.Rule{Path: "/"}}); err != nil || got.Site != theirs.ID {
		t.Errorf("the same name on another site: %+v, %v", got, err)
	}
}

func TestGoalFaults(t *testing.T) {
	h, res, _ := owned(t)
	ctx := t.Context()
	if _, err := h.sites.AddGoal(ctx, site.Goal{Site: res.Site.ID, Name: "Café", Rule: site.Rule{Path: "/a"}}); err != nil {
		t.Fatal(err)
	}
	props := func(c ...site.PropertyCondition) site.Rule { return site.Rule{Event: "buy", Properties: c} }
	many := make([]site.PropertyCondition, 11)
	for _, c := range []struct {
		g              site.Goal
		kind           fault.Kind
		field, message string
	}{
		{site.Goal{Name: " \t"}, 400, "name", "Give the goal a name of 1 to 80 characters."},
		{site.Goal{Name: "\u200b"}, 400, "name", "Give the goal a name of 1 to 80 characters."},
		{site.Goal{Name: strings.Repeat("é", 81)}, 400, "name", "The name has 81 characters; at most 80 are allowed."},
		{site.Goal{Name: "a\nb"}, 400, "name", "The name has a line break or a control character in it; write it on one line."},
		{site.Goal{Name: "\xff"}, 400, "name", "The name is not valid UTF-8 text."},
		{site.Goal{Name: "CAFE\u0301", Rule: site.Rule{Path: "/b"}}, 409, "name", "This site already has a goal with this name."},
		{site.Goal{Name: "x"}, 400, "path", "Say what meets the goal: the path of a page, like /thanks, or the name of an event, like signup."},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "/a", Event: "b"}}, 400, "event", "A goal is met by the path of a page or by an event, not by both: leave one of them out."},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "/a", Properties: many[:1]}}, 400, "properties", "Only events have properties: leave them out of a goal for a path."},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "thanks"}}, 400, "path", `"thanks" is not a path that pages are counted by: it begins with a slash, like /thanks.`},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "https://shop.com/thanks?a=b"}}, 400, "path", `"https://shop.com/thanks?a=b" is not a path that pages are counted by: write it without the domain, like /thanks.`},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "https://shop.com"}}, 400, "path", `"https://shop.com" is not a path that pages are counted by: write it without the domain, like /.`},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "/thanks?order=7"}}, 400, "path", `"/thanks?order=7" is not a path that pages are counted by: what follows the question mark is never stored; write /thanks.`},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "/" + strings.Repeat("a", 2000)}}, 400, "path", "The path is too long: at most 2000 characters are allowed."},
		{site.Goal{Name: "x", Rule: site.Rule{Event: "1st"}}, 400, "event", `"1st" is not an event's name: it begins with a letter and has at most 64 letters, digits, spaces, dots, hyphens and underscores, all of them ASCII.`},
		{site.Goal{Name: "x", Rule: site.Rule{Event: "pageview"}}, 400, "event", "For pageviews, name the path instead: /* is every page."},
		{site.Goal{Name: "x", Rule: site.Rule{Event: "engagement"}}, 400, "event", `"engagement" is the script's own message about a page that was left; it is no event a goal can be met by.`},
		{site.Goal{Name: "x", Rule: props(many...)}, 400, "properties", "A goal has at most 10 conditions on properties, not 11."},
		{site.Goal{Name: "x", Rule: props(site.PropertyCondition{Operator: "eq", Value: "v"})}, 400, "properties", "A condition on a property names the property: its key is missing."},
		{site.Goal{Name: "x", Rule: props(site.PropertyCondition{Key: "k", Operator: "is", Value: "v"})}, 400, "properties", `The property "k" is compared by "is", which is not an operator; there are eq, neq, contains, starts_with, matches, is_set, is_not_set, gt, lt.`},
		{site.Goal{Name: "x", Rule: props(site.PropertyCondition{Key: "k", Operator: "is_set", Value: "v"})}, 400, "properties", `The property "k" is compared by is_set, which takes no value: leave the value out.`},
		{site.Goal{Name: "x", Rule: props(site.PropertyCondition{Key: "k", Operator: "eq"})}, 400, "properties", `The property "k" needs a value to compare with.`},
		{site.Goal{Name: "x", Rule: props(site.PropertyCondition{Key: "k", Operator: "gt", Value: "ten"})}, 400, "properties", `The property "k" is compared by gt, which takes a number such as 12.5, not "ten".`},
		{site.Goal{Name: "x", Rule: props(site.PropertyCondition{Key: "k", Operator: "lt", Value: "NaN"})}, 400, "properties", `The property "k" is compared by lt, which takes a number such as 12.5, not "NaN".`},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "/"}, Value: -1}, 400, "value", "The value of a conversion must be from 0 to 1,000,000,000,000."},
		{site.Goal{Name: "x", Rule: site.Rule{Path: "/"}, Value: site.MaxGoalValue + 1}, 400, "value", "The value of a conversion must be from 0 to 1,000,000,000,000."},
	} {
		c.g.Site = res.Site.ID
		_, err := h.sites.AddGoal(ctx, c.g)
		wants(t, err, c.kind, c.field, c.message)
	}
	if goals, err := h.sites.Goals(ctx, res.Site.ID); err != nil || len(goals) != 1 {
		t.Errorf("a refused goal was kept: %+v, %v", goals, err)
	}
}

// A hundred goals are the most, also when they are added at once; and only a
// live site has room for one.
func TestManyGoals(t *testing.T) {
	h, res, _ := owned(t)
	ctx := t.Context()
	add := func(i int) error {
		_, err := h.sites.AddGoal(ctx, site.Goal{Site: res.Site.ID, Name: fmt.Sprint("goal ", i), Rule: site.Rule{Path: "/"}})
		return err
	}
	for i := range 98 {
		if err := add(i); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() { errs[i] = add(200 + i) })
	}
	wg.Wait()
	full := 0
	for _, err := range errs {
		if errors.Is(err, site.ErrManyGoals) {
			full++
		} else if err != nil {
			t.Error(err)
		}
	}
	if full != 4 {
		t.Errorf("%d of 6 were refused, want 4", full)
	}
	if err := h.sites.Delete(ctx, res.Site.PublicID); err != nil {
		t.Fatal(err)
	}
	if err := add(0); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("a goal of a deleted site: %v", err)
	}
}

func TestSegments(t *testing.T) {
	h, res, _ := owned(t)
	ctx := t.Context()
	const filter = `{"dimension":"country","operator":"eq","value":"KR"}`
	add := func(name, filter string) (site.Segment, error) {
		return h.sites.AddSegment(ctx, site.Segment{Site: res.Site.ID, Name: name, Filter: filter})
	}
	b, err := add(" b ", filter)
	if err != nil {
		t.Fatal(err)
	}
	a, err := add("A", "["+filter+"]")
	if err != nil {
		t.Fatal(err)
	}
	read, err := h.sites.Segments(ctx, res.Site.ID)
	if err != nil || !reflect.DeepEqual(read, []site.Segment{a, b}) || b.Name != "b" || b.Filter != filter || b.PublicID == "" {
		t.Fatalf("%+v, %v", read, err)
	}
	for _, c := range []struct{ name, filter, field, message string }{
		{"", filter, "name", "Give the segment a name of 1 to 80 characters."},
		{"x", "", "filter", "There is no filter to save: filter first, then save."},
		{"x", " [ ] ", "filter", "There is no filter to save: filter first, then save."},
		{"x", "7", "filter", "There is no filter to save: filter first, then save."},
		{"x", "{", "filter", "There is no filter to save: filter first, then save."},
		{"x", `{"value":"` + strings.Repeat("x", 16<<10) + `"}`, "filter", "The filter is too long to be saved: 16 KiB at most."},
	} {
		_, err := add(c.name, c.filter)
		wants(t, err, fault.Invalid, c.field, c.message)
	}
	if _, err := add("B", filter); !errors.Is(err, site.ErrSegmentName) {
		t.Errorf("the same name: %v", err)
	}
	a.Name, a.Filter = "a2", filter
	if err := h.sites.ChangeSegment(ctx, a); err != nil {
		t.Fatal(err)
	}
	stray := a
	stray.Site, stray.Name = a.Site+1, "c"
	if err := h.sites.ChangeSegment(ctx, stray); !errors.Is(err, site.ErrSegmentNotFound) {
		t.Errorf("changed through another site: %v", err)
	}
	if err := h.sites.RemoveSegment(ctx, stray.Site, b.PublicID); !errors.Is(err, site.ErrSegmentNotFound) {
		t.Errorf("removed through another site: %v", err)
	}
	if err := h.sites.RemoveSegment(ctx, b.Site, b.PublicID); err != nil {
		t.Fatal(err)
	}
	if read, err = h.sites.Segments(ctx, res.Site.ID); err != nil || !reflect.DeepEqual(read, []site.Segment{a}) {
		t.Errorf("%+v, %v; want %+v", read, err, a)
	}
	for i := range 99 {
		if _, err := add(fmt.Sprint("s", i), filter); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := add("one more", filter); !errors.Is(err, site.ErrManySegments) {
		t.Errorf("the 101st: %v", err)
	}
}

// FuzzRule: whatever a person writes is refused with a fault that names one of
// the rule's fields, or is a rule that is taken again as it is.
func FuzzRule(f *testing.F) {
	f.Add("/thanks", "", "", "", "")
	f.Add("/%ED%95%9C%zz", "", "", "", "")
	f.Add("https://a.com?b", "", "", "", "")
	f.Add("", "sign up", "plan", "eq", "pro")
	f.Add("", "buy", "price", "gt", " 1e3 ")
	f.Add("", "buy", "k", "is_set", "")
	f.Fuzz(func(t *testing.T, path, event, key, op, value string) {
		r := site.Rule{Path: path, Event: event}
		if key+op+value != "" {
			r.Properties = []site.PropertyCondition{{Key: key, Operator: op, Value: value}}
		}
		kept, err := site.ParseRule(r)
		if err != nil {
			if f, ok := fault.From(err); !ok || f.Message == "" || f.Field != "path" && f.Field != "event" && f.Field != "properties" {
				t.Fatalf("%+v: %v", r, err)
			}
			return
		}
		again, err := site.ParseRule(kept)
		if err != nil || !reflect.DeepEqual(kept, again) {
			t.Fatalf("%+v is kept as %+v, and that as %+v, %v", r, kept, again, err)
		}
	})
}
