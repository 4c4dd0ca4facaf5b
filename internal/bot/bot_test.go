package bot

import (
	"os"
	"strings"
	"testing"
)

func matcher(tb testing.TB) *Matcher {
	tb.Helper()
	m, err := New()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// lines reads a table whose last column is a user agent.
func lines(tb testing.TB, file string, columns int) (first, ua []string) {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line[0] == '#' {
			continue
		}
		col := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(col) != columns {
			tb.Fatalf("%s: line %q has %d columns, wants %d", file, line, len(col), columns)
		}
		first, ua = append(first, col[0]), append(ua, col[columns-1])
	}
	return first, ua
}

func browsers(tb testing.TB) []string {
	_, ua := lines(tb, "../device/testdata/useragents.tsv", 6)
	return ua
}

func TestBots(t *testing.T) {
	m := matcher(t)
	names, ua := lines(t, "testdata/bots.tsv", 2)
	for i := range ua {
		if got, ok := m.Match(ua[i]); !ok || got != names[i] {
			t.Errorf("%q\n got %q, %v\nwant %q", ua[i], got, ok, names[i])
		}
	}
}

func TestBrowsersAreNoBots(t *testing.T) {
	m := matcher(t)
	all := browsers(t)
	if len(all) < 100 {
		t.Fatalf("only %d browsers", len(all))
	}
	for _, ua := range all {
		if name, ok := m.Match(ua); ok {
			t.Errorf("taken for %q: %s", name, ua)
		}
	}
}

// TestSameAsOneByOne holds the pass against trying every rule: on browsers,
// bots and what lies between they must say the same.
func TestSameAsOneByOne(t *testing.T) {
	m := matcher(t)
	_, bots := lines(t, "testdata/bots.tsv", 2)
	for _, ua := range append(browsers(t), bots...) {
		for cut := len(ua); cut > 0; cut -= 101 {
			part := ua[:cut]
			got, want := m.find(part), oneByOne(m, part)
			if got != want {
				t.Fatalf("%q: the pass finds %+v, one by one finds %+v", part, got, want)
			}
		}
	}
}

// oneByOne is what find must equal, the slow way.
func oneByOne(m *Matcher, ua string) *rule {
	best := -1
	for i := range m.rules {
		if (best < 0 || m.better(i, best)) && matchesAnywhere(&m.rules[i], ua) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return &m.rules[best]
}

func matchesAnywhere(r *rule, ua string) bool {
	if r.re != nil {
		return r.matches(ua)
	}
	for i := 0; i+len(r.plain) <= len(ua); i++ {
		if strings.EqualFold(ua[i:i+len(r.plain)], r.plain) && r.matchesAt(ua, i) {
			return true
		}
	}
	return false
}

// TestEveryPatternIsReachable: a pattern that is plain text must be found in
// that text, which proves its literal is in the finder.
func TestEveryPatternIsReachable(t *testing.T) {
	m := matcher(t)
	for i := range m.rules {
		r := &m.rules[i]
		if r.re == nil && m.find(r.plain) == nil {
			t.Errorf("%q of list %d is not found in its own text", r.plain, r.list)
		}
	}
}

func TestLookarounds(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{`(?<! cu)bots?(?:\b|_)`, "a bot here", true},
		{`(?<! cu)bots?(?:\b|_)`, "a CUBOT here", false},
		{`(?<! cu)bots?(?:\b|_)`, "a CUBOT and a bot", true},
		{`java(?!;)`, "Java/1.8", true},
		{`java(?!;)`, "Java;", false},
		{`(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`, "Google Pixel 8", false},
		{`(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`, "x channel/google", false},
		{`(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`, "some google thing", true},
	}
	for _, tt := range tests {
		r, err := newRule(isbot, tt.pattern, "x")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.matches(tt.text); got != tt.want {
			t.Errorf("%s on %q: %v, want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
	for _, bad := range []string{`a(?!b)c`, `a(?<!b)c`, `(?<!b+)c`, `(`} {
		if _, err := newRule(isbot, bad, "x"); err == nil {
			t.Errorf("%s: no error, though it cannot be kept", bad)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, ua := range browsers(f) {
		f.Add(ua)
	}
	_, bots := lines(f, "testdata/bots.tsv", 2)
	for _, ua := range bots {
		f.Add(ua)
	}
	m := matcher(f)
	names := map[string]bool{NoUserAgent: true}
	for _, r := range append(m.rules, m.shapes...) {
		names[r.name] = true
	}
	f.Fuzz(func(t *testing.T, ua string) {
		name, ok := m.Match(ua)
		if ok != (name != "") || ok && !names[name] {
			t.Errorf("%q, %v", name, ok)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	m := matcher(b)
	people := browsers(b)
	_, bots := lines(b, "testdata/bots.tsv", 2)
	b.Run("browsers", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			m.Match(people[i%len(people)])
		}
	})
	b.Run("bots", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			m.Match(bots[i%len(bots)])
		}
	})
	b.Run("browsers one by one", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			oneByOne(m, people[i%len(people)])
		}
	})
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(); err != nil {
			b.Fatal(err)
		}
	}
}
