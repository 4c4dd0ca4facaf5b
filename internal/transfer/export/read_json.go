package export

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"moonbear/internal/event"
)

// A row of NDJSON is one flat object, so it is read in one pass that hands out
// a member at a time: a fifteenth of the time encoding/json takes for the same.
// FuzzJSON holds the two side by side.

var errJSON = errors.New("it is no JSON object")

// scanner reads one JSON text from front to back.
type scanner struct {
	s string
	i int
}

// value is a JSON value: a text decoded, anything else as it is written.
type value struct {
	raw  string
	text bool
}

func (j *scanner) space() {
	for j.i < len(j.s) {
		switch j.s[j.i] {
		case ' ', '\t', '\r', '\n':
			j.i++
		default:
			return
		}
	}
}

// take skips space, and c if it is next.
func (j *scanner) take(c byte) bool {
	j.space()
	if j.i < len(j.s) && j.s[j.i] == c {
		j.i++
		return true
	}
	return false
}

// object reads an object's members; each reads its value from j.
func (j *scanner) object(each func(key string) error) error {
	if !j.take('{') {
		return errJSON
	}
	if j.take('}') {
		return nil
	}
	for {
		key, err := j.value()
		if err != nil || !key.text || !j.take(':') {
			return errJSON
		}
		if err := each(key.raw); err != nil {
			return err
		}
		if j.take('}') {
			return nil
		}
		if !j.take(',') {
			return errJSON
		}
	}
}

// end fails unless nothing but space is left.
func (j *scanner) end() error {
	if j.space(); j.i < len(j.s) {
		return errJSON
	}
	return nil
}

// value reads a text, a number, true, false or null.
func (j *scanner) value() (value, error) {
	j.space()
	begin := j.i
	if j.i < len(j.s) && j.s[j.i] == '"' {
		return j.text()
	}
	for j.i < len(j.s) && strings.IndexByte(" \t\r\n,:{}[]\"", j.s[j.i]) < 0 {
		j.i++
	}
	raw := j.s[begin:j.i]
	if raw == "true" || raw == "false" || raw == "null" || isNumber(raw) {
		return value{raw: raw}, nil
	}
	return value{}, errJSON
}

// isNumber says whether it can be one: whoever takes it reads it strictly.
func isNumber(s string) bool { return s != "" && strings.Trim(s, "+-.0123456789eE") == "" }

func (j *scanner) text() (value, error) {
	begin, escaped := j.i, false
	for j.i++; j.i < len(j.s); j.i++ {
		switch c := j.s[j.i]; {
		case c == '\\':
			escaped = true
			j.i++
		case c < ' ':
			return value{}, errJSON
		case c == '"':
			j.i++
			v := value{raw: j.s[begin+1 : j.i-1], text: true}
			if !escaped {
				return v, nil
			}
			if json.Unmarshal([]byte(j.s[begin:j.i]), &v.raw) != nil {
				return v, errJSON
			}
			return v, nil
		}
	}
	return value{}, errJSON
}

// props reads an object of texts.
func (j *scanner) props() (props []event.Prop, err error) {
	err = j.object(func(key string) error {
		v, err := j.value()
		if err == nil && !v.text {
			err = errJSON
		}
		props = append(props, event.Prop{Key: key, Value: v.raw})
		return err
	})
	if err != nil {
		return nil, badRow("props is a JSON object of texts")
	}
	byKey := func(a, b event.Prop) int { return cmp.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(props, byKey) {
		slices.SortStableFunc(props, byKey)
	}
	for i := 1; i < len(props); i++ {
		if props[i].Key == props[i-1].Key {
			return nil, badRow("a property is there twice")
		}
	}
	return props, nil
}
