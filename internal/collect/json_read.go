package collect

import "fmt"

// JSONKind is the type of a JSON value.
type JSONKind byte

// The types there are.
const (
	JSONNull JSONKind = iota
	JSONBoolean
	JSONNumber
	JSONText
	JSONList
	JSONObject
)

// ReadJSON reads one JSON object and nothing after it, and hands its members
// to set: a text decoded, everything else as it is written, a list or an
// object checked but not looked into. It is what reads hits, for others that
// read as many.
func ReadJSON(object string, set func(key string, kind JSONKind, text string) error) error {
	d := decoder{s: object}
	first := true
	for d.open('{'); d.more(&first, '}'); {
		key, v := d.key(), d.value(1)
		if d.err != nil {
			break
		}
		if err := set(key, JSONKind(v.kind), v.text); err != nil {
			return err
		}
	}
	d.end()
	return notJSONLine(d.err)
}

// ReadJSONList reads a list as ReadJSON reads an object.
func ReadJSONList(list string, add func(kind JSONKind, text string) error) error {
	d := decoder{s: list}
	first := true
	for d.open('['); d.more(&first, ']'); {
		v := d.value(1)
		if d.err != nil {
			break
		}
		if err := add(JSONKind(v.kind), v.text); err != nil {
			return err
		}
	}
	d.end()
	return notJSONLine(d.err)
}

func notJSONLine(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("it is no JSON: %w", err)
}
