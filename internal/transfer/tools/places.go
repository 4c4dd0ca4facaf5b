package tools

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// countries are English and Korean names of countries, in lower case, and their
// codes: what golang.org/x/text calls them and what Google does, where it differs.
var countries = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	english, korean := display.English.Regions(), display.Korean.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			if r, err := language.ParseRegion(code); err == nil && r.IsCountry() && r.String() == code {
				for _, name := range [...]string{english.Name(r), korean.Name(r)} {
					m[plain(name)] = code
				}
			}
		}
	}
	for name, code := range map[string]string{
		"türkiye": "TR", "turkiye": "TR", "turkey": "TR", "czechia": "CZ", "czech republic": "CZ", "eswatini": "SZ", "swaziland": "SZ",
		"north macedonia": "MK", "macedonia (fyrom)": "MK", "hong kong": "HK", "macao": "MO", "macau": "MO", "myanmar": "MM", "myanmar (burma)": "MM",
		"palestine": "PS", "congo - kinshasa": "CD", "congo - brazzaville": "CG", "dr congo": "CD", "democratic republic of the congo": "CD", "cote d'ivoire": "CI", "ivory coast": "CI",
		"korea": "KR", "republic of korea": "KR", "usa": "US", "united states of america": "US", "uk": "GB", "great britain": "GB", "russian federation": "RU", "viet nam": "VN",
		"튀르키예": "TR", "홍콩": "HK", "마카오": "MO", "bosnia and herzegovina": "BA", "trinidad and tobago": "TT", "antigua and barbuda": "AG", "st. lucia": "LC", "cape verde": "CV", "the bahamas": "BS", "the gambia": "GM",
		"u.s. virgin islands": "VI", "são tomé and príncipe": "ST", "saint kitts and nevis": "KN", "saint vincent and the grenadines": "VC", "kosovo": "XK",
	} {
		m[plain(name)] = code
	}
	delete(m, "")
	return m
})

// plain is a name without what people write differently.
func plain(s string) string {
	return strings.NewReplacer("’", "'", " and ", " & ", "st. ", "saint ").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// country gives the ISO 3166-1 code of a code or a name.
func country(s string) string {
	s = told(s)
	if len(s) == 2 {
		c := strings.ToUpper(s)
		if r, err := language.ParseRegion(c); err == nil && r.IsCountry() && c != "ZZ" {
			return c
		}
		return ""
	}
	return countries()[plain(s)]
}

// region gives the ISO 3166-2 code of "US-TX", or of "TX" within a country.
func region(country, s string) string {
	s = strings.ToUpper(told(s))
	if c, rest, ok := strings.Cut(s, "-"); ok {
		if len(c) == 2 && subdivision(rest) && (country == "" || c == country) {
			return s
		}
		return ""
	}
	if len(country) == 2 && subdivision(s) {
		return country + "-" + s
	}
	return ""
}

func subdivision(s string) bool {
	if len(s) < 1 || len(s) > 3 {
		return false
	}
	for i := range len(s) {
		if (s[i] < 'A' || s[i] > 'Z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// languageTag puts a BCP 47 tag in its usual case; what isn't one is not known.
func languageTag(s string) string {
	s = told(s)
	if len(s) < 2 || len(s) > 35 {
		return ""
	}
	t, err := language.Raw.Parse(s)
	if err != nil {
		return ""
	}
	return t.String()
}
