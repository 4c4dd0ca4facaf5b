package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"moonbear/internal/fault"
)

// ParseFilter reads a filter as the API writes it: one condition
// {"dimension": "path", "operator": "eq", "value": "/docs"}, a join {"and":
// [...]}, {"or": [...]}, {"not": {...}}, or a list, which is an and. The error
// is a fault that names "filter". The filter is not yet checked: Query.Validate does.
func ParseFilter(text []byte) (Filter, error) {
	f, err := readFilter(text, 2*maxDepth)
	if err != nil {
		return Filter{}, err
	}
	return f, nil
}

func badFilter(format string, args ...any) error {
	return fault.Field(paramFilter, "filter: "+fmt.Sprintf(format, args...))
}

func readFilter(text []byte, depth int) (Filter, error) {
	if depth == 0 {
		return Filter{}, badFilter("it may be at most %d levels deep.", maxDepth)
	}
	switch text = bytes.TrimSpace(text); {
	case len(text) > 0 && text[0] == '[':
		fs, err := readFilters(text, depth)
		switch {
		case err != nil || len(fs) == 0:
			return Filter{}, err
		case len(fs) == 1:
			return fs[0], nil
		}
		return Filter{Op: And, Filters: fs}, nil
	case len(text) == 0 || text[0] != '{':
		return Filter{}, badFilter(`a condition must be an object like {"dimension": "path", "operator": "eq", "value": "/docs"}.`)
	}
	fields, err := readObject(text)
	if err != nil {
		return Filter{}, err
	}
	known := []string{"dimension", "operator", "value", "and", "or", "not"}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			return Filter{}, badFilter("%s", strings.TrimPrefix(unknown("", name, known), ": "))
		}
	}
	for _, op := range []Op{And, Or, Not} {
		raw, ok := fields[string(op)]
		if !ok {
			continue
		}
		if len(fields) != 1 {
			return Filter{}, badFilter("%s must stand alone in its object.", op)
		}
		if op == Not {
			c, err := readFilter(raw, depth-1)
			return Filter{Op: Not, Filters: []Filter{c}}, err
		}
		fs, err := readFilters(raw, depth-1)
		return Filter{Op: op, Filters: fs}, err
	}
	return readLeaf(fields)
}

func readFilters(text []byte, depth int) ([]Filter, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, badFilter("it must be a list of conditions.")
	}
	if len(raw) > maxLeaves {
		return nil, badFilter("it may have at most %d conditions.", maxLeaves)
	}
	var fs []Filter
	for _, r := range raw {
		f, err := readFilter(r, depth-1)
		if err != nil {
			return nil, err
		}
		fs = append(fs, f)
	}
	return fs, nil
}

// readObject reads one level of an object, refusing a field given twice,
// which encoding/json would let pass.
func readObject(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	fields := map[string]json.RawMessage{}
	if _, err := d.Token(); err != nil {
		return nil, badFilter("it is not valid JSON.")
	}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return nil, badFilter("it is not valid JSON.")
		}
		if _, twice := fields[name]; twice {
			return nil, badFilter("%q is given twice.", clip(name))
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, badFilter("it is not valid JSON.")
		}
		fields[name] = raw
	}
	if _, err := d.Token(); err != nil || d.More() {
		return nil, badFilter("it is not valid JSON.")
	}
	return fields, nil
}

func readLeaf(fields map[string]json.RawMessage) (Filter, error) {
	var f Filter
	for name, into := range map[string]any{"dimension": &f.Dimension, "operator": &f.Op} {
		raw, ok := fields[name]
		if !ok {
			return Filter{}, badFilter(`%s is missing; a condition is like {"dimension": "path", "operator": "eq", "value": "/docs"}.`, name)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return Filter{}, badFilter("%s must be text.", name)
		}
	}
	if f.isJoin() || f.Op == "" {
		return Filter{}, unknownOp(paramFilter, f.Op)
	}
	raw, ok := fields["value"]
	if !ok || string(bytes.TrimSpace(raw)) == "null" {
		return f, nil
	}
	var many []json.RawMessage
	if bytes.TrimSpace(raw)[0] != '[' {
		many = []json.RawMessage{raw}
	} else if err := json.Unmarshal(raw, &many); err != nil {
		return Filter{}, badFilter("value is not valid JSON.")
	}
	for _, one := range many {
		v, err := readScalar(one)
		if err != nil {
			return Filter{}, err
		}
		f.Values = append(f.Values, v)
	}
	return f, nil
}

// readScalar takes text as it is, and numbers and true or false as their JSON
// text, which is how properties are stored.
func readScalar(raw json.RawMessage) (string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || strings.ContainsRune("[{n", rune(raw[0])) {
		return "", badFilter("value must be text, a number, true, false, or a list of these.")
	}
	if raw[0] != '"' {
		return string(raw), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", badFilter("value is not valid JSON.")
	}
	return s, nil
}

// json writes f as ParseFilter reads it.
func (f Filter) json() []byte {
	var out any
	switch f.Op {
	case And, Or:
		raw := make([]json.RawMessage, len(f.Filters))
		for i, c := range f.Filters {
			raw[i] = c.json()
		}
		out = map[Op]any{f.Op: raw}
	case Not:
		out = map[Op]any{Not: json.RawMessage(f.Filters[0].json())}
	default:
		leaf := struct {
			Dimension Dimension `json:"dimension"`
			Op        Op        `json:"operator"`
			Values    any       `json:"value,omitempty"`
		}{Dimension: f.Dimension, Op: f.Op}
		if len(f.Values) > 0 {
			leaf.Values = f.Values
		}
		out = leaf
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		panic(err) // a filter is text and lists of it, which always encode
	}
	return bytes.TrimSpace(b.Bytes())
}
