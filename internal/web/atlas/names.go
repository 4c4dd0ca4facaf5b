package atlas

import (
	_ "embed"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// renamed are the countries whose names have changed since the data of
// golang.org/x/text (CLDR 32, 2017), or that it names longer than a list has
// room for.
var renamed = map[string]map[string]string{
	"en": {"SZ": "Eswatini", "MK": "North Macedonia", "TR": "Türkiye", "HK": "Hong Kong", "MO": "Macao", "MM": "Myanmar", "PS": "Palestine",
		"CD": "DR Congo", "CG": "Congo", "UM": "U.S. Outlying Islands", "GS": "South Georgia", "CZ": "Czechia", "CI": "Côte d’Ivoire"},
	"ko": {"SZ": "에스와티니", "MK": "북마케도니아", "TR": "튀르키예", "HK": "홍콩", "MO": "마카오", "MM": "미얀마", "PS": "팔레스타인",
		"CD": "콩고 민주 공화국", "CG": "콩고", "CZ": "체코", "GS": "사우스조지아", "UM": "미국령 군소 제도"},
}

// Country names an ISO 3166-1 code in a language ("en", "ko"); what it has no
// name for it gives back.
func Country(lang, code string) string {
	if name := renamed[lang][code]; name != "" {
		return name
	}
	r, err := language.ParseRegion(code)
	if err != nil || !r.IsCountry() {
		return code
	}
	if name := display.Regions(language.Make(lang)).Name(r); name != "" {
		return name
	}
	return code
}

var (
	//go:embed data/regions.tsv
	regionsFile string
	//go:embed data/regions_ko.tsv
	koreanFile string
)

// regions are the names by language. Five thousand of them are read when the
// first is asked for.
var regions = sync.OnceValue(func() map[string]map[string]string {
	return map[string]map[string]string{"en": readNames(regionsFile), "ko": readNames(koreanFile)}
})

func readNames(text string) map[string]string {
	names := map[string]string{}
	for line := range strings.Lines(text) {
		code, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if ok && !strings.HasPrefix(line, "#") {
			names[code] = name
		}
	}
	return names
}

// Region names an ISO 3166-2 code ("KR-11": "Seoul", "서울"), in English where
// the language has no name for it; what nobody has a name for it gives back.
func Region(lang, code string) string {
	for _, l := range []string{lang, "en"} {
		if name := regions()[l][code]; name != "" {
			return name
		}
	}
	return code
}
