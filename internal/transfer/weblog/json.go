package weblog

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/collect"
	"moonbear/internal/transfer"
)

// jsonLog reads a JSON object a line. Fields go by the names below, in any
// case, with or without hyphens, underscores and dots, at the top or inside an
// object whose name is put before them ("request.method" is requestmethod):
// what nginx's documentation and its users write in a log_format escape=json,
// and Traefik, Cloudflare's Logpush and Google's load balancers by themselves.
type jsonLog struct {
	caddy bool
	zones zone
}

func newJSON(transfer.Settings) parser  { return &jsonLog{} }
func newCaddy(transfer.Settings) parser { return &jsonLog{caddy: true} }

// field is what a member of the object is to us.
type field byte

const (
	fieldTime field = iota + 1
	fieldMethod
	fieldLine
	fieldTarget
	fieldQuery
	fieldStatus
	fieldHost
	fieldAddress
	fieldForwarded
	fieldAgent
	fieldReferrer
	fieldPurpose
	fieldDestination
	fieldContentType
	fields
)

// jsonNames are the names of fields, without case, hyphens, underscores and
// dots. Of two that mean the same, the first in a line counts.
var jsonNames = named(map[field]string{
	fieldTime: `time timestamp @timestamp ts date datetime timeiso8601 timelocal msec starttime startutc
		edgestarttimestamp requesttimestamp`,
	fieldMethod:      `method requestmethod httpmethod verb clientrequestmethod httprequestrequestmethod csmethod`,
	fieldLine:        `request requestline`,
	fieldTarget:      `uri url requesturi requesturl path requestpath httpurl clientrequesturi httprequestrequesturl originaluri`,
	fieldQuery:       `args query querystring`,
	fieldStatus:      `status statuscode responsestatus responsecode httpstatus downstreamstatus edgeresponsestatus httprequeststatus response`,
	fieldHost:        `host hostname httphost requesthost vhost servername clientrequesthost`,
	fieldAddress:     `remoteaddr remoteip remotehost clientip clienthost ip client address httprequestremoteip requestclientip requestremoteip clientaddr`,
	fieldForwarded:   `xforwardedfor httpxforwardedfor forwardedfor requestheadersxforwardedfor`,
	fieldAgent:       `httpuseragent useragent agent ua requestuseragent clientrequestuseragent httprequestuseragent requestheadersuseragent headersuseragent`,
	fieldReferrer:    `httpreferer httpreferrer referer referrer requestreferer clientrequestreferer httprequestreferer requestheadersreferer headersreferer`,
	fieldPurpose:     `secpurpose purpose xpurpose xmoz httpsecpurpose httppurpose httpxpurpose httpxmoz requestheaderssecpurpose requestheaderspurpose requestheadersxmoz requestheadersxpurpose`,
	fieldDestination: `secfetchdest httpsecfetchdest requestheaderssecfetchdest`,
	fieldContentType: `contenttype senthttpcontenttype respheaderscontenttype responsecontenttype edgeresponsecontenttype`,
})

func named(names map[field]string) map[string]field {
	m := map[string]field{}
	for f, list := range names {
		for name := range strings.FieldsSeq(list) {
			m[name] = f
		}
	}
	return m
}

var (
	errNotJSON    = errors.New("it is no JSON object")
	errJSONTime   = errors.New("no field tells the time: time, timestamp, @timestamp, ts, time_iso8601, time_local or msec, as RFC 3339, in seconds, or as the server writes it")
	errJSONTarget = errors.New("no field tells the address: request (\"GET / HTTP/1.1\"), uri, url, request_uri or path")
)

func looksCaddy(h *transfer.Head) string {
	return looks(h, &jsonLog{caddy: true}, func(line []byte) string {
		if !isCaddy(string(line)) {
			return "it is not JSON with an object request that has uri, host and headers"
		}
		return ""
	})
}

func looksJSON(h *transfer.Head) string {
	return looks(h, &jsonLog{}, func(line []byte) string {
		switch {
		case line[0] != '{':
			return "it does not begin with {"
		case isCaddy(string(line)):
			return "it is Caddy's"
		case strings.HasPrefix(string(line), `{"moonbear_export":`):
			return "it is Moonbear's own export"
		}
		return ""
	})
}

// isCaddy says whether a line is what Caddy writes. Other lines of its log
// (its start, its certificates) have no request at all, and are skipped.
func isCaddy(line string) bool {
	return strings.HasPrefix(line, "{") && strings.Contains(line, `"logger":"`) &&
		(strings.Contains(line, `"request":{`) && strings.Contains(line, `"uri":`) || !strings.Contains(line, `"request"`))
}

// jsonValues are a line's fields; "" is absent.
type jsonValues [fields]string

func (j *jsonLog) parse(line string, q *request) (skip bool, err error) {
	var v jsonValues
	if err := v.read(line, "", 0); err != nil {
		return false, errNotJSON
	}
	if j.caddy && v[fieldTarget] == "" {
		return true, nil // no line of a request
	}
	var ok bool
	if q.time, ok = j.time(v[fieldTime]); !ok {
		return false, errJSONTime
	}
	q.status = max(digits(v[fieldStatus]), 0)
	q.host, q.agent, q.referrer = v[fieldHost], v[fieldAgent], v[fieldReferrer]
	q.purpose, q.destination, q.contentType = v[fieldPurpose], v[fieldDestination], v[fieldContentType]
	if q.address = v[fieldAddress]; !isAddress(q.address) {
		q.address = withoutPort(q.address)
	}
	if v[fieldForwarded] != "" {
		if q.address == "" {
			q.address = "127.0.0.1" // whoever it was: a proxy
		}
		q.forwarded(v[fieldForwarded])
	}
	for _, s := range []*string{&q.referrer, &q.host, &q.address} {
		if *s == "-" {
			*s = ""
		}
	}
	if j.caddy && q.agent == "" {
		q.agent = "-" // Caddy tells all headers
	}
	return false, v.target(q)
}

// target finds what was asked for.
func (v *jsonValues) target(q *request) error {
	if line := v[fieldLine]; line != "" {
		if err := q.line(line); err != nil && q.status < 400 {
			return err
		}
		return nil
	}
	q.method, q.target = strings.ToUpper(v[fieldMethod]), v[fieldTarget]
	if q.method == "" {
		q.method = "GET"
	}
	if q.target == "" {
		return errJSONTarget
	}
	if args := v[fieldQuery]; args != "" && args != "-" && strings.IndexByte(q.target, '?') < 0 {
		q.target += "?" + strings.TrimPrefix(args, "?")
	}
	if q.target[0] != '/' && !strings.Contains(q.target, "://") && q.method == "GET" {
		return errRequest
	}
	return nil
}

// read takes the members of an object, and of those in it.
func (v *jsonValues) read(object, prefix string, depth int) error {
	return collect.ReadJSON(object, func(key string, kind collect.JSONKind, text string) error {
		name := prefix + plain(key)
		switch kind {
		case collect.JSONObject:
			if depth < 3 {
				return v.read(text, name, depth+1)
			}
		case collect.JSONList:
			if f := jsonNames[name]; f != 0 && v[f] == "" {
				v[f] = firstText(text)
			}
		case collect.JSONNull:
		default:
			if f := jsonNames[name]; f != 0 && v[f] == "" {
				v[f] = text
			}
		}
		return nil
	})
}

// firstText is the first text of a list: ["a", "b"].
func firstText(list string) string {
	first := ""
	_ = collect.ReadJSONList(list, func(kind collect.JSONKind, text string) error {
		if first == "" && kind == collect.JSONText {
			first = text
		}
		return nil
	})
	return first
}

// plain is a field's name without case, hyphens, underscores and dots.
func plain(key string) string {
	for i := range len(key) {
		if c := key[i]; c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.' {
			return strings.Map(func(r rune) rune {
				switch {
				case r >= 'A' && r <= 'Z':
					return r + 'a' - 'A'
				case r == '-', r == '_', r == '.':
					return -1
				}
				return r
			}, key)
		}
	}
	return key
}

// withoutPort is the host of "192.0.2.7:4711" and "[2001:db8::7]:4711".
func withoutPort(s string) string {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		if host, _, ok := strings.Cut(rest, "]"); ok {
			return host
		}
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.Count(s, ":") == 1 {
		return s[:i]
	}
	return s
}

// time reads RFC 3339, Unix time, or what the common log format has.
func (j *jsonLog) time(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, false
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, true
	}
	if t, ok := j.zones.clf(s); ok {
		return t, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006/01/02 15:04:05", "2006-01-02 15:04:05-07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	// Seconds, milliseconds, microseconds or nanoseconds: 1e11 seconds are the
	// year 5138, and 1e11 milliseconds 1973.
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 1e8 || f > 1e19 {
		return time.Time{}, false
	}
	for f >= 1e11 {
		f /= 1000
	}
	sec, part := math.Modf(f)
	return time.Unix(int64(sec), int64(part*1e9)).Truncate(time.Millisecond), true
}
