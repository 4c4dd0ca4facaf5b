package apidoc

import (
	"moonbear/internal/account"
	"moonbear/internal/site"
)

func goalsGroup() Group {
	return Group{
		Name: "Goals",
		Description: "A goal says which events are conversions: pageviews of a path, or custom events of a name whose properties meet every condition. " +
			"A site has at most 100.\n\nGoals are asked of events when a question is: a new or changed goal counts what happened before it, too.\n\n" +
			"To read takes the scope `read_stats`, to change anything `manage_sites`.",
		Operations: []Operation{listGoals(), createGoal(), retrieveGoal(), updateGoal(), deleteGoal()},
	}
}

func conditions(answer bool) schema {
	value := may("value", schema{types: []string{"string", "number", "boolean"}, says: "text, number, true or false",
		doc: "What to compare with: up to 2,000 characters, a number for `gt` and `lt`, nothing for `is_set` and `is_not_set`."})
	name := "PropertyCondition"
	if answer {
		value = must("value", text("What it is compared with; `null` for `is_set` and `is_not_set`.").orNull())
		name = "GoalProperty"
	}
	return list("Conditions on the event's properties, at most 10; all must hold.", record(name, "",
		must("key", text("The property's key.").between(1, 300)),
		must("operator", oneOf("As in a filter.", site.PropertyOperators())),
		value)).between(0, 10)
}

func goalRecord() schema {
	return record("Goal", "A goal. One of `path` and `event` is set, the other is null.",
		must("id", text("The goal's ID.")),
		must("name", text("Its name, unique on the site whatever the case.")),
		must("path", text("Pageviews of this path meet it; `*` stands for any characters.").orNull()),
		must("event", text("Custom events of this name meet it.").orNull()),
		must("properties", conditions(true)),
		must("value", decimal("What a conversion is worth when its event carries no money of its own, in the site's currency; 0 is nothing.")),
		must("created_at", text("When it was created, UTC.").formatted("date-time")))
}

func goalBody(name string, create bool) schema {
	field := may
	if create {
		field = must
	}
	max := float64(site.MaxGoalValue / 1000)
	value := decimal("What a conversion is worth when its event carries no money of its own: units of the site's currency, at most three decimals.")
	zero := 0.0
	value.min, value.max = &zero, &max
	path := text("Pageviews of this path meet the goal: `/thanks`; `*` stands for any characters, also none and also `/`: `/order/*`. A goal has either a path or an event.")
	event := text("Custom events of this name meet the goal: `signup`.")
	if create {
		value = value.defaultsTo(0)
	} else {
		path.doc += " Sending one clears the event and its properties."
		event.doc += " Sending one clears the path."
	}
	return record(name, "",
		field("name", text("1 to 80 characters, unique on the site whatever the case.").between(1, 80)),
		may("path", path.between(0, 2000)),
		may("event", event.between(0, 64)),
		may("properties", conditions(false)),
		may("value", value))
}

var goalID = must("goal", text("The goal's ID.")).in("path")

func noGoal() Status {
	return Status{404, "There is no such site or goal, or the token is not for the site."}
}

func listGoals() Operation {
	return Operation{
		ID: "listGoals", Method: "GET", Path: "/v1/sites/{id}/goals", Scope: account.ReadStats,
		Summary: "List goals", Description: "A site's goals, by name, page by page.",
		Parameters: append([]Field{siteID}, pageParameters...),
		Status:     200, answer: record("GoalList", "", envelope(list("The goals of this page.", goalRecord()))...),
		Faults:   faults(Status{400, "A parameter isn't known, or is wrong."}, noSite()),
		Examples: []Example{{name: "goals-list", Title: "Goals of a site", Path: "/v1/sites/" + ExampleSite + "/goals"}},
	}
}

func createGoal() Operation {
	return Operation{
		ID: "createGoal", Method: "POST", Path: "/v1/sites/{id}/goals", Scope: account.ManageSites,
		Summary: "Create a goal", Description: "Adds a goal to a site.",
		Parameters: []Field{siteID}, body: goalBody("NewGoal", true), Status: 201, answer: goalRecord(),
		Faults: faults(
			Status{400, "A field isn't known, missing or wrong."}, noSite(),
			Status{409, "The site has a goal with this name, or 100 goals, already."}, Status{413, "The body has more than 256 KiB."}),
		Examples: []Example{
			{name: "goals-create", Title: "Signups for the pro plan, worth 12.50 each", Path: "/v1/sites/" + ExampleSite + "/goals",
				Body: `{"name": "Pro signup", "event": "signup", "properties": [{"key": "plan", "operator": "eq", "value": "pro"}], "value": 12.5}`},
		},
	}
}

func retrieveGoal() Operation {
	return Operation{
		ID: "retrieveGoal", Method: "GET", Path: "/v1/sites/{id}/goals/{goal}", Scope: account.ReadStats,
		Summary: "Retrieve a goal", Description: "One goal.",
		Parameters: []Field{siteID, goalID}, Status: 200, answer: goalRecord(), Faults: faults(noGoal()),
		Examples: []Example{{name: "goals-retrieve", Title: "A goal", Path: "/v1/sites/" + ExampleSite + "/goals/" + ExampleGoal}},
	}
}

func updateGoal() Operation {
	return Operation{
		ID: "updateGoal", Method: "PATCH", Path: "/v1/sites/{id}/goals/{goal}", Scope: account.ManageSites,
		Summary:     "Change a goal",
		Description: "Changes the fields that are sent and leaves the others as they are. What happened before is judged by the new rule, too.",
		Parameters:  []Field{siteID, goalID}, body: goalBody("GoalChange", false), Status: 200, answer: goalRecord(),
		Faults: faults(
			Status{400, "A field isn't known or is wrong."}, noGoal(),
			Status{409, "The site has another goal with this name."}, Status{413, "The body has more than 256 KiB."}),
		Examples: []Example{
			{name: "goals-update", Title: "Another name and value", Path: "/v1/sites/" + ExampleSite + "/goals/" + ExampleGoal,
				Body: `{"name": "Signup, pro plan", "value": 15}`},
		},
	}
}

func deleteGoal() Operation {
	return Operation{
		ID: "deleteGoal", Method: "DELETE", Path: "/v1/sites/{id}/goals/{goal}", Scope: account.ManageSites,
		Summary: "Delete a goal", Description: "Removes a goal at once. The events that met it stay; a goal made anew counts them again.",
		Parameters: []Field{siteID, goalID}, Status: 204, Faults: faults(noGoal()),
		Examples: []Example{{name: "goals-delete", Title: "Delete a goal", Path: "/v1/sites/" + ExampleSite + "/goals/" + ExampleGoal}},
	}
}
