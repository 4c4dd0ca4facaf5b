package html

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// said is a fault's sentence in English, with %s for what is only known when
// it happens, and in another language, with {1}, {2} … in their places. Faults
// are made far below the pages, in English, for the API says them too; here
// they are recognised.
type said struct{ english, here string }

// sentence is a said that can be recognised.
type sentence struct {
	pattern *regexp.Regexp
	here    string
	known   int // letters of the English that are always the same
}

// reader makes sentences of a catalogue once, those that know most words first:
// "%s: %s" would fit everything.
func reader(all []said) func() []sentence {
	return sync.OnceValue(func() []sentence {
		var out []sentence
		for _, s := range all {
			parts := strings.Split(s.english, "%s")
			known := 0
			for i, p := range parts {
				known += len(p)
				parts[i] = regexp.QuoteMeta(p)
			}
			out = append(out, sentence{regexp.MustCompile(`(?s)^` + strings.Join(parts, "(.*?)") + `$`), s.here, known})
		}
		slices.SortStableFunc(out, func(a, b sentence) int { return b.known - a.known })
		return out
	})
}

var koreanSentences = reader(koreanFaults)

// Fault says a fault's sentence in this language; one that has no translation
// is said as it is, which beats hiding what is wrong.
func (t *Text) Fault(message string) string {
	if t.Lang != korean.Lang {
		return message
	}
	for _, s := range koreanSentences() {
		found := s.pattern.FindStringSubmatch(message)
		if found == nil {
			continue
		}
		out := s.here
		var pairs []string
		for i, part := range found[1:] {
			if word, ok := koreanFields[part]; ok {
				part = word
			}
			pairs = append(pairs, "{"+intText(i+1)+"}", part)
		}
		return strings.NewReplacer(pairs...).Replace(out)
	}
	return message
}
