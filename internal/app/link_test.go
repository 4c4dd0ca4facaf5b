package app

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"testing"
)

// openLink opens a one-time link as a browser does and returns the page it
// leads to.
func openLink(t *testing.T, url string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: patience}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v\n%s", url, res.StatusCode, err, b)
	}
	return string(b)
}
