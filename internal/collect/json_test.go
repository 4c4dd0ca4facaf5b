package collect

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// tree reads a whole JSON text with decoder, into what encoding/json makes.
func tree(s string, depth int) (any, error) {
	d := decoder{s: s}
	v := d.value(depth)
	d.end()
	if d.err != nil {
		return nil, d.err
	}
	return grow(v, depth)
}

func grow(v value, depth int) (any, error) {
	switch v.kind {
	case null:
		return nil, nil
	case boolean:
		return v.text == "true", nil
	case number:
		return json.Number(v.text), nil
	case text:
		return v.text, nil
	}
	d := decoder{s: v.text}
	first := true
	if v.kind == array {
		out := []any{}
		for d.open('['); d.more(&first, ']'); {
			e, err := grow(d.value(depth+1), depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
		return out, d.err
	}
	out := map[string]any{}
	for d.open('{'); d.more(&first, '}'); {
		k := d.key()
		e, err := grow(d.value(depth+1), depth+1)
		if err != nil {
			return nil, err
		}
		out[k] = e
	}
	return out, d.err
}

func standard(s string) (any, error) {
	if !json.Valid([]byte(s)) {
		return nil, &json.SyntaxError{}
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

var jsonSeeds = []string{
	`{}`, `[]`, `""`, `null`, `true`, `false`, `0`, `-0`, `1.5e-3`, ` { "a" : [ 1 , {"b":null} ] } `,
	`{"a":"\u00e9\ud83d\ude00\ud83d\n\/\\\""}`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ude00"`, "\"\xff\xed\xa0\x80\"", "\"a\\n\xff\"",
	`{"a":1,"a":2}`, `{"é":"한국어"}`, "\"\u2028\x7f\"", `1e999`, `123456789012345678901234567890`,
	``, ` `, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `[1,]`, `[1 2]`, `01`, `-`, `1.`, `.5`, `1e`, `+1`, `tru`, `nulll`, `{} {}`,
	"\"\n\"", `"\x"`, `"\u12"`, `"\u12g4"`, `"abc`, "\xef\xbb\xbf{}", `'a'`, `NaN`, `{"a":1 "b":2}`, `{"":0}`, `{1:2}`, `[,1]`, `{,}`,
}

func sameAsStandard(t *testing.T, s string) {
	t.Helper()
	got, err := tree(s, 0)
	want, wantErr := standard(s)
	if err != nil && strings.Contains(err.Error(), "nested too deep") {
		return // encoding/json goes on to 10,000
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, encoding/json says %v", s, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %#v, encoding/json says %#v", s, got, want)
	}
}

func TestJSON(t *testing.T) {
	for _, s := range jsonSeeds {
		sameAsStandard(t, s)
	}
	if _, err := tree(strings.Repeat("[", 100_000), 0); err == nil || !strings.Contains(err.Error(), "too deep") {
		t.Errorf("100,000 lists in each other: %v", err)
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add(s)
	}
	f.Fuzz(sameAsStandard)
}
