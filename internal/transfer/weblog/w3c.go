package weblog

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"moonbear/internal/transfer"
)

// w3c reads the W3C extended log format: a line "#Fields: date time …" says
// what is in the lines after it, and another may follow anywhere. CloudFront
// parts fields by tabs and percent-encodes what is in them; IIS parts them by
// spaces and writes a plus for a space in them. Times are UTC.
//
// https://www.w3.org/TR/WD-logfile.html,
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html,
// https://learn.microsoft.com/windows/win32/http/w3c-logging
type w3c struct {
	iis    bool
	fields []w3cField // of the lines now; nil: not told yet
}

// w3cField is what a field is to us.
type w3cField byte

const (
	ignored w3cField = iota
	date
	clock
	method_
	stem
	query
	statusCode
	host
	realHost
	address
	forwardedFor
	agent
	referrer
	contentType
)

var w3cFields = map[string]w3cField{
	"date": date, "time": clock, "cs-method": method_, "cs-uri-stem": stem, "cs-uri-query": query,
	"sc-status": statusCode, "cs-host": host, "cs(host)": host, "x-host-header": realHost,
	"c-ip": address, "x-forwarded-for": forwardedFor, "cs(x-forwarded-for)": forwardedFor,
	"cs(user-agent)": agent, "cs(referer)": referrer, "sc-content-type": contentType,
}

var (
	errNoFields  = errors.New("no #Fields line says what is in it")
	errFewFields = errors.New("it has fewer fields than its #Fields line names")
	errNoDate    = errors.New("its date and time are not like 2026-11-22 10:05:03")
)

func newCloudFront(transfer.Settings) parser { return &w3c{} }
func newIIS(transfer.Settings) parser        { return &w3c{iis: true} }

func looksCloudFront(h *transfer.Head) string {
	if fields := firstFields(h); !strings.Contains(fields, "x-edge-location") {
		return "no #Fields line at its beginning names x-edge-location"
	}
	return looks(h, &w3c{}, nil)
}

func looksIIS(h *transfer.Head) string {
	fields := firstFields(h)
	switch {
	case fields == "":
		return "it does not begin with a #Fields line"
	case strings.Contains(fields, "x-edge-location"):
		return "its #Fields are CloudFront's"
	}
	return looks(h, &w3c{iis: true}, nil)
}

// firstFields finds the #Fields line among the comments a file begins with.
func firstFields(h *transfer.Head) string {
	for line := range bytes.Lines(bytes.TrimPrefix(h.Bytes, []byte{0xef, 0xbb, 0xbf})) {
		if len(line) > 0 && line[0] != '#' && len(bytes.TrimSpace(line)) > 0 {
			return ""
		}
		if rest, ok := cutFields(string(bytes.TrimSpace(line))); ok {
			return strings.ToLower(rest)
		}
	}
	return ""
}

func cutFields(line string) (fields string, ok bool) {
	const mark = "#fields:"
	if len(line) < len(mark) || !strings.EqualFold(line[:len(mark)], mark) {
		return "", false
	}
	return strings.TrimSpace(line[len(mark):]), true
}

func (w *w3c) parse(line string, q *request) (skip bool, err error) {
	if line[0] == '#' {
		if names, ok := cutFields(line); ok {
			return true, w.setFields(names)
		}
		return true, nil
	}
	if w.fields == nil {
		return false, errNoFields
	}
	v, err := w.values(line)
	if err != nil {
		return false, err
	}
	if q.time, err = w.time(v[date], v[clock]); err != nil {
		return false, err
	}
	if q.status = digits(v[statusCode]); q.status < 0 || v[statusCode] == "" {
		q.status = 0
	}
	if w.iis {
		w.iisValues(&v)
	} else {
		cloudFrontValues(&v)
	}
	return false, v.request(q)
}

// setFields reads what a #Fields line names.
func (w *w3c) setFields(names string) error {
	fields := make([]w3cField, 0, 32)
	for name := range strings.FieldsSeq(names) {
		fields = append(fields, w3cFields[strings.ToLower(name)])
	}
	w.fields = fields
	return nil
}

// w3cValues are a line's fields by what they are; "" is absent.
type w3cValues [contentType + 1]string

func (w *w3c) values(line string) (v w3cValues, err error) {
	parting := byte('\t')
	if w.iis {
		parting = ' '
	}
	rest, more := line, true
	for _, f := range w.fields {
		if !more {
			return v, errFewFields
		}
		var value string
		if i := strings.IndexByte(rest, parting); i >= 0 {
			value, rest = rest[:i], rest[i+1:]
		} else {
			value, rest, more = rest, "", false
		}
		if f != ignored {
			v[f] = value
		}
	}
	return v, nil
}

// time reads date and time.
func (w *w3c) time(date, clock string) (time.Time, error) {
	if len(date) != 10 || len(clock) < 8 || date[4] != '-' || clock[2] != ':' {
		return time.Time{}, errNoDate
	}
	y, m, d := digits(date[:4]), digits(date[5:7]), digits(date[8:])
	h, n, s := digits(clock[:2]), digits(clock[3:5]), digits(clock[6:8])
	if y < 0 || m < 1 || m > 12 || d < 1 || d > 31 || h < 0 || h > 23 || n < 0 || n > 59 || s < 0 || s > 60 {
		return time.Time{}, errNoDate
	}
	return time.Date(y, time.Month(m), d, h, n, s, 0, time.UTC), nil
}

// iisValues undoes what IIS does to texts: a plus stands for a space, and a
// real plus can't be told from it. A referrer's are left: there they are the
// browser's own.
func (w *w3c) iisValues(v *w3cValues) {
	v[agent] = strings.ReplaceAll(v[agent], "+", " ")
	v[stem] = strings.ReplaceAll(v[stem], "+", "%20")
}

// cloudFrontValues undoes the percent-encoding of headers, which is done twice
// in older files. The path's is the browser's own, once more encoded only where
// CloudFront had to.
func cloudFrontValues(v *w3cValues) {
	for _, f := range []w3cField{agent, referrer} {
		for range 2 {
			if strings.IndexByte(v[f], '%') < 0 || f == referrer && strings.Contains(v[f], "://") {
				break
			}
			text, err := url.PathUnescape(v[f])
			if err != nil {
				break
			}
			v[f] = text
		}
	}
	v[stem] = strings.ReplaceAll(v[stem], "%25", "%")
	if v[realHost] != "" && v[realHost] != "-" {
		v[host] = v[realHost]
	}
}

// request makes a request of the values.
func (v *w3cValues) request(q *request) error {
	for i := range v {
		if v[i] == "-" && w3cField(i) != agent {
			v[i] = ""
		}
	}
	q.method, q.host, q.address = v[method_], v[host], v[address]
	q.referrer, q.agent, q.contentType = v[referrer], v[agent], v[contentType]
	if q.method == "" || v[stem] == "" {
		return fmt.Errorf("its fields name no method or no address (cs-method, cs-uri-stem)")
	}
	if q.target = v[stem]; v[query] != "" {
		q.target += "?" + v[query]
	}
	if q.target[0] != '/' && q.method == "GET" {
		return errRequest
	}
	if v[forwardedFor] != "" {
		q.forwarded(strings.ReplaceAll(v[forwardedFor], "+", ""))
	}
	return nil
}
