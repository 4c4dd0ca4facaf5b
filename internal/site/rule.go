package site

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"moonbear/internal/fault"
)

// The limits of a rule; those of properties are what collecting keeps.
const (
	maxRulePath      = 2000 // characters
	maxProperties    = 10
	maxPropertyKey   = 300
	maxPropertyValue = 2000
	// MaxGoalValue is the most a conversion may be worth, in thousandths: what
	// an event's own money may be at most.
	MaxGoalValue = 1_000_000_000_000_000
)

// PropertyOperators are what a PropertyCondition may ask, in the order they
// are shown.
func PropertyOperators() []string { return slices.Clone(propertyOperators) }

var propertyOperators = []string{"eq", "neq", "contains", "starts_with", "matches", "is_set", "is_not_set", "gt", "lt"}

// ParseRule checks a rule and returns it as it is kept. Errors are faults of
// the fields path, event and properties that say what would be right.
func ParseRule(r Rule) (Rule, error) {
	r.Path, r.Event = readable(strings.TrimSpace(r.Path)), strings.TrimSpace(r.Event)
	var err error
	switch {
	case r.Path == "" && r.Event == "":
		return Rule{}, fault.Field("path", `Say what meets the goal: the path of a page, like /thanks, or the name of an event, like signup.`)
	case r.Path != "" && r.Event != "":
		return Rule{}, fault.Field("event", "A goal is met by the path of a page or by an event, not by both: leave one of them out.")
	case r.Path != "" && len(r.Properties) > 0:
		return Rule{}, fault.Field("properties", "Only events have properties: leave them out of a goal for a path.")
	case r.Path != "":
		err = checkPath(r.Path)
	default:
		err = checkEvent(r.Event)
	}
	if err != nil {
		return Rule{}, err
	}
	r.Properties, err = parseProperties(r.Properties)
	return r, err
}

// encoded is percent-encoded text beyond ASCII, as an address bar gives it.
var encoded = regexp.MustCompile(`(?:%[89A-Fa-f][0-9A-Fa-f])+`)

// readable writes a path as collecting stores it: "/%ED%95%9C" is "/한".
func readable(path string) string {
	return encoded.ReplaceAllStringFunc(path, func(s string) string {
		if r, err := url.PathUnescape(s); err == nil && utf8.ValidString(r) && !strings.ContainsFunc(r, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return r
		}
		return s
	})
}

func checkPath(p string) error {
	bad := func(format string, args ...any) error {
		return fault.Field("path", fmt.Sprintf("%q is not a path that pages are counted by: ", clip(p))+fmt.Sprintf(format, args...))
	}
	_, rest, isURL := strings.Cut(p, "://")
	switch {
	case !utf8.ValidString(p):
		return fault.Field("path", "The path is not valid UTF-8 text.")
	case utf8.RuneCountInString(p) > maxRulePath:
		return fault.Field("path", fmt.Sprintf("The path is too long: at most %d characters are allowed.", maxRulePath))
	case strings.ContainsFunc(p, unicode.IsControl):
		return bad("it has a line break or a control character in it.")
	case isURL:
		path := "/"
		if i := strings.IndexAny(rest, "/?#"); i >= 0 && rest[i] == '/' {
			path, _, _ = strings.Cut(rest[i:], "?")
		}
		return bad("write it without the domain, like %s.", clip(path))
	case strings.Contains(p, "?"):
		path, _, _ := strings.Cut(p, "?")
		return bad("what follows the question mark is never stored; write %s.", clip(path))
	case p[0] != '/' && p[0] != '*':
		return bad("it begins with a slash, like /%s.", clip(p))
	}
	return nil
}

// checkEvent holds a name to the form that collecting takes.
func checkEvent(name string) error {
	valid := len(name) <= 64
	for i, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		valid = valid && (letter || i > 0 && ('0' <= c && c <= '9' || strings.IndexByte("_-. ", c) >= 0))
	}
	switch {
	case !valid:
		return fault.Field("event", fmt.Sprintf("%q is not an event's name: it begins with a letter and has at most 64 letters, digits, spaces, dots, hyphens and underscores, all of them ASCII.", clip(name)))
	case name == "pageview":
		return fault.Field("event", "For pageviews, name the path instead: /* is every page.")
	case name == "engagement":
		return fault.Field("event", `"engagement" is the script's own message about a page that was left; it is no event a goal can be met by.`)
	}
	return nil
}

func parseProperties(in []PropertyCondition) ([]PropertyCondition, error) {
	if len(in) > maxProperties {
		return nil, fault.Field("properties", fmt.Sprintf("A goal has at most %d conditions on properties, not %d.", maxProperties, len(in)))
	}
	var out []PropertyCondition
	for _, c := range in {
		c.Key = strings.TrimSpace(c.Key)
		if err := checkProperty(&c); err != nil {
			return nil, err
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out, nil
}

func checkProperty(c *PropertyCondition) error {
	bad := func(format string, args ...any) error {
		return fault.Field("properties", fmt.Sprintf(format, args...))
	}
	control := func(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) }
	key := clip(c.Key)
	switch {
	case c.Key == "":
		return bad("A condition on a property names the property: its key is missing.")
	case utf8.RuneCountInString(c.Key) > maxPropertyKey || control(c.Key):
		return bad("A property's key has 1 to %d characters, none of them a control character.", maxPropertyKey)
	case !slices.Contains(propertyOperators, c.Operator):
		return bad("The property %q is compared by %q, which is not an operator; there are %s.", key, clip(c.Operator), strings.Join(propertyOperators, ", "))
	case c.Operator == "is_set" || c.Operator == "is_not_set":
		if c.Value != "" {
			return bad("The property %q is compared by %s, which takes no value: leave the value out.", key, c.Operator)
		}
		return nil
	case c.Value == "":
		return bad("The property %q needs a value to compare with.", key)
	case utf8.RuneCountInString(c.Value) > maxPropertyValue || control(c.Value):
		return bad("The value to compare the property %q with has at most %d characters, none of them a control character.", key, maxPropertyValue)
	case c.Operator == "gt" || c.Operator == "lt":
		c.Value = strings.TrimSpace(c.Value)
		if f, err := strconv.ParseFloat(c.Value, 64); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return bad("The property %q is compared by %s, which takes a number such as 12.5, not %q.", key, c.Operator, clip(c.Value))
		}
	}
	return nil
}

// propertyJSON is a PropertyCondition as the control database keeps it.
type propertyJSON struct {
	Key      string `json:"key"`
	Operator string `json:"operator"`
	Value    string `json:"value,omitempty"`
}

func encodeProperties(cs []PropertyCondition) (string, error) {
	if len(cs) == 0 {
		return "", nil
	}
	out := make([]propertyJSON, len(cs))
	for i, c := range cs {
		out[i] = propertyJSON(c)
	}
	b, err := json.Marshal(out)
	return string(b), err
}

func decodeProperties(text string) ([]PropertyCondition, error) {
	if text == "" {
		return nil, nil
	}
	var in []propertyJSON
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, err
	}
	out := make([]PropertyCondition, len(in))
	for i, c := range in {
		out[i] = PropertyCondition(c)
	}
	return out, nil
}
