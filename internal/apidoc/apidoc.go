// Package apidoc describes the JSON API, version 1: every operation, field,
// answer and example, once.
//
// The tables (stats.go, events.go, sites.go, goals.go) are read three ways:
// Document makes the OpenAPI document of GET /v1/openapi.json of them
// (openapi.go), web makes the page /docs/api of Reference, and tests hold both
// to what the server answers and send every example to a real one. Lists of
// metrics, dimensions, operators and periods are those of stats.
package apidoc

import (
	"strings"

	"moonbear/internal/account"
)

// What examples are written with: nobody's, and easy to see in a text.
const (
	ExampleBase  = "https://stats.example.com"
	ExampleToken = "mb_YOUR_TOKEN"
	ExampleSite  = "k3TdV9xQ2mA"
	ExampleGoal  = "Hq7RzW2pLx9"
)

// Group is a chapter of the reference.
type Group struct {
	Name        string // Stats, Events, Sites, Goals, Document
	Description string // Markdown
	Operations  []Operation
}

// Operation is one thing a program can ask for.
type Operation struct {
	ID          string // unique, fit for an anchor: "createSite"
	Method      string
	Path        string // "/v1/sites/{id}"
	Summary     string
	Description string        // Markdown
	Scope       account.Scope // what the token must be allowed; "" is no token at all
	Parameters  []Field       // in the path, the query and headers
	Body        []Field       // of the JSON body; none is no body
	Status      int           // of success
	Answer      []Field       // of the JSON answer; none is an empty answer
	Files       []string      // media types of the answer, where that is a file and no JSON
	Faults      []Status      // the other answers, each a Problem
	Examples    []Example

	body, answer schema
}

// Field is a parameter, or a field of a JSON object.
type Field struct {
	Name        string
	In          string // path, query or header; "" in a body
	Type        string // as a person reads it: "text", "list of texts", "whole number or null"
	Required    bool
	Default     string   // "" is none
	Values      []string // all that are allowed; none is not a list
	Description string   // Markdown
	Fields      []Field  // of the object, or of the objects in the list

	schema schema // of a parameter
}

// Status is an answer's status and when it is given.
type Status struct {
	Code        int
	Description string
}

// Example is a request and its answer, as a real server gave it.
type Example struct {
	Title  string
	Path   string // with its query: "/v1/sites?search=shop"
	Header string // one more header, "Name: value"; "" is none
	Body   string // JSON; "" is none
	Status int
	Answer string // JSON, indented; "" is none

	name string // of the file with the answer
}

// Curl is the example as a command. base is where the server is, without a
// slash at its end; an empty token is none.
func (o *Operation) Curl(e Example, base, token string) string {
	var b strings.Builder
	b.WriteString("curl ")
	if o.Method != "GET" && (o.Method != "POST" || e.Body == "") {
		b.WriteString("-X " + o.Method + " ")
	}
	b.WriteString(shell(base + e.Path))
	header := func(h string) { b.WriteString(" \\\n  -H " + shell(h)) }
	if o.Scope != "" && token != "" {
		header("Authorization: Bearer " + token)
	}
	if e.Header != "" {
		header(e.Header)
	}
	if e.Body != "" {
		header("Content-Type: application/json")
		b.WriteString(" \\\n  -d " + shell(e.Body))
	}
	return b.String()
}

// shell quotes a word.
func shell(s string) string {
	if strings.ContainsAny(s, " '\"?&{}[]*$\\\n!;<>|()#~`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// Reference is the whole API, in the order to read it.
func Reference() []Group {
	groups := []Group{statsGroup(), eventsGroup(), sitesGroup(), goalsGroup(), documentGroup()}
	for g := range groups {
		for o := range groups[g].Operations {
			groups[g].Operations[o].finish()
		}
	}
	return groups
}

// finish derives what the page shows from the schemas, and reads the answers.
func (o *Operation) finish() {
	if o.body.isSet() {
		o.Body = o.body.flat()
	}
	if o.answer.isSet() {
		o.Answer = o.answer.flat()
	}
	for i := range o.Examples {
		e := &o.Examples[i]
		if o.answer.isSet() {
			e.Answer = exampleAnswer(e.name)
		}
		if e.Status == 0 {
			e.Status = o.Status
		}
	}
}
