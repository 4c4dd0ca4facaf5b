package account

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"moonbear/internal/fault"
)

// NormaliseEmail is the one form an address is stored and compared in: without
// spaces around, NFC, lower case, domain in punycode. The local part's case is
// folded although RFC 5321 lets a server tell cases apart: none does, and people
// do not. Dots and +tags stay: they are not ours to judge. The error is a fault
// of the field "email".
func NormaliseEmail(s string) (string, error) {
	bad := func(why string) (string, error) {
		return "", fault.Field("email", fmt.Sprintf("%q is not an email address: %s.", clip(s), why))
	}
	if !utf8.ValidString(s) {
		return bad("it is not text; write it like name@example.com")
	}
	e := norm.NFC.String(strings.TrimSpace(s))
	if e == "" {
		return "", fault.Field("email", "Enter an email address, for example name@example.com.")
	}
	at := strings.LastIndexByte(e, '@')
	if at < 0 {
		return bad("it has no @; write it like name@example.com")
	}
	domain, err := idna.Lookup.ToASCII(e[at+1:])
	if again, err2 := idna.Lookup.ToASCII(domain); err != nil || err2 != nil || again != domain || domain == "" {
		return bad("what follows the @ is not a domain; write it like name@example.com")
	}
	e = norm.NFC.String(strings.ToLower(e[:at])) + "@" + domain
	// 254 is the longest path SMTP can carry (RFC 5321, erratum 1690).
	if len(e) > 254 {
		return bad("it is longer than 254 characters")
	}
	// ParseAddress also takes `Bob <bob@example.com>` and comments; an address
	// alone comes back as it went in.
	a, err := mail.ParseAddress(e)
	if err != nil || a.Name != "" || a.Address != e || strings.ContainsFunc(e, unicode.IsSpace) {
		return bad("write it like name@example.com")
	}
	return e, nil
}

// clip keeps a message readable when a whole document was pasted.
func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
