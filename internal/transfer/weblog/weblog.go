// Package weblog reads the logs of web servers. A line goes
//
//	combined.go, w3c.go, s3.go, json.go   line → request
//	page.go                               request → Record, or why it is no page
package weblog

import (
	"bytes"
	"strconv"
	"time"

	"moonbear/internal/transfer"
)

// Formats are those of this package.
func Formats() []transfer.Format {
	return []transfer.Format{
		{Name: "combined", Title: "Apache or nginx, combined log format", Looks: looksCombined, Open: opens(newCombined)},
		{Name: "common", Title: "Apache, common log format", Looks: looksCommon, Open: opens(newCommon)},
		{Name: "caddy", Title: "Caddy's JSON access log", Looks: looksCaddy, Open: opens(newCaddy)},
		{Name: "cloudfront", Title: "CloudFront standard log", Looks: looksCloudFront, Open: opens(newCloudFront)},
		{Name: "s3", Title: "S3 server access log", Looks: looksS3, Open: opens(newS3)},
		{Name: "iis", Title: "IIS, W3C extended log format", Looks: looksIIS, Open: opens(newIIS)},
		{Name: "json", Title: "a JSON object a line, such as nginx writes them", Looks: looksJSON, Open: opens(newJSON)},
	}
}

// request is what a line says, as the server wrote it: escapes undone, and ""
// for what it doesn't say.
type request struct {
	time     time.Time
	method   string
	target   string // path and query, or a whole address
	host     string
	status   int // 0: not told
	address  string
	agent    string // "-": none was sent; "": the format doesn't tell
	referrer string

	purpose     string // Sec-Purpose and its kin: "prefetch"
	destination string // Sec-Fetch-Dest: "document", "empty" …
	contentType string // of the answer
}

// parser reads a line. It returns an error that says, as the end of a
// sentence, what is wrong with it; skip is true of headers and comments.
type parser interface {
	parse(line string, q *request) (skip bool, err error)
}

// source is the Source of every format here.
type source struct {
	lines  *transfer.Lines
	parser parser
	q      request
}

func opens(p func(transfer.Settings) parser) func(*transfer.Input, transfer.Settings) (transfer.Source, error) {
	return func(in *transfer.Input, s transfer.Settings) (transfer.Source, error) {
		lines, err := in.Lines()
		if err != nil {
			return nil, err
		}
		return &source{lines: lines, parser: p(s)}, nil
	}
}

// Next implements transfer.Source.
func (s *source) Next(it *transfer.Item) error {
	for {
		line, err := s.lines.Next()
		if err != nil {
			return err
		}
		it.Line = line.Number
		if line.Long {
			it.Drop = transfer.Drop{Reason: transfer.TooLong}
			return nil
		}
		s.q = request{}
		skip, err := s.parser.parse(string(line.Text), &s.q)
		switch {
		case skip:
			continue
		case err != nil && line.Torn:
			it.Drop = transfer.Drop{Reason: transfer.Torn}
		case err != nil:
			it.Drop = transfer.Drop{Reason: transfer.Malformed, Detail: err.Error()}
		default:
			s.q.page(it)
		}
		return nil
	}
}

// looks tries a parser on the first whole lines of a file: most of them must be
// readable.
func looks(h *transfer.Head, p parser, like func(line []byte) string) (whyNot string) {
	if h.Members != nil {
		return "a zip is no log"
	}
	const enough = 50
	good, bad, n := 0, 0, 0
	why := ""
	for rest := bytes.TrimPrefix(h.Bytes, []byte{0xef, 0xbb, 0xbf}); len(rest) > 0 && good+bad < enough; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		rest = after
		line = bytes.TrimSuffix(line, []byte{'\r'})
		n++
		if len(line) == 0 || !whole && good+bad > 0 {
			continue
		}
		if like != nil {
			if not := like(line); not != "" {
				return at(n) + not
			}
		}
		var q request
		skip, err := p.parse(string(line), &q)
		switch {
		case skip:
		case err != nil:
			if bad++; why == "" {
				why = at(n) + err.Error()
			}
		default:
			good++
		}
	}
	switch {
	case good+bad == 0:
		return "there is no line of a request"
	case bad > good:
		return why
	}
	return ""
}

func at(n int) string { return "line " + strconv.Itoa(n) + ": " }
