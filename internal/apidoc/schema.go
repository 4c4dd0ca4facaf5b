package apidoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// members is a JSON object that keeps its order, so that the document reads as
// it is written.
type members []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (m members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, part := range []any{f.name, f.value} {
			if j > 0 {
				b.WriteByte(':')
			}
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(part); err != nil {
				return nil, err
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schema is what the API's values look like: as much of JSON Schema as they
// need, and how a person would say it.
type schema struct {
	name  string // of a component; it stands in the document once
	types []string
	says  string // the type as a person reads it, when it isn't derived
	doc   string // Markdown

	format, pattern string
	values          []string
	shown           []string // what a person is shown as the values allowed, when it isn't values
	def             any
	min, max        *float64
	minLen, maxLen  int // of text
	minN, maxN      int // of a list
	unique          bool

	items  *schema
	fields []property // of an object
	others *schema    // what further fields of an object are; nil: there are none
	named  *schema    // what the names of further fields are; nil: any
	anyOf  []schema
	ref    string // of a component that is spelt out elsewhere
}

type property struct {
	name     string
	required bool
	schema   schema
}

func (s *schema) isSet() bool { return len(s.types) > 0 || len(s.anyOf) > 0 || s.ref != "" }

// Makers of schemas.
func text(doc string) schema  { return schema{types: []string{"string"}, doc: doc} }
func yesNo(doc string) schema { return schema{types: []string{"boolean"}, doc: doc} }

func oneOf(doc string, values []string) schema {
	s := text(doc)
	s.values = values
	return s
}

func whole(doc string, min, max float64) schema {
	return schema{types: []string{"integer"}, doc: doc, min: &min, max: &max}
}

func decimal(doc string) schema { return schema{types: []string{"number"}, doc: doc} }

func list(doc string, items schema) schema {
	return schema{types: []string{"array"}, doc: doc, items: &items}
}

func record(name, doc string, fields ...property) schema {
	return schema{name: name, types: []string{"object"}, doc: doc, fields: fields}
}

func must(name string, s schema) property { return property{name, true, s} }
func may(name string, s schema) property  { return property{name, false, s} }

func (s schema) orNull() schema {
	s.types = append(append([]string(nil), s.types...), "null")
	return s
}

func (s schema) defaultsTo(v any) schema { s.def = v; return s }

func (s schema) formatted(f string) schema { s.format = f; return s }

func (s schema) between(min, max int) schema {
	if s.types[0] == "array" {
		s.minN, s.maxN = min, max
	} else {
		s.minLen, s.maxLen = min, max
	}
	return s
}

// said replaces the type as a person reads it.
func (s schema) said(how string) schema { s.says = how; return s }

// oneOrMany takes one value where a list of one is meant.
func (s schema) oneOrMany() schema {
	one := *s.items
	one.doc = ""
	doc, def := s.doc, s.def
	s.doc, s.def = "", nil
	return schema{anyOf: []schema{s, one}, doc: doc, def: def, says: s.typeName()}
}

// json is the schema in the document; components gets those with a name.
func (s schema) json(components *members) any {
	if s.ref != "" {
		return members{{"$ref", "#/components/schemas/" + s.ref}}
	}
	if s.name == "" {
		return s.spelt(components)
	}
	for _, c := range *components {
		if c.name == s.name {
			return members{{"$ref", "#/components/schemas/" + s.name}}
		}
	}
	at := len(*components)
	*components = append(*components, member{s.name, nil}) // before what it holds: it may hold itself
	spelt := s.spelt(components)
	(*components)[at].value = spelt
	return members{{"$ref", "#/components/schemas/" + s.name}}
}

func (s schema) spelt(components *members) any {
	var m members
	put := func(name string, value any, is bool) {
		if is {
			m = append(m, member{name, value})
		}
	}
	if len(s.types) == 1 {
		put("type", s.types[0], true)
	} else {
		put("type", s.types, len(s.types) > 1)
	}
	put("description", s.doc, s.doc != "")
	put("format", s.format, s.format != "")
	put("pattern", s.pattern, s.pattern != "")
	var values []any
	for _, v := range s.values {
		values = append(values, v)
	}
	if len(s.types) == 2 && len(values) > 0 {
		values = append(values, nil)
	}
	put("enum", values, len(values) > 0)
	put("default", s.def, s.def != nil)
	put("minimum", s.min, s.min != nil)
	put("maximum", s.max, s.max != nil)
	put("minLength", s.minLen, s.minLen > 0)
	put("maxLength", s.maxLen, s.maxLen > 0)
	put("minItems", s.minN, s.minN > 0)
	put("maxItems", s.maxN, s.maxN > 0)
	put("uniqueItems", true, s.unique)
	if s.items != nil {
		put("items", s.items.json(components), true)
	}
	if len(s.types) > 0 && s.types[0] == "object" {
		m = append(m, s.object(components)...)
	}
	var any []any
	for _, a := range s.anyOf {
		any = append(any, a.json(components))
	}
	put("anyOf", any, len(any) > 0)
	return m
}

func (s schema) object(components *members) (m members) {
	var required []string
	var props members
	for _, f := range s.fields {
		props = append(props, member{f.name, f.schema.json(components)})
		if f.required {
			required = append(required, f.name)
		}
	}
	if len(props) > 0 {
		m = append(m, member{"properties", props})
	}
	if len(required) > 0 {
		m = append(m, member{"required", required})
	}
	if s.named != nil {
		m = append(m, member{"propertyNames", s.named.json(components)})
	}
	if s.others != nil {
		return append(m, member{"additionalProperties", s.others.json(components)})
	}
	return append(m, member{"additionalProperties", false})
}

// flat is the schema as a table of fields: those of the object, or of the
// objects in the list.
func (s schema) flat() []Field {
	var fields []Field
	for _, p := range s.fields {
		fields = append(fields, p.field())
	}
	if len(fields) == 0 && s.items != nil {
		return s.items.flat()
	}
	if len(fields) == 0 && len(s.anyOf) > 0 {
		return s.anyOf[0].flat()
	}
	return fields
}

func (p property) field() Field {
	f := Field{Name: p.name, Required: p.required, Description: p.schema.doc, Type: p.schema.typeName(), Values: p.schema.allowed()}
	// A list of names says what each name means where the names are described.
	if i := p.schema.items; i != nil && i.doc != "" && len(i.allowed()) > 0 {
		f.Description += "\n\n" + i.doc
	}
	if p.schema.def != nil {
		f.Default = fmt.Sprint(p.schema.def)
	}
	f.Fields = p.schema.flat()
	if p.schema.others != nil && len(f.Fields) == 0 {
		f.Fields = p.schema.others.flat()
	}
	return f
}

// in is the field as a parameter in the path, the query or a header.
func (p property) in(where string) Field {
	f := p.field()
	f.In, f.schema = where, p.schema
	return f
}

// allowed are the values of an enumeration, also of the texts in a list.
func (s schema) allowed() []string {
	switch {
	case len(s.shown) > 0:
		return s.shown
	case len(s.values) > 0:
		return s.values
	case s.items != nil:
		return s.items.allowed()
	case len(s.anyOf) > 0:
		return s.anyOf[0].allowed()
	}
	return nil
}

// typeName is the type as a person says it.
func (s schema) typeName() string {
	if s.says != "" {
		return s.says
	}
	if len(s.types) == 0 {
		var each []string
		for _, a := range s.anyOf {
			each = append(each, a.typeName())
		}
		return strings.Join(each, " or ")
	}
	name := map[string]string{"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "object"}[s.types[0]]
	switch {
	case s.format == "date":
		name = "date"
	case s.format == "date-time":
		name = "time"
	case s.types[0] == "array":
		name = "list of " + plural(s.items.typeName())
	}
	if len(s.types) == 2 {
		name += " or null"
	}
	return name
}

func plural(name string) string {
	switch name {
	case "text", "object", "number", "date", "whole number":
		return name + "s"
	}
	return name
}

// mustJSON writes what is known to be writable.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("apidoc: %v", err)) // the tables are constants
	}
	return b.Bytes()
}
