package html

import "testing"

// TestFine: a number is written finely enough to be on its side of a limit.
func TestFine(t *testing.T) {
	en, ko := Language("en"), Language("ko")
	for _, c := range []struct {
		what   string
		got    func(*Text) string
		en, ko string
	}{
		{"milliseconds", func(t *Text) string { return t.Fine(240, Milliseconds) }, "240 ms", "240 ms"},
		{"just under a second", func(t *Text) string { return t.Fine(999, Milliseconds) }, "999 ms", "999 ms"},
		{"a second", func(t *Text) string { return t.Fine(1000, Milliseconds) }, "1.00 s", "1.00초"},
		{"over a limit", func(t *Text) string { return t.Fine(2541, Milliseconds) }, "2.54 s", "2.54초"},
		{"long", func(t *Text) string { return t.Fine(9_995, Milliseconds) }, "10.0 s", "10.0초"},
		{"a score", func(t *Text) string { return t.Fine(0.1042, Score) }, "0.104", "0.104"},
		{"no shift", func(t *Text) string { return t.Fine(0, Score) }, "0.000", "0.000"},
		{"none", func(t *Text) string { return t.Fine(nan, Score) }, Dash, Dash},
		{"a count", func(t *Text) string { return t.Fine(1234, Count) }, "1,234", "1,234"},
		{"exact", func(t *Text) string { return t.FineExact(2541, Milliseconds) }, "2,541 ms", "2,541 ms"},
		{"exact score", func(t *Text) string { return t.FineExact(0.1042, Score) }, "0.1042", "0.1042"},
		{"exact none", func(t *Text) string { return t.FineExact(nan, Milliseconds) }, Dash, Dash},
		{"a limit", func(t *Text) string { return t.Limit(2500, Milliseconds) }, "2.5 s", "2.5초"},
		{"a short limit", func(t *Text) string { return t.Limit(200, Milliseconds) }, "200 ms", "200 ms"},
		{"a score's limit", func(t *Text) string { return t.Limit(0.25, Score) }, "0.25", "0.25"},
		{"a score's grid", func(t *Text) string { return t.Tick(0.15000000000000002, Score) }, "0.15", "0.15"},
		{"a column", func(t *Text) string { return t.Metric("lcp_p95").Name }, "LCP p95", "LCP p95"},
	} {
		if got := c.got(en); got != c.en {
			t.Errorf("%s: got %q, want %q", c.what, got, c.en)
		}
		if got := c.got(ko); got != c.ko {
			t.Errorf("%s in Korean: got %q, want %q", c.what, got, c.ko)
		}
	}
	if got, trend := en.Change(0.12, 0.1, Score, true); got != "▲ 0.020" || trend != Worse {
		t.Errorf("more shifting is %q, %q", got, trend)
	}
}
