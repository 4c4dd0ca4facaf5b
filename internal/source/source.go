// Package source tells where a visit came from: a cleaned referrer, a source's
// name and its channel.
//
//	tags of the URL (utm_source, source, ref) ─┐
//	click IDs of advertisers (gclid …)         ├→ who sent the visitor → source
//	referrer, or the app the page was shown in ┘                          │
//	                          utm_medium, utm_campaign, the source's class → channel
//
// Names come from two lists that ship in the binary: our own and one derived
// from Snowplow's referrer database; referrer spam from Matomo's list.
package source

import (
	"embed"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed data/own.tsv data/referrers.tsv data/spammers.txt
var lists embed.FS

// maxName bounds a source nobody listed, bytes of UTF-8.
const maxName = 100

// maxReferrer bounds a cleaned referrer, bytes; the path of a longer one is cut.
const maxReferrer = 500

// Input is what a hit says about where its visitor came from. Every field may
// be empty.
type Input struct {
	Referrer string // the full URL, as sent: "https://www.google.com/", "android-app://com.google.android.gm/"
	Hostname string // of the page; a referrer there is the site itself

	// Tags of the page's URL. UTMSource goes before Source, and that before Ref.
	Ref, Source, UTMSource, UTMMedium, UTMCampaign string

	// ClickIDs are the names (not the values) of the page URL's parameters that
	// IsClickID knows: "gclid". They tell a paid click that has no tags.
	ClickIDs []string

	// InAppUA is the user agent. It is looked at only when there is neither
	// referrer nor tag: apps that show pages themselves send no referrer.
	InAppUA string
}

// Facts is what Find tells; a direct visit has no Referrer and no Source.
type Facts struct {
	Referrer string // host and path, no scheme, "www.", query or trailing slash: "news.ycombinator.com/item"; an app's ID for an app
	Source   string // "Google", "newsletter", "example.com"
	Channel  string // as Google Analytics 4 names them: "Organic Search", "Direct", …
	// External: the visitor arrived from elsewhere, by a link or a campaign, so
	// that another visit opens. False when the source was only guessed from the
	// app the page is shown in: that names a visit, but must not split one.
	External bool
}

// Sources knows the lists. It is safe for concurrent use.
type Sources struct {
	hosts   map[string]*entry // the host and its subdomains
	exact   map[string]*entry // that host alone
	brands  map[string]*entry // "google" for google.*
	aliases map[string]*entry
	apps    map[string]*entry
	spam    map[string]struct{}
}

// entry is one source: what it is called and what kind it is.
type entry struct {
	name  string
	class class
}

// New reads the lists that ship in the binary.
func New() (*Sources, error) {
	s := &Sources{
		hosts: map[string]*entry{}, exact: map[string]*entry{}, brands: map[string]*entry{},
		aliases: map[string]*entry{}, apps: map[string]*entry{}, spam: map[string]struct{}{},
	}
	for _, l := range []struct {
		file string
		add  func(line string) error
	}{{"own.tsv", s.addOwn}, {"referrers.tsv", s.addReferrer}, {"spammers.txt", s.addSpammer}} {
		b, err := lists.ReadFile("data/" + l.file)
		if err != nil {
			return nil, fmt.Errorf("sources: %w", err)
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimRight(line, "\n")
			if line == "" || line[0] == '#' {
				continue
			}
			if err := l.add(line); err != nil {
				return nil, fmt.Errorf("sources %s: line %q: %w", l.file, line, err)
			}
		}
	}
	return s, nil
}

// Find tells the source of a hit.
func (s *Sources) Find(in Input) Facts {
	ref := clean(in.Referrer, in.Hostname)
	click := firstClick(in.ClickIDs)
	var e entry
	var guessed bool
	switch tag := firstTag(in.UTMSource, in.Source, in.Ref); {
	case tag != "":
		e = s.tagged(tag)
	case ref.host != "" || ref.app != "":
		e = s.referred(ref)
	case click.paid:
		e = click.entry
	case ref.internal:
		e = click.entry // the app shows the site's own links too
	default:
		if e = inApp(in.InAppUA); e.name == "" {
			e = click.entry
		} else {
			guessed = click.entry.name == ""
		}
	}
	f := Facts{Referrer: ref.text, Source: e.name, Channel: channel(e, click.paid, in.UTMMedium, in.UTMCampaign)}
	f.External = f.Channel != Direct && (!guessed || strings.TrimSpace(in.UTMMedium) != "")
	return f
}

// Spam tells whether a referrer is on the list of spammers, by its host or a
// domain above it.
func (s *Sources) Spam(referrer string) bool {
	host := clean(referrer, "").host
	for host != "" {
		if _, listed := s.spam[host]; listed {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}

// referred names a referrer: by the list, else by its own host or app.
func (s *Sources) referred(r referrer) entry {
	if r.app != "" {
		if e := s.apps[r.app]; e != nil {
			return *e
		}
		return entry{r.app, classReferral}
	}
	if e := s.host(r.host); e != nil {
		return *e
	}
	return entry{cut(trimWWW(r.host), maxName), classReferral}
}

// host finds a host's entry: itself, its brand, or the closest domain above it.
func (s *Sources) host(host string) *entry {
	bare := trimWWW(host)
	if e := s.exact[bare]; e != nil {
		return e
	}
	for h := bare; h != ""; {
		if e := s.hosts[h]; e != nil {
			return e
		}
		if brand, ok := cutCountry(h); ok {
			if e := s.brands[brand]; e != nil {
				return e
			}
		}
		_, h, _ = strings.Cut(h, ".")
	}
	return nil
}

// tagged names a tag: a listed alias, a listed host, else the tag as given.
func (s *Sources) tagged(tag string) entry {
	lower := strings.ToLower(tag)
	if e := s.aliases[lower]; e != nil {
		return *e
	}
	if strings.Contains(lower, ".") {
		host := lower
		if r := clean(lower, ""); r.host != "" {
			host = r.host
		}
		host, _, _ = strings.Cut(host, "/")
		if e := s.host(host); e != nil {
			return *e
		}
	}
	return entry{tag, classTagged}
}

// firstTag is the first tag that isn't empty, made fit to keep.
func firstTag(tags ...string) string {
	for _, t := range tags {
		if t = strings.TrimSpace(cut(printable(t), maxName)); t != "" {
			return t
		}
	}
	return ""
}

// printable drops what no name has in it: control characters and bytes that
// aren't UTF-8.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// cut shortens s to at most n bytes, at a character's border.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
