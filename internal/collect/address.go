package collect

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"moonbear/internal/fault"
	"moonbear/internal/source"
)

// maxPath bounds a stored path, bytes; a longer one is cut. Browsers and
// search engines take addresses to about 2,000.
const maxPath = 2000

// address is a page's address, taken apart.
type address struct {
	hostname string // lower case, without port; Punycode
	path     string // begins with "/"; "" is never
	query    string // without "?"; read for campaigns, then forgotten
	fragment string // without "#"
}

// badURL is the fault of every address that is none; the reason follows.
func badURL(why string) error {
	return fault.Field("url", "url: it must be the page's full address, such as https://example.com/pricing; "+why+".")
}

// parseAddress takes an http or https address apart. It is not net/url,
// because what browsers open and send is more than net/url takes ("/100%"),
// and it takes a quarter of the time.
func parseAddress(s string) (a address, err error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return address{}, badURL("it is missing")
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return address{}, badURL("this one begins with neither http:// nor https://")
	}
	host := rest
	if i := strings.IndexAny(rest, `/?#\`); i >= 0 {
		host, rest = rest[:i], rest[i:]
	} else {
		rest = ""
	}
	if a.hostname, err = parseHost(host); err != nil {
		return address{}, err
	}
	rest, a.fragment, _ = strings.Cut(rest, "#")
	rest, a.query, _ = strings.Cut(rest, "?")
	a.path = readable(rest)
	if !strings.HasPrefix(a.path, "/") {
		a.path = "/" + strings.TrimPrefix(a.path, `\`)
	}
	a.path = cut(a.path, maxPath)
	return a, nil
}

// parseHost makes a hostname out of an authority: no user, no port, lower case.
func parseHost(s string) (string, error) {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if strings.HasPrefix(s, "[") { // IPv6
		i := strings.IndexByte(s, ']')
		if i < 0 {
			return "", badURL("its host name is not one")
		}
		s = s[:i+1]
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		s = s[:i]
	}
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf: // people write addresses as they read them; browsers send Punycode
			ascii, err := idna.Lookup.ToASCII(s)
			if err != nil {
				return "", badURL("its host name is not one")
			}
			return ascii, nil
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._:[]", c) >= 0:
		default:
			return "", badURL("its host name is not one")
		}
	}
	if s == "" || len(s) > 253 {
		return "", badURL("its host name is missing or too long")
	}
	return s, nil
}

// readable undoes percent-encoding where that makes a path readable and
// nothing else: letters outside ASCII ("/%ED%95%9C" is "/한"), and those that
// need no encoding. What separates ("%2F", "%3F"), what cannot be read, and
// what is not UTF-8 stays as it was sent.
func readable(path string) string {
	if strings.IndexByte(path, '%') < 0 {
		return tidy(path)
	}
	var b strings.Builder
	b.Grow(len(path))
	for i := 0; i < len(path); {
		r, n := unescape(path[i:])
		if n == 0 {
			b.WriteByte(path[i])
			i++
			continue
		}
		if r < utf8.RuneSelf && !plain(r) || !unicode.IsPrint(r) {
			b.WriteString(path[i : i+n])
		} else {
			b.WriteRune(r)
		}
		i += n
	}
	return tidy(b.String())
}

func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~!$&'()*+,;=:@", r)
}

// unescape reads one percent-encoded character at the front of s: it, and how
// many bytes it takes; 0 if there is none.
func unescape(s string) (r rune, n int) {
	var buf [utf8.UTFMax]byte
	for k := range buf {
		if len(s) < 3*k+3 || s[3*k] != '%' {
			return 0, 0
		}
		hi, lo := hexDigit(s[3*k+1]), hexDigit(s[3*k+2])
		if hi < 0 || lo < 0 {
			return 0, 0
		}
		buf[k] = byte(hi<<4 | lo)
		if utf8.FullRune(buf[:k+1]) {
			r, size := utf8.DecodeRune(buf[:k+1])
			if r == utf8.RuneError && size != 3 || size != k+1 {
				return 0, 0
			}
			return r, 3 * (k + 1)
		}
	}
	return 0, 0
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// readQuery takes the campaign out of an address's query, where the tracker
// did not name it, and the names of advertisers' click IDs. Nothing else of a
// query is looked at.
func (m *message) readQuery(query string, clickIDs []string) []string {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, raw, _ := strings.Cut(pair, "=")
		var dst *string
		switch key {
		case "utm_source":
			dst = &m.utmSource
		case "utm_medium":
			dst = &m.utmMedium
		case "utm_campaign":
			dst = &m.utmCampaign
		case "utm_content":
			dst = &m.utmContent
		case "utm_term":
			dst = &m.utmTerm
		case "ref":
			dst = &m.ref
		case "source":
			dst = &m.source
		default:
			if raw != "" && len(clickIDs) < maxClickIDs && source.IsClickID(key) {
				clickIDs = append(clickIDs, key)
			}
			continue
		}
		if *dst != "" || raw == "" {
			continue
		}
		if v, err := url.QueryUnescape(raw); err == nil {
			raw = v
		}
		*dst = strings.ToValidUTF8(raw, "\uFFFD")
	}
	return clickIDs
}

// maxClickIDs is more than any link has.
const maxClickIDs = 8

// ownReferrer says whether a referrer is a page of the site itself, perhaps
// under another of its host names: moving between them is no arrival.
func (h *hit) ownReferrer() bool {
	_, rest, ok := strings.Cut(h.referrer, "://")
	if !ok {
		return false
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	host, err := parseHost(rest)
	if err != nil {
		return false
	}
	domain := strings.TrimPrefix(h.site.Domain, "www.")
	bare := strings.TrimPrefix(host, "www.")
	switch {
	case host == h.address.hostname, bare == domain:
		return true
	case len(h.site.Hostnames) > 0:
		return h.site.Allows(host)
	}
	return strings.HasSuffix(bare, "."+domain) && domain != ""
}

// tidy trims a text and puts spaces for its control characters, which no
// screen shows and some tools choke on.
func tidy(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			s = strings.Map(func(r rune) rune {
				if r < ' ' || r == 0x7f {
					return ' '
				}
				return r
			}, s)
			break
		}
	}
	return strings.TrimSpace(s)
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// validName is ^[a-zA-Z][a-zA-Z0-9_\-. ]{0,63}$.
func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && strings.IndexByte("_-. ", c) < 0) {
			return false
		}
	}
	return true
}

// language puts a BCP 47 tag in its usual case: "ko-KR", "zh-Hant-TW". What
// isn't one is not known.
func language(s string) string {
	if len(s) < 2 || len(s) > 35 {
		return ""
	}
	b := []byte(s)
	part := 0 // where the present subtag begins
	for i := 0; i <= len(b); i++ {
		if i < len(b) && b[i] == '_' {
			b[i] = '-'
		}
		if i < len(b) && b[i] != '-' {
			c := b[i] | 0x20
			if (c < 'a' || c > 'z') && (b[i] < '0' || b[i] > '9' || part == 0) {
				return ""
			}
			continue
		}
		switch n := i - part; {
		case n == 0 || n > 8 || part == 0 && (n < 2 || n > 3):
			return ""
		case part > 0 && n == 2:
			copy(b[part:i], strings.ToUpper(string(b[part:i])))
		default:
			copy(b[part:i], strings.ToLower(string(b[part:i])))
			if part > 0 && n == 4 && b[part] >= 'a' {
				b[part] -= 'a' - 'A'
			}
		}
		part = i + 1
	}
	if string(b) == s {
		return s
	}
	return string(b)
}

// firstLanguage is what an Accept-Language header asks for first.
func firstLanguage(header string) string {
	if i := strings.IndexAny(header, ",;"); i >= 0 {
		header = header[:i]
	}
	return language(strings.TrimSpace(header))
}

// timeZone lets an IANA name pass, and nothing else.
func timeZone(s string) string {
	if len(s) > 64 || s == "" || s[0] < 'A' || s[0] > 'z' || s[0] > 'Z' && s[0] < 'a' {
		return ""
	}
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("/_+-", c) < 0 {
			return ""
		}
	}
	return s
}

// speed lets an effective connection type pass: "slow-2g", "2g", "3g", "4g".
func speed(s string) string {
	switch s {
	case "slow-2g", "2g", "3g", "4g", "5g":
		return s
	}
	return ""
}
