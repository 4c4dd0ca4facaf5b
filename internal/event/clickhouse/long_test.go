package clickhouse

import (
	"os"
	"testing"
)

// long skips a test that takes ten seconds or more, but where everything is
// tested: make test sets TEST_LONG, so that go test ./... stays a short loop.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
}
