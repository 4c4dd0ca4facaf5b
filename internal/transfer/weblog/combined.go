package weblog

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"moonbear/internal/transfer"
)

// combined reads the line that Apache and nginx write,
//
//	192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 512 "https://example.org/" "Mozilla/5.0 …"
//
// with the virtual host before it (%v or %v:%p) and other fields after it, or
// not. The common format ends after the size.
//
// https://httpd.apache.org/docs/2.4/logs.html, https://nginx.org/en/docs/http/ngx_http_log_module.html
type combined struct {
	common bool
	zones  zone
}

func newCombined(transfer.Settings) parser { return &combined{} }
func newCommon(transfer.Settings) parser   { return &combined{common: true} }

func looksCombined(h *transfer.Head) string { return looks(h, &combined{}, nil) }
func looksCommon(h *transfer.Head) string   { return looks(h, &combined{common: true}, nil) }

// What may be wrong with a line.
var (
	errNoTime    = errors.New("there is no time in brackets, such as [17/May/2015:10:05:03 +0000]")
	errNoRequest = errors.New("there is no request in quotes, such as \"GET / HTTP/1.1\"")
	errNoStatus  = errors.New("there is no status of three digits after the request")
	errNoAgent   = errors.New("there are no referrer and user agent in quotes after the size")
	errAgent     = errors.New("a referrer and user agent follow the size, so it is not common but combined")
	errRequest   = errors.New("the request is not a method, an address and a protocol")
)

func (c *combined) parse(line string, q *request) (skip bool, err error) {
	open := strings.IndexByte(line, '[')
	for open >= 0 && (len(line) < open+22 || line[open+3] != '/' || line[open+7] != '/') {
		next := strings.IndexByte(line[open+1:], '[')
		if next < 0 {
			return false, errNoTime
		}
		open += 1 + next
	}
	if open < 0 {
		return false, errNoTime
	}
	end := strings.IndexByte(line[open:], ']')
	if end < 0 {
		return false, errNoTime
	}
	var ok bool
	if q.time, ok = c.zones.clf(line[open+1 : open+end]); !ok {
		return false, errNoTime
	}
	q.sender(line[:open])
	rest := strings.TrimLeft(line[open+end+1:], " ")
	text, rest, ok := quoted(rest)
	if !ok {
		return false, errNoRequest
	}
	rest = strings.TrimLeft(rest, " ")
	if q.status, rest, ok = number3(rest); !ok {
		return false, errNoStatus
	}
	if err := q.line(text); err != nil && q.status < 400 {
		return false, err // a server that answered it with an error knew as little
	}
	return false, c.tail(rest, q)
}

// tail reads what follows the status: the size, and of combined lines the
// referrer, the user agent, and whatever the operator added.
func (c *combined) tail(rest string, q *request) error {
	_, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ") // the size
	referrer, rest, ok := quoted(strings.TrimLeft(rest, " "))
	if c.common {
		if ok {
			return errAgent
		}
		return nil
	}
	if !ok {
		return errNoAgent
	}
	rest = strings.TrimLeft(rest, " ")
	agent, rest, ok := quoted(rest)
	if !ok {
		if !strings.HasPrefix(rest, `"`) {
			return errNoAgent
		}
		agent, rest = unescape(rest[1:]), "" // cut off by what carried the log here
	}
	if referrer != "-" {
		q.referrer = referrer
	}
	if q.agent = agent; agent == "" {
		q.agent = "-"
	}
	// nginx's own "main" format ends with X-Forwarded-For.
	if forwarded, _, ok := quoted(strings.TrimLeft(rest, " ")); ok {
		q.forwarded(forwarded)
	}
	return nil
}

// sender reads what stands before the time: "host ident user", perhaps with
// the virtual host before it. A user's name may have spaces.
func (q *request) sender(s string) {
	first, rest, _ := strings.Cut(strings.TrimLeft(s, " "), " ")
	second, rest, _ := strings.Cut(rest, " ")
	q.address = first
	if isAddress(first) || strings.TrimSpace(rest) == "" {
		return
	}
	// "example.com:443 192.0.2.7 - -" has a virtual host; "client.example.net -
	// - -" is a client whose name was looked up.
	if isAddress(second) || second != "-" && strings.Count(strings.TrimSpace(rest), " ") >= 1 {
		q.host, q.address = first, second
	}
}

// isAddress says whether s is an IP address, without a port.
func isAddress(s string) bool {
	if s == "" || (s[0] < '0' || s[0] > '9') && strings.IndexByte(s, ':') < 0 {
		return false // most names
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// forwarded believes X-Forwarded-For where the line's address is a private
// one, a proxy's of this network: the client is the last that is not.
func (q *request) forwarded(list string) {
	if ip, err := netip.ParseAddr(q.address); err != nil || !private(ip) {
		return
	}
	for list != "" {
		var last string
		if i := strings.LastIndexByte(list, ','); i >= 0 {
			list, last = list[:i], list[i+1:]
		} else {
			list, last = "", list
		}
		ip, err := netip.ParseAddr(strings.TrimSpace(last))
		if err != nil {
			return
		}
		if !private(ip) {
			q.address = ip.String()
			return
		}
	}
}

func private(ip netip.Addr) bool {
	return ip.Unmap().IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
}

// line reads "GET /a HTTP/1.1". An address may have spaces, and HTTP/0.9 had
// no protocol.
func (q *request) line(s string) error {
	method, rest, ok := strings.Cut(s, " ")
	if !ok || method == "" || len(method) > 20 {
		return errRequest
	}
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '_' && c != '-' {
			return errRequest
		}
	}
	if i := strings.LastIndex(rest, " HTTP/"); i >= 0 {
		rest = rest[:i]
	}
	if rest = strings.TrimSpace(rest); rest == "" {
		return errRequest
	}
	if method == "GET" && rest[0] != '/' && !strings.Contains(rest, "://") {
		return errRequest
	}
	q.method, q.target = method, rest
	return nil
}

// quoted reads a text in quotes and what follows it. In it, Apache escapes a
// quote as \" and nginx as \x22.
func quoted(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	escaped := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			text = s[1:i]
			if escaped {
				text = unescape(text)
			}
			return text, s[i+1:], true
		}
	}
	return "", s, false
}

// unescape undoes \", \\, \xHH and the escapes of control characters.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'x':
			if i+2 < len(s) && hex(s[i+1]) >= 0 && hex(s[i+2]) >= 0 {
				b = append(b, byte(hex(s[i+1])<<4|hex(s[i+2])))
				i += 2
				continue
			}
			b = append(b, '\\', c)
		case 'n', 't', 'r', 'b', 'v', 'f':
			b = append(b, ' ')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// number3 reads a status, three digits.
func number3(s string) (n int, rest string, ok bool) {
	word, rest, _ := strings.Cut(s, " ")
	if len(word) != 3 {
		return 0, s, false
	}
	for i := range 3 {
		c := word[i]
		if c < '0' || c > '9' {
			return 0, s, false
		}
		n = n*10 + int(c-'0')
	}
	return n, rest, true
}

// zone remembers the zone of the line before: a log has one or two.
type zone struct {
	text string
	loc  *time.Location
}

// clf reads "17/May/2015:10:05:03 +0000".
func (z *zone) clf(s string) (time.Time, bool) {
	if len(s) < 20 || s[2] != '/' || s[6] != '/' || s[11] != ':' || s[14] != ':' || s[17] != ':' {
		return time.Time{}, false
	}
	day, year := digits(s[0:2]), digits(s[7:11])
	hour, minute, second := digits(s[12:14]), digits(s[15:17]), digits(s[18:20])
	month := monthOf(s[3:6])
	if day < 1 || day > 31 || month == 0 || year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return time.Time{}, false
	}
	loc := time.UTC
	if rest := strings.TrimSpace(s[20:]); rest != "" {
		if rest != z.text {
			offset, ok := zoneOffset(rest)
			if !ok {
				return time.Time{}, false
			}
			z.text, z.loc = rest, time.FixedZone(rest, offset)
		}
		loc = z.loc
	}
	return time.Date(year, month, day, hour, minute, second, 0, loc), true
}

// zoneOffset reads "+0900", seconds.
func zoneOffset(s string) (int, bool) {
	if len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, m := digits(s[1:3]), digits(s[3:5])
	if h < 0 || h > 18 || m < 0 || m > 59 {
		return 0, false
	}
	if offset := h*3600 + m*60; s[0] == '+' {
		return offset, true
	} else {
		return -offset, true
	}
}

// digits reads a number of nothing but digits; -1 if it is none.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func monthOf(s string) time.Month {
	switch s {
	case "Jan":
		return time.January
	case "Feb":
		return time.February
	case "Mar":
		return time.March
	case "Apr":
		return time.April
	case "May":
		return time.May
	case "Jun":
		return time.June
	case "Jul":
		return time.July
	case "Aug":
		return time.August
	case "Sep":
		return time.September
	case "Oct":
		return time.October
	case "Nov":
		return time.November
	case "Dec":
		return time.December
	}
	return 0
}
