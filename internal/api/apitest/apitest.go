// Package apitest holds answers of the API to its OpenAPI document, and has the
// tests that need it: beside the fuzz targets of api the validator would be
// compiled for fuzzing, which takes minutes.
package apitest

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"moonbear/internal/apidoc"
)

var open = sync.OnceValues(func() (validator.Validator, []error) {
	doc, err := libopenapi.NewDocument(apidoc.Document())
	if err != nil {
		return nil, []error{err}
	}
	return validator.NewValidator(doc)
})

// one at a time: the validator's caches are not promised to be shared.
var one sync.Mutex

func checker(t testing.TB) validator.Validator {
	t.Helper()
	v, errs := open()
	if len(errs) > 0 {
		t.Fatalf("the document can't be read: %v", errs)
	}
	return v
}

// Document holds the document itself to the rules of OpenAPI 3.1.
func Document(t testing.TB) {
	t.Helper()
	one.Lock()
	defer one.Unlock()
	if ok, errs := checker(t).ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("the document: %s: %s", e.Message, e.Reason)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("  at %s: %s", s.FieldPath, s.Reason)
			}
		}
	}
}

// Request holds a request to what the document says one may be.
func Request(t testing.TB, method, path string, header http.Header, body string) {
	t.Helper()
	one.Lock()
	defer one.Unlock()
	r := request(t, method, path, header, body)
	if ok, errs := checker(t).ValidateHttpRequest(r); !ok {
		for _, e := range errs {
			t.Errorf("%s %s %s is no request of the document: %s: %s", method, path, body, e.Message, e.Reason)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("  at %s: %s", s.FieldPath, s.Reason)
			}
		}
	}
}

// Response holds an answer to the document: its status is listed there, its
// body is what it says.
func Response(t testing.TB, method, path string, status int, header http.Header, body []byte) {
	t.Helper()
	one.Lock()
	defer one.Unlock()
	if status == http.StatusOK && strings.HasPrefix(header.Get("Content-Disposition"), "attachment") {
		file(t, method, path, header)
		return
	}
	res := &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body))}
	if ok, errs := checker(t).ValidateHttpResponse(request(t, method, path, nil, ""), res); !ok {
		for _, e := range errs {
			t.Errorf("%s %s answered %d %.300s, which the document doesn't know: %s: %s", method, path, status, body, e.Message, e.Reason)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("  at %s: %s", s.FieldPath, s.Reason)
			}
		}
	}
}

// file holds an answer that is a file to the document: only its media type, for
// the validator takes a file of JSON objects for one of them.
func file(t testing.TB, method, path string, header http.Header) {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	o, err := apidoc.Find(method + " " + path)
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	if err != nil || !slices.Contains(o.Files, kind) {
		t.Errorf("%s %s answered with a file of %s, which the document doesn't know (%v)", method, path, kind, err)
	}
}

func request(t testing.TB, method, path string, header http.Header, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://server.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header.Clone()
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}
