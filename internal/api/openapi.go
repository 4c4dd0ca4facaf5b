package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"moonbear/internal/account"
)

// document is the OpenAPI document, ready to be sent.
type document struct {
	plain, zipped []byte
	etag          string
}

func newDocument(text []byte) document {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		panic(err) // memory doesn't fail
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return document{plain: text, zipped: b.Bytes(), etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// openAPI answers with the document of this API: GET /v1/openapi.json
func (a *API) openAPI(w http.ResponseWriter, r *http.Request, _ account.Token) error {
	h := w.Header()
	h.Set("ETag", a.document.etag)
	// It changes with the server's version; no-cache is to ask each time, which
	// costs an empty answer.
	h.Set("Cache-Control", "public, no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Access-Control-Allow-Origin", "*") // editors of OpenAPI are pages of elsewhere
	if strings.Contains(r.Header.Get("If-None-Match"), a.document.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	body := a.document.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.document.zipped
	}
	_, _ = w.Write(body) // the asker has gone; there is nobody to tell
	return nil
}
