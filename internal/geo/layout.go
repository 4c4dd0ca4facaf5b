package geo

import (
	"errors"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// layout says where in a file's records the facts are. Publishers agree on the
// container only; the paths below are those of MaxMind (and DB-IP and
// IP2Location, who copy it), of IPinfo, and of ip-location-db's own files.
type layout struct {
	country path
	region  path // an ISO code, with or without the country's
	city    path
}

type path []any

var (
	countryPaths = []path{{"country", "iso_code"}, {"country_code"}, {"country"}}
	regionPaths  = []path{{"subdivisions", 0, "iso_code"}, {"region_code"}}
	cityPaths    = []path{{"city", "names", "en"}, {"city", "name"}, {"city"}}
)

// probeRecords is how many records are looked at before a fact counts as not
// there: the first networks of a city file (1.0.0.0/24, …) often lack a city.
const probeRecords = 5000

// probeNetworks bounds the walk through a file whose networks share few
// records, or whose tree is broken and has no end.
const probeNetworks = 200_000

// builtinLayout spares the built-in file the search for what it hasn't: 0.2 s.
var builtinLayout = layout{country: path{"country_code"}}

var errNoCountry = errors.New("is a MaxMind DB, but its records name no country (an ASN or anonymizer database?): use a Country or City edition")

// probe finds the layout of a file by trying the known paths on its records.
func probe(r *maxminddb.Reader) (layout, error) {
	var l layout
	seen, networks, last := 0, 0, uintptr(0)
	for res := range r.Networks() {
		if err := res.Err(); err != nil {
			return l, err
		}
		if networks++; networks > probeNetworks {
			break
		}
		if res.Offset() == last {
			continue
		}
		last = res.Offset()
		l.country = firstSet(l.country, countryPaths, res)
		l.region = firstSet(l.region, regionPaths, res)
		l.city = firstSet(l.city, cityPaths, res)
		if seen++; seen >= probeRecords || (l.country != nil && l.region != nil && l.city != nil) {
			break
		}
	}
	if l.country == nil {
		return l, errNoCountry
	}
	return l, nil
}

func firstSet(known path, candidates []path, res maxminddb.Result) path {
	if known != nil {
		return known
	}
	for _, p := range candidates {
		if text(res, p) != "" {
			return p
		}
	}
	return nil
}

// text reads the string at a path; "" when there is none or it isn't a string.
func text(res maxminddb.Result, p path) string {
	var s string
	if p == nil || res.DecodePath(&s, p...) != nil {
		return ""
	}
	return s
}

func (l layout) place(res maxminddb.Result) Place {
	country := strings.ToUpper(strings.TrimSpace(text(res, l.country)))
	if len(country) != 2 || country == "ZZ" || country == "XX" {
		return Place{} // "-", "ZZ" and "XX" are how publishers say "unknown"
	}
	p := Place{Country: country, City: strings.TrimSpace(text(res, l.city))}
	if p.City == "-" {
		p.City = ""
	}
	region := strings.ToUpper(strings.TrimSpace(text(res, l.region)))
	region = strings.TrimPrefix(region, country+"-")
	// ISO 3166-2: up to three letters or digits after the country.
	if len(region) >= 1 && len(region) <= 3 && region != "-" {
		p.Region = country + "-" + region
	}
	return p
}

// holds says in words which facts the file has.
func (l layout) holds() string {
	switch {
	case l.region != nil && l.city != nil:
		return "countries, regions and cities"
	case l.city != nil:
		return "countries and cities (no region codes)"
	case l.region != nil:
		return "countries and regions"
	}
	return "countries only"
}
