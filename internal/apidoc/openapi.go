package apidoc

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"moonbear/internal/account"
)

// Answers of the examples, as a real server gave them: internal/app's
// TestExamples compares them, and writes them anew with -update.
//
//go:embed examples
var answers embed.FS

// exampleAnswer is the recorded answer of an example, "" before there is one.
func exampleAnswer(name string) string {
	b, err := answers.ReadFile("examples/" + name + ".json")
	if err != nil { // TestReferenceIsWhole says which one is missing
		return ""
	}
	return strings.TrimSpace(string(b))
}

// AnswerFile is the file an example's answer is kept in, under examples/.
func (e Example) AnswerFile() string { return e.name + ".json" }

// Document is the OpenAPI 3.1 document, as JSON.
var Document = sync.OnceValue(func() []byte {
	var components members
	var tags []any
	var paths members
	for _, g := range Reference() {
		tags = append(tags, members{{"name", g.Name}, {"description", g.Description}})
		for _, o := range g.Operations {
			paths = addOperation(paths, g.Name, &o, &components)
		}
	}
	problem.json(&components)
	return mustJSON(members{
		{"openapi", "3.1.1"},
		{"info", members{
			{"title", "Moonbear API"}, {"version", "1"},
			{"summary", "Ask for a site's numbers, send events, and manage sites and goals."},
			{"description", intro},
		}},
		{"servers", []any{members{{"url", "/"}, {"description", "The server this document came from."}}}},
		{"security", []any{members{{"token", []any{}}}}},
		{"tags", tags},
		{"paths", paths},
		{"components", members{
			{"schemas", components},
			{"headers", rateHeaders()},
			{"securitySchemes", members{{"token", members{
				{"type", "http"}, {"scheme", "bearer"},
				{"description", "An API token of an account: `Authorization: Bearer mb_…`. It has scopes (" + scopes() + ") and is for all sites of its account or for some."},
			}}}},
		}},
	})
})

// Intro is what to know before the first request, Markdown.
func Intro() string { return intro }

const intro = "Requests and answers are JSON in UTF-8. Every request but the one for this document carries an API token: `Authorization: Bearer mb_…`.\n\n" +
	"**Errors** have the right status and `{\"message\": \"…\"}`: a sentence that names the field at fault and says what would be right; `field` names it for programs. " +
	"Bodies are read strictly: a misspelt field is an error, not ignored. `null` is the same as leaving a field out.\n\n" +
	"**Limits**: 600 requests a minute for each token; sending events is counted apart, in events. Every answer to a token says in `X-RateLimit-Limit`, `X-RateLimit-Remaining` and " +
	"`X-RateLimit-Reset` (Unix time, seconds) what is left of this minute; beyond it the answer is `429` with `Retry-After`.\n\n" +
	"**Lists** come in pages: `{\"page\": 1, \"page_size\": 10, \"page_count\": 3, \"result_count\": 27, \"data\": […]}`.\n\n" +
	"**Within v1** fields may be added to answers; none is renamed, removed or given another meaning."

func scopes() string {
	var names []string
	for _, s := range account.Scopes() {
		names = append(names, "`"+string(s)+"`")
	}
	return strings.Join(names, ", ")
}

func rateHeaders() members {
	header := func(doc string) members {
		return members{{"description", doc}, {"schema", members{{"type", "integer"}}}}
	}
	return members{
		{"X-RateLimit-Limit", header("How many requests (or events, where events are sent) the token may make in a minute.")},
		{"X-RateLimit-Remaining", header("How many are left of this minute.")},
		{"X-RateLimit-Reset", header("When the minute is over: Unix time in seconds.")},
		{"Retry-After", header("After how many seconds to try again.")},
	}
}

func addOperation(paths members, tag string, o *Operation, components *members) members {
	spelt := member{strings.ToLower(o.Method), o.spelt(tag, components)}
	for i := range paths {
		if paths[i].name == o.Path {
			paths[i].value = append(paths[i].value.(members), spelt)
			return paths
		}
	}
	return append(paths, member{o.Path, members{spelt}})
}

func (o *Operation) spelt(tag string, components *members) members {
	m := members{{"operationId", o.ID}, {"tags", []string{tag}}, {"summary", o.Summary}}
	if o.Scope == "" {
		m = append(m, member{"description", o.Description}, member{"security", []any{}})
	} else {
		m = append(m, member{"description", o.Description + "\n\nScope: `" + string(o.Scope) + "`."})
	}
	var params []any
	for _, p := range o.Parameters {
		params = append(params, members{{"name", p.Name}, {"in", p.In}, {"required", p.Required},
			{"description", p.Description}, {"schema", p.schema.json(components)}})
	}
	if params != nil {
		m = append(m, member{"parameters", params})
	}
	if o.body.isSet() {
		m = append(m, member{"requestBody", members{{"required", true}, {"content", members{{"application/json",
			members{{"schema", o.body.json(components)}, {"examples", o.examples(func(e Example) string { return e.Body })}}}}}}})
	}
	return append(m, member{"responses", o.responses(components)}, member{"x-codeSamples", o.samples()})
}

func (o *Operation) examples(part func(Example) string) (m members) {
	for _, e := range o.Examples {
		if text := part(e); text != "" {
			m = append(m, member{e.name, members{{"summary", e.Title}, {"value", json.RawMessage(text)}}})
		}
	}
	return m
}

func (o *Operation) samples() (samples []any) {
	for _, e := range o.Examples {
		samples = append(samples, members{{"lang", "Shell"}, {"label", e.Title}, {"source", o.Curl(e, ExampleBase, ExampleToken)}})
	}
	return samples
}

func (o *Operation) responses(components *members) members {
	ref := func(name string) members { return members{{"$ref", "#/components/headers/" + name}} }
	headers := members{{"X-RateLimit-Limit", ref("X-RateLimit-Limit")}, {"X-RateLimit-Remaining", ref("X-RateLimit-Remaining")}, {"X-RateLimit-Reset", ref("X-RateLimit-Reset")}}
	success := members{{"description", "Done."}}
	if o.Scope != "" {
		success = append(success, member{"headers", headers})
	}
	if o.answer.isSet() {
		content := members{{"schema", o.answer.json(components)}}
		if ex := o.examples(func(e Example) string { return e.Answer }); ex != nil {
			content = append(content, member{"examples", ex})
		}
		success = append(success, member{"content", members{{"application/json", content}}})
	}
	if len(o.Files) > 0 {
		var content members
		for _, f := range o.Files {
			content = append(content, member{f, members{{"schema", members{{"type", "string"}, {"format", "binary"}}}}})
		}
		success = append(success, member{"content", content})
	}
	all := members{{strconv.Itoa(o.Status), success}}
	for _, f := range o.Faults {
		answer := members{{"description", f.Description}}
		if f.Code == 429 || f.Code == 503 {
			answer = append(answer, member{"headers", members{{"Retry-After", ref("Retry-After")}}})
		}
		all = append(all, member{strconv.Itoa(f.Code), append(answer, member{"content",
			members{{"application/json", members{{"schema", problem.json(components)}}}}})})
	}
	return all
}

func documentGroup() Group {
	anything := schema{}
	document := schema{types: []string{"object"}, others: &anything, says: "object", doc: "An OpenAPI 3.1 document."}
	return Group{
		Name:        "Document",
		Description: "This reference for programs.",
		Operations: []Operation{{
			ID: "getDocument", Method: "GET", Path: "/v1/openapi.json",
			Summary:     "Get the OpenAPI document",
			Description: "Describes the whole API in OpenAPI 3.1, for generators of clients and tools that try requests. It takes no token. `ETag` and `If-None-Match` save reading it again.",
			Status:      200, answer: document,
			Faults:   []Status{{500, "The server failed; `reference` finds the line in its log."}},
			Examples: []Example{{Title: "The document", Path: "/v1/openapi.json"}},
		}},
	}
}

// Find is the operation of a route, "POST /v1/sites".
func Find(pattern string) (Operation, error) {
	for _, g := range Reference() {
		for _, o := range g.Operations {
			if o.Method+" "+o.Path == pattern {
				return o, nil
			}
		}
	}
	return Operation{}, fmt.Errorf("no operation %s is described", pattern)
}
