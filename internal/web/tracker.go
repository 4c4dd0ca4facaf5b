package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// script is the tracker ready to be sent: it is asked for on every page of
// every site, so nothing is made at request time.
type script struct {
	plain, zipped []byte
	etag          string
}

// newScript makes the two forms once.
func newScript(o Script) (script, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return script{}, fmt.Errorf("compress the tracker: %w", err)
	}
	_, err = z.Write(o.Body)
	if err = errors.Join(err, z.Close()); err != nil {
		return script{}, fmt.Errorf("compress the tracker: %w", err)
	}
	etag := o.ETag
	if etag == "" {
		sum := sha256.Sum256(o.Body)
		etag = `"` + hex.EncodeToString(sum[:8]) + `"`
	}
	if !strings.HasPrefix(etag, `"`) {
		etag = `"` + etag + `"`
	}
	return script{plain: o.Body, zipped: b.Bytes(), etag: etag}, nil
}

// scriptCache: an hour fresh, a week still good while a newer one is fetched
// behind it. The script is asked for by "?site=", which is part of the key of
// every cache, so an update reaches all sites within the hour.
const scriptCache = "public, max-age=3600, stale-while-revalidate=604800"

// serve answers GET and HEAD /analytics.js. Any page may load it, with or
// without crossorigin, also under COEP: require-corp.
func (s script) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", scriptCache)
	h.Set("ETag", s.etag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Timing-Allow-Origin", "*")
	if matches(r.Header.Get("If-None-Match"), s.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := s.plain
	if acceptsGzip(r) {
		body = s.zipped
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the asker has gone; there is nobody to tell
	}
}

// matches reads If-None-Match by weak comparison, as RFC 9110 asks for it:
// proxies that compress make tags weak.
func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}
