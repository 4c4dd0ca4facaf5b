// Package tracker holds the script that sites include, ready to serve.
//
//	page ── GET analytics.js?site=ID ──▶ Handler ── the script
//	     ── GET analytics.js?vitals  ──▶ Handler ── the vitals, when the page is idle
//	     ── POST event               ──▶ collect
//
// Both files come from one path, so whoever proxies the script under a name of
// their own proxies two things, the script and "event" beside it, and no third.
package tracker

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

//go:embed dist/analytics.js
var script []byte

//go:embed dist/vitals.js
var vitals []byte

// Script gives the script a site includes and its strong ETag, quotes
// included. The body must not be changed.
func Script() (body []byte, etag string) { return script, tag(script) }

// Vitals gives the module the script imports from its own URL with the query
// "?vitals", and its strong ETag.
func Vitals() (body []byte, etag string) { return vitals, tag(vitals) }

func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// Handler serves both files, to pages of every origin, under whatever path it
// is mounted.
func Handler() (http.Handler, error) {
	plain, err := newFile(script)
	if err != nil {
		return nil, err
	}
	second, err := newFile(vitals)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("vitals") {
			second.serve(w, r)
			return
		}
		plain.serve(w, r)
	}), nil
}

// file is a body in the two encodings it is served in.
type file struct {
	body, gzipped []byte
	etag          string
}

func newFile(body []byte) (*file, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &file{body: body, gzipped: out.Bytes(), etag: tag(body)}, nil
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	// Modules, and scripts with a crossorigin attribute, need the first; pages
	// that isolate themselves (COEP) the second.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	// An hour, so that an upgrade reaches every page the same day; a day more
	// while a new one is fetched, so that no page ever waits for that.
	h.Set("Cache-Control", "public, max-age=3600, stale-while-revalidate=86400")
	h.Set("Vary", "Accept-Encoding")
	body, etag := f.body, f.etag
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		// A strong ETag names the bytes, so each encoding has its own.
		body, etag = f.gzipped, strings.TrimSuffix(f.etag, `"`)+`-gz"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the visitor may have gone; nothing to do about it
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, 12.5.3); gzip;q=0
// refuses.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		_, q, found := strings.Cut(params, "=")
		if !found {
			return true
		}
		weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
		return err == nil && weight > 0
	}
	return false
}

// matches reads an If-None-Match header (RFC 9110, 13.1.2), which compares
// weakly: a proxy that compressed again may have put W/ before the tag.
func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}
