// Package blob keeps objects where several servers reach them: in a bucket that
// speaks S3, or in a directory that they share.
//
//	BACKUP_URL → Open → Put, Get, List, Delete
//
// Nothing is asked of the bucket by Open: one that is away keeps no server from
// starting.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// ErrNotFound is Get's answer where there is no such object.
var ErrNotFound = errors.New("there is no such object")

// Bucket keeps objects by name. Slashes part names, as they do paths. It is safe
// for concurrent use.
type Bucket interface {
	// Put stores r, which has size bytes, and replaces an object of that name.
	// When it returns nil the object is durable. After an error it may be
	// there, whole, or what was before may be.
	Put(ctx context.Context, name string, r io.Reader, size int64) error
	// Get reads an object; the caller closes it.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List gives the objects whose names begin with a prefix, by name.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Delete removes an object. That there is none is no error.
	Delete(ctx context.Context, name string) error
	// Address is where the bucket is, for people: nothing in it is secret.
	Address() string
}

// Object is what List tells of one.
type Object struct {
	Name string
	Size int64 // bytes
}

// Keys are what S3 knows its users by. File buckets need none.
type Keys struct {
	ID, Secret string
	Session    string // of keys that are good for a while; "" for others
}

// Open reads a URL as in BACKUP_URL:
//
//	s3://BUCKET/PREFIX?region=REGION             Amazon's
//	s3://BUCKET/PREFIX?endpoint=https://HOST     anybody else's, by path
//	file:///PATH                                 a directory that servers share
//
// The error says what is wrong with it and what would be right.
func Open(rawURL string, keys Keys) (Bucket, error) {
	p, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	if p.dir != "" {
		return &directory{path: p.dir}, nil
	}
	if keys.ID == "" || keys.Secret == "" {
		return nil, errors.New("the keys for it are missing: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return newS3(p, keys)
}

// place is what a URL says.
type place struct {
	dir string // of file:

	bucket, prefix   string // prefix is "" or ends with a slash
	endpoint, region string // endpoint is a host and perhaps a port; "" is Amazon's
	plain            bool   // http
}

const (
	wantScheme = "want s3://BUCKET/PREFIX?endpoint=https://HOST, s3://BUCKET/PREFIX?region=REGION for Amazon's S3, or file:///PATH"
	wantKeys   = "keys don't belong into the URL, which is shown: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)

func parse(rawURL string) (place, error) {
	u, err := url.Parse(rawURL)
	if err != nil { // its own message repeats the URL, and what may be secret in it
		return place{}, errors.New("it is no URL: " + wantScheme)
	}
	if u.User != nil {
		return place{}, errors.New(wantKeys)
	}
	if u.Fragment != "" {
		return place{}, errors.New("nothing comes after a #: write it as %23 if it is part of the path")
	}
	switch u.Scheme {
	case "file":
		return parseFile(u)
	case "s3":
		return parseS3(u)
	}
	return place{}, fmt.Errorf("it begins with %q: %s", u.Scheme, wantScheme)
}

func parseFile(u *url.URL) (place, error) {
	switch {
	case u.Host != "" || u.Opaque != "" || !strings.HasPrefix(u.Path, "/"):
		return place{}, errors.New("want a whole path after three slashes, like file:///mnt/shared/moonbear")
	case u.RawQuery != "" || u.ForceQuery:
		return place{}, errors.New("file: takes nothing after a ?")
	case strings.ContainsRune(u.Path, 0):
		return place{}, errors.New("no path has a zero byte")
	}
	return place{dir: filepath.Clean(u.Path)}, nil
}

func parseS3(u *url.URL) (p place, err error) {
	p.bucket = u.Host
	if s3utils.CheckValidBucketNameStrict(p.bucket) != nil || u.Opaque != "" {
		return p, errors.New("want the bucket's name after s3:// (3 to 63 of a-z, 0-9, . and -), like s3://moonbear-backups/production")
	}
	if clean := strings.Trim(path.Clean("/"+u.Path), "/"); clean != "" {
		p.prefix = clean + "/"
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return p, errors.New("what comes after the ? can't be read: want endpoint=https://HOST, region=REGION or both, with & between them")
	}
	for name, values := range q {
		if len(values) > 1 {
			return p, fmt.Errorf("%s is given twice", name)
		}
		switch name {
		case "region":
			p.region = values[0]
		case "endpoint":
			if err := p.readEndpoint(values[0]); err != nil {
				return p, err
			}
		default:
			return p, fmt.Errorf("%q isn't known after the ?: want endpoint=https://HOST, region=REGION or both", name)
		}
	}
	if p.region == "" && p.endpoint == "" {
		return p, errors.New("where is the bucket? Add ?region=eu-central-1, or whichever Amazon keeps it in, or ?endpoint=https://HOST for anybody else's S3")
	}
	for _, r := range p.region {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return p, fmt.Errorf("region=%q is no region: they look like eu-central-1", p.region)
		}
	}
	return p, nil
}

// readEndpoint takes https://HOST, http://HOST or HOST alone.
func (p *place) readEndpoint(s string) error {
	want := errors.New("endpoint= wants a host, like https://s3.example.com or http://127.0.0.1:9000")
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return want
	case u.User != nil:
		return errors.New(wantKeys)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.Fragment != "":
		return want
	}
	if _, port, err := net.SplitHostPort(u.Host); err == nil && port == "" {
		return want
	}
	p.endpoint, p.plain = u.Host, u.Scheme == "http"
	return nil
}
