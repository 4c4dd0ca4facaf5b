package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// connect is how long a connection may take to be there.
	connect = 5 * time.Second
	// stalled is how long a connection may carry nothing, in neither
	// direction, before it is given up. How long a whole object takes depends
	// on its size and is bounded by nobody.
	stalled = 30 * time.Second
	// tries of a request; who asks knows better how long it may take.
	tries = 3
)

// s3 is a Bucket that speaks S3.
type s3 struct {
	core    minio.Core
	bucket  string
	prefix  string
	address string
}

func newS3(p place, keys Keys) (*s3, error) {
	o := &minio.Options{
		Creds:      credentials.NewStaticV4(keys.ID, keys.Secret, keys.Session),
		Secure:     !p.plain,
		Region:     cmp.Or(p.region, "us-east-1"), // what servers of one's own are in
		Transport:  transport(),
		MaxRetries: tries,
	}
	endpoint := p.endpoint
	address := "s3://" + p.bucket + "/" + p.prefix
	if endpoint == "" {
		endpoint = "s3." + p.region + ".amazonaws.com"
	} else {
		o.BucketLookup = minio.BucketLookupPath
		address += " at " + endpoint
	}
	c, err := minio.New(endpoint, o)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", endpoint, err)
	}
	return &s3{core: minio.Core{Client: c}, bucket: p.bucket, prefix: p.prefix, address: address}, nil
}

func transport() http.RoundTripper {
	dialer := &net.Dialer{Timeout: connect}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return lively{c}, nil
		},
		TLSHandshakeTimeout: connect,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     stalled - 5*time.Second,
		DisableCompression:  true, // objects are what they are
	}
}

// lively is a connection that breaks when nothing has moved on it for a while.
type lively struct{ net.Conn }

// Read reads, for a while.
func (l lively) Read(b []byte) (int, error) {
	_ = l.SetDeadline(time.Now().Add(stalled))
	return l.Conn.Read(b)
}

// Write writes, for a while. What is being read may take as long again.
func (l lively) Write(b []byte) (int, error) {
	_ = l.SetDeadline(time.Now().Add(stalled))
	return l.Conn.Write(b)
}

// Address implements Bucket.
func (s *s3) Address() string { return s.address }

// Put implements Bucket.
func (s *s3) Put(ctx context.Context, name string, r io.Reader, size int64) error {
	_, err := s.core.Client.PutObject(ctx, s.bucket, s.prefix+name, r, size, minio.PutObjectOptions{
		ContentType: "application/octet-stream",
	})
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", name, s.address, explained(err))
	}
	return nil
}

// Get implements Bucket.
func (s *s3) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	r, _, _, err := s.core.GetObject(ctx, s.bucket, s.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("get %s from %s: %w", name, s.address, explained(err))
	}
	return r, nil
}

// List implements Bucket.
func (s *s3) List(ctx context.Context, prefix string) (list []Object, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing's goroutine
	for o := range s.core.Client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, fmt.Errorf("list %s in %s: %w", prefix, s.address, explained(o.Err))
		}
		if strings.HasSuffix(o.Key, "/") {
			continue // a directory, as some tools make them
		}
		list = append(list, Object{Name: strings.TrimPrefix(o.Key, s.prefix), Size: o.Size})
	}
	slices.SortFunc(list, func(a, b Object) int { return cmp.Compare(a.Name, b.Name) })
	return list, ctx.Err()
}

// Delete implements Bucket.
func (s *s3) Delete(ctx context.Context, name string) error {
	err := s.core.Client.RemoveObject(ctx, s.bucket, s.prefix+name, minio.RemoveObjectOptions{})
	if err = explained(err); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("delete %s from %s: %w", name, s.address, err)
	}
	return nil
}

// explained says what to do about an answer of S3.
func explained(err error) error {
	if err == nil {
		return nil
	}
	switch minio.ToErrorResponse(err).Code {
	case minio.NoSuchKey:
		return ErrNotFound
	case minio.NoSuchBucket:
		return fmt.Errorf("the bucket doesn't exist there: make it, or see to its name (%w)", err)
	case "InvalidAccessKeyId", "XAdminUserNotFound": // the latter is Versity's
		return fmt.Errorf("AWS_ACCESS_KEY_ID isn't known there (%w)", err)
	case "SignatureDoesNotMatch":
		return fmt.Errorf("AWS_SECRET_ACCESS_KEY is not that of AWS_ACCESS_KEY_ID (%w)", err)
	case minio.AccessDenied:
		return fmt.Errorf("these keys may not do that: they need to get, put, list and delete objects (%w)", err)
	case "AuthorizationHeaderMalformed", "PermanentRedirect":
		return fmt.Errorf("the bucket is in another region: set it with region= (%w)", err)
	}
	return err
}
