package web

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// maxConditions is how many conditions on properties a goal may have.
const maxConditions = 10

// goalForm is a goal as a form holds it: what was typed, also where it is
// wrong, and also of the kind that isn't chosen.
type goalForm struct {
	kind, name, path, event, value string
	conditions                     []html.GoalCondition
}

// readGoalForm takes the fields of a posted form; it judges nothing.
func readGoalForm(v url.Values) goalForm {
	f := goalForm{kind: html.KindPath, name: v.Get("name"), path: v.Get("path"), event: v.Get("event"), value: v.Get("value")}
	if v.Get("kind") == html.KindEvent {
		f.kind = html.KindEvent
	}
	at := func(list []string, i int) string {
		if i < len(list) {
			return list[i]
		}
		return ""
	}
	keys, ops, values := v["prop_key"], v["prop_op"], v["prop_value"]
	for i := range min(len(keys), maxConditions) {
		f.conditions = append(f.conditions, html.GoalCondition{Key: keys[i], Operator: cmp.Or(at(ops, i), string(stats.Eq)), Value: at(values, i)})
	}
	return f
}

// goalFormOf is a goal as its form would have been filled in.
func goalFormOf(g site.Goal) goalForm {
	f := goalForm{kind: html.KindPath, name: g.Name, path: g.Rule.Path, event: g.Rule.Event, value: amountText(g.Value)}
	if g.Rule.Event != "" {
		f.kind = html.KindEvent
	}
	for _, c := range g.Rule.Properties {
		f.conditions = append(f.conditions, html.GoalCondition(c))
	}
	return f
}

// fields are what a form with f in it sends.
func (f goalForm) fields() []html.Param {
	ps := []html.Param{{Name: "kind", Value: f.kind}, {Name: "name", Value: f.name}, {Name: "path", Value: f.path},
		{Name: "event", Value: f.event}, {Name: "value", Value: f.value}}
	for _, c := range f.conditions {
		ps = append(ps, html.Param{Name: "prop_key", Value: c.Key}, html.Param{Name: "prop_op", Value: c.Operator}, html.Param{Name: "prop_value", Value: c.Value})
	}
	return ps
}

// goal is what f asks for. The error is a fault of the field value; the rest
// is checked by those who keep and ask it.
func (f goalForm) goal(st *site.Site, t *html.Text) (site.Goal, error) {
	g := site.Goal{Site: st.ID, Name: strings.TrimSpace(f.name)}
	if f.kind == html.KindEvent {
		g.Rule.Event = f.event
		for _, c := range f.conditions {
			if strings.TrimSpace(c.Key) == "" && strings.TrimSpace(c.Value) == "" {
				continue // a line left empty
			}
			if c.Operator == string(stats.IsSet) || c.Operator == string(stats.IsNotSet) {
				c.Value = ""
			}
			g.Rule.Properties = append(g.Rule.Properties, site.PropertyCondition(c))
		}
	} else {
		g.Rule.Path = f.path
	}
	if g.Name == "" {
		g.Name = defaultGoalName(t, g.Rule)
	}
	var err error
	g.Value, err = parseAmount(f.value)
	return g, err
}

// defaultGoalName is a goal's whose owner gave it none: what it counts, as far
// as a name may go.
func defaultGoalName(t *html.Text, r site.Rule) string {
	name := strings.TrimSpace(r.Event)
	if p := strings.TrimSpace(r.Path); p != "" {
		name = fmt.Sprintf(t.Goal.ProposedPage, p)
	}
	if short := []rune(name); len(short) > 80 {
		name = string(short[:79]) + "…"
	}
	return name
}

// amount is digits with at most three decimals; thousands may be apart.
var amount = regexp.MustCompile(`^(\d{1,12}|\d{1,3}(?:,\d{3}){1,4})(?:\.(\d{1,3}))?$`)

// parseAmount reads money as people type it: "25", "12.50", "1,200". Nothing
// is 0. The answer is thousandths; the error is a fault of the field value.
func parseAmount(text string) (int64, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	m := amount.FindStringSubmatch(text)
	if m == nil {
		return 0, fault.Field("value", "Write the value as an amount such as 25, 12.50 or 1,200.")
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(m[1], ",", "")+(m[2] + "000")[:3], 10, 64)
	if err != nil || n > site.MaxGoalValue {
		return 0, fault.Field("value", "The value of a conversion must be from 0 to 1,000,000,000,000.")
	}
	return n, nil
}

// amountText is parseAmount's inverse.
func amountText(thousandths int64) string {
	if thousandths == 0 {
		return ""
	}
	s := strconv.FormatInt(thousandths/1000, 10)
	switch rest := thousandths % 1000; {
	case rest == 0:
		return s
	case rest%10 == 0:
		return fmt.Sprintf("%s.%02d", s, rest/10)
	default:
		return fmt.Sprintf("%s.%03d", s, rest)
	}
}

// goalProblem puts a fault beside the field it names.
func goalProblem(t *html.Text, err error, f *html.GoalForm) (status int, _ error) {
	fields := map[string]*html.Field{"name": &f.Name, "path": &f.Path, "event": &f.Event, "properties": &f.Properties, "value": &f.Value}
	if f.Kind == html.KindEvent {
		fields["path"] = &f.Event // nothing was given: what is missing is the event's name
	}
	status, err = formProblem(t, err, fields, &f.Problem)
	if err == nil && t.Lang != "en" {
		f.Name.Error = goalFieldWords(t, "name", f.Name.Error)
		f.Path.Error = goalFieldWords(t, "path", f.Path.Error)
		f.Event.Error = goalFieldWords(t, "event", f.Event.Error)
		f.Properties.Error = goalFieldWords(t, "properties", f.Properties.Error)
		f.Value.Error = goalFieldWords(t, "value", f.Value.Error)
	}
	return status, err
}

// goalFieldWords is what a field takes, where what is wrong with it is only
// said in English.
func goalFieldWords(t *html.Text, field, message string) string {
	switch {
	case message == "":
		return ""
	case message == site.ErrGoalName.Message || message == site.ErrSegmentName.Message:
		return t.Goal.ErrTaken
	}
	return map[string]string{"name": t.Goal.ErrName, "path": t.Goal.ErrPath, "event": t.Goal.ErrEvent,
		"properties": t.Goal.ErrProperties, "value": t.Goal.ErrValue}[field]
}

// ruleWords writes a rule: "Event signup with plan is pro".
func ruleWords(t *html.Text, r site.Rule) string {
	if r.Path != "" {
		return fmt.Sprintf(t.Goal.RulePath, r.Path)
	}
	if len(r.Properties) == 0 {
		return fmt.Sprintf(t.Goal.RuleEvent, eventWords(t, r.Event))
	}
	var all []string
	for _, c := range r.Properties {
		f := stats.Is(stats.Prop(c.Key), stats.Op(c.Operator))
		if c.Value != "" {
			f.Values = []string{c.Value}
		}
		all = append(all, filterWords(t, f))
	}
	return fmt.Sprintf(t.Goal.RuleWhere, eventWords(t, r.Event), strings.Join(all, " "+t.Goal.And+" "))
}
