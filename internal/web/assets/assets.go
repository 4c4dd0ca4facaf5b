// Package assets holds the pages' built files: style, script and icon.
//
// src/ is what people write; build/ makes dist/ of it with esbuild; dist/ is
// committed and embedded, so that building Moonbear needs Go alone.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed dist/*
var dist embed.FS

// Files are the built files, each under a name with its content's hash, so
// that a browser may keep it for ever.
type Files struct {
	urls   map[string]string // "style.css" → "/assets/style.3f2a….css"
	byName map[string]file   // "style.3f2a….css"
}

type file struct{ plain, zipped []byte }

// contentTypes of what is built; nothing else is served.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// Open reads, names and compresses the files once.
func Open() (*Files, error) {
	f := &Files{urls: map[string]string{}, byName: map[string]file{}}
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("read the assets: %w", err)
	}
	for _, e := range entries {
		ext := path.Ext(e.Name())
		if contentTypes[ext] == "" {
			continue
		}
		body, err := dist.ReadFile("dist/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("read the assets: %w", err)
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err = z.Write(body)
		if err = errors.Join(err, z.Close()); err != nil {
			return nil, fmt.Errorf("compress %s: %w", e.Name(), err)
		}
		sum := sha256.Sum256(body)
		name := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		f.urls[e.Name()] = "/assets/" + name
		f.byName[name] = file{body, b.Bytes()}
	}
	return f, nil
}

// URL is where a file is, "" when there is none of this name.
func (f *Files) URL(name string) string { return f.urls[name] }

// Serve answers a request for a file by its hashed name.
func (f *Files) Serve(w http.ResponseWriter, r *http.Request, name string) {
	e, ok := f.byName[name]
	if !ok {
		http.Error(w, "There is nothing here.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentTypes[path.Ext(name)])
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Vary", "Accept-Encoding")
	body := e.plain
	// Every browser that runs the pages takes gzip; "gzip;q=0" is unheard of
	// for assets, and a client that sends it gets a page without style.
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body = e.zipped
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the asker has gone; there is nobody to tell
	}
}
