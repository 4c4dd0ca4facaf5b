package tools

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"moonbear/internal/event"
)

// The most a property has, as in a hit.
const (
	maxProps = 30
	maxKey   = 300
	maxValue = 2000
	maxName  = 64
)

// otherName is the event a name becomes that can't be one here, such as a
// Korean one: with the property "name", nothing is lost.
const otherName = "Event"

// renamed are events that mean what one of ours does.
var renamed = map[string]string{
	"Outbound Link: Click": event.Outbound, "404": event.NotFound, "outbound-link-click": event.Outbound, "file_download": event.Download,
}

// eventName makes a name one that an event here may have: letters, digits and
// "_-. ", a letter first, at most 64. own is the name as it was where that had
// to go.
func eventName(s string) (name, own string) {
	s = strings.TrimSpace(s)
	if n, ok := renamed[s]; ok {
		return n, ""
	}
	b := make([]byte, 0, min(len(s), maxName))
	for _, c := range s {
		switch {
		case c >= utf8.RuneSelf:
			return otherName, cut(printable(s), maxValue)
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			b = append(b, byte(c))
		case len(b) == 0:
		case c >= '0' && c <= '9', c == '_', c == '-', c == '.':
			b = append(b, byte(c))
		case b[len(b)-1] != ' ':
			b = append(b, ' ')
		}
		if len(b) == maxName {
			break
		}
	}
	name = strings.TrimRight(string(b[:min(len(b), maxName)]), " ")
	switch {
	case s == "":
		return "", ""
	case name == "":
		return otherName, cut(printable(s), maxValue)
	case name == event.Pageview || name == event.Engagement:
		// Reserved: theirs is something else.
		return otherName, name
	}
	return name, ""
}

// property appends a property as a hit's would be kept: texts cut, addresses
// without their query.
func property(props []event.Prop, key, value string) []event.Prop {
	key, value = cut(printable(strings.TrimSpace(key)), maxKey), withoutQuery(cut(printable(value), maxValue))
	if key == "" || value == "" || len(props) >= maxProps {
		return props
	}
	i, there := slices.BinarySearchFunc(props, key, func(p event.Prop, k string) int { return strings.Compare(p.Key, k) })
	if there {
		return props
	}
	return slices.Insert(props, i, event.Prop{Key: key, Value: value})
}

// withoutQuery cuts the query and fragment of a web address: full queries are
// stored nowhere, also not in a property.
func withoutQuery(s string) string {
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
		return s
	}
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		return s[:i]
	}
	return s
}

// pathOf is the path of an address or a path, without query and fragment.
func pathOf(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
		if j := strings.IndexByte(s, '/'); j >= 0 {
			return cut(printable(s[j:]), maxValue)
		}
		return "/"
	}
	return cut(printable(s), maxValue)
}

// tagged adds a tag to an address, so that it is read as if it had come with
// it; the query is forgotten like every other.
func tagged(address, tag, value string) string {
	if value == "" {
		return address
	}
	address, fragment, _ := strings.Cut(address, "#")
	sep := "?"
	if strings.ContainsRune(address, '?') {
		sep = "&"
	}
	address += sep + tag + "=" + url.QueryEscape(value)
	if fragment != "" {
		address += "#" + fragment
	}
	return address
}
