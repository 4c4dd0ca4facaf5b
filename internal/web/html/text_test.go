package html

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// verbs finds what fmt.Sprintf fills in, by the argument's place: "%s", "%[2]s".
var verbs = regexp.MustCompile(`%(\[\d\])?[sd]`)

func arguments(s string) []string {
	s = strings.ReplaceAll(s, "%%", "")
	var out []string
	for i, v := range verbs.FindAllString(s, -1) {
		if !strings.Contains(v, "[") {
			v = "%[" + intText(i+1) + "]" + v[1:]
		}
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// optional are the maps in which a missing key means "as it is stored".
var optional = []string{"Channels"}

// TestEveryLanguageSaysEverything compares the catalogues key by key.
func TestEveryLanguageSaysEverything(t *testing.T) {
	first := reflect.ValueOf(*Languages()[0])
	for _, l := range Languages() {
		for _, p := range unsaid(reflect.ValueOf(*l), first, "") {
			t.Errorf("%s: %s", l.Lang, p)
		}
		for _, s := range append(l.months[:], l.weekdays[:]...) {
			if s == "" {
				t.Errorf("%s: a month or weekday has no name", l.Lang)
			}
		}
	}
}

// unsaid lists what a catalogue, or a part of it, leaves out or says with other
// arguments than the first one; name is the part's, as it is written in Go.
func unsaid(v, first reflect.Value, name string) (out []string) {
	switch v.Kind() {
	case reflect.String:
		if strings.TrimSpace(v.String()) == "" {
			return []string{name + " is not said"}
		}
		if said, want := arguments(v.String()), arguments(first.String()); !slices.Equal(said, want) {
			return []string{fmt.Sprintf("%s takes %v, want %v", name, said, want)}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				out = append(out, unsaid(v.Field(i), first.Field(i), strings.TrimPrefix(name+"."+f.Name, "."))...)
			}
		}
	case reflect.Map:
		if slices.Contains(optional, name) {
			return nil
		}
		if got, want := keys(v), keys(first); !slices.Equal(got, want) {
			return []string{fmt.Sprintf("%s has %v, want %v", name, got, want)}
		}
		for _, k := range v.MapKeys() {
			out = append(out, unsaid(v.MapIndex(k), first.MapIndex(k), name+"["+k.String()+"]")...)
		}
	case reflect.Slice, reflect.Array:
		if v.Len() != first.Len() {
			return []string{fmt.Sprintf("%s has %d parts, want %d", name, v.Len(), first.Len())}
		}
		for i := range v.Len() {
			out = append(out, unsaid(v.Index(i), first.Index(i), fmt.Sprintf("%s[%d]", name, i))...)
		}
	case reflect.Func:
		if v.IsNil() {
			return []string{name + " is not said"}
		}
	default:
		return []string{name + " is a " + v.Kind().String() + ", which nobody compares"}
	}
	return out
}

// TestUnsaid holds the comparison to what it must find, deep down too.
func TestUnsaid(t *testing.T) {
	type inner struct {
		A string
		M map[string]MetricText
		L []string
	}
	type outer struct{ In inner }
	good := outer{inner{"%d of %s", map[string]MetricText{"x": {"X", "an x"}}, []string{"one"}}}
	for _, c := range []struct {
		name   string
		change func(*outer)
		want   string
	}{
		{"nothing", func(*outer) {}, ""},
		{"empty", func(o *outer) { o.In.A = " " }, "In.A is not said"},
		{"arguments", func(o *outer) { o.In.A = "%d" }, "In.A takes"},
		{"half a metric", func(o *outer) { o.In.M = map[string]MetricText{"x": {"X", ""}} }, "In.M[x].About is not said"},
		{"a key", func(o *outer) { o.In.M = nil }, "In.M has []"},
		{"a list", func(o *outer) { o.In.L = nil }, "In.L has 0"},
		{"in a list", func(o *outer) { o.In.L = []string{""} }, "In.L[0] is not said"},
	} {
		o := good
		c.change(&o)
		got := strings.Join(unsaid(reflect.ValueOf(o), reflect.ValueOf(good), ""), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func keys(m reflect.Value) []string {
	var out []string
	for _, k := range m.MapKeys() {
		out = append(out, k.String())
	}
	slices.Sort(out)
	return out
}

// TestTone holds the words to the house's voice.
func TestTone(t *testing.T) {
	for _, l := range Languages() {
		for name, said := range sentences(reflect.ValueOf(*l), "") {
			if strings.Contains(said, "!") {
				t.Errorf("%s: %s has an exclamation mark", l.Lang, name)
			}
		}
	}
}

// sentences are all strings of a catalogue, or of a part of it, by their names.
func sentences(v reflect.Value, name string) map[string]string {
	out := map[string]string{}
	switch v.Kind() {
	case reflect.String:
		out[name] = v.String()
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				maps.Copy(out, sentences(v.Field(i), name+"."+f.Name))
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			maps.Copy(out, sentences(v.MapIndex(k), name+"["+k.String()+"]"))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			maps.Copy(out, sentences(v.Index(i), fmt.Sprintf("%s[%d]", name, i)))
		}
	}
	return out
}

var nan = math.NaN()

func TestNumbers(t *testing.T) {
	en, ko := Language("en"), Language("ko")
	for _, c := range []struct {
		what   string
		got    func(*Text) string
		en, ko string
	}{
		{"exact", func(t *Text) string { return t.Exact(1234567) }, "1,234,567", "1,234,567"},
		{"negative", func(t *Text) string { return t.Exact(-1234) }, "−1,234", "−1,234"},
		{"no negative zero", func(t *Text) string { return t.Exact(-0.2) }, "0", "0"},
		{"none", func(t *Text) string { return t.Exact(nan) }, Dash, Dash},
		{"headline", func(t *Text) string { return t.Value(12418, Count) }, "12,418", "12,418"},
		{"long headline", func(t *Text) string { return t.Value(1241800, Count) }, "1.2M", "124만"},
		{"row", func(t *Text) string { return t.RowValue(12418) }, "12.4k", "1.2만"},
		{"short row", func(t *Text) string { return t.RowValue(9310) }, "9,310", "9,310"},
		{"hundred thousand", func(t *Text) string { return t.RowValue(123456) }, "123k", "12.3만"},
		{"just under", func(t *Text) string { return t.RowValue(99_960) }, "100k", "10만"},
		{"hundreds of millions", func(t *Text) string { return t.RowValue(123456789) }, "123M", "1.2억"},
		{"ratio", func(t *Text) string { return t.Value(2.55, Ratio) }, "2.5", "2.5"},
		{"percent", func(t *Text) string { return t.Percent(41.4) }, "41%", "41%"},
		{"small percent", func(t *Text) string { return t.Percent(0.42) }, "0.4%", "0.4%"},
		{"smaller percent", func(t *Text) string { return t.Percent(0.01) }, "<0.1%", "<0.1%"},
		{"no percent", func(t *Text) string { return t.Percent(0) }, "0%", "0%"},
		{"seconds", func(t *Text) string { return t.Value(45.4, Seconds) }, "45s", "45초"},
		{"minutes", func(t *Text) string { return t.Value(151, Seconds) }, "2m 31s", "2분 31초"},
		{"round minutes", func(t *Text) string { return t.Value(120, Seconds) }, "2m", "2분"},
		{"nearly a minute", func(t *Text) string { return t.Value(59.7, Seconds) }, "1m", "1분"},
		{"hours", func(t *Text) string { return t.Value(3*3600+240, Seconds) }, "3h 4m", "3시간 4분"},
		{"milliseconds", func(t *Text) string { return t.Value(240, Milliseconds) }, "240 ms", "240 ms"},
		{"slow", func(t *Text) string { return t.Value(1840, Milliseconds) }, "1.8 s", "1.8초"},
	} {
		if got := c.got(en); got != c.en {
			t.Errorf("%s: got %q, want %q", c.what, got, c.en)
		}
		if got := c.got(ko); got != c.ko {
			t.Errorf("%s in Korean: got %q, want %q", c.what, got, c.ko)
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		name        string
		v, previous float64
		unit        Unit
		lower       bool
		want        string
		trend       Trend
	}{
		{"more visitors", 112, 100, Count, false, "▲ 12%", Better},
		{"fewer", 88, 100, Count, false, "▼ 12%", Worse},
		{"the same", 100, 100, Count, false, "=", Same},
		{"hardly more", 1001, 1000, Count, false, "=", Same},
		{"from nothing", 5, 0, Count, false, "", NoIdea},
		{"to nothing", 0, 5, Count, false, "▼ 100%", Worse},
		{"many times", 2400, 100, Count, false, "▲ 24×", Better},
		{"bounces fall", 41, 44, Percent, true, "▼ 3 pt", Better},
		{"bounces rise", 44, 41, Percent, true, "▲ 3 pt", Worse},
		{"from no percent", 3, 0, Percent, true, "▲ 3 pt", Worse},
		{"a low rate rises", 3.2, 2.8, Percent, false, "▲ 0.4 pt", Better},
		{"hardly", 3.24, 3.2, Percent, false, "=", Same},
		{"longer visits", 151, 143, Seconds, false, "▲ 8s", Better},
		{"faster", 1800, 2000, Milliseconds, true, "▼ 200 ms", Better},
		{"more views", 2.6, 2.5, Ratio, false, "▲ 0.1", Better},
		{"no number", nan, 2.5, Ratio, false, "", NoIdea},
		{"nothing before", 2.5, nan, Ratio, false, "", NoIdea},
	} {
		if got, trend := Language("en").Change(c.v, c.previous, c.unit, c.lower); got != c.want || trend != c.trend {
			t.Errorf("%s: got %q %q, want %q %q", c.name, got, trend, c.want, c.trend)
		}
	}
}

func TestDates(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		from, to time.Time
		en, ko   string
	}{
		{day(2026, 10, 26), day(2026, 11, 23), "26 Oct – 22 Nov", "10월 26일 – 11월 22일"},
		{day(2026, 11, 22), day(2026, 11, 23), "Sun 22 Nov", "11월 22일 (일)"},
		{day(2025, 12, 1), day(2026, 11, 23), "1 Dec 2025 – 22 Nov", "2025년 12월 1일 – 11월 22일"},
		{day(2025, 3, 1), day(2025, 4, 1), "1 Mar – 31 Mar 2025", "3월 1일 – 2025년 3월 31일"},
	} {
		if got := Language("en").Span(c.from, c.to, now); got != c.en {
			t.Errorf("got %q, want %q", got, c.en)
		}
		if got := Language("ko").Span(c.from, c.to, now); got != c.ko {
			t.Errorf("got %q, want %q", got, c.ko)
		}
	}
}

// TestFallbacks says what is said for what nobody has words for yet.
func TestFallbacks(t *testing.T) {
	for _, l := range Languages() {
		for name, got := range map[string]string{
			"a new reason": l.Reason("new").Name, "a new metric": l.Metric("new").Name, "a new channel": l.Channel("new"),
			"a new fault": l.Fault("new"), "a property": l.Dimension("new"),
		} {
			if got != "new" {
				t.Errorf("%s: %s is %q", l.Lang, name, got)
			}
		}
		if len(slices.Collect(maps.Keys(l.Reasons))) < 5 {
			t.Errorf("%s: few reasons", l.Lang)
		}
	}
}
