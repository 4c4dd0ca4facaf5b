package weblog

import (
	"errors"
	"strings"

	"moonbear/internal/transfer"
)

// s3 reads the server access log of a bucket, which is a website or has one's
// files:
//
//	OWNER BUCKET [06/Feb/2026:00:00:38 +0000] IP REQUESTER ID OPERATION KEY "GET /a HTTP/1.1" 200 - 113 113 7 5 "REFERRER" "AGENT" - HOSTID - - - HOST TLS
//
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
type s3 struct{ zones zone }

func newS3(transfer.Settings) parser { return &s3{} }

func looksS3(h *transfer.Head) string { return looks(h, &s3{}, nil) }

var (
	errS3         = errors.New("it is not owner, bucket, time, address, requester, ID, operation, key and request")
	errS3NoAgent  = errors.New("there are no referrer and user agent in quotes")
	errS3Internal = "an operation of S3 itself"
)

func (s *s3) parse(line string, q *request) (skip bool, err error) {
	_, rest, _ := strings.Cut(line, " ") // the owner
	bucket, rest, _ := strings.Cut(rest, " ")
	if bucket == "" || !strings.HasPrefix(rest, "[") {
		return false, errS3
	}
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return false, errNoTime
	}
	var ok bool
	if q.time, ok = s.zones.clf(rest[1:end]); !ok {
		return false, errNoTime
	}
	var f [5]string // address, requester, ID, operation, key
	rest = strings.TrimLeft(rest[end+1:], " ")
	for i := range f {
		f[i], rest, _ = strings.Cut(rest, " ")
	}
	operation := f[3]
	if strings.Count(operation, ".") < 2 && !strings.HasPrefix(operation, "S3.") {
		return false, errS3
	}
	text, rest, ok := quoted(rest)
	if !ok { // "-": no request came from outside
		q.method = errS3Internal
		return false, nil
	}
	if q.status, rest, ok = number3(strings.TrimLeft(rest, " ")); !ok {
		q.status = 0 // "-"
		_, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	}
	if err := q.line(text); err != nil && q.status < 400 {
		return false, err
	}
	if !strings.HasSuffix(operation, ".GET.OBJECT") {
		if q.method == "GET" && q.status < 400 {
			q.method = errS3Internal // a list, a policy: no file of the site
		}
	}
	q.address = f[0]
	return false, q.s3Tail(rest, bucket)
}

// s3Tail reads what follows the status: five numbers and words, the referrer,
// the user agent, and, five words on, the host name.
func (q *request) s3Tail(rest, bucket string) error {
	at := strings.IndexByte(rest, '"')
	if at < 0 {
		return errS3NoAgent
	}
	referrer, rest, ok := quoted(rest[at:])
	if !ok {
		return errS3NoAgent
	}
	agent, rest, ok := quoted(strings.TrimLeft(rest, " "))
	if !ok {
		return errS3NoAgent
	}
	if referrer != "-" {
		q.referrer = referrer
	}
	if q.agent = agent; agent == "" {
		q.agent = "-"
	}
	words := strings.Fields(rest) // version, host ID, signature, cipher, authentication, host …
	if len(words) > 5 && words[5] != "-" {
		q.host = words[5]
	}
	// Addressed by path, the bucket is the path's first part and the host is
	// Amazon's.
	if strings.HasPrefix(q.host, "s3.") || strings.HasPrefix(q.host, "s3-") || q.host == "" {
		if path, ok := strings.CutPrefix(q.target, "/"+bucket+"/"); ok {
			q.target = "/" + path
		}
	}
	if strings.HasSuffix(q.host, ".amazonaws.com") {
		q.host = "" // no name that the site's readers know
	}
	return nil
}
