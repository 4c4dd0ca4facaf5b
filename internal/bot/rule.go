package bot

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// list is where a rule comes from; earlier ones give the better names.
type list uint8

const (
	own list = iota
	crawlers
	isbot // case-insensitive
)

// rule is one pattern. It is looked at only where one of its literals was
// found (finder.go).
type rule struct {
	name string
	list list
	// literals are lower-case texts one of which every match has in it; empty
	// when the pattern has none.
	literals []string
	length   int // of the longest literal
	// plain is set when the pattern is nothing but its one literal, perhaps at
	// the start: then finding it is matching it, up to case.
	plain     string
	start     bool // the literal must begin the user agent
	wordStart bool // no letter or digit may stand before the literal
	re        *regexp.Regexp
	notBefore []string       // isbot's (?<!…): no match right after one of these
	notAfter  *regexp.Regexp // isbot's (?!…): no match right before this
}

// shortLiteral: plain patterns this short ("008/", "RED/", "ds9") would also
// be found inside version and model numbers, so they must begin a word.
const shortLiteral = 6

func newRule(l list, pattern, name string) (rule, error) {
	r := rule{name: name, list: l}
	if l == isbot {
		var err error
		if pattern, err = r.cutLookaround(pattern); err != nil {
			return r, err
		}
		pattern = "(?i)" + pattern
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return r, err
	}
	tree = tree.Simplify()
	r.literals = required(tree)
	for _, lit := range r.literals {
		r.length = max(r.length, len(lit))
	}
	if plain, start, ok := plainText(tree, l == isbot); ok && r.notBefore == nil && r.notAfter == nil {
		r.plain, r.start = plain, start
		r.wordStart = l != isbot && !start && len(plain) <= shortLiteral && isWord(plain[0])
		return r, nil
	}
	r.re, err = regexp.Compile(pattern)
	return r, err
}

var (
	lookbehind = regexp.MustCompile(`^\(\?<!([^()]*)\)`)
	lookahead  = regexp.MustCompile(`\(\?!((?:[^()]|\([^()]*\))*)\)$`)
)

// cutLookaround takes JavaScript's lookarounds, which Go's expressions lack,
// off the ends of a pattern. A pattern with one elsewhere is an error, so that
// a refresh that brings one is noticed.
func (r *rule) cutLookaround(pattern string) (string, error) {
	if m := lookbehind.FindStringSubmatch(pattern); m != nil {
		pattern = pattern[len(m[0]):]
		for alt := range strings.SplitSeq(m[1], "|") {
			if regexp.QuoteMeta(alt) != alt {
				return "", fmt.Errorf("lookbehind %q is not plain text", alt)
			}
			r.notBefore = append(r.notBefore, alt)
		}
	}
	if m := lookahead.FindStringSubmatch(pattern); m != nil {
		pattern = strings.TrimSuffix(pattern, m[0])
		var err error
		if r.notAfter, err = regexp.Compile("(?i)^(?:" + m[1] + ")"); err != nil {
			return "", err
		}
	}
	if strings.Contains(pattern, "(?!") || strings.Contains(pattern, "(?<") {
		return "", fmt.Errorf("lookaround inside %q", pattern)
	}
	return pattern, nil
}

// matchesAt tells whether the rule matches, one of its literals having been
// found (case folded) at i.
func (r *rule) matchesAt(ua string, i int) bool {
	if r.re != nil {
		return r.matches(ua)
	}
	if r.start && i != 0 || r.wordStart && i > 0 && isWord(ua[i-1]) {
		return false
	}
	return r.list == isbot || ua[i:i+len(r.plain)] == r.plain
}

func (r *rule) matches(ua string) bool {
	if r.re == nil {
		return strings.Contains(ua, r.plain)
	}
	if r.notBefore == nil && r.notAfter == nil {
		return r.re.MatchString(ua)
	}
	for _, at := range r.re.FindAllStringIndex(ua, -1) {
		if !r.guarded(ua[:at[0]], ua[at[1]:]) {
			return true
		}
	}
	return false
}

// guarded tells whether what stands around a match forbids it.
func (r *rule) guarded(before, after string) bool {
	for _, not := range r.notBefore {
		if n := len(before) - len(not); n >= 0 && strings.EqualFold(before[n:], not) {
			return true
		}
	}
	return r.notAfter != nil && r.notAfter.MatchString(after)
}

func isWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}

// plainText tells whether a pattern is one literal, perhaps after "^".
func plainText(re *syntax.Regexp, fold bool) (text string, start, ok bool) {
	subs := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		subs = re.Sub
	}
	if subs[0].Op == syntax.OpBeginText {
		start, subs = true, subs[1:]
	}
	if len(subs) != 1 || subs[0].Op != syntax.OpLiteral {
		return "", false, false
	}
	if folds := subs[0].Flags&syntax.FoldCase != 0; folds && !fold {
		return "", false, false
	}
	return string(subs[0].Rune), start, true
}

// required finds lower-case ASCII texts one of which is in every match; nil
// when there is no such set worth looking for (texts of one letter aren't).
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return atLeast(2, string(re.Rune))
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			set := required(sub)
			if set == nil {
				return nil
			}
			all = append(all, set...)
		}
		return all
	case syntax.OpConcat:
		return requiredOfConcat(re.Sub)
	}
	return nil
}

// requiredOfConcat joins neighbouring literals ("[wW]" "get" is "wget") and
// takes the part whose shortest text is longest.
func requiredOfConcat(subs []*syntax.Regexp) []string {
	var best []string
	consider := func(set []string) {
		if set != nil && (best == nil || shortest(set) > shortest(best)) {
			best = set
		}
	}
	var run strings.Builder
	for _, sub := range subs {
		if sub.Op == syntax.OpLiteral {
			run.WriteString(string(sub.Rune))
			continue
		}
		consider(atLeast(2, run.String()))
		run.Reset()
		consider(required(sub))
	}
	consider(atLeast(2, run.String()))
	return best
}

func shortest(set []string) int {
	n := len(set[0])
	for _, s := range set[1:] {
		n = min(n, len(s))
	}
	return n
}

// atLeast folds a text's case; nil for one too short or not ASCII.
func atLeast(n int, s string) []string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return nil
		}
	}
	// A single "@" or "|" is rare enough in browsers' user agents to be worth
	// looking for.
	if len(s) < n && s != "@" && s != "|" {
		return nil
	}
	return []string{strings.ToLower(s)}
}
