package site

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"moonbear/internal/fault"
)

// hostProfile turns what a person writes into what a browser sends: mapped to
// lower case and punycode as UTS #46 says. Underscores and odd hyphens are
// left to ldh, because host names with them exist and browsers open them.
var hostProfile = idna.New(
	idna.MapForLookup(),
	idna.BidiRule(),
	idna.CheckHyphens(false),
	idna.StrictDomainName(false),
	idna.VerifyDNSLength(true),
)

// ParseDomain turns what a person pastes, "https://Shop.com/x", into the
// domain of a site, "shop.com". Names beyond ASCII become punycode; "localhost"
// and IP addresses are taken, other names without a dot are not. The error is a
// fault of the field "domain" that says what would be right.
func ParseDomain(input string) (string, error) {
	host, err := parseHost("domain", input)
	if err != nil {
		return "", err
	}
	if !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "", fault.Field("domain", fmt.Sprintf("%q has no dot, so it is not a domain: write it like shop.com.", clip(DisplayHost(host))))
	}
	return host, nil
}

// ParseHostname is ParseDomain for one entry of the allow-list, where a name
// without a dot may be a machine in an office. The field is "hostname".
func ParseHostname(input string) (string, error) { return parseHost("hostname", input) }

// parseHost finds the host in a host name, an origin or a whole URL.
func parseHost(field, input string) (string, error) {
	bad := func(why string) (string, error) {
		return "", fault.Field(field, fmt.Sprintf("%q is not a %s: %s.", clip(input), field, why))
	}
	s := strings.TrimSpace(input)
	if s == "" {
		return "", fault.Field(field, fmt.Sprintf("Enter a %s, for example shop.com.", field))
	}
	if _, after, ok := strings.Cut(s, "//"); ok {
		s = after
	}
	if i := strings.IndexAny(s, `/?#\`); i >= 0 {
		s = s[:i]
	}
	if _, after, ok := strings.Cut(s, "@"); ok {
		return bad(fmt.Sprintf("it is an email address or has a user name in it; write only %s", clip(after)))
	}
	if strings.HasPrefix(s, "*.") {
		return bad("wildcards are not supported; allow each hostname by its name, like www." + clip(s[2:]))
	}
	if ip, ok := parseIP(s); ok {
		return ip, nil
	}
	if host, port, ok := strings.Cut(s, ":"); ok {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return bad("what follows the colon is not a port; write it like shop.com")
		}
		s = host
	}
	s = strings.TrimSuffix(s, ".")
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return bad("it has a space in it; write one name, like shop.com")
	}
	host, err := hostProfile.ToASCII(s)
	if err != nil || host == "" {
		return bad("write it like shop.com")
	}
	// Some damaged names become punycode that is itself not a name.
	if again, err := hostProfile.ToASCII(host); err != nil || again != host || strings.HasSuffix(host, ".") {
		return bad("write it like shop.com")
	}
	if i := strings.IndexFunc(host, func(r rune) bool { return !ldh(r) }); i >= 0 {
		return bad(fmt.Sprintf("%q cannot be in a host name; write it like shop.com", host[i:i+1]))
	}
	if _, err := strconv.ParseUint(host[strings.LastIndexByte(host, '.')+1:], 0, 64); err == nil {
		return bad("its last part is a number; write a name like shop.com or a whole IP address")
	}
	return host, nil
}

// parseIP reads an address with or without a port: "10.0.0.7", "[::1]:8080".
func parseIP(s string) (string, bool) {
	if h, _, err := net.SplitHostPort(s); err == nil {
		s = h
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil || ip.Zone() != "" {
		return "", false
	}
	return ip.Unmap().String(), true
}

// ldh is what a host name is made of: letters, digits, hyphen, dot; and the
// underscore, which RFC 952 forbids and browsers open.
func ldh(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.' || r == '_'
}

// DisplayHost is a host as a person writes it: "xn--hq1bm8jm9l.com" is
// "도메인.com" again. A name that is not valid is shown as it is.
func DisplayHost(host string) string {
	u, err := idna.Display.ToUnicode(host)
	if err != nil || u == "" {
		return host
	}
	return u
}

// clip keeps a message readable when a whole document was pasted.
func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
