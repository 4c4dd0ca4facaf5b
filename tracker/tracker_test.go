package tracker_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"moonbear/tracker"
)

func TestHandler(t *testing.T) {
	h, err := tracker.Handler()
	if err != nil {
		t.Fatal(err)
	}
	script, tag := tracker.Script()
	vitals, vitalsTag := tracker.Vitals()
	if tag == vitalsTag {
		t.Error("both files have one ETag")
	}
	gz := tag[:len(tag)-1] + `-gz"`
	tests := []struct {
		name, method, url, encoding, match string
		status                             int
		etag, coding                       string
		body                               []byte
	}{
		{"plain", "GET", "/a.js?site=S", "", "", 200, tag, "", script},
		{"gzipped", "GET", "/a.js?site=S", "br, GZIP;q=0.5", "", 200, gz, "gzip", script},
		{"gzip refused", "GET", "/a.js", "gzip;q=0", "", 200, tag, "", script},
		{"vitals", "GET", "/a.js?vitals", "", "", 200, vitalsTag, "", vitals},
		{"known", "GET", "/a.js", "", `"x", ` + tag, 304, tag, "", nil},
		{"known weakly", "GET", "/a.js", "gzip", "W/" + gz, 304, gz, "", nil},
		{"known otherwise encoded", "GET", "/a.js", "gzip", tag, 200, gz, "gzip", script},
		{"any", "GET", "/a.js", "", "*", 304, tag, "", nil},
		{"head", "HEAD", "/a.js", "", "", 200, tag, "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.url, nil)
			r.Header.Set("Accept-Encoding", test.encoding)
			r.Header.Set("If-None-Match", test.match)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status || w.Header().Get("ETag") != test.etag || w.Header().Get("Content-Encoding") != test.coding {
				t.Errorf("%d %v", w.Code, w.Header())
			}
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin":  "*",
				"Cross-Origin-Resource-Policy": "cross-origin",
				"Vary":                         "Accept-Encoding",
			} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if got := decoded(t, w); !bytes.Equal(got, test.body) {
				t.Errorf("the body is %d bytes, want %d", len(got), len(test.body))
			}
		})
	}
}

func decoded(t *testing.T, w *httptest.ResponseRecorder) []byte {
	t.Helper()
	if w.Header().Get("Content-Encoding") != "gzip" || w.Code != http.StatusOK {
		return w.Body.Bytes()
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
