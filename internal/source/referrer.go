package source

import (
	"net/netip"
	"net/url"
	"strings"
)

// referrer is a referrer as the lists are asked about it and as it is stored.
type referrer struct {
	host string // lower case, without port; "www." kept
	app  string // lower case ID of an Android or iOS app
	text string // what is stored

	internal bool // it was the site itself; the rest is empty
}

// maxURL is how much of a referrer is looked at, bytes; browsers send 4096 at
// most (the Referrer Policy standard).
const maxURL = 4096

// clean reads a referrer. It is empty for none, for the site itself (internal),
// for schemes that are no place (chrome-extension:, about:, file:) and
// for private addresses, which tell nobody anything.
func clean(raw, own string) referrer {
	raw = strings.TrimSpace(raw)
	if raw == "" || len(raw) > maxURL {
		return referrer{}
	}
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw // referrers pasted into server-side events
	}
	u, err := url.Parse(raw)
	if err != nil {
		return referrer{}
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return cleanHTTP(u, own)
	case "android-app", "ios-app":
		app := strings.ToLower(printable(u.Host))
		if app == "" || len(app) > maxName || !strings.Contains(app, ".") {
			return referrer{}
		}
		return referrer{app: app, text: app}
	}
	return referrer{}
}

func cleanHTTP(u *url.URL, own string) referrer {
	host := normalHost(u.Hostname())
	if host != "" && trimWWW(host) == trimWWW(normalHost(own)) {
		return referrer{internal: true}
	}
	if !isPublic(host) {
		return referrer{}
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if unescaped, err := url.PathUnescape(path); err == nil {
		path = strings.TrimRight(printable(unescaped), "/") // "/블로그", not "/%EB%B8%94…"
	}
	return referrer{host: host, text: cut(trimWWW(host)+path, maxReferrer)}
}

func normalHost(h string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(h)), ".")
}

func trimWWW(h string) string { return strings.TrimPrefix(h, "www.") }

// isPublic tells whether a host is a place on the public internet: it has a
// dot, isn't an IP address (nobody's name is one) and not a local name.
func isPublic(host string) bool {
	if len(host) > 253 || !strings.Contains(host, ".") || strings.Contains(host, "..") || host[0] == '.' {
		return false
	}
	for i := range len(host) {
		// Letters, digits, '-', '.', '_' and international names in UTF-8.
		if b := host[i]; b < 0x80 && !(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '.' || b == '_') {
			return false
		}
	}
	if printable(host) != host {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	for _, local := range []string{".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test"} {
		if strings.HasSuffix(host, local) {
			return false
		}
	}
	return true
}

// cutCountry cuts a host's country: "google.co.kr" is the brand "google",
// "news.google.de" is "news.google". ok is false when what follows isn't the
// end of a domain name.
func cutCountry(host string) (brand string, ok bool) {
	i := strings.LastIndexByte(host, '.')
	if i <= 0 {
		return "", false
	}
	brand, top := host[:i], host[i+1:]
	if len(top) != 2 && top != "com" && top != "net" && top != "cat" {
		return "", false
	}
	if len(top) == 2 {
		for _, second := range []string{".co", ".com", ".ne", ".or", ".net", ".org"} {
			if b, cut := strings.CutSuffix(brand, second); cut {
				return b, b != ""
			}
		}
	}
	return brand, true
}
