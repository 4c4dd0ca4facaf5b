package geo

import (
	_ "embed"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The built-in database puts the whole of APNIC's share of 2001::/16 into
// Australia, where APNIC's office is: the IPv6 of KT, SK Telecom, CERNET and
// WIDE among it. What another database (iptoasn, by announced routes) says of
// these networks is in data/corrections.tsv; the rest of them is "not known".
//
//go:embed data/corrections.tsv
var correctionList string

// correction is a network and its true country; networks don't overlap.
type correction struct {
	network netip.Prefix
	country string
}

// wrongBlocks are APNIC's blocks in 2001::/16 (IANA's IPv6 unicast registry).
func wrongBlocks() []netip.Prefix {
	var blocks []netip.Prefix
	for _, b := range []string{"2001:200::/23", "2001:c00::/23", "2001:e00::/23", "2001:4400::/23", "2001:8000::/19", "2001:a000::/20", "2001:b000::/20"} {
		blocks = append(blocks, netip.MustParsePrefix(b))
	}
	return blocks
}

// corrections is the list, sorted by address.
type corrections struct {
	blocks []netip.Prefix
	list   []correction
}

func readCorrections(text string) (*corrections, error) {
	c := &corrections{blocks: wrongBlocks()}
	for line := range strings.Lines(text) {
		if line[0] == '#' {
			continue
		}
		network, country, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		p, err := netip.ParsePrefix(network)
		if err != nil || len(country) != 2 {
			return nil, fmt.Errorf("correction %q: wants a network, a tab and a country", line)
		}
		c.list = append(c.list, correction{p, country})
	}
	slices.SortFunc(c.list, func(a, b correction) int { return a.network.Addr().Compare(b.network.Addr()) })
	return c, nil
}

// place corrects what the database says of an address.
func (c *corrections) place(addr netip.Addr, p Place) Place {
	if c == nil || p.Country != "AU" || !addr.Is6() {
		return p
	}
	if !slices.ContainsFunc(c.blocks, func(b netip.Prefix) bool { return b.Contains(addr) }) {
		return p
	}
	i, exact := slices.BinarySearchFunc(c.list, addr, func(x correction, a netip.Addr) int { return x.network.Addr().Compare(a) })
	if !exact {
		i--
	}
	if i >= 0 && c.list[i].network.Contains(addr) {
		return Place{Country: c.list[i].country}
	}
	return Place{}
}
