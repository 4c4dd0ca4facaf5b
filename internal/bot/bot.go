// Package bot names the programs that fetch pages without a person looking.
//
//	user agent → one pass over its bytes finds which patterns can match at all
//	           → those few are checked → the best one's name
//
// The patterns are three lists that ship in the binary: our own (names people
// know), crawler-user-agents (1,480 bots by name) and isbot (200 marks of
// things that aren't browsers). Trying them one by one takes about 100 times
// as long as the pass.
package bot

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed data/own.tsv data/crawlers.tsv data/isbot.txt
var lists embed.FS

// Names that aren't of one program.
const (
	NoUserAgent = "no user agent"
	Unnamed     = "other bot"
)

// maxLength bounds the work for a hostile header. Bots name themselves well
// before it.
const maxLength = 2048

// Matcher knows the patterns. It is safe for concurrent use.
type Matcher struct {
	finder *finder
	rules  []rule
	shapes []rule // rules without a literal to find: they look at the whole shape
}

// New reads the patterns that ship in the binary.
func New() (*Matcher, error) {
	m := &Matcher{}
	for _, l := range []struct {
		file string
		list list
	}{{"own.tsv", own}, {"crawlers.tsv", crawlers}, {"isbot.txt", isbot}} {
		b, err := lists.ReadFile("data/" + l.file)
		if err != nil {
			return nil, fmt.Errorf("bot patterns: %w", err)
		}
		if err := m.add(l.list, string(b)); err != nil {
			return nil, fmt.Errorf("bot patterns %s: %w", l.file, err)
		}
	}
	m.finder = newFinder(m.rules)
	return m, nil
}

// add reads a list's lines: a pattern, and in two of the lists a tab and a name.
func (m *Matcher) add(l list, text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		pattern, name, named := strings.Cut(line, "\t")
		if named == (l == isbot) {
			return fmt.Errorf("line %q: wants a pattern, a tab and a name; isbot's have no name", line)
		}
		if l == isbot {
			name = Unnamed
		}
		r, err := newRule(l, pattern, name)
		if err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
		if len(r.literals) == 0 {
			m.shapes = append(m.shapes, r)
		} else {
			m.rules = append(m.rules, r)
		}
	}
	return nil
}

// Match tells whether a user agent is a program's, and the program's name: one
// of the lists' names, Unnamed or NoUserAgent, so that names can be counted.
func (m *Matcher) Match(ua string) (name string, ok bool) {
	ua = strings.TrimSpace(ua)
	if ua == "" {
		return NoUserAgent, true
	}
	if len(ua) > maxLength {
		ua = ua[:maxLength]
	}
	best := m.find(ua)
	if best == nil {
		best = m.shape(ua)
	}
	if best == nil || best.list == isbot && inApp(ua) {
		return "", false
	}
	return best.name, true
}

// find is the pass: of the rules that match, the one of the earliest list,
// and there the earliest (own) or the most exact, that is longest, (crawlers).
func (m *Matcher) find(ua string) *rule {
	f := m.finder
	state, best := 0, -1
	for i := 0; i < len(ua); i++ {
		state = int(f.next[state*f.classes+int(f.class[ua[i]])])
		for _, h := range f.hits[state] {
			if best >= 0 && !m.better(int(h.rule), best) {
				continue
			}
			if m.rules[h.rule].matchesAt(ua, i+1-int(h.length)) {
				best = int(h.rule)
			}
		}
	}
	if best < 0 {
		return nil
	}
	return &m.rules[best]
}

func (m *Matcher) better(a, b int) bool {
	x, y := &m.rules[a], &m.rules[b]
	if x.list != y.list {
		return x.list < y.list
	}
	if x.list == crawlers && x.length != y.length {
		return x.length > y.length
	}
	return a < b
}

// shape tries the rules about the whole string: "a word and a version", "no
// space in it". What has the shape of a browser's is spared them: they are
// regular expressions, and cannot match it.
func (m *Matcher) shape(ua string) *rule {
	if strings.HasPrefix(ua, "Mozilla/5.0 (") && (strings.Contains(ua, ") AppleWebKit/") || strings.Contains(ua, ") Gecko/")) {
		return nil
	}
	for i := range m.shapes {
		if m.shapes[i].matches(ua) {
			return &m.shapes[i]
		}
	}
	return nil
}

// inAppMarks are what apps write into the user agent of the browser in them.
// isbot's words ("news", "feed", "search" …) also occur in what they write
// there, so those alone don't make them bots.
var inAppMarks = []string{"NAVER(", "KAKAOTALK", "DaumApps/", "FBAV/", "FB_IAB", "Instagram ", " Line/", "MicroMessenger/", "musical_ly", "Bytedance", "GSA/", "Whale/", "BAND/"}

func inApp(ua string) bool {
	if !strings.HasPrefix(ua, "Mozilla/5.0 (") {
		return false
	}
	for _, mark := range inAppMarks {
		if strings.Contains(ua, mark) {
			return true
		}
	}
	return false
}
