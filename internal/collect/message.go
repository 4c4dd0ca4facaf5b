package collect

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"moonbear/internal/event"
	"moonbear/internal/fault"
)

// message is a hit as it was sent, whatever the dialect; every field is the
// sender's word and unchecked but for its type. "" and 0 are "not sent".
type message struct {
	siteID   string // a public ID, or in the second dialect a domain
	siteKey  string // the field it was sent in
	name     string
	url      string
	referrer string

	screenWidth                                            int32
	language, timeZone, speed                              string
	utmSource, utmMedium, utmCampaign, utmContent, utmTerm string
	ref, source                                            string
	measures                                               [event.MeasureCount]event.Measure

	props       []event.Prop
	value       int64 // thousandths
	hasValue    bool
	currency    string
	interactive choice
	fragment    bool // the page's address is told apart by its fragment

	overrideAgent, overrideIP, overrideCountry string // overrides: believed with a token that may write

	// In batches only.
	visitorID string
	timestamp value
	siteAbove bool // the site is named beside the list, not in the event
}

// choice is a yes or no that may be left out.
type choice byte

const (
	unsaid choice = iota
	yes
	no
)

// The limits on properties, in characters.
const (
	maxProps     = 30
	maxPropKey   = 300
	maxPropValue = 2000
)

// read reads a JSON object and hands its members to set.
func read(body string, set func(key string, v value) error) error {
	d := decoder{s: body}
	first := true
	for d.open('{'); d.more(&first, '}'); {
		key, v := d.key(), d.value(1)
		if d.err != nil {
			break
		}
		if err := set(key, v); err != nil {
			return err
		}
	}
	d.end()
	return notJSON(d.err)
}

func notJSON(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Invalid, "The body is not a JSON object: "+err.Error()+".")
}

// wrong is the fault of a field of a wrong type.
func wrong(field, want string, v value) error {
	return fault.Field(field, field+": it must be "+want+", not "+v.kind.String()+".")
}

func setText(dst *string, field string, v value) error {
	if v.kind != text && v.kind != null {
		return wrong(field, "a text", v)
	}
	*dst = v.text
	return nil
}

// float reads a number, or a text that is one; ok is false for null and "".
func float(field string, v value) (f float64, ok bool, err error) {
	if v.kind == null || v.kind == text && v.text == "" {
		return 0, false, nil
	}
	if v.kind != number && v.kind != text {
		return 0, false, wrong(field, "a number", v)
	}
	f, err = strconv.ParseFloat(strings.TrimSpace(v.text), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false, fault.Field(field, field+": it must be a number, such as 12.5.")
	}
	return f, true, nil
}

func setInt32(dst *int32, field string, v value) error {
	f, _, err := float(field, v)
	*dst = int32(max(0, min(f, math.MaxInt32)))
	return err
}

func setBool(dst *choice, field string, v value) error {
	switch {
	case v.kind == null:
	case v.kind == boolean && v.text == "true":
		*dst = yes
	case v.kind == boolean:
		*dst = no
	default:
		return wrong(field, "true or false", v)
	}
	return nil
}

// setMeasure stores a number in units of 1/scale. Browsers report negative
// timings when a clock is set back: those were not measured.
func (m *message) setMeasure(i int, scale float64, field string, v value) error {
	f, ok, err := float(field, v)
	if ok && f >= 0 && f*scale < math.MaxInt32 {
		m.measures[i] = event.Measured(int64(math.Round(f * scale)))
	}
	return err
}

// maxValue keeps thousandths exact in a float64.
const maxValue = 1e12

func (m *message) setValue(field string, v value) error {
	f, ok, err := float(field, v)
	if err != nil {
		return err
	}
	if math.Abs(f) > maxValue {
		return fault.Field(field, field+": it must be between -1,000,000,000,000 and 1,000,000,000,000.")
	}
	m.value, m.hasValue = int64(math.Round(f*1000)), ok
	return nil
}

// setProps reads an object of texts, numbers and booleans. lenient leaves out
// what is none of these instead of refusing the hit.
func (m *message) setProps(field string, v value, lenient bool) error {
	switch {
	case v.kind == null:
		return nil
	case v.kind != object:
		return wrong(field, "an object of keys and values", v)
	}
	m.props = m.props[:0]
	return read(v.text, func(key string, v value) error {
		switch {
		case v.kind == null, lenient && (key == "" || v.text == ""):
			return nil
		case v.kind == array || v.kind == object:
			if lenient {
				return nil
			}
			return wrong(field+"."+key, "a text, a number, true or false", v)
		}
		m.props = append(m.props, event.Prop{Key: key, Value: v.text})
		return nil
	})
}

// checkProps puts the properties in order and holds them to the limits.
func checkProps(props []event.Prop) ([]event.Prop, error) {
	for i := range props {
		p := &props[i]
		p.Key, p.Value = tidy(p.Key), tidy(p.Value)
		switch {
		case p.Key == "":
			return nil, fault.Field("props", "props: a property must have a name.")
		case longer(p.Key, maxPropKey):
			return nil, fault.Field("props", "props: the name of a property has at most 300 characters; one begins with "+strconv.Quote(cut(p.Key, 40))+".")
		case longer(p.Value, maxPropValue):
			return nil, fault.Field("props."+p.Key, "props."+p.Key+": a value has at most 2,000 characters.")
		}
	}
	if len(props) > 1 {
		slices.SortStableFunc(props, func(a, b event.Prop) int { return strings.Compare(a.Key, b.Key) })
		n := 0
		for i, p := range props { // of the same key, the last one counts
			if i+1 == len(props) || props[i+1].Key != p.Key {
				props[n] = p
				n++
			}
		}
		props = props[:n]
	}
	if len(props) > maxProps {
		return nil, fault.Field("props", "props: an event has at most 30 properties, not "+strconv.Itoa(len(props))+".")
	}
	return props, nil
}

// longer says whether s has more than n characters.
func longer(s string, n int) bool { return len(s) > n && utf8.RuneCountInString(s) > n }
