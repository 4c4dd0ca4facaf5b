package source

import (
	"errors"
	"fmt"
	"strings"
)

// class is a source's kind, which with the medium decides the channel.
type class uint8

const (
	classNone     class = iota // no source
	classTagged                // a tag nobody listed
	classReferral              // a site or app like any other
	classSearch
	classSocial
	classVideo
	classShopping
	classEmail
	classAI
	classPaid // a network whose every click is an advertisement
	classAffiliate
)

var classes = map[string]class{
	"search": classSearch, "social": classSocial, "video": classVideo, "shopping": classShopping,
	"email": classEmail, "ai": classAI, "paid": classPaid, "affiliate": classAffiliate, "referral": classReferral,
}

// addOwn reads a line of own.tsv: name, class, hosts, aliases, apps.
func (s *Sources) addOwn(line string) error {
	col := strings.Split(line, "\t")
	if len(col) != 5 {
		return fmt.Errorf("has %d columns, wants 5", len(col))
	}
	c, ok := classes[col[1]]
	if !ok || col[0] == "" {
		return errors.New("has no name or an unknown class")
	}
	e := &entry{col[0], c}
	for h := range strings.FieldsSeq(col[2]) {
		if err := s.addHost(h, e); err != nil {
			return err
		}
	}
	for a := range strings.FieldsSeq(col[3]) {
		if err := add(s.aliases, a, e); err != nil {
			return err
		}
	}
	for a := range strings.FieldsSeq(col[4]) {
		if err := add(s.apps, strings.ToLower(a), e); err != nil {
			return err
		}
	}
	if name := strings.ToLower(e.name); s.aliases[name] == nil {
		s.aliases[name] = e
	}
	return nil
}

func (s *Sources) addHost(h string, e *entry) error {
	if host, ok := strings.CutPrefix(h, "="); ok {
		return add(s.exact, host, e)
	}
	if brand, ok := strings.CutSuffix(h, ".*"); ok {
		return add(s.brands, brand, e)
	}
	return add(s.hosts, h, e)
}

func add(m map[string]*entry, key string, e *entry) error {
	if old := m[key]; old != nil {
		return fmt.Errorf("%q is %s already", key, old.name)
	}
	m[key] = e
	return nil
}

// addReferrer reads a line of referrers.tsv: host, class, name. What own.tsv
// says of a host or a domain above it stays.
func (s *Sources) addReferrer(line string) error {
	col := strings.Split(line, "\t")
	if len(col) != 3 {
		return fmt.Errorf("has %d columns, wants 3", len(col))
	}
	c, ok := classes[col[1]]
	if !ok {
		return errors.New("has an unknown class")
	}
	if s.host(col[0]) == nil {
		s.hosts[col[0]] = &entry{col[2], c}
	}
	return nil
}

func (s *Sources) addSpammer(line string) error {
	s.spam[line] = struct{}{}
	return nil
}
