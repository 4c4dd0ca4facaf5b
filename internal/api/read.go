package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"moonbear/internal/fault"
	"moonbear/internal/stats"
)

// maxBody bounds a request's body: a filter of a hundred conditions with long
// values fits many times over.
const maxBody = 256 << 10

var (
	errTooLarge = fault.New(fault.TooLarge, fmt.Sprintf("The body is too large: %d KiB at most.", maxBody>>10))
	errNotJSON  = fault.New(fault.Invalid, "The body must be one JSON object.")
)

// body is one level of a JSON object; its getters remember the first fault.
type body struct {
	fields map[string]json.RawMessage
	err    error
}

// readBody reads a request's body, which may have only the known fields.
func readBody(w http.ResponseWriter, r *http.Request, known []string) (*body, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, errTooLarge
	case err != nil:
		return nil, fault.New(fault.Invalid, "The body ended early.")
	}
	return parseBody(text, known)
}

// parseBody is strict: encoding/json would let misspelt fields, fields given
// twice, a second object and bad UTF-8 pass without a word.
func parseBody(text []byte, known []string) (*body, error) {
	if !utf8.Valid(text) {
		return nil, fault.New(fault.Invalid, "The body must be UTF-8.")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotJSON
	}
	b := &body{fields: map[string]json.RawMessage{}}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, notJSON(err)
		}
		if !slices.Contains(known, name) {
			return nil, unknownField(name, known)
		}
		if _, twice := b.fields[name]; twice {
			return nil, fault.Field(name, name+" is given twice.")
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, notJSON(err)
		}
		b.fields[name] = raw
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "The body must be one JSON object, with nothing after it.")
	}
	return b, nil
}

// notJSON says where the JSON goes wrong, when that is known.
func notJSON(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fault.New(fault.Invalid, fmt.Sprintf("The body is not valid JSON, at byte %d.", syntax.Offset))
	}
	return errNotJSON
}

func unknownField(name string, known []string) error {
	name = clip(name)
	if near := stats.Nearest(name, known); near != "" {
		return fault.Field(name, fmt.Sprintf("There is no field %q; did you mean %s?", name, near))
	}
	return fault.Field(name, fmt.Sprintf("There is no field %q here; there are %s.", name, list(known)))
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func list(names []string) string {
	var b bytes.Buffer
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(n)
	}
	return b.String()
}

// has says whether a field is there and not null.
func (b *body) has(name string) bool {
	raw, ok := b.fields[name]
	return ok && string(raw) != "null"
}

func (b *body) fail(name, message string) {
	if b.err == nil {
		b.err = fault.Field(name, name+" "+message)
	}
}

// text reads a string; "" when the field is absent.
func (b *body) text(name string) (s string) {
	if b.has(name) && json.Unmarshal(b.fields[name], &s) != nil {
		b.fail(name, "must be text.")
	}
	return s
}

// texts reads a list of strings; one string is a list of one.
func (b *body) texts(name string) (l []string) {
	if !b.has(name) {
		return nil
	}
	raw := b.fields[name]
	if raw[0] == '"' {
		return []string{b.text(name)}
	}
	var each []*string
	if json.Unmarshal(raw, &each) != nil || slices.Contains(each, nil) {
		b.fail(name, "must be a list of texts.")
		return nil
	}
	for _, s := range each {
		l = append(l, *s)
	}
	return l
}

// number reads a whole number from min to max; def when the field is absent.
func (b *body) number(name string, def, min, max int) int {
	if !b.has(name) {
		return def
	}
	n, err := strconv.Atoi(string(b.fields[name]))
	if err != nil || n < min || n > max {
		b.fail(name, fmt.Sprintf("must be a whole number from %d to %d.", min, max))
	}
	return n
}

// list reads a list of strings that may be empty; given is false when the field is absent.
func (b *body) list(name string) (l []string, given bool) {
	if !b.has(name) {
		return nil, false
	}
	if l = b.texts(name); l == nil {
		l = []string{}
	}
	return l, true
}

// yesNo reads true or false; nil when the field is absent.
func (b *body) yesNo(name string) *bool {
	if !b.has(name) {
		return nil
	}
	switch string(b.fields[name]) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	b.fail(name, "must be true or false.")
	return nil
}

// optional reads a string; nil when the field is absent.
func (b *body) optional(name string) *string {
	if !b.has(name) {
		return nil
	}
	return new(b.text(name))
}

// called gives a fault's field the name the API has for it, and sees to it
// that the message names it.
func called(err error, names map[string]string) error {
	f, ok := fault.From(err)
	if !ok || f.Field == "" {
		return err
	}
	g := *f
	if n := names[g.Field]; n != "" {
		g.Field = n
	}
	if !strings.HasPrefix(g.Message, g.Field) {
		g.Message = g.Field + ": " + g.Message
	}
	return &g
}
